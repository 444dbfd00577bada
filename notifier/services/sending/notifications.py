"""Notify: due subscriptions -> digests -> outbox -> channels.

A digest, its outbox rows and the alert history are one transaction; delivering is another step, which can
be repeated: each try carries the digest's key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from feeds.storage.database import Connection, Database
from notifier.channels import MessageSender
from notifier.domain.subscriptions import Subscription
from notifier.services.sending.delivery import deliver
from notifier.services.sending.digests import Composed, compose
from notifier.services.sending.queueing import NotifyReport, assessed, queue_digests
from notifier.services.snapshot.assessment import Assessment
from notifier.services.snapshot.settings import DEFAULTS, Settings
from notifier.storage import subscriptions

__all__ = ["Assessment", "NotifyReport", "Settings", "deliver", "notify", "preview", "previews", "queue_digests"]


def notify(
    database: Database,
    courier: MessageSender,
    *,
    now: datetime | None = None,
    settings: Settings = DEFAULTS,
) -> NotifyReport:
    """Queue the digests that are due, and deliver what is due in the outbox; `now` None is the clock's."""
    report = queue_digests(database, now or datetime.now(UTC), settings)
    deliver(database, courier, report, now, operator=settings.operators)
    return report


def preview(
    connection: Connection, subscription: Subscription, now: datetime, settings: Settings = DEFAULTS
) -> Composed:
    """Return what would be sent now, even if it is not time. Stores nothing."""
    return compose(connection, assessed(connection, now, settings), subscription, whenever=True)


def previews(
    connection: Connection, now: datetime, settings: Settings = DEFAULTS
) -> Iterator[tuple[Subscription, Callable[[], Composed]]]:
    """Yield each subscription with a function that returns what would be sent to it now. Stores nothing."""
    assessment = assessed(connection, now, settings)
    for subscription in subscriptions.every(connection):
        yield subscription, partial(compose, connection, assessment, subscription)
