"""High-water marks of searches for news: each import is either seen by a search, or counts as later than it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds import storage
from feeds.storage import tables as feeds_tables
from feeds.storage import upsert
from notifier.storage import tables
from notifier.storage.stage_tables import stage_mark

_NEWS, _WORLD = "news", "world"
_SUSPENDED = 30
"""Seconds after which a process that does not go on to search counts as suspended; it takes milliseconds."""
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def begin(connection: Connection, now: datetime) -> None:
    """Note that a search for news begins, and let no import store anything until the transaction ends.

    A snapshot that is taken within the transaction has every import that is not later than the search. SQLite has one
    writer anyway. PostgreSQL ends the session of a process that is suspended here: imports, and all who search, would
    else wait until it goes on.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{_SUSPENDED}s'")
        connection.exec_driver_sql("LOCK TABLE host IN SHARE MODE")
    before = connection.execute(sa.select(stage_mark.c.at).where(stage_mark.c.name == _NEWS)).scalar()
    if before is None or before < now:
        upsert(connection, stage_mark, {"name": _NEWS, "value": "", "at": now}, ["name"])


def pin(snapshot: Connection) -> None:
    """Read something, so that a connection that reads one state reads the present one."""
    snapshot.execute(sa.select(stage_mark.c.name).limit(1)).all()


def world(connection: Connection, now: datetime) -> datetime:
    """Since when all that news depends on is as it is now: at most an hour ago, for much depends on the time, too.

    Subscriptions are told apart by their own last look.
    """
    parts: list[object] = [now.replace(minute=0, second=0, microsecond=0).isoformat()]
    run, host, source = tables.inventory_import, tables.host, feeds_tables.source
    hosts = sa.select(sa.func.count()).select_from(host).scalar_subquery()
    read = sa.select(sa.func.count(source.c.last_success)).scalar_subquery()
    parts += connection.execute(sa.select(sa.func.max(run.c.id), sa.func.max(run.c.at), hosts, read)).one()
    parts += sorted(storage.fingerprints(connection).items())
    for table in (tables.silence, tables.hand):
        parts += connection.execute(sa.select(table).order_by(table.c.id)).all()
    until = tables.silence.c.until
    parts.append(connection.execute(sa.select(sa.func.count()).where(until <= now)).scalar())
    value = hashlib.sha256(repr([str(p) for p in parts]).encode()).hexdigest()
    known = connection.execute(sa.select(stage_mark).where(stage_mark.c.name == _WORLD)).one_or_none()
    if known is not None and known.value == value:
        at: datetime = known.at
        return at
    upsert(connection, stage_mark, {"name": _WORLD, "value": value, "at": now}, ["name"])
    return now


def last(connection: Connection) -> datetime:
    """When news was looked for the last time, or long ago."""
    subscription, told = tables.subscription, tables.told
    columns = (subscription.c.served_at, subscription.c.started_at, told.c.at)
    moments = connection.execute(
        sa.select(
            *(sa.select(sa.func.max(c)).scalar_subquery() for c in columns),
            sa.select(stage_mark.c.at).where(stage_mark.c.name == _NEWS).scalar_subquery(),
        )
    ).one()
    return max((at for at in moments if at), default=_LONG_AGO)


def later(connection: Connection, at: datetime) -> datetime:
    """The time of what changes at a moment: later than every look for news that has begun."""
    return max(at, last(connection) + timedelta(microseconds=1))
