"""Notify: due subscriptions -> digests -> outbox -> channels.

A digest, its outbox rows and the alert history are one transaction; delivering is another step, which can
be repeated: each try carries the digest's key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from feeds.core.errors import DatabaseError
from feeds.storage.database import Connection, Database
from notifier.alerts.digest import Digest
from notifier.channels import MessageSender
from notifier.config import Config, ImageSettings
from notifier.domain import deliveries
from notifier.domain.subscriptions import Subscription
from notifier.rendering import notices
from notifier.rendering.messages import render
from notifier.services import operator_alerts
from notifier.services.assessment import Assessment
from notifier.services.channel_addresses import reason, recipients_of
from notifier.services.delivery import Deliveries, deliver
from notifier.services.digests import Composed, compose
from notifier.storage import clocks, images, lost_digests, outbox, pushes, subscriptions

__all__ = ["Assessment", "NotifyReport", "deliver", "notify", "preview", "previews", "queue_digests"]


@dataclass(slots=True)
class NotifyReport(Deliveries):
    """What a notification run did."""

    digests: list[Digest] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    """Subscriptions whose welcome waits until some source was read."""

    @property
    def ok(self) -> bool:
        """Whether every digest was made, and every delivery that was due succeeded."""
        return not (self.failed or self.broken)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says of notifying."""

    stale_days: int = 14
    disabled: frozenset[str] = frozenset()
    """Sources that are not asked, of which nothing is to be said."""
    operators: tuple[str, ...] = ()
    """The channels of those who run Navtex."""
    templates: Path | None = None
    """The user's own templates."""
    images: ImageSettings = field(default_factory=ImageSettings)

    @classmethod
    def of(cls, config: Config) -> Settings:
        """Those of a configuration."""
        return cls(config.digest.stale_days, config.disabled, config.operator.to, config.template_folder, config.images)


def notify(
    database: Database,
    courier: MessageSender,
    *,
    now: datetime | None = None,
    settings: Settings = Settings(),
) -> NotifyReport:
    """Queue the digests that are due, and deliver what is due in the outbox; `now` None is the clock's."""
    report = queue_digests(database, now or datetime.now(UTC), settings)
    deliver(database, courier, report, now, operator=settings.operators)
    return report


def queue_digests(database: Database, now: datetime, settings: Settings = Settings()) -> NotifyReport:
    """Make the digests that are due, and put them and the operators' notices into the outbox. Sends nothing.

    Whatever goes wrong with one subscription, it is rolled back alone, named in the report, kept as its problem, and
    told to the operators once; the others are served. Only a database that fails ends the run.
    """
    report = NotifyReport()
    with database.begin() as connection:
        pushes.wait_for_pushes(connection)
        silenced = clocks.mend_clock(connection, now)
        lost_digests.take_back(connection, now)
        report.broken += [(name, "its last run lay in the future; it counts as now") for name in silenced]
        assessment = _assessment(connection, now, settings, keep=True)
        fresh = list(report.broken)
        fresh += [
            report.broken[-1]
            for subscription in subscriptions.every(connection)
            if not subscription.paused and _queued(database, connection, assessment, subscription, report, settings)
        ]
        for notice in (_of_sources, partial(_of_broken, fresh)):
            try:
                with database.savepoint(connection):
                    problems = notice(connection, assessment, settings)
                report.broken += [(deliveries.OPERATOR, problem) for problem in problems]
            except DatabaseError:
                raise
            except Exception as error:  # noqa: BLE001 - the digests go out, whatever stops a notice
                report.broken.append((deliveries.OPERATOR, reason(error)))
    return report


def _queued(
    database: Database,
    connection: Connection,
    assessment: Assessment,
    subscription: Subscription,
    report: NotifyReport,
    settings: Settings,
) -> bool:
    """Queue what is due for one subscription. True if that failed, and failed otherwise the last time."""
    problem = subscription.unreadable
    try:
        if not problem:
            with database.savepoint(connection):
                made = _prepare(connection, assessment, subscription, settings)
            report.held += [subscription.name] if made.waits else []
            report.digests += [made.digest] if made.digest else []
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one stops nobody else's
        problem = reason(error)
    if problem:
        report.broken.append((subscription.name, problem))
    return subscriptions.mark(connection, subscription, problem)


def _of_sources(connection: Connection, assessment: Assessment, settings: Settings) -> tuple[str, ...]:
    return operator_alerts.tell_of_sources(
        connection, assessment.sources, settings.operators, assessment.now, templates=settings.templates
    )


def _of_broken(
    fresh: list[tuple[str, str]], connection: Connection, assessment: Assessment, settings: Settings
) -> tuple[str, ...]:
    if not fresh or not settings.operators:
        return ()
    return operator_alerts.tell(connection, notices.broken(fresh, assessment.now), settings.operators)


def preview(
    connection: Connection, subscription: Subscription, now: datetime, settings: Settings = Settings()
) -> Composed:
    """Return what would be sent now, even if it is not time. Stores nothing."""
    return compose(connection, _assessment(connection, now, settings), subscription, whenever=True)


def previews(
    connection: Connection, now: datetime, settings: Settings = Settings()
) -> Iterator[tuple[Subscription, Callable[[], Composed]]]:
    """Yield each subscription with a function that returns what would be sent to it now. Stores nothing."""
    assessment = _assessment(connection, now, settings)
    for subscription in subscriptions.every(connection):
        yield subscription, partial(compose, connection, assessment, subscription)


def _assessment(connection: Connection, now: datetime, settings: Settings, *, keep: bool = False) -> Assessment:
    return Assessment.load(
        connection, now, stale_days=settings.stale_days, disabled=settings.disabled, keep=keep, images=settings.images
    )


class _Prepared(NamedTuple):
    """What was queued for a subscription; `waits` where its welcome waits until a source was read."""

    digest: Digest | None = None
    waits: bool = False


def _prepare(
    connection: Connection, assessment: Assessment, subscription: Subscription, settings: Settings
) -> _Prepared:
    if subscription.started_at is None and not any(s.last_success for s in assessment.sources):
        return _Prepared(waits=True)
    if subscription.unsubscribed and not recipients_of(subscription):
        return _Prepared()  # as if it were paused: what happens meanwhile is sent to whoever comes back
    made = compose(connection, assessment, subscription)
    found, number = made.news, None
    if made.digest is not None:
        targets = recipients_of(subscription)
        message = msgspec.structs.replace(render(made.digest, settings.templates), urgent=bool(made.at_once))
        number = outbox.put(connection, subscription, message, targets, welcome=made.digest.welcome)
        subscriptions.recall(connection, number, made.digest.items)
    subscriptions.note(connection, subscription, found.noted)
    subscriptions.tell(connection, subscription, found.silent, assessment.now, None)
    if number is not None:
        lost_digests.keep_before(connection, subscription.id, number, found.facets)
    subscriptions.tell(connection, subscription, found.facets, assessment.now, number)
    _note_images(connection, subscription, made, assessment.now)
    if made.time.now:
        subscriptions.serve(connection, subscription, assessment.now, reminded=made.reminded)
        if subscription.started_at is None:
            subscriptions.start(connection, subscription, assessment.now)
    return _Prepared(made.digest)


def _note_images(connection: Connection, subscription: Subscription, made: Composed, now: datetime) -> None:
    """Remember what was sent of images; what is over is forgotten, so that it is news if it comes again."""
    found = made.images
    if made.digest is not None or subscription.started_at is None:
        images.note_told(connection, subscription.id, found.told, now, made.digest.key if made.digest else "")
    images.forget_told(connection, subscription.id, found.over)
