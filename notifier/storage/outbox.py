"""Digests, notices, the outbox and its log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.core.errors import NavtexError, UnknownName, UsageProblem
from feeds.storage import insert
from notifier.domain.deliveries import OPERATOR, Delivery, Result
from notifier.domain.messages import Message, Target
from notifier.domain.retry import FURTHEST, DeliveryOutcome, DeliveryState, abandoned
from notifier.domain.schedule import Schedule, quiet_until
from notifier.domain.subscriptions import Subscription
from notifier.security.encryption import seal, unsealed
from notifier.storage import bulk, tables


def put(
    connection: Connection, subscription: Subscription, message: Message, targets: Sequence[Target], *, welcome: bool
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
    _rows(connection, "digest", number, message, targets)
    return number


def put_notice(connection: Connection, message: Message, targets: Sequence[Target]) -> bool:
    """Store a message to the operator and its outbox rows; false where one of that key is stored already."""
    table = tables.notice
    if connection.execute(sa.select(table.c.id).where(table.c.key == message.key)).scalar():
        return False
    number = insert(
        connection,
        table,
        key=message.key,
        created_at=message.created_at,
        message=msgspec.json.encode(message).decode(),
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

    A target that has the message already does not get it again. The number of messages comes back.
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
WHOSE = sa.func.coalesce(tables.subscription.c.removed_name, tables.subscription.c.name, OPERATOR).label("subscription")


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


def due(connection: Connection, now: datetime) -> list[int]:
    """The numbers of what is to be delivered now, oldest first; in quiet hours only what breaks them."""
    outbox, paused = tables.outbox, tables.subscription.c.paused
    statement = joined(outbox.c.id, outbox.c.digest, tables.subscription.c.schedule).where(
        outbox.c.state == DeliveryState.PENDING.value,
        sa.or_(outbox.c.due_at <= now, outbox.c.due_at > now + FURTHEST),
        sa.or_(paused.is_(None), sa.not_(paused)),
    )
    rows = connection.execute(statement.order_by(outbox.c.id)).all()
    quiet = {s for s in {r.schedule for r in rows if r.schedule} if _quiet(s, now)}
    held = _patient(connection, {r.digest for r in rows if r.schedule in quiet}, now)
    return [r.id for r in rows if r.digest not in held]


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


def claim(connection: Connection, numbers: Sequence[int], by: str, at: datetime) -> list[Delivery]:
    """Claim pending deliveries, so that no other process sends them; those claimed come back."""
    outbox = tables.outbox
    these = bulk.in_list(connection, outbox.c.id, numbers)
    connection.execute(
        sa.update(outbox)
        .where(these, outbox.c.state == DeliveryState.PENDING.value)
        .values(state=DeliveryState.SENDING.value, claimed_by=by, claimed_at=at)
    )
    needed = (outbox.c.id, outbox.c.target, outbox.c.recipient, outbox.c.attempts, outbox.c.parts)
    statement = joined(*needed, MESSAGE, WHOSE).where(
        these, outbox.c.state == DeliveryState.SENDING.value, outbox.c.claimed_by == by
    )
    rows = connection.execute(statement.order_by(outbox.c.id)).all()
    addresses = {sealed: unsealed(sealed) for sealed in {row.target for row in rows}}
    found = []
    for row in rows:
        message, problem = read_message(row.message, at)
        target = Target(addresses[row.target], row.recipient)
        found.append(Delivery(row.id, row.subscription, target, row.attempts, message, row.parts, problem))
    return found


def release(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Release claimed deliveries that were not tried."""
    outbox = tables.outbox
    connection.execute(
        sa.update(outbox)
        .where(
            bulk.in_list(connection, outbox.c.id, [d.id for d in deliveries]),
            outbox.c.state == DeliveryState.SENDING.value,
        )
        .values(state=DeliveryState.PENDING.value, claimed_by="", claimed_at=None)
    )


def recover(connection: Connection, now: datetime, ended: Callable[[str], bool]) -> list[int]:
    """Make deliveries due again that a process left unfinished; `ended` says whether it is gone. Returns their numbers.

    It is not known whether they arrived, so that counts as an attempt, and the repeat carries the same key.
    """
    outbox = tables.outbox
    rows = connection.execute(sa.select(outbox).where(outbox.c.state == DeliveryState.SENDING.value)).all()
    left = [r.id for r in rows if abandoned(r.claimed_at or now, now, ended=ended(r.claimed_by))]
    if left:
        said = "the process that sent it ended; whether it arrived is not known"
        connection.execute(
            sa.update(outbox)
            .where(bulk.in_list(connection, outbox.c.id, left))
            .values(
                state=DeliveryState.PENDING.value,
                claimed_by="",
                claimed_at=None,
                attempts=outbox.c.attempts + 1,
                due_at=now,
                answer=said,
            )
        )
        _log(connection, [(number, now, DeliveryOutcome.INTERRUPTED, said) for number in left])
    return left


_KEPT = ("state", "due_at", "attempts", "sent_at", "answer", "claimed_by", "claimed_at")


def keep(connection: Connection, results: Sequence[Result]) -> None:
    """Store the results of attempts, in the rows and in the log."""
    rows = [
        (
            r.state.value,
            bulk.moment(connection, r.due_at),
            r.delivery.attempts + (r.outcome is not None),
            bulk.moment(connection, r.at) if r.state is DeliveryState.SENT else None,
            r.answer,
            "",
            None,
            r.delivery.id,
        )
        for r in results
    ]
    bulk.update_rows(connection, tables.outbox, _KEPT, rows)
    _log(connection, [(r.delivery.id, r.at, r.outcome, r.answer) for r in results if r.outcome])


def _log(connection: Connection, entries: Sequence[tuple[int, datetime, DeliveryOutcome, str]]) -> None:
    rows = [(number, bulk.moment(connection, at), outcome.value, answer) for number, at, outcome, answer in entries]
    bulk.insert_rows(connection, tables.attempt, ("outbox", "at", "outcome", "answer"), rows)


def arrived(connection: Connection, number: int, parts: int) -> None:
    """Store how many parts of a message have arrived, so that a later attempt goes on from there."""
    connection.execute(sa.update(tables.outbox).where(tables.outbox.c.id == number).values(parts=parts))


def renew(connection: Connection, by: str, at: datetime) -> None:
    """Store that the process that claimed these is still working."""
    outbox = tables.outbox
    mine = (outbox.c.state == DeliveryState.SENDING.value, outbox.c.claimed_by == by)
    connection.execute(sa.update(outbox).where(*mine).values(claimed_at=at))


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

    UnknownName where there is none of that number, UsageProblem where it was sent or is being sent.
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
    _log(connection, [(number, now, DeliveryOutcome.ASKED, "")])
