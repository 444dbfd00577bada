"""Installed packages: which product each is, and the host that a list of them describes.  Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from feeds.core.errors import InventoryError, NavtexError
from feeds.core.text import counted
from notifier.domain.components import (
    BadRow,
    Bare,
    Component,
    Found,
    Host,
    LeftOut,
    Note,
    Observed,
    component,
    host_name,
)
from notifier.domain.package_names import EVERYWHERE, OF_KIND
from notifier.inventory.formats.shared import distributions

_CORE = frozenset(
    {
        *("adduser", "base-files", "dpkg", "sed", "tar", "util-linux"),
        *("bash", "filesystem", "glibc", "rpm", "setup"),
        *("alpine-baselayout", "apk-tools", "busybox", "musl"),
        *("base", "pacman", "filesystem", "linux"),
    }
)
"""Packages that a system has which dpkg, rpm or apk made, whatever else is installed."""
_LEAST = 30
"""A system has more packages than this."""


class Package(NamedTuple):
    """An installed package, and where it stands. `kind` is deb, rpm or apk; `version` has the epoch where told."""

    where: str
    name: str
    version: str
    kind: str
    distro: str = ""
    state_known: bool = False
    """Whether the list says that it is installed, and not only known."""


def product(name: str, kind: str) -> str:
    """The product that a package is; "" if it is none that Navtex follows.

    >>> product("docker", "rpm"), product("docker", "deb"), product("docker-ce-rootless-extras", "deb")
    ('engine', '', '')
    """
    return OF_KIND.get(kind, {}).get(name) or EVERYWHERE.get(name, "")


def names(kind: str) -> frozenset[str]:
    """The packages of a kind that are products."""
    return frozenset({*EVERYWHERE, *OF_KIND.get(kind, {})})


def interesting(name: str, kind: str) -> bool:
    """Whether a package is a product, or says which distribution it is on."""
    return bool(product(name, kind)) or name in distributions.SYSTEM_PACKAGES


def complete(names: Collection[str]) -> bool:
    """Whether packages are all of a system's, and not those that somebody asked for."""
    return len(names) >= _LEAST and len(_CORE.intersection(names)) > 1


class _Listing:
    """The names in a list as it is read: whether it is whole, with Docker's place in the alphabet in its middle.

    A list in another order that broke off, as `rpm -qa` of a connection that was lost, cannot be told from a whole one.
    """

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._falls = 0
        self._first = self._last = ""

    def add(self, name: str) -> None:
        self._names.add(name)
        # locales disagree about capitals and signs, and so now and then a name stands before the one it follows
        place = re.sub(r"[^a-z0-9]", "", name.lower())
        self._first = self._first or place
        self._falls += place < self._last
        self._last = place

    @property
    def whole(self) -> bool:
        ordered = self._falls * 20 <= len(self._names) and self._first < "containerd" and self._last > "runc"
        return ordered and complete(self._names)


def components(packages: Iterable[Package], distro: str = "") -> tuple[list[Component], list[BadRow]]:
    """The components among one host's packages, and the packages whose version cannot be read.

    A package's own distribution goes before the host's, and that before what its list says of the system.
    """
    found, bad = _of_packages(tuple(p for p in packages if interesting(p.name, p.kind)), distro)
    return list(found), list(bad)


@lru_cache(maxsize=1 << 10)  # a fleet's hosts have a few sets of packages
def _of_packages(held: tuple[Package, ...], distro: str) -> tuple[tuple[Component, ...], tuple[BadRow, ...]]:
    names = {p.name for p in held}
    told = (distributions.of_system_package(p.name, p.version) for p in held)
    distro = distro or next(filter(None, told), "")
    found: dict[Component, None] = {}
    bad: list[BadRow] = []
    for package in held:
        # Alpine's "docker" only draws in docker-engine and docker-cli, where there are those
        if not product(package.name, package.kind) or (package.name == "docker" and "docker-engine" in names):
            continue
        try:
            found[_component(package, distro)] = None
        except (NavtexError, ValueError) as error:
            bad.append(BadRow(package.where, f"{package.name}: {error}"))
    return tuple(found), tuple(bad)


def _component(package: Package, distro: str) -> Component:
    own = package.distro
    if package.kind == "rpm" and not own:
        own = distributions.of_rpm_release(package.version.rpartition("-")[2])
    made = product(package.name, package.kind)
    return component(made, "", f"{package.name} {package.version}", own or distro)


def host(packages: Iterable[Package | BadRow | Note], name: str, what: str, distro: str = "") -> Iterator[Found]:
    """The host that a list of packages describes; InventoryError if its name is not known."""
    held: list[Package] = []
    notes: list[Note] = []
    listing, unread, others = _Listing(), False, 0
    for one in packages:
        if isinstance(one, Package):
            listing.add(one.name)
            if interesting(one.name, one.kind):
                held.append(one)
            else:
                others += 1
        elif isinstance(one, Note):
            notes.append(one)
        else:
            unread = True
            yield one
    found, bad = components(held, distro)
    yield from bad
    yield from left_out(others)
    if found:
        yield Host(named(name, what), tuple(found), view=Observed.INSTALLED)
        return
    yield from notes
    if bad or unread:
        # what cannot be read may be Docker's
        return
    yield Note("no package in it is an engine or one of its parts")
    if name.strip() and listing.whole:
        yield Bare(named(name, what))


def left_out(packages: int) -> Iterator[LeftOut]:
    """What is said about packages that are not followed."""
    if packages:
        count = counted(packages, "package")
        yield LeftOut(count, "not an engine or one of its parts")


def named(name: str, what: str) -> str:
    """The name of a host from `--host`; InventoryError if there is none."""
    if not name.strip():
        raise InventoryError(f"{what} does not say which host it is about", remedy="Name it: --host NAME")
    try:
        return host_name(name)
    except ValueError as error:
        raise InventoryError(str(error)) from error
