"""What is kept, and asked of the database, for those who watch over an installation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import tables as feeds_tables
from feeds.storage import upsert
from notifier.domain.runs import Run
from notifier.storage import tables


def note(connection: Connection, run: Run) -> None:
    """Keep a run as its command's last one."""
    row = {name: value for name, value in asdict(run).items() if value is not None}
    upsert(connection, tables.last_run, row, ["command"])


def runs(connection: Connection) -> list[Run]:
    """The last run of each command, sorted by its name."""
    table = tables.last_run
    return [
        Run(r.command, r.began_at, r.ended_at, r.seconds, r.status, r.succeeded_at)
        for r in connection.execute(sa.select(table).order_by(table.c.command))
    ]


def deliveries(connection: Connection) -> tuple[dict[str, int], datetime | None]:
    """How many deliveries are in each state, and since when the oldest that is still to be made waits."""
    outbox, digest = tables.outbox, tables.digest
    counted = connection.execute(sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state))
    oldest = (
        sa.select(sa.func.min(digest.c.created_at))
        .join(outbox, outbox.c.digest == digest.c.id)
        .where(outbox.c.state == "pending")
    )
    return {str(state): int(number) for state, number in counted}, connection.execute(oldest).scalar()


def size(connection: Connection) -> int:
    """The bytes that the database takes on its disk."""
    if connection.dialect.name == "sqlite":
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar() or 0)
    return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar() or 0)


def damage(connection: Connection) -> list[str]:
    """What SQLite's own check finds wrong with its file; [] if nothing is. PostgreSQL checks itself."""
    if connection.dialect.name != "sqlite":
        return []
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(5)")]
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
    return [line for line in found if line != "ok"] + [f"a row of {r[0]} refers to nothing in {r[2]}" for r in broken]


def newest(connection: Connection) -> datetime | None:
    """The latest moment that the database has noted of something that was done."""
    moments = (
        feeds_tables.source.c.last_attempt,
        tables.host.c.last_seen,
        tables.digest.c.created_at,
        tables.outbox.c.sent_at,
        tables.last_run.c.ended_at,
    )
    return max(_known(connection.execute(sa.select(sa.func.max(column))).scalar() for column in moments), default=None)


def _known(values: Iterable[datetime | None]) -> list[datetime]:
    return [v for v in values if v is not None]


def last_modified(connection: Connection, *, since: datetime) -> datetime | None:
    """The latest Last-Modified that servers gave with documents that were asked for since a moment."""
    table = feeds_tables.document
    said = connection.execute(
        sa.select(table.c.last_modified).where(table.c.checked_at >= since, table.c.last_modified != "")
    ).scalars()
    return max(_known(map(_when, said)), default=None)


def _when(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
