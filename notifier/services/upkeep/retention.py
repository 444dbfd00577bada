"""Deleting what is old, so that the database and its folder do not grow forever."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from feeds.storage.backup import sweep
from feeds.storage.database import Database
from notifier.services.people.sessions import IDLE, LONGEST
from notifier.services.people.web_state import DAY
from notifier.storage import accounts, api_tokens, audit_log, retention

_AT_ONCE = 500
"""Rows of one transaction, so that others wait for it only briefly."""


def forget(database: Database, now: datetime, days: int, at_once: int = _AT_ONCE) -> dict[str, int]:
    """Delete what is older than `days` and what killed restores left. Pending deliveries stay.

    Returns the number of rows by kind.
    """
    if database.sqlite and database.url.database:
        sweep(Path(database.url.database).parent)
    with database.stage("tidy"):
        return _forget(database, now, days, at_once)


def _forget(database: Database, now: datetime, days: int, at_once: int) -> dict[str, int]:
    with database.begin() as connection:
        retention.note_left(connection, now)
    done = _forget_access(database, now, days)
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


def _forget_access(database: Database, now: datetime, days: int) -> dict[str, int]:
    """Delete sessions that have ended, failed sign-ins of former days, and tokens that expired long ago."""
    with database.begin() as connection:
        return {
            "sessions": accounts.forget_sessions(connection, seen_before=now - IDLE, made_before=now - LONGEST),
            "sign_in_failures": audit_log.forget_failures(connection, now - DAY),
            "api_tokens": api_tokens.forget(connection, now - timedelta(days=days)),
        }
