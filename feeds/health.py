"""How a source is doing.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """Healthy: every question was answered.  Degraded: some were.  Failing: none was.  Unpolled: never asked."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILING = "failing"
    UNPOLLED = "unpolled"


def state(*, answered: int, failed: int) -> State:
    """The state after one poll, by how many questions were answered and how many were not.

    "Not found" is an answer where a question is optional.
    """
    if not failed:
        return State.HEALTHY
    return State.DEGRADED if answered else State.FAILING


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source did: its state after the last poll, and since when it is so."""

    name: str
    state: State
    message: str = ""
    failures: int = 0
    items: int = 0
    last_attempt: datetime | None = None
    last_success: datetime | None = None


@dataclass(frozen=True, slots=True)
class MirrorState:
    """A mirror as the last poll found it: where it is, when it was filled (None: unsaid), and when it was read."""

    name: str
    fetched_at: datetime | None
    read_at: datetime

    def age(self, now: datetime) -> timedelta | None:
        """How old it is; None where it does not say when it was filled."""
        return max(now - self.fetched_at, timedelta()) if self.fetched_at else None
