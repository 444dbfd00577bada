"""`navtex notification explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feeds.core.text import counted
from notifier.cli.common import format_option, now, opened, settings, wrapped, write_json

if TYPE_CHECKING:
    from notifier.schemas.notification import NotificationExplanation, ReportedDelivery


@click.command("explain")
@click.argument("name")
@click.argument("advisory")
@format_option
def explain(name: str, advisory: str, form: str) -> None:
    """Explain why an advisory was or was not sent to a subscription.

    \b
    navtex notification explain ops CVE-2024-41110
    """
    from notifier.services.sending.notifications import Settings
    from notifier.services.subscriptions.explanations import explain_notification

    config = settings()
    with opened(config) as database:
        found = explain_notification(database, name, advisory, now(), Settings.of(config))
    if form == "json":
        write_json(found)
    else:
        _write(found)


_MARKS = {"for": "+", "against": "-", "note": " "}


def _write(found: NotificationExplanation) -> None:
    wrapped(f"{found.answer}.", 0)
    click.echo()
    for point in found.points:
        wrapped(f"{_MARKS[point.effect]} {point.about}: {point.words}", 0, hang=4)
    for digest in found.tellings:
        click.echo()
        what = f"{digest.at:%Y-%m-%d %H:%M} UTC, digest {digest.digest}: {digest.change}"
        wrapped(f"{what}{f' ({digest.words})' if digest.words else ''}", 0, hang=4)
        for one in digest.deliveries:
            wrapped(_delivery(one), 4, hang=4)


def _delivery(one: ReportedDelivery) -> str:
    when = f" on {one.sent_at:%Y-%m-%d %H:%M} UTC" if one.sent_at else ""
    due = f"; next attempt {one.due_at:%Y-%m-%d %H:%M} UTC" if one.state.value == "pending" else ""
    answer = f" ({one.answer})" if one.answer else ""
    return f"{one.to}: {one.state.value}{when} after {counted(one.attempts, 'attempt')}{due}{answer}"
