"""`navtex job`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from notifier.cli.common import format_option, limit_option, opened, say, settings, table, write_json
from notifier.domain.jobs import JobState

if TYPE_CHECKING:
    from notifier.schemas.job import JobRow


@click.group("job")
def command() -> None:
    """List, retry and cancel the jobs of workers."""


@command.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([s.value for s in JobState]),
    help="Only jobs in this state (repeatable).",
)
@limit_option
@format_option
def list_(states: tuple[str, ...], limit: int | None, form: str) -> None:
    """List jobs, newest first. Jobs that ended are kept for two days."""
    from notifier.services.upkeep.jobs import JobQuery, list_jobs

    with opened(settings()) as database:
        found = list_jobs(database, JobQuery(tuple(map(JobState, states)), limit))
    if form == "json":
        write_json(found)
        return
    columns = ("JOB", "TASK", "QUEUE", "STATE", "TRIED", "SINCE (UTC)")
    table(columns, map(_row, found.jobs), empty="No jobs.")
    for one in found.jobs:
        if one.problem:
            say(f"Job {one.id} failed: {one.problem}")


def _row(one: JobRow) -> tuple[str, ...]:
    task = f"{one.task} {one.about}".strip() + (f" ({one.items})" if one.items else "")
    since = f"{one.since:%Y-%m-%d %H:%M:%S}" if one.since else ""
    return str(one.id), task, one.queue, one.state.value, str(one.attempts), since


@command.command("retry")
@click.argument("job", type=click.IntRange(1))
def retry(job: int) -> None:
    """Retry a failed job."""
    from notifier.services.upkeep.jobs import retry_job

    with opened(settings()) as database:
        retry_job(database, job)
    say(f"Job {job} waits for a worker")


@command.command("cancel")
@click.argument("job", type=click.IntRange(1))
def cancel(job: int) -> None:
    """Cancel a waiting job. The next job of its kind does its work."""
    from notifier.services.upkeep.jobs import cancel_job

    with opened(settings()) as database:
        cancel_job(database, job)
    say(f"Job {job} was cancelled")
