"""Answers of stores that are asked for again and again within one run, as for subscriptions that share a scope."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sized
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from feeds.storage.database import Connection
from notifier.storage import departures, inventory

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
        self.moves = self.remembering(departures.moves)

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
