"""What was sent to whom: list it, show one message, explain, and retry a delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from feeds import storage
from feeds.storage.database import Connection, Database
from notifier.channels import shown
from notifier.domain.deliveries import DeliveryRecord
from notifier.domain.filters import Scope
from notifier.domain.retry import DeliveryOutcome, DeliveryState
from notifier.schemas.fields import whole
from notifier.schemas.notification import (
    AttemptRow,
    NotificationDetail,
    NotificationList,
    NotificationRow,
    Purpose,
    RecipientRow,
)
from notifier.services.snapshot.scopes import covers
from notifier.storage import delivery_log, outbox, subscriptions


@dataclass(frozen=True, slots=True)
class NotificationQuery:
    """Which deliveries to list: None stands for all. `subscription` "" stands for notices to the operator."""

    state: DeliveryState | None = None
    subscription: str | None = None
    advisory: str | None = None
    limit: int | None = None
    before: int | None = None
    """Only deliveries of a lower number: the next ones after those that were listed."""
    within: Scope = Scope()  # noqa: RUF009 - a frozen value
    """The tags that the viewer is limited to: they see deliveries of subscriptions to news of their hosts alone."""


@dataclass(frozen=True, slots=True)
class NotificationsAnswer:
    """The listed deliveries, and whether there are more."""

    value: NotificationList
    more: bool


def list_notifications(database: Database, query: NotificationQuery) -> NotificationsAnswer:
    """The deliveries that a query matches, newest first; UnknownName for an unknown subscription or advisory."""
    with database.connect() as connection:
        about = storage.catalogue(connection).find(query.advisory) if query.advisory else None
        found = delivery_log.entries(
            connection,
            state=query.state,
            subscription=query.subscription,
            advisories=(about.id, *about.doubles) if about else (),
            limit=query.limit + 1 if query.limit else None,
            before=query.before,
            among=None if query.within == Scope() else _visible(connection, query.within),
        )
        if query.subscription and not found:
            delivery_log.known(connection, query.subscription)
            if query.within != Scope():
                subscriptions.named(connection, query.subscription, query.within)
    listed = found[: query.limit]
    return NotificationsAnswer(NotificationList(notifications=tuple(map(_row, listed))), len(found) > len(listed))


def _visible(connection: Connection, within: Scope) -> list[int]:
    """The numbers of the subscriptions to news of the hosts with some tags alone."""
    return [s.id for s in subscriptions.every(connection) if covers(within, s.filters.scope)]


def show_notification(
    database: Database,
    number: int,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
) -> NotificationDetail:
    """One delivery with the message that was sent, and everyone it went to; UnknownName if there is none.

    `within` are the tags that the viewer is limited to.
    """
    with database.connect() as connection:
        if within != Scope():
            among = _visible(connection, within)
            if not delivery_log.entries(connection, numbers=[number], among=among):
                raise delivery_log.unknown(number)
        message, numbers = delivery_log.sent_with(connection, number)
        same = delivery_log.entries(connection, numbers=numbers)[::-1]
    (mine,) = (e for e in same if e.id == number)
    return NotificationDetail(
        **msgspec.structs.asdict(_row(mine)),
        recipients=tuple(
            RecipientRow(
                id=e.id,
                to=shown(e.target.address),
                recipient=e.target.recipient or None,
                state=e.state,
                sent_at=whole(e.sent_at) if e.sent_at else None,
            )
            for e in same
        ),
        text=message.text,
        html=message.html,
    )


def retry_notification(database: Database, number: int, now: datetime) -> None:
    """Queue a failed or waiting delivery for the next run; its attempts are counted from zero.

    UnknownName if there is none of that number, UsageProblem if it was sent or is being sent.
    """
    with database.begin() as connection:
        outbox.retry(connection, number, now)


def _row(entry: DeliveryRecord) -> NotificationRow:
    waits = entry.state in (DeliveryState.PENDING, DeliveryState.SENDING)
    return NotificationRow(
        id=entry.id,
        subscription=entry.subscription or None,
        purpose=Purpose(entry.purpose or ("digest" if entry.subscription else "operator")),
        digest=entry.key,
        subject=entry.subject,
        to=shown(entry.target.address),
        recipient=entry.target.recipient or None,
        state=entry.state,
        created_at=whole(entry.created_at),
        due_at=whole(entry.due_at) if waits else None,
        sent_at=whole(entry.sent_at) if entry.sent_at else None,
        answer=entry.answer,
        attempts=tuple(AttemptRow(at=whole(a.at), outcome=a.outcome, answer=a.answer) for a in entry.log),
    )


def tries(row: NotificationRow) -> int:
    """How often a delivery was tried."""
    return sum(a.outcome is not DeliveryOutcome.ASKED for a in row.attempts)


def last_moment(row: NotificationRow) -> datetime:
    """When a delivery was sent or given up, or is tried next."""
    last = row.attempts[-1].at if row.attempts else row.created_at
    return row.sent_at or row.due_at or last
