"""Own rows as JSON: a list of them, or the object that `navtex inventory list --format json` prints.

A row names a host and either one product, as the columns of the CSV do, or its `components`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feeds.core.errors import NavtexError
from notifier.domain.components import BadRow, Component, Found, Host, Observed, component, host_name, parse_tags
from notifier.inventory.text import Item, Text, obj, seq, word

NAME = "json"
SIGN = "JSON with rows that have a host, and a `product` or `components`"
_HOST = ("host", "hostname", "hostIdentifier")


def recognises(text: Text) -> bool:
    """Whether it is rows of ours: a list of them, or an object that holds one."""
    sample = text.sample
    return text.is_document and (is_row(sample) or any(is_row(r) for r in seq(sample, "hosts")[:1]))


def is_row(value: Any) -> bool:
    """Whether a JSON value names a host and what is on it."""
    row = obj(value)
    return any(h in row for h in _HOST) and ("product" in row or isinstance(row.get("components"), list))


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The hosts of the rows, as they come; what cannot be read comes with its place and the reason."""
    del host  # every row names its own
    yield from joined(_flat(text.items()))


def _flat(items: Iterator[Item | BadRow]) -> Iterator[Item | BadRow]:
    """The rows, those inside of {"hosts": [...]} too."""
    for item in items:
        if isinstance(item, Item) and isinstance(hosts := obj(item.value).get("hosts"), list):
            yield from (Item(f"hosts[{i}]", row) for i, row in enumerate(hosts))
        else:
            yield item


def joined(items: Iterator[Item | BadRow]) -> Iterator[Found]:
    """A host for each run of rows that name it."""
    current = ""
    views: dict[Observed, tuple[dict[Component, None], dict[str, str]]] = {}
    for item in items:
        if isinstance(item, BadRow):
            yield item
            continue
        try:
            name, tags = _name(item.value)
        except ValueError as error:
            yield BadRow(item.where, str(error))
            continue
        if name != current:
            yield from _hosts(current, views)
            current, views = name, {}
        if item.value.get("components") == []:
            views.setdefault(Observed.DECLARED, ({}, tags))
        for found in _components(item, name):
            if isinstance(found, BadRow):
                yield found
            else:
                components, known = views.setdefault(found[0], ({}, {}))
                components[found[1]] = None
                known.update(tags)
    yield from _hosts(current, views)


def _hosts(name: str, views: dict[Observed, tuple[dict[Component, None], dict[str, str]]]) -> Iterator[Host]:
    for view, (components, tags) in views.items():
        yield Host(name, tuple(components), tags, view)


def _name(row: Any) -> tuple[str, dict[str, str]]:
    if not isinstance(row, dict):
        raise ValueError(f"it is not a row: {str(row)[:60]!r}")  # noqa: TRY004 - a bad row, like any other
    name = host_name(next((w for h in _HOST if (w := word(row, h))), ""))
    tags = row.get("tags")
    if isinstance(tags, dict):
        if not all(f"{k}{word(tags, k)}".isprintable() for k in tags):
            raise ValueError(f"{name}: a tag contains unprintable characters")
        return name, {k.strip(): word(tags, k) for k in tags if k.strip()}
    return name, parse_tags(tags) if isinstance(tags, str) else {}


def _components(item: Item, name: str) -> Iterator[tuple[Observed, Component] | BadRow]:
    several = item.value.get("components")
    rows = enumerate(several) if isinstance(several, list) else [(-1, item.value)]
    for number, row in rows:
        where = item.where if number < 0 else f"{item.where}.components[{number}]"
        try:
            made = component(word(row, "product"), word(row, "version"), word(row, "package"), word(row, "distro"))
            yield Observed(word(row, "view") or Observed.DECLARED), made
        except (NavtexError, ValueError) as error:
            yield BadRow(where, f"{name}: {error}")
