"""The answers of `navtex subscription list` and `show`.  Pure; their JSON is a contract."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from notifier.domain.filters import Filters
from notifier.domain.schedule import BREAKS, REMINDERS
from notifier.domain.subscriptions import Subscription, SubscriptionState
from notifier.schemas.fields import MOMENT, Count, whole


class FilterWords(msgspec.Struct, frozen=True, kw_only=True):
    """The filters that are set, each as text."""

    severity: Annotated[str, Meta(description="the lowest severity")] | UnsetType = UNSET
    kind: Annotated[str, Meta(description="kinds, separated by commas")] | UnsetType = UNSET
    product: Annotated[str, Meta(description="products, separated by commas")] | UnsetType = UNSET
    tag: Annotated[str, Meta(description="NAME=VALUE, separated by commas")] | UnsetType = UNSET
    host: Annotated[str, Meta(description="patterns, separated by commas")] | UnsetType = UNSET
    keyword: Annotated[str, Meta(description="words, separated by commas")] | UnsetType = UNSET
    kev: Annotated[str, Meta(description="yes")] | UnsetType = UNSET
    epss: Annotated[str, Meta(description="the lowest EPSS score")] | UnsetType = UNSET
    everything: Annotated[str, Meta(description="yes")] | UnsetType = UNSET

    def __str__(self) -> str:
        values = msgspec.structs.asdict(self).items()
        return ", ".join(f"{name}: {value}" for name, value in values if value is not UNSET)


class ScheduleRow(msgspec.Struct, frozen=True, kw_only=True):
    """When digests go out."""

    every: Annotated[str, Meta(description="immediate, hourly, daily, weekly or a cron expression")]
    zone: Annotated[str, Meta(description="its time zone")]
    quiet: Annotated[str | None, Meta(description="hours in which nothing is sent")]
    break_schedule: Annotated[
        str, Meta(description="what is sent at once, whatever the schedule", extra_json_schema={"enum": [*BREAKS]})
    ]
    remind: Annotated[
        str, Meta(description="how often to remind of what is still open", extra_json_schema={"enum": [*REMINDERS]})
    ]


class SubscriptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription in short."""

    name: Annotated[str, Meta(description="its name")]
    to: Annotated[tuple[str, ...], Meta(description="its channels, without passwords and tokens")]
    filters: Annotated[FilterWords, Meta(description="only the filters that are set")]
    schedule: Annotated[ScheduleRow, Meta(description="when digests go out")]
    state: Annotated[
        SubscriptionState,
        Meta(
            description="new until its first run",
            extra_json_schema={"enum": [s.value for s in SubscriptionState]},
        ),
    ]
    made_by: Annotated[str | None, Meta(description="the synced file that made it; null for the command line")]
    subscribed_by: Annotated[
        str | None, Meta(description="the user or mailbox that subscribed itself; null if an operator added it")
    ]
    unsubscribed: Annotated[tuple[str, ...], Meta(description="the recipients that unsubscribed, and get nothing")]
    problem: Annotated[str | None, Meta(description="why its last digest could not be made; null if it could")]
    created_at: Annotated[datetime, MOMENT, Meta(description="when it was added")]
    started_at: Annotated[datetime | None, MOMENT, Meta(description="its first run")]


class SubscriptionList(msgspec.Struct, frozen=True, kw_only=True):
    """Subscriptions, sorted by name."""

    subscriptions: Annotated[tuple[SubscriptionRow, ...], Meta(description="sorted by name")]


class SubscriptionDetail(SubscriptionRow, frozen=True, kw_only=True):
    """One subscription, when it is due, and what it was sent."""

    due_at: Annotated[datetime, MOMENT, Meta(description="when its next digest can go out, or now")]
    reminder_at: Annotated[datetime | None, MOMENT, Meta(description="when the next reminder is due; null for never")]
    last_digest: Annotated[datetime | None, MOMENT, Meta(description="when its last digest was made")]
    told: Annotated[Count, Meta(description="the number of advisories that it was sent")]
    noted: Annotated[Count, Meta(description="the number of advisories that were recorded without a digest")]


ALL: Final = "what affects its hosts"
"""The filters of a subscription that has none, in words."""


def subscription_row(subscription: Subscription, channels: Iterable[str]) -> SubscriptionRow:
    """The row of a subscription; `channels` are its addresses without secrets."""
    when = subscription.schedule
    return SubscriptionRow(
        name=subscription.name,
        to=tuple(channels),
        filters=filter_words(subscription.filters),
        schedule=ScheduleRow(
            every=when.every,
            zone=when.zone,
            quiet=when.quiet or None,
            break_schedule=when.breaks,
            remind=when.remind,
        ),
        state=subscription.state,
        made_by=subscription.origin or None,
        subscribed_by=subscription.owner or None,
        unsubscribed=tuple(sorted(subscription.unsubscribed)),
        problem=subscription.unreadable or subscription.problem or None,
        created_at=whole(subscription.created_at),
        started_at=whole(subscription.started_at) if subscription.started_at else None,
    )


def filter_words(filters: Filters) -> FilterWords:
    """The filters that are set, as text."""
    scope = filters.scope
    words = {
        "severity": filters.severity.value if filters.severity else "",
        "kind": ", ".join(filters.kinds),
        "product": ", ".join(scope.products),
        "tag": ", ".join(f"{k}={v}" for k, v in scope.tags.items()),
        "host": ", ".join(scope.hosts),
        "keyword": ", ".join(filters.keywords),
        "kev": "yes" if filters.kev else "",
        "epss": f"{filters.epss:g}" if filters.epss is not None else "",
        "everything": "yes" if filters.everything else "",
    }
    return FilterWords(**{name: text for name, text in words.items() if text})
