"""Digests, notices, the outbox and its log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.core.errors import NavtexError, UnknownName, UsageProblem
from feeds.storage import insert
from notifier.domain.deliveries import OPERATOR
from notifier.domain.messages import Message, Target
from notifier.domain.retry import FURTHEST, DeliveryOutcome, DeliveryState
from notifier.domain.schedule import Schedule, quiet_until
from notifier.domain.subscriptions import Subscription
from notifier.security.encryption import seal, unsealed
from notifier.storage import bulk, tables


def put(
    connection: Connection, subscription: Subscription, message: Message, targets: Sequence[Target], *, welcome: bool
) -> int:
    """Store a digest and its outbox rows; return the digest's number."""
    number = insert(
        connection,
        tables.digest,
        key=message.key,
        subscription=subscription.id,
        created_at=message.created_at,
        welcome=welcome,
        message=msgspec.json.encode(message).decode(),
    )
    _rows(connection, "digest", number, message, targets)
    return number


def put_notice(connection: Connection, message: Message, targets: Sequence[Target], purpose: str = "") -> bool:
    """Store a message to the operator and its outbox rows; false if one of that key is stored already.

    With a `purpose`, it is a message to one person instead: a confirmation, an undo.
    """
    table = tables.notice
    if connection.execute(sa.select(table.c.id).where(table.c.key == message.key)).scalar():
        return False
    number = insert(
        connection,
        table,
        key=message.key,
        created_at=message.created_at,
        message=msgspec.json.encode(message).decode(),
        purpose=purpose,
    )
    _rows(connection, "notice", number, message, targets)
    return True


def _rows(connection: Connection, kind: str, number: int, message: Message, targets: Iterable[Target]) -> None:
    rows = [
        {
            kind: number,
            "target": seal(t.address),
            "recipient": t.recipient,
            "state": DeliveryState.PENDING.value,
            "attempts": 0,
            "due_at": message.created_at,
            "answer": "",
        }
        for t in dict.fromkeys(targets)
    ]
    if rows:
        connection.execute(sa.insert(tables.outbox), rows)


def redirect(connection: Connection, subscription: int, gone: Collection[str], targets: Sequence[Target]) -> int:
    """Queue what waits for the addresses that a subscription no longer has for other targets instead.

    A target that has the message already does not get it again. Returns the number of messages.
    """
    outbox, digest = tables.outbox, tables.digest
    mine = sa.select(outbox).join(digest, digest.c.id == outbox.c.digest).where(digest.c.subscription == subscription)
    rows = connection.execute(mine.where(outbox.c.state == DeliveryState.PENDING.value)).all()
    left = [row for row in rows if unsealed(row.target) in gone]
    if not left:
        return 0
    connection.execute(
        sa.update(outbox)
        .where(bulk.in_list(connection, outbox.c.id, [row.id for row in left]))
        .values(state=DeliveryState.FAILED.value, answer="the subscription no longer has this channel", reported=True)
    )
    numbers = sorted({row.digest for row in left})
    for number in numbers:
        text = connection.execute(sa.select(digest.c.message).where(digest.c.id == number)).scalar_one()
        have = connection.execute(sa.select(outbox.c.target, outbox.c.recipient).where(outbox.c.digest == number)).all()
        known = {(unsealed(row.target), row.recipient) for row in have}
        message, _ = read_message(text, left[0].due_at)
        _rows(connection, "digest", number, message, [t for t in targets if tuple(t) not in known])
    return len(numbers)


def cancel(connection: Connection, subscription: int, recipient: str) -> None:
    """Give up what waits for a recipient of a subscription, as they unsubscribed. Nobody is told of that."""
    outbox, digest = tables.outbox, tables.digest
    mine = outbox.c.digest.in_(sa.select(digest.c.id).where(digest.c.subscription == subscription))
    connection.execute(
        sa.update(outbox)
        .where(mine, outbox.c.state == DeliveryState.PENDING.value, sa.func.lower(outbox.c.recipient) == recipient)
        .values(state=DeliveryState.FAILED.value, answer="the recipient unsubscribed", reported=True)
    )


def recipients(connection: Connection, subscription: int) -> list[Target]:
    """Everybody who was sent a digest of a subscription, by the newest address."""
    outbox, digest = tables.outbox, tables.digest
    rows = connection.execute(
        sa.select(outbox.c.target, outbox.c.recipient, sa.func.max(outbox.c.id).label("last"))
        .join(digest, digest.c.id == outbox.c.digest)
        .where(digest.c.subscription == subscription, outbox.c.recipient != "")
        .group_by(outbox.c.target, outbox.c.recipient)
        .order_by(sa.desc("last"))
    )
    return [Target(unsealed(row.target), row.recipient) for row in rows]


