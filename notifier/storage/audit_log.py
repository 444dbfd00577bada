"""The audit log, and failed sign-ins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import insert
from notifier.domain.access import Actor, Way
from notifier.storage.access_tables import audit_log, sign_in_failure

_LOCK = 0x4E617667
"""PostgreSQL's advisory lock on counting failures: no other transaction counts at the same time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done. `before` and `after` are JSON."""

    id: int
    at: datetime
    actor: Actor
    action: str
    target: str
    before: str
    after: str


def add(connection: Connection, entry: Entry) -> None:
    """Add an entry; its number is not used."""
    insert(
        connection,
        audit_log,
        at=entry.at,
        who=entry.actor.name,
        way=entry.actor.way.value,
        client=entry.actor.client,
        action=entry.action,
        target=entry.target,
        before=entry.before,
        after=entry.after,
    )


def entries(connection: Connection, *, limit: int, before: int | None = None) -> list[Entry]:
    """The newest entries, or those with a number below `before`, newest first."""
    statement = sa.select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(audit_log.c.id < before)
    return [
        Entry(r.id, r.at, Actor(r.who, Way(r.way), r.client), r.action, r.target, r.before, r.after)
        for r in connection.execute(statement)
    ]


def failures(connection: Connection, name: str, client: str, since: datetime) -> tuple[int, int]:
    """How many sign-ins failed since a moment with a name, and from a network address.

    Until the transaction ends nobody else can count, so that attempts at the same time cannot pass a limit.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    recent = sa.select(sa.func.count()).select_from(sign_in_failure).where(sign_in_failure.c.at > since)
    mine = connection.execute(recent.where(sign_in_failure.c.account == name)).scalar() or 0
    theirs = connection.execute(recent.where(sign_in_failure.c.client == client)).scalar() or 0
    return mine, theirs


def add_failure(connection: Connection, name: str, client: str, at: datetime) -> int:
    """Store a failed sign-in; return its number."""
    return insert(connection, sign_in_failure, account=name, client=client, at=at)


def remove_failures(connection: Connection, name: str, number: int) -> None:
    """Forget the failures of a name, and that of a number: somebody signed in."""
    mine = sa.or_(sign_in_failure.c.account == name, sign_in_failure.c.id == number)
    connection.execute(sa.delete(sign_in_failure).where(mine))


def recent_failures(connection: Connection, since: datetime) -> int:
    """How many sign-ins failed since a moment."""
    counted = sa.select(sa.func.count()).select_from(sign_in_failure).where(sign_in_failure.c.at > since)
    return connection.execute(counted).scalar() or 0


def forget_failures(connection: Connection, before: datetime) -> int:
    """Forget old failures; return how many."""
    return connection.execute(sa.delete(sign_in_failure).where(sign_in_failure.c.at < before)).rowcount
