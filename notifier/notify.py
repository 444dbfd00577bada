"""Notifying: due subscriptions -> digest -> outbox -> channels.  A thin shell over `digest` and `outbox`.

A digest, its outbox rows and the ledger are one transaction; delivering is another step, which can
be repeated: each try carries the digest's key.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from feeds.database import Connection, Database
from feeds.errors import ChannelError, ConfigError
from notifier import digest as digests
from notifier import outbox, watch
from notifier.channels import Courier, Target, expand, shown
from notifier.compose import Composed, compose
from notifier.config import Config
from notifier.digest import Digest
from notifier.references import resolved
from notifier.render import Message, render
from notifier.store import delivery, subscriptions
from notifier.store.delivery import Delivery
from notifier.store.subscriptions import Subscription
from notifier.world import World


@dataclass(slots=True)
class Report:
    """What a notification run did."""

    digests: list[Digest] = field(default_factory=list)
    delivered: list[tuple[Delivery, str]] = field(default_factory=list)
    failed: list[tuple[Delivery, str]] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    """Subscriptions whose digest could not be made, and why; it is made once that is mended."""
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
    courier: Courier,
    *,
    now: datetime | None = None,
    settings: Settings = Settings(),
) -> Report:
    """Make the digests that are due, and deliver what the outbox holds."""
    now = now or datetime.now(UTC)
    report = Report()
    with database.begin() as connection:
        world = World.read(connection, now, stale_days=settings.stale_days, disabled=settings.disabled)
        for subscription in subscriptions.every(connection):
            if not subscription.paused:
                try:
                    _prepare(connection, world, subscription, report, settings)
                except (ChannelError, ConfigError) as error:  # one that cannot be made stops nobody else's
                    report.broken.append((subscription.name, str(error)))
        try:
            watch.tell_of_sources(connection, world.sources, settings.operators, now, templates=settings.templates)
        except (ChannelError, ConfigError) as error:
            report.broken.append((subscriptions.OPERATOR, str(error)))
    deliver(database, courier, report, now)
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
    connection: Connection, world: World, subscription: Subscription, report: Report, settings: Settings
) -> None:
    if subscription.started_at is None and not any(s.last_success for s in world.sources):
        report.held.append(subscription.name)
        return
    made = compose(connection, world, subscription)
    found, number = made.news, None
    if made.digest is not None:
        targets = [t for address in subscription.targets for t in _targets(address)]
        message = render(made.digest, settings.templates)
        number = delivery.put(connection, subscription, message, targets, welcome=made.digest.welcome)
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


def deliver(
    database: Database,
    courier: Courier,
    report: Report,
    now: datetime,
    *,
    progress: Callable[[Delivery], None] = lambda _: None,
) -> None:
    """Deliver what is due. Each result is kept at once, so that nothing that went out goes out again."""
    with database.connect() as connection:
        waiting = delivery.due(connection, now)
    for one in waiting:
        progress(one)
        try:
            target = one.target._replace(address=resolved(one.target.address))
            answer = courier.deliver(target, one.message)
        except Exception as error:  # noqa: BLE001 - whatever happens to one delivery, the others are made
            following = _after(error, one.attempts + 1)
            with database.begin() as connection:
                delivery.failed(connection, one, following)
            report.failed.append((one, following.reason))
        else:
            with database.begin() as connection:
                delivery.sent(connection, one, datetime.now(UTC), answer)
            report.delivered.append((one, answer))


def _after(error: Exception, attempts: int) -> outbox.Next:
    now = datetime.now(UTC)
    if isinstance(error, ChannelError):
        return outbox.after_failure(attempts, now, str(error), retry_at=error.retry_at, permanent=error.permanent)
    return outbox.after_failure(attempts, now, f"{type(error).__name__}: {error}")


def sample(courier: Courier, subscription: Subscription, now: datetime) -> list[tuple[Target, str]]:
    """Send a message that is clearly marked as a test to every target; what each answered comes back."""
    text = f"This is a test of the Navtex subscription “{subscription.name}”. It tells of nothing.\n"
    key = digests.key_of(f"test of {subscription.name}", now, ())
    page = f"<!doctype html><meta charset=utf-8><title>Test</title><p>{html.escape(text)}</p>"
    block = {"type": "section", "text": {"type": "plain_text", "text": text}}
    message = Message(key, f"[Navtex] Test of {subscription.name}", text, page, json.dumps([block]), now)
    answers = []
    for address in subscription.targets:
        for target in expand(resolved(address)):
            try:
                answers.append((target, courier.deliver(target, message)))
            except ChannelError as error:
                raise ChannelError(error.what, where=shown(address), remedy=error.remedy) from error
    return answers
