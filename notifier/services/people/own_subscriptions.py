"""The subscriptions that people made themselves, for them to see, change and end. Operators may do so for any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from feeds.core.errors import UnknownName, UsageProblem
from feeds.storage.database import Connection, Database
from notifier.domain.access import Actor, Role, Viewer
from notifier.domain.filters import Filters, Scope
from notifier.domain.schedule import Schedule, checked
from notifier.domain.self_service import narrowed
from notifier.domain.subscriptions import Subscription
from notifier.schemas.subscription import FilterWords, SubscriptionRow, filter_words
from notifier.services.installation.audit_log import note_in
from notifier.services.installation.channel_addresses import reachable_targets
from notifier.services.subscriptions.subscriptions import subscription_row_of
from notifier.storage import self_service, subscriptions


@dataclass(frozen=True, slots=True)
class OwnSubscription:
    """A subscription as its owner sees it."""

    number: int
    row: SubscriptionRow
    subscription: Subscription
    shown: str
    """Where it goes: its mailboxes, or its channels without secrets."""
    has_feed: bool
    visible: bool
    """Whether all of its hosts are within what the viewer may see now; if not, it can only be ended."""

    @property
    def editable(self) -> bool:
        """Whether it can be changed here: a file's is changed in the file."""
        return self.visible and not self.subscription.origin and not self.subscription.unreadable


def own_subscriptions(database: Database, viewer: Viewer) -> tuple[OwnSubscription, ...]:
    """The subscriptions that a viewer made themselves, sorted by name."""
    with database.connect() as connection:
        found = subscriptions.every(connection) if viewer.name else []
        return tuple(_own(connection, s, viewer) for s in found if s.owner == viewer.name)


def own_subscription(database: Database, viewer: Viewer, number: int) -> OwnSubscription:
    """A subscription that a viewer may change. UnknownName if there is none, or it is not theirs."""
    with database.connect() as connection:
        return _found(connection, viewer, number)


def edit_own(
    database: Database, viewer: Viewer, number: int, wanted: tuple[Filters, Schedule], *, now: datetime, actor: Actor
) -> str:
    """Give a subscription other filters and hours; its name comes back.

    UsageProblem if the hosts are outside of what the viewer may see, or it cannot be changed here.
    """
    filters, schedule = wanted[0], checked(wanted[1])
    scope = narrowed(filters.scope, viewer.scope)
    if scope is None:
        raise UsageProblem("these hosts are outside of what you may see", remedy="Choose other tags")
    with database.begin() as connection:
        found = _found(connection, viewer, number)
        if not found.editable:
            raise UsageProblem(f"the subscription {found.row.name!r} cannot be changed here")
        after = msgspec.structs.replace(filters, scope=scope)
        subscriptions.change(connection, replace(found.subscription, filters=after, schedule=schedule))
        new = _words(filter_words(after), schedule)
        note_in(connection, actor, now, "subscription.edit", found.row.name, before=_said(found), after=new)
    return found.row.name


def _said(found: OwnSubscription) -> dict[str, str]:
    return _words(found.row.filters, found.subscription.schedule)


def _words(filters: FilterWords, schedule: Schedule) -> dict[str, str]:
    """Filters and hours for the audit log."""
    return {"filters": str(filters), "schedule": schedule.every, "zone": schedule.zone, "quiet": schedule.quiet}


def end_own(database: Database, viewer: Viewer, number: int, now: datetime, actor: Actor) -> str:
    """End a subscription that the viewer made themselves; its name comes back."""
    with database.begin() as connection:
        found = _found(connection, viewer, number)
        if not found.subscription.owner:
            raise UsageProblem(
                "only subscriptions that people made themselves end here", remedy="Use `navtex subscription remove`"
            )
        subscriptions.remove(connection, found.row.name, now)
        note_in(connection, actor, now, "subscription.remove", found.row.name, before=_said(found))
    return found.row.name


def follow_owner(connection: Connection, owner: str, scope: Scope | None, now: datetime) -> None:
    """Limit what somebody subscribed themselves to the hosts that they may see now; None ends it.

    Feeds end where that takes hosts away, as they would still show earlier digests.
    """
    for one in subscriptions.every(connection) if owner else ():
        if one.owner != owner or one.unreadable:
            continue
        left = narrowed(one.filters.scope, scope) if scope is not None else None
        if left is None:
            subscriptions.remove(connection, one.name, now)
        elif left != one.filters.scope:
            filters = msgspec.structs.replace(one.filters, scope=left)
            subscriptions.change(connection, replace(one, filters=filters))
            self_service.end_feed(connection, one.id)


def _found(connection: Connection, viewer: Viewer, number: int) -> OwnSubscription:
    subscription = subscriptions.numbered(connection, number)
    if subscription is not None and viewer.role is not None:
        found = _own(connection, subscription, viewer)
        if subscription.owner == viewer.name or (viewer.does(Role.OPERATOR) and found.visible):
            return found
    raise UnknownName("there is no such subscription", remedy="See your subscriptions")


def _own(connection: Connection, subscription: Subscription, viewer: Viewer) -> OwnSubscription:
    scope, row = subscription.filters.scope, subscription_row_of(subscription)
    return OwnSubscription(
        subscription.id,
        row,
        subscription,
        ", ".join(_mailboxes(subscription) or row.to),
        self_service.has_feed(connection, subscription.id),
        narrowed(scope, viewer.scope) == scope,
    )


def _mailboxes(subscription: Subscription) -> list[str]:
    """The recipients of its mails; none where it goes elsewhere, too, or its secrets are not available here."""
    targets, problems = reachable_targets(subscription.targets)
    return [t.recipient for t in targets] if not problems and all("@" in t.recipient for t in targets) else []
