"""Since when hosts have had their components, and since when an advisory has affected a host.  Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

PeriodKey = tuple[int, date, int]
"""A component's number, the day since which it is there, and the number of the period before (0: none)."""


@dataclass(frozen=True, slots=True)
class ComponentPeriod:
    """The time of a host with a component, and the period that it followed there: at another version of the product."""

    component: int
    since: date
    before: ComponentPeriod | None = None


@dataclass(frozen=True, slots=True)
class EndedPeriod:
    """A period that is over, on how many hosts; `next` is the component that replaced it, None if none did."""

    period: ComponentPeriod
    next: int | None
    day: date
    hosts: int


def first_exposed(period: ComponentPeriod, known: Callable[[int], date | None]) -> date | None:
    """The day since which an advisory has affected a host without a break; None if it does not.

    `known` says since when the advisory is known to affect a component; None: it does not. A host is exposed from the
    later of two days: when it first ran the component, and when the advisory was known to affect that. A host that
    moved from an affected version to another affected version stays exposed.
    """
    day = known(period.component)
    if day is None:
        return None
    while day <= period.since and period.before is not None:
        earlier = known(period.before.component)
        if earlier is None or earlier > period.since:
            break
        period, day = period.before, earlier
    return max(day, period.since)
