"""Deliver what the outbox holds: claim, send, store the result.  At least once; a repeat carries the same key.

A delivery is claimed before it is sent, so that no two processes send it at once, and its result is stored as soon
as a channel answered. Only a process that is killed in between leads to a repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from feeds.core.errors import ChannelError, NavtexError
from feeds.storage.database import Connection, Database
from notifier.channels import MessageSender
from notifier.config import Config
from notifier.domain import deliveries, retry
from notifier.domain.deliveries import Delivery, Result
from notifier.domain.messages import Target
from notifier.domain.retry import DeliveryOutcome, DeliveryState
from notifier.rendering import notices
from notifier.rendering.short_messages import shortened
from notifier.security.references import resolved
from notifier.services.installation.channel_addresses import channel_host, reachable_targets, reason, target_name
from notifier.services.installation.worker_wakeups import wake_delivery
from notifier.services.sending import delivery_senders
from notifier.services.sending.delivery_queue import DeliveryQueue
from notifier.services.sending.personal_links import personal_form
from notifier.storage import delivery_claims, delivery_log
from notifier.storage import outbox as delivery


@dataclass(slots=True)
class Deliveries:
    """What was delivered, with the channel's answer, and what was not, with the reason."""

    delivered: list[tuple[Delivery, str]] = field(default_factory=list)
    failed: list[tuple[Delivery, str]] = field(default_factory=list)
    taken_over: list[Delivery] = field(default_factory=list)
    """Deliveries, among these, that another process took over meanwhile: their state is its to write."""
    broken: list[tuple[str, str]] = field(default_factory=list)
    """Subscriptions whose digest could not be made, and why; the next run after the cause is fixed makes it."""


@dataclass(frozen=True, slots=True)
class Only:
    """What is to be delivered: to one host ("" is every one), and until when."""

    host: str = ""
    stopping: Callable[[], bool] = lambda: False
    """Asked before each delivery: whether the others are left to whoever comes next."""


def deliver(
    database: Database,
    courier: MessageSender,
    report: Deliveries,
    now: datetime | None = None,
    *,
    operator: Sequence[str] = (),
    personal: bool = False,
    only: Only | None = None,
) -> None:
    """Deliver what is due, and report to the operators what was given up or failed unexpectedly.

    `now` is used for every stored time; None stands for the clock. With `personal`, only messages to one person that
    somebody waits for (a confirmation, an undo) are delivered; `only` says to which host.
    """
    with delivery_senders.claimant() as name:
        _Round(database, courier, report, name, now=now, only=only or Only()).run(operator, personal=personal)


