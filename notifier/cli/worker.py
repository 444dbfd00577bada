"""`navtex worker`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from feeds.core.errors import UsageProblem
from notifier.cli.common import now, opened, settings
from notifier.cli.log import event
from notifier.cli.log_options import log_options
from notifier.config import ZONE
from notifier.domain.jobs import Queue, zone_queue

if TYPE_CHECKING:
    from notifier.services.sending.queueing import NotifyReport


@click.command("worker")
@click.option(
    "--queues",
    metavar="NAME,...",
    help=f"Queues to serve: {', '.join(Queue)}.  [default: all]",
)
@click.option(
    "--zone",
    "zones",
    multiple=True,
    metavar="NAME",
    help="Also collect from the hosts of this zone (repeatable).",
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=4, show_default=True, metavar="N", help="Jobs to do at the same time."
)
@click.option("--drain", is_flag=True, help="Finish the jobs that are due or waiting, then exit.")
@log_options
@click.pass_context
def command(ctx: click.Context, queues: str | None, zones: tuple[str, ...], jobs: int, drain: bool) -> None:
    """Run a worker: it polls, matches, makes digests and delivers them, in jobs that workers share through PostgreSQL.

    Run as many as you like, on any machines, also beside `navtex run` from cron. A worker exits with 1 if it cannot
    reach the database for a minute: restart it. On SIGTERM it finishes its jobs within 60 seconds, or hands them back.
    """
    config = settings()
    chosen = (*_queues(queues), *map(_zone, zones))
    from notifier.services.installation.crawl_settings import check_sources

    check_sources(config)
    with opened(config) as database:
        from notifier.services.upkeep.jobs import prepare

        prepare(database)
        from notifier.worker.tasks import Work
        from notifier.worker.worker_process import WorkerOptions, work_on

        work = Work(config, database, os.environ, now, partial(event, aloud=True), _report)
        ctx.exit(work_on(work, WorkerOptions(chosen, jobs, drain)))


def _queues(text: str | None) -> tuple[str, ...]:
    known: Sequence[str] = [q.value for q in Queue]
    if text is None:
        return tuple(known)
    found = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in found:
        if name not in known:
            raise UsageProblem(f"there is no queue {name!r}", where="--queues", remedy=f"Choose of {', '.join(known)}")
    if not found:
        raise UsageProblem("no queue is named", where="--queues", remedy=f"Choose of {', '.join(known)}")
    return found


def _zone(name: str) -> str:
    if not re.fullmatch(ZONE, name):
        raise UsageProblem(f"{name!r} is not a zone: lower-case letters, digits and dashes", where="--zone")
    return zone_queue(name)


def _report(report: NotifyReport) -> None:
    from notifier.cli.notify import tell
    from notifier.services.pipeline.runs import RunReport

    tell(RunReport(None, report))
