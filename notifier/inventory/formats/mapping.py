"""JSON of any tool, read by the paths (JMESPath) that the configuration gives for it.

    [inventory.mapping.NAME]   one reader, called by `--from NAME`

`hosts` finds the hosts in the document, `components` the products or packages in a host; the other paths are
looked up in the component first, and then in the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from feeds.advisories.records import PRODUCTS
from feeds.core.errors import ConfigError, InventoryError, NavtexError
from notifier.config import MappingPaths
from notifier.domain.components import BadRow, Bare, Component, Found, Host, Observed, Tally, component, host_name
from notifier.inventory.formats.shared import installed_packages
from notifier.inventory.formats.shared.distributions import of_id, of_pretty
from notifier.inventory.text import Item, Text

_KINDS = {"deb": "deb", "dpkg": "deb", "apt": "deb", "rpm": "rpm", "dnf": "rpm", "yum": "rpm", "apk": "apk"}
_KINDS |= {"pacman": "pacman"}


class _Functions(jmespath.functions.Functions):  # type: ignore[misc]
    """JMESPath's functions, and `items` of its community edition: an object as a list of [key, value]."""

    @jmespath.functions.signature({"types": ["object"]})  # type: ignore[untyped-decorator]
    def _func_items(self, value: dict[str, Any]) -> list[list[Any]]:
        return [[key, inner] for key, inner in value.items()]


_OPTIONS = jmespath.Options(custom_functions=_Functions())


class _Absent(Exception):
    """Says which path gave nothing, or what cannot be read."""


