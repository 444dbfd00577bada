"""What subscriptions were told of that is overdue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import upsert
from notifier.storage.period_tables import overdue_told

Key = tuple[int, int, date]


def told(connection: Connection, subscription: int) -> set[Key]:
    """What a subscription was told: an advisory, a component, and since when hosts were exposed."""
    rows = connection.execute(sa.select(overdue_told).where(overdue_told.c.subscription == subscription))
    return {(row.advisory, row.component, row.first_exposed) for row in rows}


def note_told(connection: Connection, subscription: int, what: Iterable[Key], at: datetime, digest: str) -> None:
    """Remember that a digest told a subscription of these."""
    for advisory, component, first in what:
        key = {"subscription": subscription, "advisory": advisory, "component": component, "first_exposed": first}
        upsert(connection, overdue_told, {**key, "at": at, "digest": digest}, list(key))


def forget_told(connection: Connection, subscription: int, what: Iterable[Key]) -> None:
    """Forget what is no longer overdue."""
    table = overdue_told
    for advisory, component, first in what:
        where = (table.c.advisory == advisory, table.c.component == component, table.c.first_exposed == first)
        connection.execute(sa.delete(table).where(table.c.subscription == subscription, *where))


def take_back(connection: Connection, subscription: int, digest: str) -> None:
    """Forget what a lost digest told, so that it is told again."""
    table = overdue_told
    connection.execute(sa.delete(table).where(table.c.subscription == subscription, table.c.digest == digest))
