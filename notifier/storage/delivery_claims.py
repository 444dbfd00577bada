"""Claims on deliveries. Whoever claimed one sends it and writes the result of it, as long as the claim is its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.deliveries import Delivery, Result
from notifier.domain.messages import Target
from notifier.domain.retry import DeliveryOutcome, DeliveryState, abandoned
from notifier.security.encryption import unsealed
from notifier.storage import bulk, tables
from notifier.storage.outbox import MESSAGE, WHOSE, joined, log, read_message


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
    statement = joined(*needed, MESSAGE, WHOSE, tables.digest.c.subscription.label("number")).where(
        these, outbox.c.state == DeliveryState.SENDING.value, outbox.c.claimed_by == by
    )
    rows = connection.execute(statement.order_by(outbox.c.id)).all()
    addresses = {sealed: unsealed(sealed) for sealed in {row.target for row in rows}}
    found = []
    for row in rows:
        message, problem = read_message(row.message, at)
        target = Target(addresses[row.target], row.recipient)
        found.append(
            Delivery(row.id, row.subscription, target, row.attempts, message, row.parts, problem, row.number or 0)
        )
    return found


def still_held(connection: Connection, numbers: Collection[int], by: str) -> set[int]:
    """Which of some deliveries a process still holds; nobody else can take these until the transaction ends."""
    rows = sa.select(tables.outbox.c.id).where(
        *_held(by), bulk.in_list(connection, tables.outbox.c.id, sorted(numbers))
    )
    return set(connection.execute(rows.order_by(tables.outbox.c.id).with_for_update()).scalars())


def claimed(connection: Connection) -> list[int]:
    """The deliveries that some process is at, or left."""
    outbox = tables.outbox
    return list(
        connection.execute(sa.select(outbox.c.id).where(outbox.c.state == DeliveryState.SENDING.value)).scalars()
    )


def release(connection: Connection, deliveries: Sequence[Delivery], by: str) -> None:
    """Release deliveries that a process claimed and did not try."""
    these = bulk.in_list(connection, tables.outbox.c.id, [d.id for d in deliveries])
    connection.execute(
        sa.update(tables.outbox)
        .where(these, *_held(by))
        .values(state=DeliveryState.PENDING.value, claimed_by="", claimed_at=None)
    )


def recover(connection: Connection, now: datetime, ended: Callable[[str], bool]) -> list[int]:
    """Make deliveries due again that a process left unfinished; `ended` says whether it is gone. Returns their numbers.

    It is not known whether they arrived, so that counts as an attempt, and the repeat carries the same key.
    """
    outbox = tables.outbox
    # what another process is writing just now is not abandoned
    waiting = sa.select(outbox.c.id, outbox.c.claimed_by, outbox.c.claimed_at).with_for_update(skip_locked=True)
    rows = connection.execute(waiting.where(outbox.c.state == DeliveryState.SENDING.value)).all()
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
        log(connection, [(number, now, DeliveryOutcome.INTERRUPTED, said) for number in left])
    return left


_KEPT = ("state", "due_at", "attempts", "sent_at", "answer", "claimed_by", "claimed_at")


def keep(connection: Connection, results: Sequence[Result], by: str) -> list[Result]:
    """Store the results of attempts, in the rows and in the log. Those whose claim was lost come back.

    Their rows belong to another process, and stay as they are. The log has every attempt.
    """
    if not results:
        return []
    held = still_held(connection, [r.delivery.id for r in results], by)
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
        if r.delivery.id in held
    ]
    bulk.update_rows(connection, tables.outbox, _KEPT, rows)
    log(connection, [(r.delivery.id, r.at, r.outcome, _told(r, held)) for r in results if r.outcome])
    return [r for r in results if r.delivery.id not in held]


def _told(result: Result, held: Collection[int]) -> str:
    taken = "" if result.delivery.id in held else " (after another process had taken the delivery over)"
    return f"{result.answer}{taken}"


def arrived(connection: Connection, number: int, parts: int, by: str) -> bool:
    """Store how many parts of a message have arrived, so that a later attempt goes on from there.

    False if another process has taken the delivery over: then nothing is stored.
    """
    mine = sa.update(tables.outbox).where(tables.outbox.c.id == number, *_held(by))
    return bool(connection.execute(mine.values(parts=parts)).rowcount)


def renew(connection: Connection, by: str, at: datetime) -> None:
    """Store that the process that claimed these is still working."""
    connection.execute(sa.update(tables.outbox).where(*_held(by)).values(claimed_at=at))


def _held(by: str) -> tuple[sa.ColumnElement[bool], ...]:
    return tables.outbox.c.state == DeliveryState.SENDING.value, tables.outbox.c.claimed_by == by
