"""Delete old rows: one step for each kind, each limited in rows.

The alert history (`told`) stays, with number, key and time of its digests. Pending deliveries stay with their
digests.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import tables as feeds_tables
from notifier.alerts.alert_state import AlertState
from notifier.domain.observations import mentions
from notifier.domain.retry import DeliveryState
from notifier.storage import bulk, component_periods, image_retention, period_tables, tables
from notifier.storage.push_tables import push_import

FEW_IMPORTS = 1000
"""So many old imports, and one more for each host, are not looked at: they are a few bytes each."""
FEW = 100
"""So many components that nobody runs, and sets of tags, are not looked at either."""
_OPEN = (DeliveryState.PENDING.value, DeliveryState.SENDING.value)


def digests(connection: Connection, before: datetime, limit: int) -> int:
    """Forget old digests with their deliveries and the log of those; return how many.

    What the alert history leans on (the digest that told last, the first one of each thread, each subscription's
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
    """Forget old messages to the operator with their deliveries; return how many."""
    notice = tables.notice
    statement = sa.select(notice.c.id).where(
        notice.c.created_at < before, ~_undelivered(tables.outbox.c.notice, notice.c.id)
    )
    return _delete(connection, notice, _numbers(connection, statement.order_by(notice.c.id).limit(limit)))


def items(connection: Connection, before: datetime, limit: int) -> int:
    """Forget what its source no longer lists there and still lists elsewhere; return how many.

    What it lists nowhere any more stays: it says that its advisory was withdrawn.
    """
    item = feeds_tables.item
    other = item.alias()
    moved = sa.exists().where(other.c.source == item.c.source, other.c.key == item.c.key, other.c.gone_at.is_(None))
    statement = sa.select(item.c.id).where(item.c.gone_at < before, moved)
    return _delete(connection, item, _numbers(connection, statement.order_by(item.c.id).limit(limit)))


def imports(connection: Connection, before: datetime, limit: int) -> int:
    """Forget old imports of which nothing in the inventory comes any more; return how many.

    To know those every host is read, so it is put off until there are many.
    """
    runs = tables.inventory_import
    newest = sa.select(sa.func.max(runs.c.id)).group_by(runs.c.scope)
    old = _numbers(connection, sa.select(runs.c.id).where(runs.c.at < before, runs.c.id.not_in(newest)))
    hosts = connection.execute(sa.select(sa.func.count()).select_from(tables.host)).scalar() or 0
    if len(old) <= FEW_IMPORTS + hosts:
        return 0
    used: set[int] = set()
    for table in (tables.host, tables.installation, tables.departure, push_import):
        used.update(connection.execute(sa.select(table.c["import"]).distinct()).scalars())
    for views in connection.execute(sa.select(tables.host.c.views)).scalars():
        used.update(seen.by for seen in mentions(views))
    return _delete(connection, runs, [n for n in old if n not in used])


def silences(connection: Connection, before: datetime, limit: int) -> int:
    """Forget silences that ended long ago; return how many."""
    table = tables.silence
    return _delete(
        connection, table, _numbers(connection, sa.select(table.c.id).where(table.c.until < before).limit(limit))
    )


def hands(connection: Connection, before: datetime, limit: int) -> int:
    """Delete assignments that ended long ago; return how many."""
    table = tables.hand
    old = sa.select(table.c.id).where(table.c.released_at < before)
    return _delete(connection, table, _numbers(connection, old.limit(limit)))


def audits(connection: Connection, before: datetime, limit: int) -> int:
    """Delete old audits that a newer one against the same edition replaced, or whose host is gone; return how many."""
    table = tables.audit
    gone = ~sa.exists().where(tables.host.c.name == table.c.host)
    newer = table.alias()
    same = [newer.c[name] == table.c[name] for name in ("host", "line", "version")]
    replaced = sa.exists().where(*same, newer.c.at > table.c.at)
    old = (
        sa.select(table.c.id)
        .where(table.c.at < before, table.c.imported_at < before, sa.or_(replaced, gone))
        .order_by(table.c.id)
    )
    return _delete(connection, table, _numbers(connection, old.limit(limit)))


def note_left(connection: Connection, now: datetime) -> None:
    """Note since when no host runs a component or an image, and forget that of those that are run again."""
    image_retention.note_left(connection, now)
    table, installation = tables.component, tables.installation
    held = sa.exists().where(installation.c.component == table.c.id)
    for found, at in ((table.c.left_at.is_(None) & ~held, now), (table.c.left_at.is_not(None) & held, None)):
        # looked for first: on PostgreSQL an update waits for an import, even where there is nothing to update
        numbers = _numbers(connection, sa.select(table.c.id).where(found))
        if numbers:
            connection.execute(sa.update(table).where(bulk.in_list(connection, table.c.id, numbers)).values(left_at=at))


def ended_stays(connection: Connection, before: datetime, limit: int) -> int:
    """Delete periods of hosts with components that ended long ago; return how many. They are few, so all at once."""
    return component_periods.forget(connection, before.date())


def components(connection: Connection, before: datetime, limit: int) -> int:
    """Forget components that nobody has run for long, with their verdicts; return how many.

    Every host is read to know whether it still has one that does not count there; so it is put off until there are
    some.  The newest one stays: an import would give its number again, which counts as matched.
    """
    table, departed, restart = tables.component, tables.departure, tables.restart
    newest = connection.execute(sa.select(sa.func.max(table.c.id))).scalar()
    left = sa.select(table.c.id).where(table.c.left_at < before, table.c.id != newest)
    if len(_numbers(connection, left)) <= FEW:
        return 0
    _stop_imports(connection)
    columns = (
        *(tables.installation.c.component, departed.c.component, restart.c.runs, restart.c.installed),
        *(
            period_tables.earlier_stay.c.component,
            period_tables.ended_stay.c.component,
            period_tables.ended_stay.c.next,
        ),
    )
    used = {n for column in columns for n in _numbers(connection, sa.select(column).distinct())}
    for views in connection.execute(sa.select(tables.host.c.views)).scalars():
        used.update(n for seen in mentions(views) for n in seen.components)
    old = _numbers(connection, left)
    still = bulk.in_list(connection, table.c.id, [n for n in old if n in used])
    connection.execute(sa.update(table).where(still).values(left_at=None))
    gone = [n for n in old if n not in used]
    _untell(connection, frozenset(gone))
    for kept in (tables.verdict, period_tables.known_exposure, period_tables.overdue_told):
        connection.execute(sa.delete(kept).where(bulk.in_list(connection, kept.c.component, gone)))
    return _delete(connection, table, gone)


def tagsets(connection: Connection, before: datetime, limit: int) -> int:
    """Forget sets of tags that no host has; return how many."""
    table = tables.tagset
    if (connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() or 0) <= FEW:
        return 0
    _stop_imports(connection)
    used = set(_numbers(connection, sa.select(tables.host.c.tagset).distinct()))
    return _delete(connection, table, [n for n in _numbers(connection, sa.select(table.c.id)) if n not in used])


def _stop_imports(connection: Connection) -> None:
    """Let imports wait to the end of the transaction: they hold numbers of what they have read; see `Import`."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE host, component IN SHARE ROW EXCLUSIVE MODE")


def _untell(connection: Connection, gone: frozenset[int]) -> None:
    """Take components out of what the alert history says of them: their numbers mean nothing any more."""
    told = tables.told
    for row in connection.execute(sa.select(told.c.subscription, told.c.advisory, told.c.facets)).all():
        facets = msgspec.json.decode(row.facets, type=AlertState)
        if gone.isdisjoint(facets.components):
            continue
        left = {n: status for n, status in facets.components.items() if n not in gone}
        kept = msgspec.structs.replace(facets, components=left, fixed=facets.fixed - gone)
        mine = sa.and_(told.c.subscription == row.subscription, told.c.advisory == row.advisory)
        connection.execute(sa.update(told).where(mine).values(facets=msgspec.json.encode(kept).decode()))


def _undelivered(column: sa.Column[Any], number: sa.Column[Any]) -> sa.Exists:
    return sa.exists().where(column == number, tables.outbox.c.state.in_(_OPEN))


def _numbers(connection: Connection, statement: sa.Select[Any]) -> list[int]:
    return list(connection.execute(statement).scalars())


def _delete(connection: Connection, table: sa.Table, numbers: Sequence[int]) -> int:
    if numbers:
        connection.execute(sa.delete(table).where(bulk.in_list(connection, table.c.id, numbers)))
    return len(numbers)


def image_uses(connection: Connection, before: datetime, limit: int) -> int:
    """Forget uses of images that no host has had for long; return how many."""
    _stop_imports(connection)
    return image_retention.image_uses(connection, before, limit)


def images(connection: Connection, before: datetime, limit: int) -> int:
    """Forget images that nothing has referred to for long; return how many."""
    _stop_imports(connection)
    return image_retention.images(connection, before, limit)


STEPS = (
    *(digests, notices, items, imports, silences, hands, audits, ended_stays, components, tagsets),
    *(image_uses, image_retention.image_tags, images),
)
