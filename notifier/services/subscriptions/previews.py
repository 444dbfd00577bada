"""What a subscription would be sent, and a test message to its channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from feeds.core.errors import DatabaseError
from feeds.storage.database import Database
from notifier.channels import MessageSender, expand
from notifier.domain.filters import Scope
from notifier.domain.messages import Message
from notifier.domain.schedule import Due, Schedule
from notifier.domain.subscriptions import Subscription
from notifier.rendering import notices
from notifier.rendering.messages import render
from notifier.security.references import resolved
from notifier.services.installation.channel_addresses import reason, shown_address, target_name, targets_of
from notifier.services.sending.digests import Composed
from notifier.services.sending.notifications import Settings, preview, previews
from notifier.services.subscriptions.subscriptions import usable
from notifier.storage import subscriptions


@dataclass(frozen=True, slots=True)
class DigestPreview:
    """What a subscription would be sent now, and when it can be sent. Without a `message` nothing would be sent."""

    subscription: str
    paused: bool = False
    message: Message | None = None
    time: Due | None = None
    schedule: Schedule | None = None
    at_once: int = 0
    """How many items do not wait for the schedule or the end of quiet hours."""
    problem: str = ""
    """Why the digest cannot be made; "" if it can."""


@dataclass(frozen=True, slots=True)
class ChannelAnswer:
    """What a channel answered to a test message, or the problem."""

    to: str
    answer: str
    ok: bool


def preview_subscription(
    database: Database,
    name: str,
    now: datetime,
    settings: Settings,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
) -> DigestPreview:
    """What a subscription would be sent now if it were due. Nothing is stored.

    UnknownName if there is none within the tags that the asker is limited to.
    """
    with database.connect() as connection:
        subscription = usable(subscriptions.named(connection, name, within))
        found = preview(connection, subscription, now, settings)
    return _preview(subscription, found, settings)


def preview_all(database: Database, now: datetime, settings: Settings) -> Iterator[DigestPreview]:
    """What each subscription would be sent now. One that fails is yielded with its problem. Nothing is stored."""
    with database.connect() as connection:
        for subscription, compose in previews(connection, now, settings):
            if subscription.paused:
                yield DigestPreview(subscription.name, paused=True)
                continue
            try:
                for address in usable(subscription).targets:
                    targets_of(address)
                yield _preview(subscription, compose(), settings)
            except DatabaseError:
                raise
            except Exception as error:  # noqa: BLE001 - one that fails stops no other
                yield DigestPreview(subscription.name, problem=reason(error))


def _preview(subscription: Subscription, found: Composed, settings: Settings) -> DigestPreview:
    message = render(found.digest, settings.templates) if found.digest else None
    return DigestPreview(
        subscription.name, subscription.paused, message, found.time, subscription.schedule, len(found.at_once)
    )


def send_test(
    database: Database, sender: MessageSender, name: str, now: datetime, templates: Path | None = None
) -> tuple[ChannelAnswer, ...]:
    """Send a digest of made-up news, marked as a test, to every target of a subscription. Every target is tried."""
    with database.connect() as connection:
        subscription = usable(subscriptions.named(connection, name))
    return tuple(sample(sender, subscription, now, templates))


def sample(
    sender: MessageSender, subscription: Subscription, now: datetime, templates: Path | None = None
) -> Iterator[ChannelAnswer]:
    """Send a test message to every target of a subscription, and yield each answer."""
    message = notices.specimen(subscription.name, now, templates)
    for address in subscription.targets:
        try:
            targets = expand(resolved(address))
        except Exception as error:  # noqa: BLE001 - one that fails stops no other
            yield ChannelAnswer(shown_address(address), reason(error), ok=False)
            continue
        for target in targets:
            try:
                answer, ok = sender.deliver(target, message), True
            except Exception as error:  # noqa: BLE001 - one that fails stops no other
                answer, ok = reason(error), False
            yield ChannelAnswer(target_name(target), answer, ok)
