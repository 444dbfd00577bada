"""Inventory CSV: a header `host,product,version`, and if you like `package`, `distro` and `tags`."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from feeds.errors import InventoryError, NavtexError
from notifier.inventory.model import BadRow, Component, Found, Host, component, host_name, parse_tags
from notifier.inventory.text import Text, first_lines

NAME = "csv"
_HOST = ("host", "hostname", "hostidentifier")
_COLUMNS = ("product", "version", "package", "distro", "tags")


def recognises(text: Text) -> bool:
    """Whether its first line (comments aside) is a header with a host and a product."""
    first = next((x for x in first_lines(text.head, 1000) if not _says_nothing([x])), "").lower()
    columns = [c.strip().strip('"') for c in first.replace(";", ",").split(",")]
    return "product" in columns and any(h in columns for h in _HOST)


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The hosts of a CSV, as their rows end; rows that cannot be taken come with their line and the reason."""
    del host  # every row names its own
    rows = csv.reader(text.lines())
    try:
        header = [c.strip().lower() for c in next((r for r in rows if not _says_nothing(r)), [])]
    except csv.Error as error:
        raise InventoryError(f"the CSV cannot be read: {error}") from error
    name = next((h for h in _HOST if h in header), "")
    if not name or "product" not in header or not {"version", "package"} & set(header):
        raise InventoryError(
            f"the header is {','.join(header)[:200]!r}",
            remedy="It needs the columns host,product,version (and may have package,distro,tags)",
        )
    columns = [header.index(c) if c in header else len(header) for c in (name, *_COLUMNS)]
    yield from _hosts(_rows(rows, len(header), columns))


_Row = tuple[str, Component, dict[str, str]]


def _hosts(rows: Iterator[_Row | BadRow]) -> Iterator[Found]:
    """Adjacent rows of one host joined."""
    current, components, tags = "", {}, {}  # type: str, dict[Component, None], dict[str, str]
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        if row[0] != current:
            if current:
                yield Host(current, tuple(components), tags)
            current, components, tags = row[0], {}, {}
        components[row[1]] = None
        tags.update(row[2])
    if current:
        yield Host(current, tuple(components), tags)


def _rows(rows: Iterator[list[str]], width: int, columns: list[int]) -> Iterator[_Row | BadRow]:
    number = rows.line_num  # type: ignore[attr-defined]
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as error:
            cells, fault = [], str(error)
        else:
            fault = ""
        first, number = number + 1, rows.line_num  # type: ignore[attr-defined]
        where = f"line {number}" if first >= number else f"lines {first} to {number}"
        if cells is None:
            return
        if fault:
            yield BadRow(where, f"it cannot be read: {fault}")
        elif not _says_nothing(cells):
            yield _row(cells, width, columns, where)


def _says_nothing(cells: list[str]) -> bool:
    """Whether a row is empty or a comment."""
    return not any(c.strip() for c in cells) or cells[0].lstrip().startswith("#")


def _row(cells: list[str], width: int, columns: list[int], where: str) -> _Row | BadRow:
    if len(cells) > width:
        return BadRow(where, "it has more cells than the header; quote cells that hold a comma")
    cells += [""] * (width + 1 - len(cells))
    host, product, version, package, distro, tags = (cells[i] for i in columns)
    try:
        host = host_name(host)
        return host, component(product, version, package, distro), parse_tags(tags) if tags else {}
    except (NavtexError, ValueError) as error:
        return BadRow(where, f"{host.strip()[:60]}: {error}" if host.strip() else str(error))
