"""The stages of a run as workers call them: each alone, safe to repeat, with what follows it enqueued."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from feeds.storage.database import Connection, Database
from notifier.domain.jobs import DUE, deliver_job, digest_jobs
from notifier.domain.subscriptions import Subscription
from notifier.services.sending.delivery import due_hosts
from notifier.services.sending.queueing import DigestStage, NotifyReport, digests, match, notify_operators
from notifier.services.snapshot.settings import Settings
from notifier.storage import jobs, subscriptions, watermarks

__all__ = ["make_digests", "match_all", "queue_due"]


def match_all(database: Database, now: datetime, settings: Settings) -> NotifyReport:
    """Match what is new, and let what is due then be looked for."""

    def follow(connection: Connection) -> None:
        jobs.enqueue(connection, [DUE])

    report = NotifyReport(ahead=match(database, now, follow))
    notify_operators(database, now, settings, report)
    return report


def queue_due(database: Database, now: datetime, settings: Settings) -> NotifyReport:
    """Enqueue the digests and deliveries that are due, and the notices to operators.

    A subscription is looked for news where something has changed since its last look, or where it is time. What a job
    is at already is left to it.
    """
    report = NotifyReport()
    with database.begin() as connection:
        database.serial(connection, "due")
        changed = watermarks.world(connection, now)
        busy = jobs.subscriptions(connection)
        these = [s for s in subscriptions.every(connection) if s.id not in busy and s.looks(changed, now)]
        hosts = due_hosts(connection, now)
        jobs.enqueue(connection, [*digest_jobs(_by_scope(these)), *map(deliver_job, hosts)])
    notify_operators(database, now, settings, report)
    return report


def _by_scope(these: Collection[Subscription]) -> list[int]:
    """The numbers of subscriptions, those of one scope together: a job counts the hosts of each of its scopes."""
    keyed = [(msgspec.json.encode(s.filters.scope, order="sorted"), s.id) for s in these]
    return [number for _, number in sorted(keyed)]


def make_digests(
    database: Database,
    these: Collection[int],
    now: datetime,
    settings: Settings,
    of: DigestStage | None = None,
) -> NotifyReport:
    """Make the digests of some subscriptions, and tell the operators which newly cannot be made."""
    report = digests(database, now, settings, these, of)
    notify_operators(database, now, settings, report)
    return report
