"""What becomes of a delivery that failed: when to try again, and when to give up.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LIMIT = 13
"""Tries before a delivery is given up; they span a little over two days."""
_FIRST = timedelta(minutes=1)
_LONGEST = timedelta(hours=8)


class State(StrEnum):
    """Pending: still to be tried.  Sent: the channel took it.  Failed: given up."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Next:
    """What to do with a delivery after a try, and why."""

    state: State
    due_at: datetime
    reason: str


def after_failure(
    attempts: int, now: datetime, error: str, *, retry_at: datetime | None = None, permanent: bool = False
) -> Next:
    """What to do after the `attempts`-th try failed: the pause triples, or is what the receiver asked for."""
    if permanent:
        return Next(State.FAILED, now, f"{error} (not tried again: it cannot succeed)")
    if attempts >= LIMIT:
        return Next(State.FAILED, now, f"{error} (given up after {attempts} tries)")
    pause = min(_FIRST * 3 ** (attempts - 1), _LONGEST)
    due = max(retry_at, now) if retry_at else now + pause
    return Next(State.PENDING, due, error)
