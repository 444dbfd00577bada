"""Times that lie in the future, left by a run while the clock was wrong: they count as now."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.advisories.facts import FACTS
from feeds.advisories.records import Record, not_ahead
from feeds.core.limits import CLOCK_SLACK, LONGEST_WAIT
from feeds.crawl.protocol import FetchResult
from feeds.storage import tables
from feeds.storage.document_changes import decoded

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


def first_ahead(connection: Connection, outcome: FetchResult) -> Record | None:
    """The first record of a document that is dated in the future; None if its source is known to have such records."""
    payloads = (bytes(piece.payload).decode() for piece in outcome.items if not piece.key.startswith(FACTS))
    found = next((value for payload in payloads if (value := _ahead(payload, outcome.at))), None)
    if found is None:
        return None
    item = tables.item
    stored = connection.execute(
        sa.select(item.c.payload, item.c.read_at).where(item.c.source == outcome.source, item.c.gone_at.is_(None))
    )
    return None if any(_ahead(row.payload, row.read_at) for row in stored) else found


def _ahead(payload: str, read_at: datetime) -> Record | None:
    value = decoded(payload)
    return value if isinstance(value, Record) and not_ahead(value, read_at) is not value else None
