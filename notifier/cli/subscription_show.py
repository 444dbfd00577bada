"""`navtex subscription show`, and a subscription as lists show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from feeds.core.times import stamp
from notifier.cli.app import clean, format_option, now, opened, settings, write_json

if TYPE_CHECKING:
    from notifier.domain.filters import Filters
    from notifier.domain.schedule import Due
    from notifier.domain.subscriptions import Subscription


@click.command("show")
@click.argument("name")
@format_option
def show(name: str, form: str) -> None:
    """Show a subscription: channels, filters, when it is due, and what was sent."""
    from notifier.domain import schedule
    from notifier.storage import subscriptions

    at = now()
    with opened(settings()) as database, database.connect() as connection:
        found = subscriptions.named(connection, name)
        told = subscriptions.told(connection, found)
        last = subscriptions.last_digest(connection, found)
    when = found.due(at)
    reminder = schedule.reminder(found.schedule, found.reminded_at or found.started_at or at, at)
    row = row_of(found) | {
        "due_at": stamp(when.at),
        "reminder_at": None if found.schedule.remind == "never" else stamp(reminder.at),
        "last_digest": stamp(last),
        "told": sum(1 for t in told.values() if t.digest),
        "noted": sum(1 for t in told.values() if not t.digest),
    }
    if form == "json":
        write_json(row)
        return
    times = found.schedule
    hours = f", quiet {times.quiet}" if times.quiet else ""
    lines = {
        "To": "\n              ".join(row["to"]),
        "Wants": ", ".join(f"{k}: {v}" for k, v in row["filters"].items()) or "what affects its hosts",
        "When": f"{times.every} ({times.zone}){hours}; at once: {times.breaks}",
        "State": row["state"] + (f", made by {found.origin}" if found.origin else ""),
        "Due": _due(found, when),
        "Reminder": times.remind
        + ("" if times.remind == "never" else f", next {schedule.shown(times, reminder.at)[:10]}"),
        "Last digest": schedule.shown(times, last) if last else "none yet",
        "Told": f"{row['told']} advisories; {row['noted']} noted in silence",
    }
    click.echo(clean(f"{found.name}\n" + "\n".join(f"{k + ':':<14}{v}" for k, v in lines.items())))


def _due(subscription: Subscription, when: Due) -> str:
    """When its news go out, in its zone; of one that is paused, what does once it is resumed."""
    from notifier.domain.schedule import shown

    text = "now" if when.now else f"{shown(subscription.schedule, when.at)} ({when.reason})"
    if not subscription.paused:
        return text
    first = "nothing (it starts in silence)" if subscription.silent_start else "its welcome"
    what = "what is new" if subscription.started_at else first
    return f"not while it is paused; once it is resumed, {what}: {text}"


def row_of(subscription: Subscription) -> dict[str, Any]:
    """A subscription as JSON has it."""
    when = subscription.schedule
    return {
        "name": subscription.name,
        "to": [shown_address(t) for t in subscription.targets],
        "filters": _filters(subscription.filters),
        "schedule": {
            "every": when.every,
            "zone": when.zone,
            "quiet": when.quiet or None,
            "break_schedule": when.breaks,
            "remind": when.remind,
        },
        "state": "paused" if subscription.paused else "active" if subscription.started_at else "new",
        "made_by": subscription.origin or None,
        "created_at": stamp(subscription.created_at),
        "started_at": stamp(subscription.started_at),
    }


def shown_address(target: str) -> str:
    """An address as it may be shown; of one that refers to its secrets the references."""
    from notifier.channels import shown
    from notifier.security.references import has_references, shown_with_references

    return shown_with_references(target) if has_references(target) else shown(target)


def _filters(filters: Filters) -> dict[str, str]:
    return {
        name: value
        for name, value in (
            ("severity", filters.severity.value if filters.severity else ""),
            ("kind", ", ".join(filters.kinds)),
            ("product", ", ".join(filters.scope.products)),
            ("tag", ", ".join(f"{k}={v}" for k, v in filters.scope.tags.items())),
            ("host", ", ".join(filters.scope.hosts)),
            ("keyword", ", ".join(filters.keywords)),
            ("kev", "yes" if filters.kev else ""),
            ("epss", f"{filters.epss:g}" if filters.epss is not None else ""),
            ("everything", "yes" if filters.everything else ""),
        )
        if value
    }