def joined(*columns: Any) -> sa.Select[Any]:
    """Rows of the outbox, each with its digest and subscription or its notice."""
    outbox, digest, notice, subscription = tables.outbox, tables.digest, tables.notice, tables.subscription
    return (
        sa.select(*columns)
        .select_from(outbox)
        .outerjoin(digest, digest.c.id == outbox.c.digest)
        .outerjoin(notice, notice.c.id == outbox.c.notice)
        .outerjoin(subscription, subscription.c.id == digest.c.subscription)
    )


MESSAGE = sa.func.coalesce(tables.digest.c.message, tables.notice.c.message).label("message")
WHOSE = sa.func.coalesce(
    tables.subscription.c.removed_name,
    tables.subscription.c.name,
    sa.func.nullif(tables.notice.c.purpose, ""),
    OPERATOR,
).label("subscription")


_MESSAGE = msgspec.json.Decoder(Message)
_SCHEDULE = msgspec.json.Decoder(Schedule)


def read_message(text: str, at: datetime) -> tuple[Message, str]:
    """A stored message, and "" or why it cannot be read; an empty one stands in for it then."""
    try:
        return _MESSAGE.decode(text), ""
    except (msgspec.MsgspecError, ValueError) as error:
        return Message("", "(cannot be read)", "", "", "[]", at), str(error)


def _quiet(schedule: str, now: datetime) -> bool:
    """Whether it is quiet hours by a stored schedule; one that cannot be read has none."""
    try:
        return quiet_until(_SCHEDULE.decode(schedule), now) is not None
    except (msgspec.MsgspecError, NavtexError, ValueError, KeyError):
        return False


def due(connection: Connection, now: datetime, *, personal: bool = False) -> list[int]:
    """The numbers of what is to be delivered now, oldest first; in quiet hours only what breaks them.

    With `personal`, only messages to one person that are delivered at once.
    """
    outbox, paused = tables.outbox, tables.subscription.c.paused
    statement = joined(outbox.c.id, outbox.c.digest, tables.subscription.c.schedule).where(
        *((tables.notice.c.purpose != "",) if personal else ()),
        outbox.c.state == DeliveryState.PENDING.value,
        sa.or_(outbox.c.due_at <= now, outbox.c.due_at > now + FURTHEST),
        sa.or_(paused.is_(None), sa.not_(paused)),
    )
    rows = connection.execute(statement.order_by(outbox.c.id)).all()
    quiet = {s for s in {r.schedule for r in rows if r.schedule} if _quiet(s, now)}
    held = _patient(connection, {r.digest for r in rows if r.schedule in quiet}, now)
    return [r.id for r in rows if r.digest not in held]


def addresses(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """The addresses that deliveries go to."""
    outbox = tables.outbox
    these = bulk.in_list(connection, outbox.c.id, numbers)
    rows = connection.execute(sa.select(outbox.c.id, outbox.c.target).where(these)).all()
    found = {sealed: unsealed(sealed) for sealed in {row.target for row in rows}}
    return {row.id: found[row.target] for row in rows}


def _patient(connection: Connection, digests: set[int], now: datetime) -> set[int]:
    """Which of some digests have nothing in them that breaks quiet hours."""
    table = tables.digest
    found = set()
    for number in digests:
        text = connection.execute(sa.select(table.c.message).where(table.c.id == number)).scalar_one()
        message, problem = read_message(text, now)
        if not (message.urgent or problem):
            found.add(number)
    return found


def log(connection: Connection, entries: Sequence[tuple[int, datetime, DeliveryOutcome, str]]) -> None:
    """Add attempts to the log: the delivery, when, what it came to, and the answer."""
    rows = [(number, bulk.moment(connection, at), outcome.value, answer) for number, at, outcome, answer in entries]
    bulk.insert_rows(connection, tables.attempt, ("outbox", "at", "outcome", "answer"), rows)


def pending(connection: Connection) -> int:
    """The number of pending deliveries."""
    statement = (
        sa.select(sa.func.count())
        .select_from(tables.outbox)
        .where(tables.outbox.c.state.in_((DeliveryState.PENDING.value, DeliveryState.SENDING.value)))
    )
    return connection.execute(statement).scalar() or 0


def retry(connection: Connection, number: int, now: datetime) -> None:
    """Queue a delivery for the next run, with its attempts counted from zero.

    UnknownName if there is none of that number, UsageProblem if it was sent or is being sent.
    """
    outbox = tables.outbox
    state = connection.execute(sa.select(outbox.c.state).where(outbox.c.id == number)).scalar()
    if state is None:
        raise UnknownName(f"there is no notification {number}", remedy="See `navtex notification list`")
    if state in (DeliveryState.SENT, DeliveryState.SENDING):
        raise UsageProblem(
            f"notification {number} {'was sent' if state == DeliveryState.SENT else 'is being sent now'}",
            remedy="Only pending and failed notifications can be retried",
        )
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.id == number)
        .values(state=DeliveryState.PENDING.value, due_at=now, attempts=0, reported=False)
    )
    log(connection, [(number, now, DeliveryOutcome.ASKED, "")])