class MappedFormat:
    """A reader by the paths of one mapping; ConfigError if a path is not one."""

    def __init__(self, name: str, paths: MappingPaths) -> None:
        self.NAME = name
        self.SIGN = "--from names the mapping"
        self._paths = {f: getattr(paths, f) for f in MappingPaths.__struct_fields__}
        self._compiled = {f: _compiled(name, f, path) for f, path in self._paths.items() if path}

    def recognises(self, text: Text) -> bool:
        """Never: a mapping is only used where it is named."""
        del text
        return False

    def read(self, text: Text, host: str = "") -> Iterator[Found]:
        """The hosts that the paths find; what cannot be read comes with its place and the path."""
        document: Any
        if text.is_document:
            document = text.document()
        else:
            document = []
            for item in text.items(rows=True):
                if isinstance(item, Item):
                    document.append(item.value)
                else:
                    yield item
        notes, without, told = Tally(), dict[str, None](), set[str]()
        prefix = self._paths["hosts"].removeprefix("@")
        for number, one in enumerate(self._hosts(document)):
            for found in self._host(one, f"{prefix}[{number}]", host, notes):
                if isinstance(found, Host):
                    told.add(found.name)
                elif isinstance(found, Bare):
                    without[found.name] = None
                    continue
                yield found
        # rows of one host may stand apart
        for name in without.keys() - told:
            notes.add("it shows no product that is followed", name)
        yield from notes.notes()

    def _hosts(self, document: Any) -> list[Any]:
        found = self._search("hosts", document)
        if isinstance(found, dict):
            return [found]
        if not isinstance(found, list):
            raise InventoryError(
                f"the path {self._paths['hosts']!r} (hosts) finds no list in it",
                remedy=f"See [inventory.mapping.{self.NAME}] in the configuration",
            )
        return found

    def _host(self, value: Any, where: str, given: str, notes: Tally) -> Iterator[Found]:
        """What one value of the list gives; a `Bare` where it shows no product that is followed."""
        name = ""
        try:
            name = self._name(value, given)
            identity = self._word("id", value)
            distro = self._distro(value, name, notes)
            rows = self._rows(value)
        except _Absent as error:
            yield BadRow(where, f"{name}: {error}".removeprefix(": "))
            return
        made: dict[Component, None] = {}
        bad = False
        for found in self._components(rows, value, where, distro):
            if isinstance(found, BadRow):
                bad = True
                yield BadRow(found.where, f"{name}: {found.reason}")
            else:
                made[found] = None
        if made:
            view = Observed.INSTALLED if "package" in self._compiled else Observed.DECLARED
            yield Host(name, tuple(made), view=view, identity=f"machine:{identity[:200].lower()}" if identity else "")
        elif not bad:
            yield Bare(name)

    def _components(self, rows: list[Any], host: Any, where: str, distro: str) -> Iterator[Component | BadRow]:
        listed: list[installed_packages.Package] = []
        for number, row in enumerate(rows):
            place = f"{where}.{self._paths['components']}[{number}]" if "components" in self._compiled else where
            try:
                found = self._row(row, host, place, distro)
            except (NavtexError, ValueError, _Absent) as error:
                yield BadRow(place, str(error))
                continue
            if isinstance(found, Component):
                yield found
            elif found:
                listed.append(found)
        of_packages, unread = installed_packages.components(listed, distro)
        yield from of_packages
        yield from unread

    def _rows(self, host: Any) -> list[Any]:
        if "components" not in self._compiled:
            return [host]
        found = self._search("components", host)
        if not isinstance(found, list):
            raise _Absent(f"{self._named('components')} finds no list")
        return found

    def _name(self, value: Any, given: str) -> str:
        try:
            return host_name(self._word("host", value) or given)
        except ValueError as error:
            raise _Absent(f"{self._named('host')} finds no host name") from error

    def _row(self, row: Any, host: Any, where: str, distro: str) -> Component | installed_packages.Package | None:
        """The component or package of a row; None if its product is not followed."""
        package = self._word("package", row, host)
        kind = _KINDS.get(self._word("kind", row, host).lower().split("_")[0], "")
        called = self._word("product", row, host) or package
        if not called:
            raise _Absent(f"{self._named('package' if 'package' in self._compiled else 'product')} finds nothing")
        product = called.lower() if called.lower() in PRODUCTS else installed_packages.product(called, kind)
        if not product and not (package and installed_packages.interesting(package, kind)):
            return None
        version = self._word("version", row, host)
        if not version:
            raise _Absent(f"{self._named('version')} finds nothing for {called[:60]}")
        if package:
            return installed_packages.Package(where, package, version, kind)
        return component(product, version, "", distro)

    def _distro(self, host: Any, name: str, notes: Tally) -> str:
        text = self._word("distribution", host)
        family, _, release = text.replace(" ", "-").rpartition("-")
        found = of_pretty(text) or of_id(family, release) or of_id(text, "")
        if text and not found:
            notes.add(f"the distribution {text[:60]!r} is not known", name)
        return found

    def _word(self, field: str, *values: Any) -> str:
        """The text or number that a path finds first; "" if it finds none."""
        for value in values if field in self._compiled else ():
            found = self._search(field, value)
            if isinstance(found, list | dict):
                raise _Absent(f"{self._named(field)} finds {'a list' if isinstance(found, list) else 'an object'}")
            if isinstance(found, str | int | float) and not isinstance(found, bool) and str(found).strip():
                return str(found).strip()
        return ""

    def _search(self, field: str, value: Any) -> Any:
        try:
            return self._compiled[field].search(value, _OPTIONS)
        except (JMESPathError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            if field == "hosts":
                raise InventoryError(f"{self._named(field)} cannot be applied to it: {reason}") from error
            raise _Absent(f"{self._named(field)} cannot be applied: {reason}") from error

    def _named(self, field: str) -> str:
        return f"the path {self._paths[field]!r} ({field})"


def _compiled(name: str, field: str, path: str) -> Any:
    try:
        return jmespath.compile(path)
    except (JMESPathError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"{path[:100]!r} is not a path: {reason}",
            where=f"[inventory.mapping.{name}] {field}",
            remedy="See https://jmespath.org for how paths are written",
        ) from error
