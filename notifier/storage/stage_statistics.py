"""How often stages ran, and how long they took."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import upsert
from notifier.storage.stage_tables import stage_tally


class Tally(NamedTuple):
    """A stage: how often it ran, the seconds of all and of the last time, and when that was."""

    stage: str
    runs: int
    seconds: float
    last_seconds: float
    last_at: datetime


def count(connection: Connection, stage: str, more: int, seconds: float, now: datetime) -> None:
    """Add to the numbers of a stage."""
    if not more:
        return
    table = stage_tally
    changed = connection.execute(
        sa.update(table)
        .where(table.c.stage == stage)
        .values(count=table.c.count + more, seconds=table.c.seconds + seconds, last_seconds=seconds, last_at=now)
    )
    if not changed.rowcount:
        row = {"stage": stage, "count": more, "seconds": seconds, "last_seconds": seconds, "last_at": now}
        upsert(connection, table, row, ["stage"])


def tallies(connection: Connection) -> list[Tally]:
    """Every stage, by name."""
    rows = connection.execute(sa.select(stage_tally).order_by(stage_tally.c.stage))
    return [Tally(r.stage, r[1], r.seconds, r.last_seconds, r.last_at) for r in rows]
