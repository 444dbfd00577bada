"""Which of some patterns the names of hosts match, told beside the rows that name them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache, reduce

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.filters import Named, Scope
from notifier.storage.inventory import conditions

_BITS = 30
_REMEMBERED = 1000


def columns(connection: Connection, patterns: Sequence[tuple[str, ...]]) -> list[sa.ColumnElement[int]]:
    """Numbers that say which of the patterns a row's host matches, as scopes do; `reader` reads them.

    Each says it of thirty patterns, a bit each: no database takes as many columns as there can be patterns.
    """
    bits = [
        sa.case((sa.and_(*conditions(connection, Scope(hosts=hosts))), 1 << place % _BITS), else_=0)
        for place, hosts in enumerate(patterns)
    ]
    return [reduce(operator.add, bits[at : at + _BITS]) for at in range(0, len(bits), _BITS)]


def reader(patterns: Sequence[tuple[str, ...]]) -> Callable[[Sequence[int]], Named]:
    """Answers what those numbers, in order, say."""
    nothing: Named = frozenset()
    if not patterns:
        return lambda _: nothing

    @lru_cache(maxsize=_REMEMBERED)
    def named(numbers: tuple[int, ...]) -> Named:
        return frozenset(p for place, p in enumerate(patterns) if numbers[place // _BITS] >> place % _BITS & 1)

    return lambda numbers: named(tuple(numbers))
