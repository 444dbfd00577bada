"""Times that lie in the future, left by a run while the clock was wrong: they count as now."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.core.limits import CLOCK_SLACK, LONGEST_WAIT
from feeds.storage import tables

_COLUMNS = (
    tables.source.c.last_attempt,
    tables.source.c.last_success,
    tables.absence.c.missed_at,
    tables.advisory.c.first_seen,
    tables.advisory.c.changed_at,
)


def set_right(connection: Connection, columns: tuple[sa.Column[datetime], ...], now: datetime) -> int:
    """Set times of some columns that lie in the future to now. Returns how many there were."""
    count = 0
    for column in columns:
        ahead = sa.update(column.table).where(column > now + CLOCK_SLACK)
        count += connection.execute(ahead.values({column.name: now})).rowcount
    return count


def mend_clock(connection: Connection, now: datetime) -> int:
    """Set what was noted of sources in the future to now. Returns how many times there were."""
    waiting, polled = tables.waiting, tables.polled
    connection.execute(sa.delete(polled).where(polled.c.at > now + CLOCK_SLACK))
    gone = connection.execute(sa.delete(waiting).where(waiting.c.until > now + LONGEST_WAIT + CLOCK_SLACK)).rowcount
    return gone + set_right(connection, _COLUMNS, now)
