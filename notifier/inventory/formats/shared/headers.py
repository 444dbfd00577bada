"""Headers of tables that people write: which columns they lack.  Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from feeds.advisories.records import PRODUCTS
from feeds.core.errors import InventoryError
from feeds.core.text import printable
from feeds.versions.upstream import is_version

OWN_ROWS = "Name the columns host,product,version; package, distro and tags are optional"
_SHOWN = 12
_WORD = re.compile(r"[^\W\d][\w .()/-]{0,39}")


def lacking(header: Sequence[str], columns: Sequence[str], remedy: str) -> InventoryError:
    """The error for a header without some columns; it names those that are there."""
    there = [printable(c.strip().strip('"')[:40]) for c in header]
    if not any(there):
        return InventoryError("it has no header", remedy=remedy)
    if any(c.lower() in PRODUCTS for c in there) and any(map(is_version, there)):
        return InventoryError("its rows have no header", remedy="Put the header host,product,version above them")
    shown = ", ".join(there[:_SHOWN]) + (", ..." if len(there) > _SHOWN else "")
    wanted = " or ".join(filter(None, (", ".join(columns[:-1]), columns[-1])))
    return InventoryError(f"its header has no column {wanted}; it has: {shown}", remedy=remedy)


def table_header(first: str, second: str) -> list[str]:
    """The columns that the first line of a text names, where it looks like the header of a table; [] otherwise.

    >>> table_header("Server;Software;Release", "web-1;docker;25.0.5"), table_header("web-1,25.0.5", "web-2,25.0.5")
    (['Server', 'Software', 'Release'], [])
    """
    for delimiter in ",;\t":
        cells = [c.strip().strip('"').strip() for c in first.split(delimiter)]
        alike = not second.strip() or second.count(delimiter) == len(cells) - 1
        if len(cells) > 1 and alike and all(map(_WORD.fullmatch, cells)):
            return cells
    return []
