"""Deliveries with their messages and attempts, for people to read; and failures that operators do not know of yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.core.errors import UnknownName
from notifier.domain.deliveries import Attempt, DeliveryRecord
from notifier.domain.messages import Message, Target
from notifier.domain.retry import DeliveryOutcome, DeliveryState
from notifier.security.encryption import unsealed
from notifier.storage import bulk, tables
from notifier.storage.outbox import MESSAGE, WHOSE, joined, read_message


def entries(  # noqa: PLR0913 - conditions, each named at the call
    connection: Connection,
    *,
    state: DeliveryState | None = None,
    subscription: str | None = None,
    numbers: Sequence[int] | None = None,
    advisories: Collection[int] = (),
    limit: int | None = None,
    before: int | None = None,
    among: Collection[int] | None = None,
) -> list[DeliveryRecord]:
    """The deliveries, newest first: all, or those of a state, of a subscription ("" stands for the operators').

    With `advisories`, those of digests that reported one of them. Removed subscriptions are found by their former name.
    With `before`, those of a lower number; with `among`, those of subscriptions with these numbers.
    """
    outbox = tables.outbox
    statement = joined(outbox, MESSAGE, WHOSE, tables.notice.c.purpose).order_by(outbox.c.id.desc())
    chosen: list[sa.ColumnElement[bool]] = []
    if state is not None:
        chosen.append(outbox.c.state == state.value)
    if subscription is not None:
        name = sa.func.coalesce(tables.subscription.c.removed_name, tables.subscription.c.name)
        chosen.append(name == subscription if subscription else name.is_(None))
    if before is not None:
        chosen.append(outbox.c.id < before)
    if among is not None:
        digest = tables.digest
        chosen.append(outbox.c.digest.in_(sa.select(digest.c.id).where(digest.c.subscription.in_(sorted(among)))))
    if numbers is not None:
        chosen.append(outbox.c.id.in_(numbers))
    if advisories:
        telling = tables.telling
        told_of = sa.select(telling.c.digest).where(telling.c.advisory.in_(sorted(advisories)))
        chosen.append(outbox.c.digest.in_(told_of))
    rows = connection.execute(statement.where(*chosen).limit(limit)).all()
    if limit is not None:
        chosen = [bulk.in_list(connection, outbox.c.id, [row.id for row in rows])]
    logs = _logs(connection, chosen)
    found = []
    for row in rows:
        message, _ = read_message(row.message, row.due_at)
        found.append(
            DeliveryRecord(
                id=row.id,
                subscription=row.subscription if row.digest is not None else "",
                key=message.key,
                subject=message.subject,
                target=Target(unsealed(row.target), row.recipient),
                state=DeliveryState(row.state),
                attempts=row.attempts,
                created_at=message.created_at,
                due_at=row.due_at,
                sent_at=row.sent_at,
                answer=row.answer,
                log=tuple(logs.get(row.id, ())),
                purpose=row.purpose or "",
            )
        )
    return found


def sent_with(connection: Connection, number: int) -> tuple[Message, list[int]]:
    """The message of a delivery, and the numbers of all deliveries of it; UnknownName if there is none."""
    outbox = tables.outbox
    row = connection.execute(
        joined(outbox.c.digest, outbox.c.notice, outbox.c.due_at, MESSAGE).where(outbox.c.id == number)
    ).first()
    if row is None:
        raise unknown(number)
    same = outbox.c.digest == row.digest if row.digest is not None else outbox.c.notice == row.notice
    numbers = connection.execute(sa.select(outbox.c.id).where(same).order_by(outbox.c.id)).scalars()
    return read_message(row.message, row.due_at)[0], list(numbers)


def unknown(number: int) -> UnknownName:
    """The error for a delivery that there is not."""
    return UnknownName(f"there is no notification {number}", remedy="See `navtex notification list`")


def known(connection: Connection, subscription: str) -> None:
    """UnknownName if no subscription, not even a removed one, has or had this name."""
    table = tables.subscription
    found = sa.select(table.c.id).where(sa.or_(table.c.name == subscription, table.c.removed_name == subscription))
    if connection.execute(found.limit(1)).scalar() is None:
        raise UnknownName(f"there is no subscription {subscription!r}", remedy="See `navtex subscription list`")


def _logs(connection: Connection, chosen: Sequence[sa.ColumnElement[bool]]) -> dict[int, list[Attempt]]:
    attempt = tables.attempt
    rows = connection.execute(
        sa.select(attempt).where(attempt.c.outbox.in_(joined(tables.outbox.c.id).where(*chosen))).order_by(attempt.c.id)
    )
    found: dict[int, list[Attempt]] = {}
    for row in rows:
        found.setdefault(row.outbox, []).append(Attempt(row.at, DeliveryOutcome(row.outcome), row.answer))
    return found


def unreported(connection: Connection) -> list[int]:
    """The numbers of deliveries of digests that were given up and not yet reported to the operators."""
    outbox = tables.outbox
    statement = sa.select(outbox.c.id).where(
        outbox.c.state == DeliveryState.FAILED.value, outbox.c.digest.is_not(None), sa.not_(outbox.c.reported)
    )
    return list(connection.execute(statement.order_by(outbox.c.id)).scalars())


def report(connection: Connection, numbers: Sequence[int]) -> None:
    """Store that these failures were reported to the operators."""
    connection.execute(sa.update(tables.outbox).where(tables.outbox.c.id.in_(numbers)).values(reported=True))


def retried(connection: Connection) -> list[tuple[str, int, str]]:
    """For each subscription with failed attempts: its name, how many deliveries wait for the next, and an answer."""
    outbox = tables.outbox
    statement = joined(WHOSE, sa.func.count().label("number"), sa.func.max(outbox.c.answer).label("answer")).where(
        outbox.c.state == DeliveryState.PENDING.value, outbox.c.attempts > 0
    )
    rows = connection.execute(statement.group_by(WHOSE).order_by(WHOSE)).all()
    return [(row.subscription, row.number, row.answer) for row in rows]


def given_up(connection: Connection) -> int:
    """The number of deliveries that were given up."""
    statement = (
        sa.select(sa.func.count()).select_from(tables.outbox).where(tables.outbox.c.state == DeliveryState.FAILED.value)
    )
    return connection.execute(statement).scalar() or 0


__all__ = ["entries", "given_up", "known", "report", "retried", "sent_with", "unknown", "unreported"]
