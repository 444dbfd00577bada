"""`navtex notify`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from notifier.cli.app import now, opened, say, settings
from notifier.cli.log import event
from notifier.cli.log_options import log_options
from notifier.cli.running import running
from notifier.config import Config

if TYPE_CHECKING:
    from feeds.storage.database import Database
    from notifier.domain.deliveries import Delivery
    from notifier.services.notifications import NotifyReport


@click.command("notify")
@click.option("--dry-run", is_flag=True, help="Print what would be sent; send and store nothing.")
@log_options
def command(dry_run: bool) -> None:
    """Send the digests that are due, without polling, and retry waiting deliveries."""
    config = settings()
    if dry_run:
        with opened(config) as database:
            _dry_run(database, config)
        return
    from notifier.services.delivery import message_sender
    from notifier.services.notifications import Settings, notify

    with running("notify", config) as this:
        with opened(config) as database, database.lock(), message_sender(config) as sender:
            report = notify(database, sender, settings=Settings.of(config))
        tell(report)
        this.status = 0 if report.ok else 1


def _dry_run(database: Database, config: Config) -> None:
    from notifier.domain.schedule import shown
    from notifier.rendering.messages import render
    from notifier.services.notifications import Settings, previews

    settings = Settings.of(config)
    with database.connect() as connection:
        for subscription, found in previews(connection, now(), settings):
            if found is None:
                say(f"{subscription.name}: paused")
                continue
            what = "one digest" if found.digest else "nothing new"
            if not (found.digest or found.time.now):
                what = f"nothing before {shown(subscription.schedule, found.time.at)}: {found.time.reason}"
            say(f"{subscription.name}: {what}")
            if found.digest:
                message = render(found.digest, settings.templates)
                click.echo(f"Subject: {message.subject}\n\n{message.text}")


def tell(report: NotifyReport) -> None:
    """Say what failed, and to the log, or somebody who watches, also what was sent."""
    for delivery, answer in report.delivered:
        text = f"sent to {_whom(delivery)}: {delivery.message.subject}"
        event("sent", text, aloud=sys.stderr.isatty(), **_facts(delivery), answer=answer)
    for delivery, reason in report.failed:
        event("not_sent", f"not sent to {_whom(delivery)}: {reason}", level="warning", **_facts(delivery))
    for name, reason in report.broken:
        text = f"The digest for {name} could not be made: {reason}"
        event("digest_broken", text, level="error", subscription=name)
    for name in report.held:
        text = f"{name}: its welcome waits until a source could be read"
        event("welcome_waits", text, level="warning", subscription=name)


def _facts(delivery: Delivery) -> dict[str, Any]:
    return {"subscription": delivery.subscription, "digest": delivery.message.key, "attempt": delivery.attempts + 1}


def _whom(delivery: Delivery) -> str:
    from notifier.channels import shown

    return f"{delivery.target.recipient or shown(delivery.target.address)} ({delivery.subscription})"
