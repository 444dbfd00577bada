"""What hosts report of themselves.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from notifier.domain.components import BadRow, Host
from notifier.domain.images import HostImages


class PushResult(StrEnum):
    """What became of a push; all but `stored` are refusals."""

    STORED = "stored"
    UNREADABLE = "unreadable"
    FORBIDDEN = "forbidden"
    TOO_OFTEN = "too_often"
    KEY_REUSED = "key_reused"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Push:
    """What one post says, read and checked. A host stands in it once for each view."""

    hosts: tuple[Host, ...]
    images: tuple[HostImages, ...] = ()
    bad: tuple[BadRow, ...] = ()
    given: str = ""
    """The host's name, if the sender gave it beside the content."""
    key: str = ""
    """A hash of the sender and of its Idempotency-Key; "" without one."""
    body: str = ""
    """A hash of the content and of how it is to be read."""
    size: int = 0
    """Of the content, in bytes."""
    names: frozenset[str] = field(init=False)
    """The hosts that it is about."""

    def __post_init__(self) -> None:
        named = frozenset(one.name for said in (self.hosts, self.images) for one in said)
        object.__setattr__(self, "names", named)


@dataclass(slots=True)
class PushRound:
    """Pushes of one group that can be stored together: no two of one host, or with one key."""

    pushes: list[tuple[int, Push]] = field(default_factory=list)
    """Each with its place in the group."""


def rounds(pushes: Iterable[tuple[int, Push]]) -> list[PushRound]:
    """A group in rounds, in which the pushes of each host keep their order.

    >>> a, b = (Push((Host(name, ()),)) for name in "ab")
    >>> [[place for place, _ in one.pushes] for one in rounds(enumerate([a, b, a]))]
    [[0, 1], [2]]
    """
    found: list[PushRound] = []
    last: dict[str, int] = {}
    for place, push in pushes:
        marks = {f"host {name.lower()}" for name in push.names} | ({f"key {push.key}"} if push.key else set())
        at = max((last[mark] + 1 for mark in marks if mark in last), default=0)
        if at == len(found):
            found.append(PushRound())
        found[at].pushes.append((place, push))
        last.update(dict.fromkeys(marks, at))
    return found
