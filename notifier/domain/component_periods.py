"""Stays of hosts at components, and since when an advisory has affected a host.  Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

StayKey = tuple[int, date, int]
"""A component's number, the day since which it is there, and the number of the stay before (0: none)."""


@dataclass(frozen=True, slots=True)
class Stay:
    """The time of a host at a component, and the stay that it followed there: at another version of the product."""

    component: int
    since: date
    before: Stay | None = None


@dataclass(frozen=True, slots=True)
class EndedStay:
    """A stay that is over, on how many hosts; `next` is the component that replaced it, None if none did."""

    stay: Stay
    next: int | None
    day: date
    hosts: int


def first_exposed(stay: Stay, known: Callable[[int], date | None]) -> date | None:
    """The day since which an advisory has affected a host without a break; None if it does not.

    `known` says since when the advisory is known to affect a component; None: it does not. A host is exposed from the
    later of two days: when it first ran the component, and when the advisory was known to affect that. A host that
    moved from an affected version to another affected version stays exposed.
    """
    day = known(stay.component)
    if day is None:
        return None
    while day <= stay.since and stay.before is not None:
        earlier = known(stay.before.component)
        if earlier is None or earlier > stay.since:
            break
        stay, day = stay.before, earlier
    return max(day, stay.since)
