"""Subscriptions: add, edit, list, show, pause, resume and remove them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from feeds.core.errors import UsageProblem
from feeds.storage.database import Connection, Database
from notifier.alerts.silences import shown
from notifier.domain import schedule as schedules
from notifier.domain.bounds import check_filters, check_name
from notifier.domain.filters import Scope
from notifier.domain.schedule import Due, Schedule, checked
from notifier.domain.subscription_edits import SubscriptionEdit
from notifier.domain.subscriptions import Subscription
from notifier.schemas.fields import whole
from notifier.schemas.subscription import SubscriptionDetail, SubscriptionList, SubscriptionRow, subscription_row
from notifier.services.installation.channel_addresses import check_address, reachable_targets, shown_address, understood
from notifier.services.snapshot.scopes import covers, unmatched
from notifier.storage import outbox, self_service, subscriptions


@dataclass(frozen=True, slots=True)
class SubscriptionAnswer:
    """A subscription as it was stored, what was understood of its channels, and what the user should check."""

    value: SubscriptionRow
    understood: tuple[str, ...]
    warnings: tuple[str, ...]
    schedule: Schedule
    welcome: Due | None
    """When its welcome digest can go out; None if it had one, or starts silently."""


@dataclass(frozen=True, slots=True)
class SubscriptionsAnswer:
    """The listed subscriptions, and how many more there are."""

    value: SubscriptionList
    more: int


@dataclass(frozen=True, slots=True)
class SubscriptionDetails:
    """A subscription, with the moments at which it is due in words of its own zone."""

    value: SubscriptionDetail
    subscription: Subscription
    due: Due
    reminder: Due


def add_subscription(database: Database, wanted: Subscription) -> SubscriptionAnswer:
    """Store a new subscription. UsageProblem if its name is taken or impossible, or a channel cannot be used."""
    if not wanted.name.strip() or not wanted.name.isprintable():
        raise UsageProblem(f"{wanted.name[:60]!r} is not a valid name")
    check_name("name", wanted.name)
    check_filters(wanted.filters)
    warnings = _checked_addresses(wanted.targets)
    wanted = replace(wanted, schedule=checked(wanted.schedule))
    with database.begin() as connection:
        subscriptions.add(connection, wanted)
        warnings += unmatched(connection, wanted.filters.scope)
    return _answer(wanted, wanted.targets, warnings, wanted.created_at)


def edit_subscription(
    database: Database,
    name: str,
    edit: SubscriptionEdit,
    now: datetime,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
) -> SubscriptionAnswer:
    """Change channels, filters or schedule. The history stays, and no new welcome is sent.

    UsageProblem if a synced file made it, a channel cannot be used, nothing would be changed, or it would leave the
    tags `within` which the asker may change subscriptions.
    """
    warnings = _checked_addresses(edit.targets)
    with database.begin() as connection:
        before = usable(subscriptions.named(connection, name, within))
        if before.origin:
            raise UsageProblem(
                f"the subscription {name!r} is managed by {before.origin}",
                remedy="Change it there, then run `navtex subscription sync`",
            )
        after = edit.of(before)
        check_filters(after.filters)
        if not covers(within, after.filters.scope):
            raise UsageProblem(f"you may only choose hosts with {shown(Scope(tags=within.tags))}", where="tags")
        if edit.targets and (again := self_service.resubscribe(connection, before.id)):
            warnings.append(f"Had unsubscribed, and get digests again: {', '.join(again)}")
            after = replace(after, unsubscribed=frozenset())
        warnings += change(connection, before, after)
        warnings += unmatched(connection, after.filters.scope)
    return _answer(after, edit.targets, warnings, now)


def _checked_addresses(targets: tuple[str, ...]) -> list[str]:
    return [warning for target in targets if (warning := check_address(target))]


def change(connection: Connection, before: Subscription, after: Subscription) -> list[str]:
    """Store a change. Messages that wait for former channels go to the new ones; a note of that comes back."""
    subscriptions.change(connection, after)
    gone = set(before.targets) - set(after.targets)
    if not gone:
        return []
    targets, problems = reachable_targets(a for a in after.targets if a not in before.targets)
    if problems:
        return []
    _forget_departed(connection, after)
    targets = [t for t in targets if t.recipient.lower() not in after.unsubscribed]
    moved = outbox.redirect(connection, before.id, gone, targets)
    then = "to the new channels" if targets else "to no one"
    return [f"Messages that waited for former channels and now go {then}: {moved}"] if moved else []


def _forget_departed(connection: Connection, subscription: Subscription) -> None:
    """Forget who unsubscribed and is no recipient any more: whoever is named again later gets digests again."""
    targets, problems = reachable_targets(subscription.targets)
    here = {t.recipient.lower() for t in targets}
    for recipient in subscription.unsubscribed - here if not problems else ():
        self_service.resubscribe(connection, subscription.id, recipient)


def _answer(
    subscription: Subscription, addresses: tuple[str, ...], warnings: list[str], now: datetime
) -> SubscriptionAnswer:
    expected = subscription.started_at is None and not subscription.silent_start
    return SubscriptionAnswer(
        subscription_row_of(subscription),
        understood(addresses),
        tuple(warnings),
        subscription.schedule,
        subscription.due(now) if expected else None,
    )


def list_subscriptions(
    database: Database,
    limit: int | None = None,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
    after: str = "",
) -> SubscriptionsAnswer:
    """The subscriptions, sorted by name. One whose row is damaged is listed with its problem.

    `within` are the tags that the viewer is limited to: they see no subscription to news of other hosts. `after` is the
    name of the last one that was listed before.
    """
    with database.connect() as connection:
        visible = [s for s in subscriptions.every(connection) if covers(within, s.filters.scope)]
    place = next((at + 1 for at, one in enumerate(visible) if after and one.name == after), 0)
    found = visible[place:]
    listed = found[:limit]
    return SubscriptionsAnswer(
        SubscriptionList(subscriptions=tuple(map(subscription_row_of, listed))), len(found) - len(listed)
    )


def show_subscription(
    database: Database,
    name: str,
    now: datetime,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
) -> SubscriptionDetails:
    """One subscription, when it is due, and what it was sent; UnknownName if there is none within some tags."""
    with database.connect() as connection:
        found = subscriptions.named(connection, name, within)
        told = subscriptions.told(connection, found)
        last = subscriptions.last_digest(connection, found)
    due = found.due(now)
    reminder = schedules.reminder(found.schedule, found.reminded_at or found.started_at or now, now)
    value = SubscriptionDetail(
        **msgspec.structs.asdict(subscription_row_of(found)),
        due_at=whole(due.at),
        reminder_at=None if found.schedule.remind == "never" else whole(reminder.at),
        last_digest=whole(last) if last else None,
        told=sum(1 for t in told.values() if t.digest),
        noted=sum(1 for t in told.values() if not t.digest),
    )
    return SubscriptionDetails(value, found, due, reminder)


def pause_subscription(
    database: Database,
    name: str,
    *,
    paused: bool,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
) -> None:
    """Pause or resume a subscription; UnknownName if there is none within some tags."""
    with database.begin() as connection:
        subscriptions.named(connection, name, within)
        subscriptions.pause(connection, name, paused=paused)


def remove_subscription(database: Database, name: str, now: datetime) -> None:
    """Remove a subscription. What it was sent stays in the history. UnknownName if there is none."""
    with database.begin() as connection:
        subscriptions.remove(connection, name, now)


def usable(subscription: Subscription) -> Subscription:
    """The subscription; UsageProblem if its stored row is damaged."""
    if subscription.unreadable:
        raise UsageProblem(
            f"the subscription {subscription.name!r} cannot be used: {subscription.unreadable}",
            remedy="Remove it and add it again",
        )
    return subscription


def subscription_row_of(subscription: Subscription) -> SubscriptionRow:
    """A subscription as it is listed, its channels without secrets."""
    return subscription_row(subscription, map(shown_address, subscription.targets))