class _Round:
    """One go through the outbox, by a claimant of this name."""

    def __init__(
        self,
        database: Database,
        courier: MessageSender,
        report: Deliveries,
        name: str,
        *,
        now: datetime | None,
        only: Only,
    ) -> None:
        self._database, self._courier, self._report = database, courier, report
        self._fixed, self._name, self._only = now, name, only
        self._troubles: dict[str, ChannelError] = {}
        self._unexpected: list[tuple[Delivery, str]] = []
        """Deliveries whose first attempt ended with an unexpected error, which operators hear of at once."""

    def _now(self) -> datetime:
        return self._fixed or datetime.now(UTC)

    def run(self, operator: Sequence[str], *, personal: bool) -> None:
        with self._database.begin() as connection:
            delivery_claims.recover(connection, self._now(), delivery_senders.ended)
            waiting = _to(self._only.host, connection, delivery.due(connection, self._now(), personal=personal))
        self._all(waiting)
        if not personal and self._tell(operator):
            with self._database.connect() as connection:
                waiting = _to(self._only.host, connection, delivery.due(connection, self._now()))
            self._all(waiting)

    def _all(self, waiting: Sequence[int]) -> None:
        """Deliver these. Whatever stops it, what is known of them is noted."""
        if waiting:
            queue = DeliveryQueue(self._database, self._name, self._now, waiting)
            with queue:
                while not self._only.stopping() and (one := queue.take()):
                    queue.note(self._send(one, queue))
            self._report.taken_over += [result.delivery for result in queue.lost]

    def _send(self, one: Delivery, queue: DeliveryQueue) -> Result:
        if one.unreadable:
            return self._failed(one, ChannelError(f"the stored message is damaged: {one.unreadable}", permanent=True))
        trouble = self._troubles.get(one.target.address)
        if trouble is not None and trouble.retry_at:
            # the receiver asked to be left alone: that costs this one no try
            due = retry.after_failure(1, self._now(), "", retry_at=trouble.retry_at).due_at
            said = f"waits with others for this channel: {trouble}"
            return Result(one, self._now(), None, DeliveryState.PENDING, due, said)
        if trouble is not None:
            return self._failed(one, trouble)
        try:
            target = one.target._replace(address=resolved(one.target.address))
            answer = self._delivered(one, target, queue)
        except Exception as error:  # noqa: BLE001 - whatever happens to one delivery, the others are made
            if not isinstance(error, NavtexError) and not one.attempts and one.subscription != deliveries.OPERATOR:
                self._unexpected.append((one, reason(error)))
            return self._failed(one, error)
        at = self._now()
        self._report.delivered.append((one, answer))
        return Result(one, at, DeliveryOutcome.SENT, DeliveryState.SENT, at, answer)

    def _delivered(self, one: Delivery, target: Target, queue: DeliveryQueue) -> str:
        """Send a message, or its short form where the receiver finds it too large. The answer comes back."""
        made = personal_form(one, target, self._courier.web)
        try:
            return self._courier.deliver(
                target,
                made.message,
                done=one.parts,
                arrived=lambda parts: queue.arrived(one, parts),
                one_click=made.one_click,
            )
        except ChannelError as error:
            if not error.too_large:
                raise
            answer = self._courier.deliver(target, shortened(made.message), one_click=made.one_click)
            return f"{answer} (in short: {error.what})"

    def _failed(self, one: Delivery, error: Exception) -> Result:
        channel = error if isinstance(error, ChannelError) else ChannelError(reason(error))
        if channel.unreachable or channel.retry_at:
            # the next ones to this channel would fare no better, and might wait as long
            self._troubles[one.target.address] = channel
        following = retry.after_failure(
            one.attempts + 1,
            self._now(),
            str(channel),
            key=f"{one.message.key} {one.target.address} {one.target.recipient}",
            retry_at=channel.retry_at,
            permanent=channel.permanent,
        )
        outcome = DeliveryOutcome.RETRY if following.state is DeliveryState.PENDING else DeliveryOutcome.FAILED
        self._report.failed.append((one, following.reason))
        return Result(one, self._now(), outcome, following.state, following.due_at, following.reason)

    def _tell(self, operator: Sequence[str]) -> bool:
        """Queue notices to operators of what was given up or failed unexpectedly; whether there are any.

        Each failure is reported once.
        """
        with self._database.begin() as connection:
            self._database.serial(connection, "notices")
            numbers = delivery_log.unreported(connection)
            messages = []
            if numbers:
                lost = delivery_log.entries(connection, numbers=numbers)[::-1]
                messages.append(notices.given_up(lost, [target_name(e.target) for e in lost], self._now()))
            given_up = set(numbers)
            unexpected = [(d, why) for d, why in self._unexpected if d.id not in given_up]
            if unexpected:
                messages.append(notices.unexpected(unexpected, self._now()))
            if not messages:
                return False
            targets, problems = reachable_targets(operator)
            self._report.broken += [(deliveries.OPERATOR, problem) for problem in problems]
            for message in messages if targets else ():
                delivery.put_notice(connection, message, targets)
            delivery_log.report(connection, numbers)
            wake_delivery(connection, targets)
        return bool(targets)


def _to(host: str, connection: Connection, waiting: Sequence[int]) -> Sequence[int]:
    """The deliveries that go to a host; "" is every one."""
    if not host:
        return waiting
    addresses = delivery.addresses(connection, waiting)
    return [number for number in waiting if channel_host(addresses[number]) == host]


def due_hosts(connection: Connection, now: datetime) -> set[str]:
    """The hosts to which something is due, or is left by a process that ended."""
    addresses = delivery.addresses(connection, [*delivery.due(connection, now), *delivery_claims.claimed(connection)])
    return {channel_host(address) for address in set(addresses.values())}


def message_sender(config: Config) -> MessageSender:
    """Return a sender with the configuration's mail settings, certificates and Slack addresses."""
    return MessageSender(
        sender=config.mail.sender,
        unsubscribe=config.mail.unsubscribe,
        web=config.web.url,
        ca_bundle=config.ca_bundle,
        slack=config.slack.hook,
        slack_api=config.slack.api,
    )


__all__ = ["Deliveries", "Only", "deliver", "due_hosts", "message_sender"]
