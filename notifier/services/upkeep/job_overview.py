"""The state of workers and their queues, as the page of jobs shows it."""

from __future__ import annotations

from datetime import datetime, timedelta

from feeds.storage.database import Connection, Database
from notifier.domain.jobs import STALE, JobState
from notifier.schemas.fields import whole
from notifier.schemas.job import JobsOverview, QueueCounts
from notifier.services.upkeep.jobs import JobQuery, rows_of
from notifier.storage import job_reports, jobs

LATE = timedelta(minutes=15)
"""How long a job may wait before somebody should look."""
_SHOWN = 50
"""Jobs of each list."""


def has_queue(database: Database) -> bool:
    """Whether a database has jobs: on SQLite this is known without a question."""
    if database.sqlite:
        return False
    with database.connect() as connection:
        return jobs.ready(connection)


def jobs_overview(database: Database, now: datetime) -> JobsOverview:
    """The queues, who works on them, and the jobs that failed, wait or are at work."""
    if not has_queue(database):
        return JobsOverview(usable=False, sqlite=database.sqlite)
    with database.connect() as connection:
        return JobsOverview(
            usable=True,
            sqlite=False,
            workers=tuple(at for at in jobs.workers(connection) if now - at < timedelta(seconds=STALE)),
            queues=_queues(connection, now),
            failed=rows_of(connection, JobQuery((JobState.FAILED,), _SHOWN)),
            open=rows_of(connection, JobQuery((JobState.WAITING, JobState.RUNNING), _SHOWN)),
        )


def _queues(connection: Connection, now: datetime) -> tuple[QueueCounts, ...]:
    oldest = jobs.oldest(connection)
    return tuple(
        QueueCounts(
            queue=queue,
            **{state.value: number for state, number in counts.items()},
            oldest=whole(oldest[queue]) if queue in oldest else None,
            late=queue in oldest and now - oldest[queue] > LATE,
        )
        for queue, counts in sorted(job_reports.by_queue(connection).items())
    )
