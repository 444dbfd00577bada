"""How wide the columns of a table are, so that it fits the terminal and breaks nothing that must stay whole.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_WHOLE = re.compile(r"\(?(?:v?\d[\w.:+~*-]*|CVE-[\d-]+|GHSA-[\w-]+)[),;]*")
"""A word that is not broken: a version, a date, a number, a CVE."""
_LONGEST = (40, 14, 10)
"""Words that are longer are broken all the same; the less room there is, the shorter ones: CVEs stay, and dates."""
GAPS = (3, 2)
"""How many blanks stand between columns, the fewer where there is little room."""


@dataclass(frozen=True, slots=True)
class ColumnLimits:
    """What a column asks for. A `whole` one is only broken where nothing else helps; 0 is no limit."""

    head: str
    least: int = 0
    most: int = 0
    whole: bool = False


def widths(
    columns: Sequence[ColumnLimits], rows: Sequence[Sequence[str]], room: int, measure: Callable[[str], int] = len
) -> tuple[list[int], int]:
    """The width of each column in a room for all of them, and the gap between two. The widest give way first.

    >>> widths([ColumnLimits("Host"), ColumnLimits("Note")], [["a" * 30, "(1)"]], 23)
    ([16, 4], 3)
    """
    cells = [[c.head, *(row[place] for row in rows)] for place, c in enumerate(columns)]
    wanted = [max(map(measure, found)) for found in cells]
    wanted = [min(w, c.most) if c.most else w for w, c in zip(wanted, columns, strict=True)]
    heads = [min(w, max(map(measure, c.head.split()), default=1)) for w, c in zip(wanted, columns, strict=True)]
    least = [min(w, max(h, c.least)) for w, h, c in zip(wanted, heads, columns, strict=True)]
    whole = [sorted({*map(measure, _whole_words(of))}, reverse=True) for of in cells]
    words = [
        [min(w, max(f, next((n for n in of if n <= most), 0))) for w, f, of in zip(wanted, least, whole, strict=True)]
        for most in _LONGEST
    ]
    for floors in (*(_kept(columns, wanted, f) for f in words), *words[1:], least, heads):
        for gap in GAPS:
            if sum(floors) + gap * (len(columns) - 1) <= room:
                return _levelled(wanted, floors, room - gap * (len(columns) - 1)), gap
    room -= GAPS[-1] * (len(columns) - 1)
    return [max(1, h * room // sum(heads)) for h in heads], GAPS[-1]


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


def _whole_words(cells: Sequence[str]) -> set[str]:
    """The words that should not be broken."""
    return {word for cell in cells for word in cell.split() if _WHOLE.fullmatch(word)}
