"""Decide when to retry a delivery, when to give up, and whose claim still counts.  Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LIMIT = 13
"""Tries before a delivery is given up; they span more than two days."""
LEASE = timedelta(minutes=15)
"""How long a claim counts when nothing else is known of the process that made it; longer than any try takes."""
_FIRST = timedelta(minutes=1)
_LONGEST = timedelta(hours=8)
_JITTER = 0.25
PATIENCE = timedelta(days=2)
"""The longest pause that a receiver may ask for; one that asks for more is asked again then."""
FURTHEST = max(PATIENCE, _LONGEST * (1 + _JITTER))
"""The longest delay; a delivery that is due later was postponed by a wrong clock."""


class DeliveryState(StrEnum):
    """Pending: still to be tried.  Sending: a process is at it.  Sent: the channel took it.  Failed: given up."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class DeliveryOutcome(StrEnum):
    """The outcome of an attempt.

    Sent, retry (failed, will be retried) and failed (will not).  Interrupted: the process ended before it stored the
    result.  Asked for: a person requested another attempt.
    """

    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    ASKED = "asked for"


@dataclass(frozen=True, slots=True)
class Next:
    """What to do with a delivery after a try, and why."""

    state: DeliveryState
    due_at: datetime
    reason: str


def after_failure(
    attempts: int,
    now: datetime,
    error: str,
    *,
    key: str = "",
    retry_at: datetime | None = None,
    permanent: bool = False,
) -> Next:
    """What to do after the `attempts`-th try of the delivery called `key` failed.

    The pause triples, and is up to a quarter longer, so that what failed together is not tried
    together; or it is what the receiver asked for, up to two days.
    """
    if permanent:
        return Next(DeliveryState.FAILED, now, f"{error} (not tried again: it cannot succeed)")
    if attempts >= LIMIT:
        return Next(DeliveryState.FAILED, now, f"{error} (given up after {attempts} tries)")
    if retry_at:
        return Next(DeliveryState.PENDING, min(max(retry_at, now), now + PATIENCE), error)
    pause = min(_FIRST * 3 ** (attempts - 1), _LONGEST)
    return Next(DeliveryState.PENDING, now + pause * (1 + _JITTER * _fraction(f"{key} {attempts}")), error)


def _fraction(text: str) -> float:
    """A number from 0 to 1 that looks like chance and is the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / (1 << 48)


def abandoned(claimed_at: datetime, now: datetime, *, ended: bool) -> bool:
    """Whether a claim no longer counts: its process is known to have ended, or has been silent for too long."""
    return ended or now - claimed_at >= LEASE
