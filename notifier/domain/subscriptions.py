"""Subscriptions, their deliveries and what they were sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from notifier.domain import schedule as schedules
from notifier.domain.filters import Filters
from notifier.domain.schedule import Due, Schedule


class SubscriptionState(StrEnum):
    """New: before its first run.  Active: it gets digests.  Paused: it gets none until it is resumed."""

    NEW = "new"
    ACTIVE = "active"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who gets which news, where and when. `started_at` is its first run; None until then."""

    name: str
    targets: tuple[str, ...]
    filters: Filters
    created_at: datetime
    silent_start: bool = False
    paused: bool = False
    started_at: datetime | None = None
    id: int = 0
    schedule: Schedule = field(default_factory=Schedule)
    origin: str = ""
    """The file that made it (`navtex subscription sync`); "" for the command line."""
    served_at: datetime | None = None
    """When its news were last computed because it was time."""
    reminded_at: datetime | None = None
    looked_at: datetime | None = None
    """When it was last looked for news, whether it was time or not; None: do it."""
    problem: str = ""
    """Why its digest could not be made the last time; "" if it could."""
    owner: str = ""
    """Who subscribed themselves with it: a user, or a mailbox; "" if an operator or a file made it."""
    unsubscribed: frozenset[str] = frozenset()
    """Its recipients who unsubscribed, in lower case. They get nothing."""
    unreadable: str = ""
    """Why its stored row cannot be read; such a subscription has no targets and gets nothing."""

    @property
    def state(self) -> SubscriptionState:
        """Its state."""
        if self.paused:
            return SubscriptionState.PAUSED
        return SubscriptionState.ACTIVE if self.started_at else SubscriptionState.NEW

    def due(self, now: datetime) -> Due:
        """Whether it is time for its news, or its welcome; a silent start sends nothing, and waits for nothing."""
        if self.started_at is None and self.silent_start:
            return Due(now=True, at=now)
        return schedules.due(self.schedule, self.served_at if self.started_at else None, now)

    def looks(self, changed: datetime, now: datetime) -> bool:
        """Whether to look for its news now: what it depends on has changed since the last look, or it is time."""
        if self.paused:
            return False
        if self.looked_at is None or self.looked_at < changed:
            return True
        return self.schedule.every != schedules.IMMEDIATE and self.due(now).now


@dataclass(frozen=True, slots=True)
class SentCopy:
    """One row of the outbox: the target of a digest, and its state."""

    target: str
    recipient: str
    state: str
    attempts: int
    due_at: datetime
    sent_at: datetime | None
    answer: str


@dataclass(frozen=True, slots=True)
class ToldRecord:
    """One report of an advisory: the digest, the time, the reason, and the channels' answers."""

    key: str
    at: datetime
    change: str
    words: str
    tries: tuple[SentCopy, ...]
