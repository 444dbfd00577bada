"""Notifying: due subscriptions -> digest -> outbox -> channels.  A thin shell over `digest` and `delivering`.

A digest, its outbox rows and the ledger are one transaction; delivering is another step, which can
be repeated: each try carries the digest's key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from feeds.core.errors import ChannelError, ConfigError
from feeds.storage.database import Connection, Database
from notifier.alerts.digest import Digest
from notifier.channels import MessageSender, expand
from notifier.config import Config
from notifier.domain import deliveries
from notifier.domain.messages import Target
from notifier.domain.subscriptions import Subscription
from notifier.rendering.messages import render
from notifier.security.references import resolved
from notifier.services import operator_alerts
from notifier.services.context import World
from notifier.services.delivery import Deliveries, deliver, sample
from notifier.services.digests import Composed, compose
from notifier.storage import outbox, subscriptions

__all__ = ["NotifyReport", "World", "deliver", "notify", "preview", "sample"]


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

    @classmethod
    def of(cls, config: Config) -> Settings:
        """Those of a configuration."""
        return cls(config.digest.stale_days, config.disabled, config.operator.to, config.template_folder)


def notify(
    database: Database,
    courier: MessageSender,
    *,
    now: datetime | None = None,
    settings: Settings = Settings(),
) -> NotifyReport:
    """Make the digests that are due, and deliver what the outbox holds; `now` None is the clock's."""
    report = NotifyReport()
    with database.begin() as connection:
        world = World.read(
            connection,
            now or datetime.now(UTC),
            stale_days=settings.stale_days,
            disabled=settings.disabled,
            keep=True,
        )
        for subscription in subscriptions.every(connection):
            if not subscription.paused:
                try:
                    _prepare(connection, world, subscription, report, settings)
                except (ChannelError, ConfigError) as error:  # one that cannot be made stops nobody else's
                    report.broken.append((subscription.name, str(error)))
        try:
            operator_alerts.tell_of_sources(
                connection, world.sources, settings.operators, world.now, templates=settings.templates
            )
        except (ChannelError, ConfigError) as error:
            report.broken.append((deliveries.OPERATOR, str(error)))
    deliver(database, courier, report, now, operator=settings.operators)
    return report


def preview(
    connection: Connection,
    subscription: Subscription,
    now: datetime,
    settings: Settings = Settings(),
    *,
    whenever: bool = True,
) -> Composed:
    """What would go out now, and with `whenever` even if it is not time. Nothing is kept."""
    world = World.read(connection, now, stale_days=settings.stale_days, disabled=settings.disabled)
    return compose(connection, world, subscription, whenever=whenever)


def _prepare(
    connection: Connection, world: World, subscription: Subscription, report: NotifyReport, settings: Settings
) -> None:
    if subscription.started_at is None and not any(s.last_success for s in world.sources):
        report.held.append(subscription.name)
        return
    made = compose(connection, world, subscription)
    found, number = made.news, None
    if made.digest is not None:
        targets = [t for address in subscription.targets for t in _targets(address)]
        message = msgspec.structs.replace(render(made.digest, settings.templates), urgent=bool(made.at_once))
        number = outbox.put(connection, subscription, message, targets, welcome=made.digest.welcome)
        subscriptions.recall(connection, number, made.digest.items)
        report.digests.append(made.digest)
    subscriptions.note(connection, subscription, found.noted)
    subscriptions.tell(connection, subscription, found.silent, world.now, None)
    subscriptions.tell(connection, subscription, found.facets, world.now, number)
    if made.time.now:
        subscriptions.serve(connection, subscription, world.now, reminded=made.reminded)
        if subscription.started_at is None:
            subscriptions.start(connection, subscription, world.now)


def _targets(address: str) -> list[Target]:
    """The targets of an address; what it refers to is looked up again when it is sent, and not kept."""
    return [target._replace(address=address) for target in expand(resolved(address))]
