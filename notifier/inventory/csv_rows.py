"""Inventory CSV: a header `host,product,version`, and if you like `package`, `distro` and `tags`."""

from __future__ import annotations

import csv
import io

from feeds.errors import InventoryError, NavtexError
from notifier.inventory.model import BadRow, Component, Host, Inventory, component, parse_tags

NAME = "csv"
_HOST = ("host", "hostname", "hostidentifier")


def recognises(text: str) -> bool:
    """Whether its first line (comments aside) is a header with a host and a product."""
    lines = text.lstrip("\ufeff").splitlines()
    first = next((x for x in lines if not _says_nothing([x])), "").lower()
    columns = [c.strip().strip('"') for c in first.replace(";", ",").split(",")]
    return "product" in columns and any(h in columns for h in _HOST)


def read(text: str, host: str = "") -> Inventory:
    """The hosts of a CSV; rows that cannot be taken come back with their line and the reason."""
    del host  # every row names its own
    rows = csv.reader(io.StringIO(text.lstrip("\ufeff")))
    try:
        header = [c.strip().lower() for c in next((r for r in rows if not _says_nothing(r)), [])]
    except csv.Error as error:
        raise InventoryError(f"the CSV cannot be read: {error}") from error
    name = next((h for h in _HOST if h in header), "")
    if not name or "product" not in header or not {"version", "package"} & set(header):
        raise InventoryError(
            f"the header is {','.join(header)!r}",
            remedy="It needs the columns host,product,version (and may have package,distro,tags)",
        )
    hosts: dict[str, tuple[dict[Component, None], dict[str, str]]] = {}
    bad: list[BadRow] = []
    try:
        for cells in rows:
            if _says_nothing(cells):
                continue
            _take(
                dict(zip(header, cells, strict=False)),
                name,
                len(cells) > len(header),
                hosts,
                bad,
                f"line {rows.line_num}",
            )
    except csv.Error as error:
        bad.append(BadRow(f"line {rows.line_num}", f"the rest cannot be read: {error}"))
    return Inventory(tuple(Host(n, tuple(c), t) for n, (c, t) in hosts.items()), tuple(bad))


def _says_nothing(cells: list[str]) -> bool:
    """Whether a row is empty or a comment."""
    return not any(c.strip() for c in cells) or cells[0].lstrip().startswith("#")


def _take(
    row: dict[str, str],
    name: str,
    too_long: bool,
    hosts: dict[str, tuple[dict[Component, None], dict[str, str]]],
    bad: list[BadRow],
    where: str,
) -> None:
    host = row.get(name, "").strip()
    if too_long:
        bad.append(BadRow(where, "it has more cells than the header; quote cells that hold a comma"))
    elif not host:
        bad.append(BadRow(where, "the host is missing"))
    else:
        try:
            found = component(
                row.get("product", ""), row.get("version", ""), row.get("package", ""), row.get("distro", "")
            )
            tags = parse_tags(row.get("tags", ""))
        except (NavtexError, ValueError) as error:
            bad.append(BadRow(where, f"{host}: {error}"))
            return
        components, known = hosts.setdefault(host, ({}, {}))
        components[found] = None
        known.update(tags)
