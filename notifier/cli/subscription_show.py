"""`navtex subscription show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from notifier.cli.common import clean, format_option, now, opened, settings, write_json
from notifier.schemas.subscription import ALL

if TYPE_CHECKING:
    from notifier.schemas.subscription import SubscriptionRow
    from notifier.services.subscriptions.subscriptions import SubscriptionDetails


@click.command("show")
@click.argument("name")
@format_option
def show(name: str, form: str) -> None:
    """Show a subscription: channels, filters, when it is due, and what was sent."""
    from notifier.services.subscriptions.subscriptions import show_subscription

    with opened(settings()) as database:
        found = show_subscription(database, name, now())
    if form == "json":
        write_json(found.value)
    else:
        click.echo(clean(f"{name}\n" + "\n".join(f"{k + ':':<14}{v}" for k, v in _lines(found).items())))


def _lines(found: SubscriptionDetails) -> dict[str, str]:
    from notifier.domain.schedule import shown

    row, times, last = found.value, found.subscription.schedule, found.value.last_digest
    reminder = "" if row.reminder_at is None else f", next {shown(times, row.reminder_at)[:10]}"
    hours = f", quiet {times.quiet}" if times.quiet else ""
    lines = {
        "To": "\n              ".join(row.to),
        "Wants": str(row.filters) or ALL,
        "When": f"{times.every} ({times.zone}){hours}; at once: {times.breaks}",
        "State": f"{row.state}{_made(row)}",
        **({"Unsubscribed": ", ".join(row.unsubscribed)} if row.unsubscribed else {}),
        "Due": _due(found),
        "Reminder": times.remind + reminder,
        "Last digest": shown(times, last) if last else "none yet",
        "Reported": f"{row.told} advisories; {row.noted} recorded without a digest",
    }
    return lines | ({"Problem": row.problem} if row.problem else {})


def _made(row: SubscriptionRow) -> str:
    if row.subscribed_by:
        return f", subscribed by {row.subscribed_by} themselves"
    return f", created by {row.made_by}" if row.made_by else ""


def _due(found: SubscriptionDetails) -> str:
    """When the next digest can be sent, in the subscription's zone; while paused, what is sent once it is resumed."""
    from notifier.domain.schedule import shown

    subscription, when = found.subscription, found.due
    text = "now" if when.now else f"{shown(subscription.schedule, when.at)} ({when.reason})"
    if not subscription.paused:
        return text
    first = "no welcome digest" if subscription.silent_start else "the welcome digest"
    what = "what is new" if subscription.started_at else first
    return f"paused; after it is resumed, {what}: {text}"
