"""Delivering what the outbox holds: claim, send, note.  At least once; a repeat carries the same key.

A delivery is claimed before it is sent, so that no two processes send it at once. What came of it
is noted at once, or with what came of others in the 50 milliseconds before: only a process that is
killed in that time, or between a channel's yes and its note, leads to a repeat.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from feeds.database import Database
from feeds.errors import ChannelError, DatabaseError
from notifier import claims, notices, outbox
from notifier.channels import Courier, Target, expand, shown
from notifier.outbox import Outcome, State
from notifier.store import delivery, outbox_log
from notifier.store.delivery import Delivery, Result
from notifier.store.subscriptions import Subscription

_TOGETHER = 0.05
"""Seconds of results that are noted in one transaction."""
_AT_ONCE = 64
"""Deliveries that are claimed at once, at most."""
_STALE = outbox.LEASE.total_seconds() / 3
"""Seconds after which what was claimed and not yet begun is given back."""


@dataclass(slots=True)
class Deliveries:
    """What was delivered, with the channel's answer, and what was not, with the reason."""

    delivered: list[tuple[Delivery, str]] = field(default_factory=list)
    failed: list[tuple[Delivery, str]] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    """Subscriptions whose digest could not be made, and why; it is made once that is mended."""


def deliver(
    database: Database,
    courier: Courier,
    report: Deliveries,
    now: datetime | None = None,
    *,
    operator: Sequence[str] = (),
) -> None:
    """Deliver what is due, and tell the operator's channels of what was given up.

    `now` is used for every time that is noted; None is the clock's.
    """
    with claims.claimant() as name:
        _Round(database, courier, report, now, name).run(operator)


class _Round:
    """One go through the outbox."""

    def __init__(
        self, database: Database, courier: Courier, report: Deliveries, now: datetime | None, name: str
    ) -> None:
        self._database, self._courier, self._report = database, courier, report
        self._fixed, self._name = now, name
        self._troubles: dict[str, ChannelError] = {}
        self._results: list[Result] = []
        self._claimed: deque[Delivery] = deque()
        self._claimed_at = 0.0

    def _now(self) -> datetime:
        return self._fixed or datetime.now(UTC)

    def run(self, operator: Sequence[str]) -> None:
        with self._database.begin() as connection:
            delivery.recover(connection, self._now(), claims.ended)
            waiting = delivery.due(connection, self._now())
        self._all(deque(waiting))
        if self._tell(operator):
            with self._database.connect() as connection:
                waiting = delivery.due(connection, self._now())
            self._all(deque(waiting))

    def _all(self, waiting: deque[int]) -> None:
        """Deliver these. Whatever stops it, what is known of them is noted."""
        size, since = 1, monotonic()
        try:
            while waiting or self._claimed:
                if not self._claimed or monotonic() - since >= _TOGETHER:
                    size = min(2 * len(self._results), _AT_ONCE) or 1
                    self._note([waiting.popleft() for _ in range(0 if self._claimed else min(size, len(waiting)))])
                    since = monotonic()
                if self._claimed and monotonic() - self._claimed_at > _STALE:
                    waiting.extendleft(reversed([d.id for d in self._claimed]))
                    self._release()
                elif self._claimed:
                    self._send(self._claimed.popleft())
        finally:
            self._note([])
            self._release()

    def _note(self, following: list[int]) -> None:
        """Note what is known, and claim what follows, in one transaction."""
        if self._results or following:
            with self._database.begin() as connection:
                delivery.keep(connection, self._results)
                claimed = delivery.claim(connection, following, self._name, self._now()) if following else []
            self._results.clear()
            if claimed:
                self._claimed.extend(claimed)
                self._claimed_at = monotonic()

    def _release(self) -> None:
        if self._claimed:
            with self._database.begin() as connection:
                delivery.release(connection, list(self._claimed))
            self._claimed.clear()

    def _send(self, one: Delivery) -> None:
        trouble = self._troubles.get(one.target.address)
        if trouble is not None and trouble.retry_at:
            # the receiver asked to be left alone: that costs this one no try
            due = outbox.after_failure(1, self._now(), "", retry_at=trouble.retry_at).due_at
            said = f"waits with others for this channel: {trouble}"
            self._results.append(Result(one, self._now(), None, State.PENDING, due, said))
            return
        if trouble is not None:
            self._failed(one, trouble)
            return
        try:
            answer = self._courier.deliver(
                one.target, one.message, done=one.parts, arrived=lambda parts: self._arrived(one, parts)
            )
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever happens to one delivery, the others are made
            self._failed(one, error)
        else:
            at = self._now()
            self._results.append(Result(one, at, Outcome.SENT, State.SENT, at, answer))
            self._report.delivered.append((one, answer))

    def _arrived(self, one: Delivery, parts: int) -> None:
        with self._database.begin() as connection:
            delivery.arrived(connection, one, parts)

    def _failed(self, one: Delivery, error: Exception) -> None:
        channel = error if isinstance(error, ChannelError) else ChannelError(f"{type(error).__name__}: {error}")
        if channel.unreachable or channel.retry_at:
            # the next ones to this channel would fare no better, and might wait as long
            self._troubles[one.target.address] = channel
        following = outbox.after_failure(
            one.attempts + 1,
            self._now(),
            str(channel),
            key=f"{one.message.key} {one.target.address} {one.target.recipient}",
            retry_at=channel.retry_at,
            permanent=channel.permanent,
        )
        outcome = Outcome.RETRY if following.state is State.PENDING else Outcome.FAILED
        self._results.append(Result(one, self._now(), outcome, following.state, following.due_at, following.reason))
        self._report.failed.append((one, following.reason))

    def _tell(self, operator: Sequence[str]) -> bool:
        """Put a notice of what was given up into the outbox; whether there is one. Each failure is told once."""
        with self._database.begin() as connection:
            numbers = outbox_log.unreported(connection)
            if not numbers:
                return False
            targets = operators(operator, self._report)
            if targets:
                lost = outbox_log.entries(connection, numbers=numbers)[::-1]
                message = notices.given_up(lost, [named(e.target) for e in lost], self._now())
                delivery.put_notice(connection, message, targets)
            outbox_log.report(connection, numbers)
        return bool(targets)


def operators(addresses: Sequence[str], report: Deliveries) -> list[Target]:
    """The targets of the operator's channels; one that cannot be understood is told and stops no other."""
    found: list[Target] = []
    for address in addresses:
        try:
            found += expand(address)
        except ChannelError as error:
            report.broken.append((delivery.OPERATOR, str(error)))
    return found


def named(target: Target) -> str:
    """A target as it may be shown."""
    return target.recipient or shown(target.address)


def sample(courier: Courier, subscription: Subscription, now: datetime) -> list[tuple[Target, str]]:
    """Send a message that is clearly marked as a test to every target; what each answered comes back.

    Every target is tried. Where some failed, a ChannelError tells of the first.
    """
    text = f"This is a test of the Navtex subscription “{subscription.name}”. It tells of nothing."
    key = notices.key_of("test", subscription.name, now)
    message = notices.written(key, f"[Navtex] Test of {subscription.name}", [text], now)
    answers, errors = [], []
    for target in (t for address in subscription.targets for t in expand(address)):
        try:
            answers.append((target, courier.deliver(target, message)))
        except ChannelError as error:
            errors.append(ChannelError(error.what, where=error.where or named(target), remedy=error.remedy))
    if errors:
        raise errors[0]
    return answers


__all__ = ["Deliveries", "deliver", "named", "operators", "sample"]
