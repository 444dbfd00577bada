"""Inventory CSV: a header `host,product,version`, and if you like `package`, `distro` and `tags`."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import itemgetter

from feeds.core.errors import InventoryError, NavtexError
from notifier.domain.components import BadRow, Component, Found, Host, component, host_name, parse_tags
from notifier.inventory.formats.shared.headers import OWN_ROWS, lacking
from notifier.inventory.text import Text, first_lines

NAME = "csv"
SIGN = "its first line is a header with a column for the host and a column `product`"
HOST = ("host", "hostname", "hostidentifier")
_COLUMNS = ("product", "version", "package", "distro", "tags")


def recognises(text: Text) -> bool:
    """Whether its first line (comments aside) is a header with a host and a product."""
    return bool(_delimiter(text))


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The hosts of a CSV, as their rows end; rows that cannot be read come with their line and the reason."""
    del host  # every row names its own
    rows = csv.reader(text.lines(), delimiter=_delimiter(text) or ",", skipinitialspace=True)
    try:
        header = [c.strip().lower() for c in next((r for r in rows if not says_nothing(r)), [])]
    except csv.Error as error:
        raise InventoryError(f"the CSV cannot be read: {error}") from error
    name = next((h for h in HOST if h in header), "")
    if missing := missing_columns(header):
        raise lacking(header, missing, OWN_ROWS)
    if twice := next((c for c in (name, *_COLUMNS) if header.count(c) > 1), ""):
        raise InventoryError(f"the header names {twice} more than once", remedy="Leave one of them")
    columns = [header.index(c) if c in header else len(header) for c in (name, *_COLUMNS)]
    yield from _hosts(_rows(rows, len(header), columns))


def missing_columns(header: Iterable[str]) -> list[str]:
    """The columns that a header, in lower case, must have and does not. A package says its version itself."""
    there = set(header)
    needed = {"host": {*HOST}, "product": {"product"}, "version": {"version", "package"}}
    return [column for column, names in needed.items() if there.isdisjoint(names)]


def _delimiter(text: Text) -> str:
    """What stands between the columns, by the header: a comma, or as Excel writes it; "" if it is not a header."""
    first = next((x for x in first_lines(text.head, 1000) if not says_nothing([x])), "").lower()
    for delimiter in ",;\t":
        columns = [c.strip().strip('"') for c in first.split(delimiter)]
        if "product" in columns and any(h in columns for h in HOST):
            return delimiter
    return ""


_Row = tuple[str, Component, dict[str, str]]
_tags = lru_cache(maxsize=1 << 12)(parse_tags)


def _hosts(rows: Iterator[_Row | BadRow]) -> Iterator[Found]:
    """Adjacent rows of one host joined."""
    current, components, tags = "", {}, {}  # type: str, dict[Component, None], dict[str, str]
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        host, component_of_row, tags_of_row = row
        if host != current:
            if current:
                yield Host(current, tuple(components), tags)
            current, components, tags = host, {}, {}
        components[component_of_row] = None
        if tags_of_row:
            tags.update(tags_of_row)
    if current:
        yield Host(current, tuple(components), tags)


def _rows(rows: Iterator[list[str]], width: int, columns: list[int]) -> Iterator[_Row | BadRow]:
    """The rows, read; those that cannot be are bad. A line that the CSV's reader refuses ends nothing."""
    before = rows.line_num  # type: ignore[attr-defined]
    pick = itemgetter(*columns)
    while True:
        try:
            for cells in rows:
                if not says_nothing(cells):
                    try:
                        yield _row(cells, width, pick)
                    except (NavtexError, ValueError) as error:
                        yield BadRow(_place(before, rows), str(error))
                before = rows.line_num  # type: ignore[attr-defined]
        except csv.Error as error:
            yield BadRow(_place(before, rows), f"it cannot be read: {error}")
            before = rows.line_num  # type: ignore[attr-defined]
        else:
            return


def _place(before: int, rows: Iterator[list[str]]) -> str:
    """Where the row stands that was read last; `before` is the line before it."""
    last = rows.line_num  # type: ignore[attr-defined]
    return f"line {last}" if last <= before + 1 else f"lines {before + 1} to {last}"


def says_nothing(cells: list[str]) -> bool:
    """Whether a row is empty, a comment, or Excel's word on the separator."""
    return not any(cells) or cells[0].lstrip('" ').startswith(("#", "sep=")) or not any(c.strip() for c in cells)


def _row(cells: list[str], width: int, pick: Callable[[list[str]], tuple[str, ...]]) -> _Row:
    """A row of the header's width; ValueError says what is wrong with it."""
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    if len(cells) > width:
        raise ValueError("it has more cells than the header; quote cells that hold a comma")
    cells += [""] * (width + 1 - len(cells))
    host, product, version, package, distro, tags = pick(cells)
    host = host_name(host)
    try:
        return host, component(product, version, package, distro), _tags(tags)
    except (NavtexError, ValueError) as error:
        raise ValueError(f"{host[:60]}: {error}") from error
