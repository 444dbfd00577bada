"""Forgetting what is old, so that the database does not grow for ever. A thin shell over `store.retention`."""

from __future__ import annotations

from datetime import datetime, timedelta

from feeds.storage.database import Database
from notifier.storage import retention

_AT_ONCE = 500
"""Rows of a transaction: others wait for it no longer than a moment."""


def forget(database: Database, now: datetime, days: int, at_once: int = _AT_ONCE) -> dict[str, int]:
    """Forget what is older than so many days; how many rows of each kind come back. Pending deliveries stay."""
    done = {}
    with database.begin() as connection:
        retention.note_left(connection, now)
    for step in retention.STEPS:
        count = 0
        while True:
            with database.begin() as connection:
                found = step(connection, now - timedelta(days=days), at_once)
            count += found
            if found != at_once:
                break
        done[step.__name__] = count
    return done
