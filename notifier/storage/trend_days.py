"""How many hosts were affected each day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import upsert
from notifier.domain.hosts import TrendDay
from notifier.storage import tables

KEPT = timedelta(days=400)
"""How long daily numbers are kept."""


def store_trend(connection: Connection, today: date, hosts: int, levels: Mapping[str, int]) -> None:
    """Store the numbers of a day, replacing earlier ones of that day, and delete those older than `KEPT`."""
    for level, affected in levels.items():
        upsert(
            connection,
            tables.trend,
            {"day": today, "level": level, "affected": affected, "hosts": hosts},
            ["day", "level"],
        )
    connection.execute(sa.delete(tables.trend).where(tables.trend.c.day <= today - KEPT))


def trend(connection: Connection) -> tuple[TrendDay, ...]:
    """The stored days, oldest first."""
    days: dict[date, TrendDay] = {}
    for row in connection.execute(sa.select(tables.trend).order_by(tables.trend.c.day)):
        days.setdefault(row.day, TrendDay(row.day, row.hosts, {})).levels[row.level] = row.affected
    return tuple(days.values())
