"""Answers of stores that are asked for again and again within one run, as for subscriptions that share a scope."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sized
from collections.abc import Set as AbstractSet
from datetime import date
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from feeds.advisories.merging import Catalogue
from feeds.storage.database import Connection
from notifier.assessment.matcher import Matcher, VerdictCache
from notifier.storage import inventory, removed_components

P = ParamSpec("P")
T = TypeVar("T")

_LIMIT = 50_000
"""How many values the remembered answers have, at most: about 25 MB of populations."""


class RememberedFleet:
    """The stores' questions about hosts. An answer is remembered with its arguments, as long as there is room.

    Every connection must read the same state of the database, and nobody changes an answer.
    """

    def __init__(self, limit: int = _LIMIT, named: int = inventory.NAMED) -> None:
        self._limit, self._size = limit, 0
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self.named = named
        """How many hosts are named of those that are counted together."""
        self.populations = self.remembering(partial(inventory.populations, named=named))
        self.count = self.remembering(inventory.count)
        self.untouched = self.remembering(partial(inventory.untouched, named=named))
        self.moves = self.remembering(removed_components.moves)

    def remembering(self, question: Callable[Concatenate[Connection, P], T]) -> Callable[Concatenate[Connection, P], T]:
        """A store's question that remembers its answers."""

        def ask(connection: Connection, /, *arguments: P.args, **named: P.kwargs) -> T:
            key = (question, _key(arguments), _key(named))
            if key in self._answers:
                self._answers.move_to_end(key)
            else:
                self._answers[key] = question(connection, *arguments, **named)
                self._size += _weight(self._answers[key])
                while self._size > self._limit and len(self._answers) > 1:
                    self._size -= _weight(self._answers.popitem(last=False)[1])
            found: T = self._answers[key]
            return found

        return ask


class RememberedMatcher:
    """The last matcher, for whoever matches the same again: the jobs of a worker, which follow one another.

    What a matcher has worked out rests on nothing but what it was made of. Threads may share it.
    """

    def __init__(self) -> None:
        self._last: tuple[tuple[Catalogue, date, frozenset[int], VerdictCache], Matcher] | None = None

    def matcher(self, catalogue: Catalogue, today: date, only: frozenset[int], known: VerdictCache) -> Matcher:
        """A matcher that is made of these, or was made of equal ones; `only` is empty for all advisories."""
        last, made_of = self._last, (catalogue, today, only, known)
        if last is None or last[0] != made_of:
            last = self._last = made_of, Matcher(catalogue, today, only=only or None, known=known)
        return last[1]


def _weight(answer: object) -> int:
    return 1 + (len(answer) if isinstance(answer, Sized) else 0)


def _key(value: Any) -> Hashable:
    """A value as something that can be looked up: scopes hold tags, and questions take lists and sets."""
    if isinstance(value, msgspec.Struct):
        return type(value), msgspec.json.encode(value, order="sorted")
    if isinstance(value, AbstractSet):
        return frozenset(map(_key, value))
    if isinstance(value, Mapping):
        return frozenset((key, _key(one)) for key, one in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(map(_key, value))
    return value  # type: ignore[no-any-return]
