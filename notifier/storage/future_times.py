"""Times of subscriptions and deliveries that lie in the future: they count as now."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.core.limits import CLOCK_SLACK
from feeds.storage.future_times import set_right
from notifier.domain.retry import FURTHEST, DeliveryState
from notifier.storage import tables
from notifier.storage.stage_tables import stage_mark


def mend_clock(connection: Connection, now: datetime) -> list[str]:
    """Set what was noted in the future to now. Returns the names of the subscriptions that it silenced."""
    table, outbox, told = tables.subscription, tables.outbox, tables.told
    times = (table.c.served_at, table.c.reminded_at, table.c.started_at)
    ahead = sa.or_(*(t > now + CLOCK_SLACK for t in times))
    silenced = list(connection.execute(sa.select(table.c.name).where(ahead, table.c.removed_at.is_(None))).scalars())
    set_right(
        connection, (*times, table.c.looked_at, told.c.at, told.c.first_at, outbox.c.claimed_at, stage_mark.c.at), now
    )
    late = sa.and_(outbox.c.state == DeliveryState.PENDING.value, outbox.c.due_at > now + FURTHEST + CLOCK_SLACK)
    connection.execute(sa.update(outbox).where(late).values(due_at=now))
    return sorted(silenced)
