"""API tokens, stored and asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import insert
from notifier.domain.access import Role, TokenScope
from notifier.storage.access_tables import account, api_token


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without its secret."""

    id: int
    key: str
    name: str
    owner: str
    """"" if it was made on the command line."""
    owner_id: int | None
    role: Role | None
    """Its owner's role."""
    scopes: frozenset[TokenScope]
    tags: dict[str, str]
    owner_tags: dict[str, str]
    hosts: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    hash: str


_SELECT = sa.select(
    api_token,
    account.c.name.label("owner"),
    account.c.role,
    account.c.tags.label("owner_tags"),
).outerjoin(account, account.c.id == api_token.c.account)


def tokens(connection: Connection, owner: int | None = None) -> list[Token]:
    """All tokens, or those of an account, newest first."""
    statement = _SELECT.order_by(api_token.c.id.desc())
    if owner is not None:
        statement = statement.where(api_token.c.account == owner)
    return [_token(row) for row in connection.execute(statement)]


def of_keys(connection: Connection, keys: Collection[str]) -> list[Token]:
    """The tokens of some keys."""
    return [_token(row) for row in connection.execute(_SELECT.where(api_token.c.key.in_(keys)))]


def add(connection: Connection, token: Token) -> int:
    """Store a token; return its number."""
    return insert(
        connection,
        api_token,
        key=token.key,
        hash=token.hash,
        name=token.name,
        account=token.owner_id,
        scopes=" ".join(sorted(token.scopes)),
        tags=msgspec.json.encode(dict(sorted(token.tags.items()))).decode(),
        hosts=token.hosts,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


def remove(connection: Connection, number: int) -> None:
    """Forget a token."""
    connection.execute(sa.delete(api_token).where(api_token.c.id == number))


def use(connection: Connection, numbers: Collection[int], at: datetime) -> None:
    """Note that tokens were used."""
    connection.execute(sa.update(api_token).where(api_token.c.id.in_(numbers)).values(used_at=at))


def forget(connection: Connection, expired_before: datetime) -> int:
    """Forget tokens that expired before a moment; return how many."""
    return connection.execute(sa.delete(api_token).where(api_token.c.expires_at < expired_before)).rowcount


def _token(row: sa.Row[tuple[object, ...]]) -> Token:
    return Token(
        row.id,
        row.key,
        row.name,
        row.owner or "",
        row.account,
        Role(row.role) if row.role else None,
        frozenset(map(TokenScope, row.scopes.split())),
        msgspec.json.decode(row.tags, type=dict[str, str]),
        msgspec.json.decode(row.owner_tags or "{}", type=dict[str, str]),
        row.hosts,
        row.created_at,
        row.expires_at,
        row.used_at,
        row.hash,
    )
