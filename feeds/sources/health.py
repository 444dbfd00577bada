"""The health of a source: (its history, now) -> healthy, degraded, failing or silent, and why.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from feeds.core.limits import GOOD_POLLS, LEAST_POLLS, PEAK, SILENT_AFTER


class SourceHealth(StrEnum):
    """How a source is doing.

    Healthy: every question was answered, as it always was.  Degraded: some were not, or it lists less
    than its history says it must.  Failing: none was answered.  Silent: nothing could be read of it
    for three days.  Unpolled: never asked.
    """

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILING = "failing"
    SILENT = "silent"
    UNPOLLED = "unpolled"


def state(*, answered: int, failed: int) -> SourceHealth:
    """The state after one poll, by how many questions were answered and how many were not.

    "Not found" is an answer where a question is optional.
    """
    if not failed:
        return SourceHealth.HEALTHY
    return SourceHealth.DEGRADED if answered else SourceHealth.FAILING


@dataclass(frozen=True, slots=True)
class Polled:
    """One poll of a source: documents that were answered and failed, and the entries it listed afterwards."""

    at: datetime
    answered: int
    failed: int
    items: int


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source did: its state after the last poll, and since when it is so."""

    name: str
    state: SourceHealth
    message: str = ""
    failures: int = 0
    items: int = 0
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    told: str = ""
    """The state that the operators were told last; "" if they were told nothing."""
    floor: int = 0
    """The fewest entries that its history has; 0 where that says nothing."""


def floor(history: Iterable[Polled]) -> int:
    """The fewest entries after a good poll, of its last ones; 0 where there were too few to say."""
    good = [p.items for p in history if p.answered and not p.failed]
    return min(good) if len(good) >= LEAST_POLLS else 0


def peak(history: Iterable[Polled]) -> int:
    """The most entries after a good poll, of those that are remembered; 0 where there were too few to say."""
    good = [p.items for p in history if p.answered and not p.failed]
    return max(good) if len(good) >= LEAST_POLLS else 0


def remembered(history: Sequence[Polled], now: datetime) -> list[Polled]:
    """What is kept of a source's history: its last polls, and of each week before that the one that had most."""
    polls = sorted(history, key=lambda p: p.at)
    kept, most = polls[-GOOD_POLLS:], dict[tuple[int, int], Polled]()
    for poll in polls[:-GOOD_POLLS]:
        week = poll.at.isocalendar()[:2]
        if poll.at > now - PEAK and (week not in most or poll.items > most[week].items):
            most[week] = poll
    return [*most.values(), *kept]


def shortfalls(
    name: str, items: int, history: Sequence[Polled], missing: Sequence[str], *, steady: bool = False
) -> Iterator[str]:
    """What a source that answered lacks against its own history and the entries it must have, in words.

    A `steady` source is asked the same whatever the inventory holds, so that its list does not shrink by itself.
    """
    least, most = floor(history), peak(history) if steady else 0
    if items * 4 < most * 3 and items * 4 >= least * 3:
        yield (
            f"it lists {items} entries, and had {most} within four weeks: it shrinks little by little. If that is "
            f"right, run `navtex poll --accept {name}`"
        )
    if items * 4 < least * 3:
        yield (
            f"it lists {items} entries, and never had fewer than {least} in its last {len(history)} polls. If that "
            f"is right, run `navtex poll --accept {name}`"
        )
    if missing:
        yield f"required entries are missing: {', '.join(missing)}"


def assessed(states: Iterable[SourceState], now: datetime) -> Iterator[SourceState]:
    """The states as of now: one that could not be read for long is silent, whatever its last poll said.

    What is not asked any more, while others are, is left out: it has no part in the polls.
    """
    states = list(states)
    newest = max((s.last_attempt for s in states if s.last_attempt), default=None)
    for one in states:
        if newest and one.last_attempt and newest - one.last_attempt > SILENT_AFTER:
            continue
        since = one.last_success
        if one.last_attempt and since and now - since > SILENT_AFTER:
            words = f"nothing could be read since {since:%Y-%m-%d}"
            yield replace(one, state=SourceHealth.SILENT, message=f"{words}: {one.message}" if one.message else words)
        else:
            yield one


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a source's state that its operators have not heard of."""

    source: SourceState
    before: SourceHealth

    @property
    def better(self) -> bool:
        """Whether it is good news."""
        order = [SourceHealth.HEALTHY, SourceHealth.DEGRADED, SourceHealth.FAILING, SourceHealth.SILENT]
        return order.index(self.source.state) < order.index(self.before)


def changes(states: Iterable[SourceState]) -> list[Change]:
    """The changes of state since the operators were last told. A source that was never reported counts as healthy."""
    found = []
    for one in states:
        before = SourceHealth(one.told or SourceHealth.HEALTHY)
        if one.state not in (before, SourceHealth.UNPOLLED):
            found.append(Change(one, before))
    return found


@dataclass(frozen=True, slots=True)
class MirrorState:
    """A mirror as the last poll found it: where it is, when it was filled (None: unsaid), and when it was read."""

    name: str
    fetched_at: datetime | None
    read_at: datetime

    def age(self, now: datetime) -> timedelta | None:
        """How old it is; None if it does not say when it was filled."""
        return max(now - self.fetched_at, timedelta()) if self.fetched_at else None
