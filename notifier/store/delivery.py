"""Digests and the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.store import insert
from notifier import tables
from notifier.channels import Target
from notifier.outbox import Next, State
from notifier.render import Message
from notifier.store.subscriptions import Subscription, operator


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the outbox: a message for a target, and how often it was tried."""

    id: int
    subscription: str
    target: Target
    attempts: int
    message: Message


def put(
    connection: Connection, subscription: Subscription, message: Message, targets: list[Target], *, welcome: bool
) -> int:
    """Store a digest and its outbox rows; the digest's number comes back."""
    number = insert(
        connection,
        tables.digest,
        key=message.key,
        subscription=subscription.id,
        created_at=message.created_at,
        welcome=welcome,
        message=msgspec.json.encode(message).decode(),
    )
    rows = [
        {
            "digest": number,
            "target": t.address,
            "recipient": t.recipient,
            "state": State.PENDING.value,
            "attempts": 0,
            "due_at": message.created_at,
            "answer": "",
        }
        for t in targets
    ]
    if rows:
        connection.execute(sa.insert(tables.outbox), rows)
    return number


def put_notice(connection: Connection, message: Message, targets: list[Target]) -> bool:
    """Store a message to the operators and its outbox rows; false where one of that key is stored already."""
    digest = tables.digest
    if connection.execute(sa.select(digest.c.id).where(digest.c.key == message.key)).scalar():
        return False
    put(connection, operator(connection, message.created_at), message, targets, welcome=False)
    return True


def due(connection: Connection, now: datetime) -> list[Delivery]:
    """What is to be delivered now, oldest first."""
    outbox, digest, subscription = tables.outbox, tables.digest, tables.subscription
    rows = connection.execute(
        sa.select(outbox, digest.c.message, subscription.c.name.label("subscription"))
        .join(digest, digest.c.id == outbox.c.digest)
        .join(subscription, subscription.c.id == digest.c.subscription)
        .where(outbox.c.state == State.PENDING.value, outbox.c.due_at <= now, sa.not_(subscription.c.paused))
        .order_by(outbox.c.id)
    )
    return [
        Delivery(
            r.id,
            r.subscription,
            Target(r.target, r.recipient),
            r.attempts,
            msgspec.json.decode(r.message, type=Message),
        )
        for r in rows
    ]


def sent(connection: Connection, delivery: Delivery, at: datetime, answer: str) -> None:
    """Note that the channel took it."""
    values = {"state": State.SENT.value, "sent_at": at, "attempts": delivery.attempts + 1, "answer": answer}
    connection.execute(sa.update(tables.outbox).where(tables.outbox.c.id == delivery.id).values(**values))


def failed(connection: Connection, delivery: Delivery, following: Next) -> None:
    """Note that a try failed, and what follows."""
    values = {
        "state": following.state.value,
        "due_at": following.due_at,
        "attempts": delivery.attempts + 1,
        "answer": following.reason,
    }
    connection.execute(sa.update(tables.outbox).where(tables.outbox.c.id == delivery.id).values(**values))


def pending(connection: Connection) -> int:
    """How many deliveries are still to be made."""
    statement = (
        sa.select(sa.func.count()).select_from(tables.outbox).where(tables.outbox.c.state == State.PENDING.value)
    )
    return connection.execute(statement).scalar() or 0
