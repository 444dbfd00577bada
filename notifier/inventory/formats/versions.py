"""A version alone, or lines of HOST VERSION, HOST PRODUCT VERSION or HOST RUNTIME://VERSION."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from feeds.advisories.records import PRODUCTS
from feeds.core.errors import InventoryError, NavtexError
from feeds.versions.products import numbering
from notifier.domain.components import BadRow, Component, Found, Host, Note, Tally, component, host_name
from notifier.domain.package_names import FOLLOWED
from notifier.inventory.formats.shared.daemon_reports import zero_kept
from notifier.inventory.terminal_noise import is_noise
from notifier.inventory.text import Text, first_lines

NAME = "versions"
SIGN = "its first lines are versions, with no more than a host and a product before each"
_VERSION = re.compile(
    r"(?:[a-z-]{1,40}://)?v?\d+\.\d+\.\d+(?:-(?:ce|ee)(?:-\d+)?|-?(?:rc|beta|alpha)[.-]?\d+|\+\w[\w.]*)*"
)
_SEPARATOR = re.compile(r"(?:[\s=|,;]|:(?!/))+")
_HEADER = re.compile(r"(?:(?:host|hostname|node|server|name|product|version)\b[ |]*)+", re.IGNORECASE)
_PRODUCTS = {**{p: p for p in PRODUCTS}, "docker": "engine", "dockerd": "engine"}
_REVISION = re.compile(r"\s\S*\d-\d|[~+](?:dfsg|ds|deb|ubuntu)|\d-r\d")
_OTHER = "other"
"""Stands for a runtime that is not followed."""
_NAME = re.compile(r"[A-Za-z]|^\d+(?:\.\d+){3}$")
_LOOKED_AT = 400
_ENGINES = re.compile(r"v?(?:1[78]\.(?:0?[1-9]|1[0-2])|19\.0?3|20\.10|2[345]\.0|(?:2[6-9]|[3-9]\d)\.\d+)\.")
"""Lines of releases that only Docker's engine has, and its client; nothing else that is followed has such numbers."""


class _Line(NamedTuple):
    """The words of a line; "" for those that it does not have."""

    host: str
    product: str
    version: str


def recognises(text: Text) -> bool:
    """Whether its first lines are versions, with no more than a host and a product before each."""
    lines = [x for x in first_lines(text.head, _LOOKED_AT) if not is_noise(x) and not _is_title(x)]
    found = [one for x in lines if (one := _line(x))]
    if not lines or not _line(lines[0]) or len(found) * 2 < len(lines):
        return False
    # rows of packages have the same form
    return not any(_REVISION.search(x) for x in lines) and not any(one.host in FOLLOWED for one in found)


def read(text: Text, host: str = "", product: str = "") -> Iterator[Found]:
    """The hosts; `host` and `product` are of the lines that do not name theirs."""
    hosts: dict[str, dict[Component, None]] = {}
    guessed = False
    nameless: list[BadRow] = []
    others = Tally()
    for number, line in enumerate(text.lines(), 1):
        where = f"line {number}"
        if not line.strip() or is_noise(line) or _is_title(line):
            continue
        one = _line(line)
        if one is None:
            yield BadRow(where, "it is not a version or a line of HOST VERSION")
        elif not one.host and not host.strip():
            nameless.append(BadRow(where, f"the version {one.version[:40]} does not say which host it is of"))
        elif one.product == _OTHER:
            others.add(f"the container runtime {one.version[:60]} is not followed", one.host or host)
        else:
            guessed = guessed or not (one.product or product)
            try:
                made = _component(one, product)
                hosts.setdefault(host_name(one.host or host), {})[made] = None
            except (NavtexError, ValueError) as error:
                yield BadRow(where, f"{one.host}: {error}".removeprefix(": "))
    if nameless and not hosts:
        raise InventoryError(
            nameless[0].reason, remedy="Name it: --host NAME, and --product NAME where it is not the engine's"
        )
    yield from nameless
    if guessed and hosts:
        yield Note("versions without a product are read as the engine's; --product names another")
    yield from others.notes()
    yield from (Host(name, tuple(found)) for name, found in hosts.items())


def _component(one: _Line, product: str) -> Component:
    """The component of a line; InventoryError if its number is not the product's."""
    of = one.product or product or _by_number(one.version)
    if numbering(of, one.version) != of:
        raise InventoryError(f"{one.version[:40]} is not a version of the product {of}")
    return component(of, zero_kept(one.version) if of == "engine" else one.version)


def _by_number(version: str) -> str:
    """The product that a version alone can be of; InventoryError if several products have such numbers."""
    if _ENGINES.match(version):
        return "engine"
    raise InventoryError(f"it does not show of which product {version[:40]} is", remedy="Name it: --product NAME")


def _is_title(line: str) -> bool:
    """Whether a line is the titles of columns: words of ours, or those of `kubectl -o custom-columns`."""
    return _HEADER.fullmatch(line.strip()) is not None or re.fullmatch(r"[A-Z-]+(?: +[A-Z-]+)+\s*", line) is not None


def _line(line: str) -> _Line | None:
    words = [w.strip("'\"") for w in _SEPARATOR.split(line[:500].strip()) if w]
    versions = [w for w in words if _VERSION.fullmatch(w)]
    rest = [w for w in words if w not in versions]
    products = [p for w in rest if (p := _PRODUCTS.get(w.lower()))]
    others = [w for w in rest if w.lower() not in _PRODUCTS]
    if len(versions) != 1 or len(products) > 1 or len(others) > 1:
        return None
    if others and (others[0].lower().endswith("version") or not _NAME.search(others[0])):
        return None
    runtime, separator, version = versions[0].rpartition("://")
    if separator:
        # as Kubernetes writes a node's runtime
        product = _PRODUCTS.get(runtime, _OTHER)
        return _Line("".join(others), product, version if product != _OTHER else runtime)
    return _Line("".join(others), "".join(products), version)
