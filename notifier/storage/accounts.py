"""Accounts and their sessions, stored and asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import insert
from notifier.domain.access import Role
from notifier.storage.access_tables import account, session


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may use the page."""

    id: int
    name: str
    role: Role
    tags: dict[str, str]
    has_password: bool
    created_at: datetime
    signed_in_at: datetime | None


_COLUMNS = (
    *(account.c.id, account.c.name, account.c.role, account.c.tags, account.c.created_at, account.c.signed_in_at),
    (account.c.password != "").label("has_password"),
)


def accounts(connection: Connection) -> list[Account]:
    """All accounts by name."""
    return [_account(row) for row in connection.execute(sa.select(*_COLUMNS).order_by(account.c.name))]


def count(connection: Connection) -> int:
    """The number of accounts."""
    return connection.execute(sa.select(sa.func.count()).select_from(account)).scalar() or 0


def with_password(connection: Connection) -> int:
    """The number of accounts that have a password."""
    where = account.c.password != ""
    return connection.execute(sa.select(sa.func.count()).select_from(account).where(where)).scalar() or 0


def named(connection: Connection, name: str) -> Account | None:
    """The account of a name."""
    row = connection.execute(sa.select(*_COLUMNS).where(account.c.name == name)).one_or_none()
    return None if row is None else _account(row)


def password(connection: Connection, name: str) -> str:
    """The hashed password of an account; "" if it has none, or there is no such account."""
    return connection.execute(sa.select(account.c.password).where(account.c.name == name)).scalar() or ""


def add(connection: Connection, name: str, role: Role, at: datetime, *, tags: dict[str, str], hashed: str) -> int:
    """Store a new account; return its number."""
    return insert(connection, account, name=name, role=role.value, tags=_json(tags), password=hashed, created_at=at)


def change(
    connection: Connection,
    number: int,
    *,
    role: Role | None = None,
    tags: dict[str, str] | None = None,
    hashed: str | None = None,
) -> None:
    """Change what is given of an account."""
    values = {
        **({} if role is None else {"role": role.value}),
        **({} if tags is None else {"tags": _json(tags)}),
        **({} if hashed is None else {"password": hashed}),
    }
    connection.execute(sa.update(account).where(account.c.id == number).values(values))


def remove(connection: Connection, number: int) -> None:
    """Remove an account with its sessions and tokens."""
    connection.execute(sa.delete(account).where(account.c.id == number))


def open_session(connection: Connection, hashed: str, number: int, at: datetime) -> None:
    """Store a session of an account."""
    connection.execute(sa.insert(session).values(hash=hashed, account=number, created_at=at, seen_at=at))
    connection.execute(sa.update(account).where(account.c.id == number).values(signed_in_at=at))


def of_session(
    connection: Connection, hashed: str, *, seen_after: datetime, made_after: datetime
) -> tuple[Account, datetime] | None:
    """The account of a session that was seen and made after these moments, and when it was seen last."""
    row = connection.execute(
        sa.select(*_COLUMNS, session.c.seen_at)
        .join(session, session.c.account == account.c.id)
        .where(session.c.hash == hashed, session.c.seen_at > seen_after, session.c.created_at > made_after)
    ).one_or_none()
    return None if row is None else (_account(row), row.seen_at)


def see_session(connection: Connection, hashed: str, at: datetime) -> None:
    """Note that a session is in use."""
    connection.execute(sa.update(session).where(session.c.hash == hashed).values(seen_at=at))


def close_session(connection: Connection, hashed: str) -> bool:
    """Forget a session; whether there was one."""
    return connection.execute(sa.delete(session).where(session.c.hash == hashed)).rowcount > 0


def close_sessions(connection: Connection, number: int) -> None:
    """Forget the sessions of an account."""
    connection.execute(sa.delete(session).where(session.c.account == number))


def open_sessions(connection: Connection, *, seen_after: datetime, made_after: datetime) -> int:
    """The number of sessions in force."""
    where = (session.c.seen_at > seen_after, session.c.created_at > made_after)
    return connection.execute(sa.select(sa.func.count()).select_from(session).where(*where)).scalar() or 0


def forget_sessions(connection: Connection, *, seen_before: datetime, made_before: datetime) -> int:
    """Forget sessions that have ended; return how many."""
    ended = sa.or_(session.c.seen_at <= seen_before, session.c.created_at <= made_before)
    return connection.execute(sa.delete(session).where(ended)).rowcount


def _account(row: sa.Row[tuple[object, ...]]) -> Account:
    tags = msgspec.json.decode(row.tags, type=dict[str, str])
    return Account(row.id, row.name, Role(row.role), tags, bool(row.has_password), row.created_at, row.signed_in_at)


def _json(tags: dict[str, str]) -> str:
    return msgspec.json.encode(dict(sorted(tags.items()))).decode()
