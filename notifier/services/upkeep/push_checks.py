"""`navtex doctor` on hosts that report themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from feeds.core.text import counted
from feeds.storage.database import Connection
from notifier.domain.pushes import PushResult
from notifier.schemas.doctor import CheckResult
from notifier.storage import pushes as store

_RECENT = timedelta(days=1)
_WORDS = {
    PushResult.UNREADABLE: ("nothing in them could be read", "Look at what the host sends"),
    PushResult.FORBIDDEN: ("the host is not one of the token's pattern", "Compare the host's name with the token's"),
    PushResult.TOO_OFTEN: ("the host reported itself too often", "Look for a loop on the host"),
    PushResult.KEY_REUSED: ("an Idempotency-Key came with other content", "Make a new key for each content"),
    PushResult.BUSY: ("the database was busy", "Agents try again. If it goes on, use PostgreSQL or a faster disk"),
    PushResult.FAILED: ("they could not be stored", "The log of `navtex serve` says why"),
}


def pushes(connection: Connection, now: datetime) -> Iterator[CheckResult]:
    """When hosts reported themselves last, and why pushes were refused within a day."""
    for result, number, at in store.counts(connection):
        if result is PushResult.STORED:
            some = counted(number, "push was", "pushes were")
            yield CheckResult.ok(f"{some} stored, the last one on {at:%Y-%m-%d %H:%M} UTC")
        elif now - at < _RECENT:
            why, remedy = _WORDS[result]
            times = "once" if number == 1 else f"{number} times"
            what = f"pushes of hosts were refused, {times} so far, last on {at:%Y-%m-%d %H:%M} UTC: {why}"
            yield CheckResult.note(what, remedy)
