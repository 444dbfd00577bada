"""What `navtex doctor` says of workers and their jobs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from feeds.core.text import counted
from feeds.storage.database import Connection
from notifier.domain.jobs import JobState
from notifier.schemas.doctor import CheckResult
from notifier.services.upkeep.job_overview import LATE
from notifier.storage import jobs, jobs_schema, zones
from notifier.storage.jobs_schema import QueueState


def unanswered(connection: Connection) -> Iterator[CheckResult]:
    """Hosts of zones that did not answer."""
    found = zones.listed(connection)
    if found:
        some = ", ".join(o.target for o in found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        which = counted(len(found), "host of a zone did", "hosts of zones did")
        yield CheckResult.note(f"{which} not answer: {some}", "See `navtex inventory unanswered`")


def workers(connection: Connection, now: datetime) -> Iterator[CheckResult]:
    """Workers and their jobs; nothing where none ever worked."""
    state = jobs_schema.state(connection)
    if state is QueueState.OTHER:
        yield CheckResult.problem(
            "the schema `jobs` holds another version of the queue than this Navtex needs",
            "Upgrade Navtex on every machine, or see `navtex help workers`",
        )
    if state is not QueueState.READY:
        return
    alive, counts = jobs.workers(connection), jobs.counts(connection)
    if not alive and not counts[JobState.DONE]:
        return  # the tables are there, and nobody uses them
    if alive:
        yield CheckResult.ok(f"{len(alive)} {'worker runs' if len(alive) == 1 else 'workers run'}")
    else:
        yield CheckResult.note("no worker runs", "Start `navtex worker`, or let cron call `navtex run`")
    for queue, since in sorted(jobs.oldest(connection).items()):
        if alive and now - since > LATE:
            yield CheckResult.problem(
                f"a job of the queue {queue} waits since {since:%Y-%m-%d %H:%M} UTC",
                f"Start a worker that serves it: `navtex worker --queues {queue}`",
            )
    if failed := counts[JobState.FAILED]:
        some = counted(failed, "job")
        yield CheckResult.note(f"{some} failed in the last two days", "See `navtex job list --state failed`")
