"""How wide the columns of a table are, so that it fits the terminal and breaks nothing that must stay whole.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_WHOLE = re.compile(r"\(?(?:v?\d[\w.:+~*-]*|CVE-[\d-]+|GHSA-[\w-]+)[),;]*")
"""A word that is not broken: a version, a date, a number, a CVE."""
_LONGEST = 40
"""A word that is longer is broken all the same."""


@dataclass(frozen=True, slots=True)
class ColumnLimits:
    """What a column asks for. A `whole` one is only broken where nothing else helps; 0 is no limit."""

    head: str
    least: int = 0
    most: int = 0
    whole: bool = False


def widths(
    columns: Sequence[ColumnLimits], rows: Sequence[Sequence[str]], room: int, measure: Callable[[str], int] = len
) -> list[int]:
    """The width of each column in a room for all of them. The widest are made narrower first.

    >>> widths([ColumnLimits("Host"), ColumnLimits("Note")], [["a" * 30, "(1)"]], 20)
    [16, 4]
    """
    cells = [[c.head, *(row[place] for row in rows)] for place, c in enumerate(columns)]
    wanted = [max(map(measure, found)) for found in cells]
    wanted = [min(w, c.most) if c.most else w for w, c in zip(wanted, columns, strict=True)]
    heads = [min(w, max(map(measure, c.head.split()), default=1)) for w, c in zip(wanted, columns, strict=True)]
    least = [min(w, max(h, c.least)) for w, h, c in zip(wanted, heads, columns, strict=True)]
    words = [min(w, max(h, _longest_whole(of, measure))) for w, h, of in zip(wanted, heads, cells, strict=True)]
    best = list(map(max, words, least))
    for floors in (*(_kept(columns, wanted, f) for f in (best, words, least)), words, heads):
        if sum(floors) <= room:
            return _levelled(wanted, floors, room)
    return [max(1, h * room // sum(heads)) for h in heads]


def _kept(columns: Sequence[ColumnLimits], wanted: Sequence[int], floors: Sequence[int]) -> list[int]:
    """The floors, and what they want for columns that stay whole."""
    return [w if c.whole else f for c, w, f in zip(columns, wanted, floors, strict=True)]


def _levelled(wanted: Sequence[int], floors: Sequence[int], room: int) -> list[int]:
    """As much of what is wanted as there is room for: no column gets more than a common limit, but for its floor."""

    def at(level: int) -> list[int]:
        return [max(f, min(w, level)) for w, f in zip(wanted, floors, strict=True)]

    if sum(wanted) <= room:
        return list(wanted)
    level = next(n for n in range(max(wanted), -1, -1) if sum(at(n)) <= room)
    found = at(level)
    for place, (now, more) in enumerate(zip(found, at(level + 1), strict=True)):
        if now < more and sum(found) < room:
            found[place] = more
    return found


def _longest_whole(cells: Sequence[str], measure: Callable[[str], int]) -> int:
    """The width of the longest word that must not be broken."""
    words = {word for cell in cells for word in cell.split() if _WHOLE.fullmatch(word)}
    return max((n for word in words if (n := measure(word)) <= _LONGEST), default=0)
