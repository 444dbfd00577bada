"""Digests that every target gave up: what they said counts as not told, and comes again.

Until a digest arrives somewhere, the alert history as it was before is kept beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.alerts.alert_state import AlertState
from notifier.domain.retry import DeliveryState
from notifier.storage import bulk, overdue, tables

PAUSE: Final = timedelta(days=1)
"""How long after a digest that was lost, as the one before it was, its items come again; else they do at once."""


class _Before(msgspec.Struct, frozen=True):
    """A row of the alert history."""

    facets: str
    at: datetime
    first_at: datetime | None
    digest: int | None


_BEFORE = msgspec.json.Decoder(_Before | None)
_LOST = msgspec.json.encode(AlertState(lost=True)).decode()


def keep_before(connection: Connection, subscription: int, digest: int, advisories: Collection[int]) -> None:
    """Keep what a subscription was told of some advisories before a digest tells of them."""
    told = tables.told
    these = (told.c.subscription == subscription, bulk.in_list(connection, told.c.advisory, sorted(advisories)))
    before = {
        r.advisory: _Before(r.facets, r.at, r.first_at, r.digest)
        for r in connection.execute(sa.select(told).where(*these))
    }
    rows = [(digest, n, msgspec.json.encode(before.get(n)).decode()) for n in sorted(advisories)]
    bulk.insert_rows(connection, tables.told_before, ("digest", "advisory", "state"), rows)


def take_back(connection: Connection, now: datetime) -> list[int]:
    """Take back what lost digests told, so that it is news again. Returns the numbers of these digests."""
    table, digest, outbox = tables.told_before, tables.digest, tables.outbox
    arrived = sa.select(outbox.c.digest).where(outbox.c.state == DeliveryState.SENT.value, outbox.c.digest.is_not(None))
    connection.execute(sa.delete(table).where(table.c.digest.in_(arrived)))
    given_up = sa.select(outbox.c.digest).where(outbox.c.state == DeliveryState.FAILED.value)
    other = sa.exists().where(outbox.c.digest == digest.c.id, outbox.c.state != DeliveryState.FAILED.value)
    rows = connection.execute(
        sa.select(digest)
        .join(tables.subscription, tables.subscription.c.id == digest.c.subscription)
        .where(
            digest.c.id.in_(given_up),
            digest.c.lost_at.is_(None),
            ~other,
            tables.subscription.c.removed_at.is_(None),
        )
        .order_by(digest.c.id)
    ).all()
    of_subscription: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        of_subscription[row.subscription].append(row)
    ready = [lost for lost in of_subscription.values() if not _waits(connection, lost, now)]
    if ready:
        # whoever writes a digest holds its subscription, too, before its alert history
        mine = bulk.in_list(connection, tables.subscription.c.id, sorted(lost[0].subscription for lost in ready))
        held = sa.select(tables.subscription.c.id).where(mine).order_by(tables.subscription.c.id)
        connection.execute(held.with_for_update())
        connection.execute(sa.update(tables.subscription).where(mine).values(looked_at=None))
    for one in (row for lost in ready for row in lost):
        _take_back(connection, one, now)
    return [row.id for lost in ready for row in lost]


def _waits(connection: Connection, lost: list[Any], now: datetime) -> bool:
    """Whether the digest before these was lost, too, and the last of these was made within a day."""
    digest = tables.digest
    earlier = (digest.c.subscription == lost[0].subscription, digest.c.id < lost[0].id)
    before = sa.select(digest.c.lost_at).where(*earlier).order_by(digest.c.id.desc()).limit(1)
    return connection.execute(before).scalar() is not None and now - lost[-1].created_at < PAUSE


def _take_back(connection: Connection, one: Any, now: datetime) -> None:
    digest, subscription, image = tables.digest, tables.subscription, tables.image_told
    table = tables.told_before
    kept = connection.execute(sa.select(table).where(table.c.digest == one.id)).all()
    _restore(connection, one.subscription, ((row.advisory, _BEFORE.decode(row.state)) for row in kept), now)
    # a later digest told of these on top of this one: what was before it says nothing any more
    mine = sa.select(digest.c.id).where(digest.c.subscription == one.subscription, digest.c.id >= one.id)
    these = bulk.in_list(connection, table.c.advisory, [row.advisory for row in kept])
    connection.execute(sa.delete(table).where(table.c.digest.in_(mine), these))
    connection.execute(sa.delete(image).where(image.c.subscription == one.subscription, image.c.digest == one.key))
    overdue.take_back(connection, one.subscription, one.key)
    connection.execute(sa.update(digest).where(digest.c.id == one.id).values(lost_at=now))
    if one.welcome:
        anew = {"started_at": None, "served_at": None, "reminded_at": None}
        connection.execute(sa.update(subscription).where(subscription.c.id == one.subscription).values(anew))


def _restore(
    connection: Connection, subscription: int, states: Iterable[tuple[int, _Before | None]], now: datetime
) -> None:
    told, digest = tables.told, tables.digest
    for advisory, before in states:
        known = before and connection.execute(sa.select(digest.c.id).where(digest.c.id == before.digest)).scalar()
        values = (
            {"facets": before.facets, "at": before.at, "first_at": before.first_at, "digest": known}
            if before
            else {"facets": _LOST, "at": now, "first_at": None, "digest": None}
        )
        where = (told.c.subscription == subscription, told.c.advisory == advisory)
        connection.execute(sa.update(told).where(*where).values(values))
