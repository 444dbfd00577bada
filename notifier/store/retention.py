"""What may be forgotten after some time: a step a kind, each of a limited number of rows.

The ledger (`told`) stays, and of an old digest what it refers to: its number, key and time. What is
still to be delivered stays with its digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds import tables as feeds_tables
from notifier import tables
from notifier.inventory.views import decode
from notifier.outbox import State
from notifier.store import bulk

FEW_IMPORTS = 1000
"""So many old imports, and one more for each host, are not looked at: they are a few bytes each."""
_OPEN = (State.PENDING.value, State.SENDING.value)


def digests(connection: Connection, before: datetime, limit: int) -> int:
    """Forget old digests with their deliveries and the log of those; how many come back.

    What the ledger leans on (the digest that told last, the first one of each thread, each subscription's
    newest) loses its message and deliveries only.
    """
    digest, outbox, told, telling = tables.digest, tables.outbox, tables.told, tables.telling
    first = (
        sa.select(sa.func.min(telling.c.digest))
        .join(digest, digest.c.id == telling.c.digest)
        .group_by(digest.c.subscription, telling.c.advisory)
    )
    newest = sa.select(sa.func.max(digest.c.id)).group_by(digest.c.subscription)
    leaned_on = sa.or_(
        digest.c.id.in_(sa.select(told.c.digest).where(told.c.digest.is_not(None))),
        digest.c.id.in_(first),
        digest.c.id.in_(newest),
    )
    statement = (
        sa.select(digest.c.id, leaned_on.label("stays"))
        .where(
            digest.c.created_at < before,
            ~_undelivered(outbox.c.digest, digest.c.id),
            sa.or_(digest.c.message != "", sa.not_(leaned_on)),
        )
        .order_by(digest.c.id)
        .limit(limit)
    )
    rows = connection.execute(statement).all()
    stay, go = [r.id for r in rows if r.stays], [r.id for r in rows if not r.stays]
    connection.execute(sa.delete(outbox).where(bulk.in_list(connection, outbox.c.digest, stay)))
    connection.execute(sa.update(digest).where(bulk.in_list(connection, digest.c.id, stay)).values(message=""))
    _delete(connection, digest, go)
    return len(rows)


def notices(connection: Connection, before: datetime, limit: int) -> int:
    """Forget old messages to the operator with their deliveries; how many come back."""
    notice = tables.notice
    statement = sa.select(notice.c.id).where(
        notice.c.created_at < before, ~_undelivered(tables.outbox.c.notice, notice.c.id)
    )
    return _delete(connection, notice, _numbers(connection, statement.order_by(notice.c.id).limit(limit)))


def items(connection: Connection, before: datetime, limit: int) -> int:
    """Forget what its source no longer lists there and still lists elsewhere; how many come back.

    What it lists nowhere any more stays: it says that its advisory was withdrawn.
    """
    item = feeds_tables.item
    other = item.alias()
    moved = sa.exists().where(other.c.source == item.c.source, other.c.key == item.c.key, other.c.gone_at.is_(None))
    statement = sa.select(item.c.id).where(item.c.gone_at < before, moved)
    return _delete(connection, item, _numbers(connection, statement.order_by(item.c.id).limit(limit)))


def imports(connection: Connection, before: datetime, limit: int) -> int:
    """Forget old imports of which nothing in the inventory comes any more; how many come back.

    To know those every host is read, so it is put off until there are many.
    """
    runs = tables.inventory_import
    newest = sa.select(sa.func.max(runs.c.id)).group_by(runs.c.scope)
    old = _numbers(connection, sa.select(runs.c.id).where(runs.c.at < before, runs.c.id.not_in(newest)))
    hosts = connection.execute(sa.select(sa.func.count()).select_from(tables.host)).scalar() or 0
    if len(old) <= FEW_IMPORTS + hosts:
        return 0
    used: set[int] = set()
    for table in (tables.host, tables.installation, tables.departure):
        used.update(connection.execute(sa.select(table.c["import"]).distinct()).scalars())
    for views in connection.execute(sa.select(tables.host.c.views)).scalars():
        used.update(seen.by for seen in decode(views).values())
    return _delete(connection, runs, [n for n in old if n not in used])


def _undelivered(column: sa.Column[Any], number: sa.Column[Any]) -> sa.Exists:
    return sa.exists().where(column == number, tables.outbox.c.state.in_(_OPEN))


def _numbers(connection: Connection, statement: sa.Select[Any]) -> list[int]:
    return list(connection.execute(statement).scalars())


def _delete(connection: Connection, table: sa.Table, numbers: Sequence[int]) -> int:
    if numbers:
        connection.execute(sa.delete(table).where(bulk.in_list(connection, table.c.id, numbers)))
    return len(numbers)


STEPS = (digests, notices, items, imports)
