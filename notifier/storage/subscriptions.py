"""Subscriptions, and the history of what each was sent."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.core.errors import UnknownName, UsageProblem
from feeds.storage import upsert_all
from notifier.alerts.alert_state import AlertState
from notifier.alerts.digest import DigestItem
from notifier.alerts.news import Told
from notifier.domain.filters import Filters, Scope
from notifier.domain.retry import DeliveryState
from notifier.domain.schedule import Schedule
from notifier.domain.subscriptions import SentCopy, Subscription, ToldRecord
from notifier.security.encryption import seal, unsealed
from notifier.storage import bulk, self_service, tables


def add(connection: Connection, subscription: Subscription) -> None:
    """Store a new subscription; UsageProblem if the name is taken."""
    table = tables.subscription
    if connection.execute(sa.select(table.c.id).where(table.c.name == subscription.name)).scalar():
        raise UsageProblem(
            f"the subscription {subscription.name!r} already exists",
            remedy="Change it with `navtex subscription edit`, or choose another name",
        )
    connection.execute(
        sa.insert(table).values(
            name=subscription.name,
            targets=msgspec.json.encode([seal(t) for t in subscription.targets]).decode(),
            filters=msgspec.json.encode(subscription.filters).decode(),
            created_at=subscription.created_at,
            paused=subscription.paused,
            silent_start=subscription.silent_start,
            schedule=msgspec.json.encode(subscription.schedule).decode(),
            origin=subscription.origin,
            owner=subscription.owner,
        )
    )


def change(connection: Connection, subscription: Subscription) -> None:
    """Store other targets, filters, schedule or pause of a subscription; its history stays."""
    connection.execute(
        sa.update(tables.subscription)
        .where(tables.subscription.c.name == subscription.name)
        .values(
            targets=msgspec.json.encode([seal(t) for t in subscription.targets]).decode(),
            filters=msgspec.json.encode(subscription.filters).decode(),
            schedule=msgspec.json.encode(subscription.schedule).decode(),
            paused=subscription.paused,
            silent_start=subscription.silent_start,
            looked_at=None,
        )
    )


def every(connection: Connection) -> list[Subscription]:
    """Every subscription, sorted by name. One that cannot be read has its `problem`, and stops no other."""
    table = tables.subscription
    rows = connection.execute(sa.select(table).where(table.c.removed_at.is_(None)).order_by(table.c.name))
    gone = self_service.unsubscribed(connection)
    return [_readable(row, gone.get(row.id, frozenset())) for row in rows]


def named(
    connection: Connection,
    name: str,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
) -> Subscription:
    """The subscription of a name, `unreadable` where its row is damaged; UnknownName if none is within a limit."""
    table = tables.subscription
    row = connection.execute(sa.select(table).where(table.c.name == name, table.c.removed_at.is_(None))).one_or_none()
    found = _readable(row, self_service.unsubscribed(connection, row.id).get(row.id, frozenset())) if row else None
    if found is None or not found.filters.scope.within(within):
        raise UnknownName(f"there is no subscription {name!r}", remedy="See `navtex subscription list`")
    return found


def numbered(connection: Connection, number: int) -> Subscription | None:
    """The subscription of a number; None if there is none, or it was removed."""
    table = tables.subscription
    row = connection.execute(sa.select(table).where(table.c.id == number, table.c.removed_at.is_(None))).one_or_none()
    if row is None:
        return None
    return _readable(row, self_service.unsubscribed(connection, number).get(number, frozenset()))


def _readable(row: Any, unsubscribed: frozenset[str]) -> Subscription:
    """A row as it is, or what can be said of one that is damaged: its name, and why nothing can be made of it."""
    try:
        return _value(row, unsubscribed)
    except (msgspec.MsgspecError, ValueError) as error:
        why = f"its row is damaged: {error}"
        return Subscription(
            row.name, (), Filters(), row.created_at, id=row.id, problem=row.problem or "", unreadable=why
        )


def _value(row: Any, unsubscribed: frozenset[str]) -> Subscription:
    return Subscription(
        name=row.name,
        targets=tuple(map(unsealed, msgspec.json.decode(row.targets, type=tuple[str, ...]))),
        filters=msgspec.json.decode(row.filters, type=Filters),
        created_at=row.created_at,
        silent_start=row.silent_start,
        paused=row.paused,
        started_at=row.started_at,
        id=row.id,
        schedule=msgspec.json.decode(row.schedule, type=Schedule),
        origin=row.origin,
        served_at=row.served_at,
        reminded_at=row.reminded_at,
        looked_at=row.looked_at,
        problem=row.problem or "",
        owner=row.owner,
        unsubscribed=unsubscribed,
    )


def pause(connection: Connection, name: str, *, paused: bool) -> None:
    """Pause or resume a subscription. What happens meanwhile is sent when it is resumed."""
    number = named(connection, name).id
    connection.execute(
        sa.update(tables.subscription).where(tables.subscription.c.id == number).values(paused=paused, looked_at=None)
    )


def remove(connection: Connection, name: str, at: datetime) -> None:
    """End a subscription. Its history stays under its name until retention; what was not sent yet is not sent."""
    subscription, digest, outbox = tables.subscription, tables.digest, tables.outbox
    number = named(connection, name).id
    waiting = outbox.c.digest.in_(sa.select(digest.c.id).where(digest.c.subscription == number))
    connection.execute(
        sa.update(outbox)
        .where(waiting, outbox.c.state == DeliveryState.PENDING.value)
        .values(state=DeliveryState.FAILED.value, answer="the subscription was removed", reported=True)
    )
    # the name is free for another subscription
    values = {"removed_at": at, "removed_name": name, "name": f"{name}\n{number}", "paused": True}
    connection.execute(sa.update(subscription).where(subscription.c.id == number).values(values))


def mark(connection: Connection, subscription: Subscription, problem: str) -> bool:
    """Store why its digest could not be made, or "" if it could; true if that is a new problem."""
    table = tables.subscription
    known = sa.func.coalesce(table.c.problem, "") != problem
    changed = connection.execute(
        sa.update(table).where(table.c.id == subscription.id, known).values(problem=problem or None)
    )
    return bool(problem and changed.rowcount)


def versions(connection: Connection) -> dict[int, Hashable]:
    """What a digest rests on of each subscription, and what a digest changes, by its number."""
    return _versions(connection, sa.true())


def held(connection: Connection, numbers: Sequence[int]) -> dict[int, Hashable]:
    """The same of some subscriptions, which nobody else changes until the transaction ends.

    On PostgreSQL, those that another transaction changes just now are left out.
    """
    table = tables.subscription
    these = bulk.in_list(connection, table.c.id, sorted(numbers))
    # two statements: the second one sees what was committed before the rows were locked
    mine = connection.execute(
        sa.select(table.c.id).where(these).order_by(table.c.id).with_for_update(skip_locked=True)
    ).scalars()
    return _versions(connection, bulk.in_list(connection, table.c.id, list(mine)))


def _versions(connection: Connection, which: sa.ColumnElement[bool]) -> dict[int, Hashable]:
    table, digest = tables.subscription, tables.digest
    of = digest.c.subscription == table.c.id
    last = sa.select(sa.func.max(digest.c.id)).where(of).scalar_subquery()
    lost = sa.select(sa.func.count(digest.c.lost_at)).where(of).scalar_subquery()
    columns = [c for c in table.c if c is not table.c.problem]
    rows = connection.execute(sa.select(*columns, last.label("last"), lost.label("lost")).where(which))
    gone = self_service.unsubscribed(connection)
    return {row.id: (*row, gone.get(row.id)) for row in rows}


def start(connection: Connection, subscription: Subscription, at: datetime) -> None:
    """Store the moment of its first run."""
    connection.execute(
        sa.update(tables.subscription).where(tables.subscription.c.id == subscription.id).values(started_at=at)
    )


def serve(connection: Connection, numbers: Sequence[int], at: datetime, *, reminded: bool) -> None:
    """Store that the digests of some were due, and whether they contained a reminder."""
    values = {"served_at": at, "looked_at": at} | ({"reminded_at": at} if reminded else {})
    these = bulk.in_list(connection, tables.subscription.c.id, sorted(numbers))
    connection.execute(sa.update(tables.subscription).where(these).values(values))


def looked(connection: Connection, numbers: Sequence[int], at: datetime) -> None:
    """Store that some were looked for news whose digest is not due."""
    these = bulk.in_list(connection, tables.subscription.c.id, sorted(numbers))
    connection.execute(sa.update(tables.subscription).where(these).values(looked_at=at))


def told(connection: Connection, subscription: Subscription) -> dict[int, Told]:
    """What it was sent, by the number of the advisory."""
    table, digest, telling = tables.told, tables.digest, tables.telling
    keys = {r.id: r.key for r in connection.execute(sa.select(digest.c.id, digest.c.key).where(_of(subscription)))}
    first = connection.execute(
        sa.select(telling.c.advisory, sa.func.min(telling.c.digest).label("digest"))
        .join(digest, digest.c.id == telling.c.digest)
        .where(_of(subscription))
        .group_by(telling.c.advisory)
    )
    threads = {r.advisory: keys[r.digest] for r in first}
    return {
        r.advisory: Told(
            msgspec.json.decode(r.facets, type=AlertState),
            r.at,
            r.first_at or r.at,
            keys.get(r.digest, ""),
            threads.get(r.advisory, ""),
        )
        for r in connection.execute(sa.select(table).where(table.c.subscription == subscription.id))
    }


def _of(subscription: Subscription) -> sa.ColumnElement[bool]:
    return tables.digest.c.subscription == subscription.id


def tell(
    connection: Connection, subscription: Subscription, facets: dict[int, AlertState], at: datetime, digest: int | None
) -> None:
    """Store what a digest reports, or what is recorded without one (`digest` None)."""
    if not facets:
        return
    table = tables.told
    before = dict(
        connection.execute(
            sa.select(table.c.advisory, table.c.first_at).where(table.c.subscription == subscription.id)
        ).all()
    )
    rows = [
        {
            "subscription": subscription.id,
            "advisory": advisory,
            "facets": msgspec.json.encode(value).decode(),
            "at": at,
            "digest": digest,
            "first_at": before.get(advisory) or at,
        }
        for advisory, value in facets.items()
    ]
    upsert_all(connection, table, rows, ["subscription", "advisory"])


def recall(connection: Connection, digest: int, items: Iterable[DigestItem]) -> None:
    """Store which advisories a digest reported, and why: `navtex notification explain` reads it."""
    rows: dict[int, dict[str, Any]] = {}
    for item in items:
        row = rows.setdefault(
            item.advisory.id, {"digest": digest, "advisory": item.advisory.id, "change": item.change, "words": ""}
        )
        row["words"] = "; ".join(w for w in (row["words"], *item.changes) if w)
    if rows:
        connection.execute(sa.insert(tables.telling), list(rows.values()))


def note(connection: Connection, subscription: Subscription, facets: dict[int, AlertState]) -> None:
    """Correct the history without sending anything: when it was sent, and in which digest, stays."""
    table = tables.told
    for advisory, value in facets.items():
        connection.execute(
            sa.update(table)
            .where(table.c.subscription == subscription.id, table.c.advisory == advisory)
            .values(facets=msgspec.json.encode(value).decode())
        )


def tellings(connection: Connection, subscription: Subscription, advisories: Iterable[int]) -> list[ToldRecord]:
    """The digests that reported an advisory to a subscription, oldest first, with the state of each delivery."""
    digest, telling, outbox = tables.digest, tables.telling, tables.outbox
    rows = connection.execute(
        sa.select(digest.c.id, digest.c.key, digest.c.created_at, telling.c.change, telling.c.words)
        .join(telling, telling.c.digest == digest.c.id)
        .where(_of(subscription), telling.c.advisory.in_(sorted(advisories)))
        .order_by(digest.c.id)
    )
    found = []
    for row in rows.all():
        sent = connection.execute(sa.select(outbox).where(outbox.c.digest == row.id).order_by(outbox.c.id))
        tries = tuple(
            SentCopy(unsealed(r.target), r.recipient, r.state, r.attempts, r.due_at, r.sent_at, r.answer)
            for r in sent.all()
        )
        found.append(ToldRecord(row.key, row.created_at, row.change, row.words, tries))
    return found


def last_digest(connection: Connection, subscription: Subscription) -> datetime | None:
    """When its last digest was made that was not lost."""
    kept = (_of(subscription), tables.digest.c.lost_at.is_(None))
    newest = sa.select(sa.func.max(tables.digest.c.id)).where(*kept).scalar_subquery()
    return connection.execute(sa.select(tables.digest.c.created_at).where(tables.digest.c.id == newest)).scalar()
