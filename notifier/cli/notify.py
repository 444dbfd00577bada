"""`navtex notify`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from notifier.cli.common import now, opened, say, settings
from notifier.cli.log import event, stage_failed
from notifier.cli.log_options import log_options
from notifier.cli.unattended_runs import running
from notifier.config import Config

if TYPE_CHECKING:
    from feeds.storage.database import Database
    from notifier.domain.deliveries import Delivery
    from notifier.services.pipeline.runs import RunReport
    from notifier.services.subscriptions.previews import DigestPreview


@click.command("notify")
@click.option("--dry-run", is_flag=True, help="Print what would be sent; send and store nothing.")
@log_options
def command(dry_run: bool) -> None:
    """Send the digests that are due, without polling, and retry waiting deliveries."""
    config = settings()
    if dry_run:
        with opened(config) as database:
            well = _dry_run(database, config)
        click.get_current_context().exit(0 if well else 1)
    from notifier.services.pipeline.runs import notify_once
    from notifier.services.sending.delivery import message_sender

    with running("notify", config) as this:
        with opened(config) as database, message_sender(config) as sender:
            report = notify_once(config, database, sender, now)
        tell(report)
        this.status = report.status


def _dry_run(database: Database, config: Config) -> bool:
    """Print what each subscription would be sent; whether every digest could be made."""
    from notifier.services.sending.notifications import Settings
    from notifier.services.subscriptions.previews import preview_all

    well = True
    for found in preview_all(database, now(), Settings.of(config)):
        say(f"{found.subscription}: {_would(found)}")
        if found.message:
            click.echo(f"Subject: {found.message.subject}\n\n{found.message.text}")
        well = well and not found.problem
    return well


def _would(found: DigestPreview) -> str:
    from notifier.domain.schedule import shown

    if found.problem:
        return f"the digest could not be made: {found.problem}"
    if found.paused:
        return "paused"
    if found.message:
        return "one digest"
    if found.schedule and found.time and not found.time.now:
        return f"nothing until {shown(found.schedule, found.time.at)}: {found.time.reason}"
    return "nothing new"


def tell(done: RunReport) -> None:
    """Say what failed; to the log, or to a terminal, also what was sent."""
    from notifier.services.sending.queueing import AHEAD

    report = done.notified
    for delivery, answer in report.delivered:
        text = f"sent to {_whom(delivery)}: {delivery.message.subject}"
        event("sent", text, aloud=sys.stderr.isatty(), **_facts(delivery), answer=answer)
    for delivery, reason in report.failed:
        event("not_sent", f"not sent to {_whom(delivery)}: {reason}", level="warning", **_facts(delivery))
    for delivery in report.taken_over:
        text = f"another process took over the delivery to {_whom(delivery)}, so it may arrive twice"
        event("taken_over", text, level="warning", **_facts(delivery))
    for name in report.ahead:
        text = f"{name}: {AHEAD}. Check the clock of this machine"
        event("clock", text, level="warning", subscription=name)
    for name, reason in report.broken:
        text = f"The digest for {name} could not be made: {reason}"
        event("digest_broken", text, level="error", subscription=name)
    for name in report.held:
        text = f"{name}: the welcome digest is sent once a source has been polled"
        event("welcome_waits", text, level="warning", subscription=name)
    for stage in done.busy:
        event("left_to_worker", f"A worker is {stage} already", stage=stage)
    for problem in done.problems:
        stage_failed(problem.stage, problem.error)


def _facts(delivery: Delivery) -> dict[str, Any]:
    return {"subscription": delivery.subscription, "digest": delivery.message.key, "attempt": delivery.attempts + 1}


def _whom(delivery: Delivery) -> str:
    from notifier.services.installation.channel_addresses import target_name

    return f"{target_name(delivery.target)} ({delivery.subscription})"
