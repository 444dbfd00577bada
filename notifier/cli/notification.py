"""`navtex notification`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from notifier.cli.common import (
    clean,
    format_option,
    json_text,
    limit_option,
    now,
    opened,
    output_option,
    say,
    settings,
    table,
    write_json,
)
from notifier.cli.notification_explain import explain
from notifier.cli.output import emit

if TYPE_CHECKING:
    from notifier.schemas.notification import NotificationDetail

_STATES = click.Choice(["pending", "sending", "sent", "failed"])


@click.group("notification")
def command() -> None:
    """List and show what was sent to whom, and retry deliveries."""


command.add_command(explain)


@command.command("list")
@click.option("--state", type=_STATES, help="Only deliveries in this state.")
@click.option(
    "--subscription",
    metavar="NAME",
    help='Only deliveries of this subscription; "" for notices to the operator.',
)
@click.option("--advisory", metavar="ID", help="Only digests that reported this advisory.")
@limit_option
@format_option
def list_(state: str | None, subscription: str | None, advisory: str | None, limit: int | None, form: str) -> None:
    """List deliveries and attempts, newest first.

    Deliveries of a removed subscription are listed under its old name.
    """
    from notifier.domain.retry import DeliveryState
    from notifier.services.subscriptions.notification_log import (
        NotificationQuery,
        last_moment,
        list_notifications,
        tries,
    )

    query = NotificationQuery(DeliveryState(state) if state else None, subscription, advisory, limit)
    with opened(settings()) as database:
        found = list_notifications(database, query)
    if form == "json":
        write_json(found.value)
        return
    table(
        [
            ("Id", {"justify": "right"}),
            ("For", {"max_width": 16}),
            ("To", {"ratio": 1}),
            "State",
            ("Tries", {"justify": "right"}),
            ("When", {"no_wrap": True}),
            ("Said", {"ratio": 2}),
        ],
        [
            [
                str(n.id),
                n.subscription or f"({n.purpose})",
                n.recipient or n.to,
                n.state.value,
                str(tries(n)),
                f"{last_moment(n):%Y-%m-%d %H:%M}",
                clean(n.answer)[:200],
            ]
            for n in found.value.notifications
        ],
        empty="No notifications.",
    )
    if found.more:
        say("More deliveries exist; raise --limit to list them.")


@command.command("show")
@click.argument("number", metavar="ID", type=int)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "html", "json"]),
    help="Output format. Default: text, or html with --output.",
)
@output_option
def show(number: int, form: str | None, output: Path | None) -> None:
    """Show a notification as it was sent: its subject, its recipients and its text.

    \b
    navtex notification show 7
    navtex notification show 7 -o digest.html
    """
    from notifier.services.subscriptions.notification_log import show_notification

    with opened(settings()) as database:
        found = show_notification(database, number)
    form = form or ("html" if output else "text")
    if form == "json":
        emit(json_text(found), output)
    else:
        emit([found.html if form == "html" else clean(_text(found))], output)


def _text(found: NotificationDetail) -> str:
    lines = [f"For:     {found.subscription or 'the operator'}"]
    for number, one in enumerate(found.recipients):
        when = f" on {one.sent_at:%Y-%m-%d %H:%M} UTC" if one.sent_at else ""
        lines.append(f"{'' if number else 'To:':<9}{one.recipient or one.to} ({one.state.value}{when})")
    return "\n".join([*lines, f"Subject: {found.subject}", "", found.text])


@command.command("retry")
@click.argument("number", metavar="ID", type=int)
def retry(number: int) -> None:
    """Send a failed or waiting notification again with the next run, and reset its attempts."""
    from notifier.services.subscriptions.notification_log import retry_notification

    with opened(settings()) as database:
        retry_notification(database, number, now())
    say(f"The next `navtex run` or `navtex notify` sends notification {number}")
