"""The queue of workers as one asks about it, and as workers keep it: list, retry and cancel jobs, rescue, forget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from feeds.core.errors import DatabaseError, UnknownName, UsageProblem
from feeds.storage.database import HEAD, Connection, Database
from notifier.domain.jobs import DUE, MATCH, STALE, TRIES, JobState
from notifier.schemas.fields import whole
from notifier.schemas.job import JobList, JobRow
from notifier.security.redaction import redact
from notifier.services.upkeep.retention import forget
from notifier.storage import job_reports, jobs, jobs_schema, stage_statistics
from notifier.storage.jobs_schema import QueueState

_KEPT = timedelta(days=2)
"""How long jobs that ended are kept."""
_AT_ONCE = 500
_LONGEST = 500
"""Characters of a reason that are kept."""
_SUPERSEDED = "its worker died, and the next job like it does the work"
_GIVEN_UP = f"its workers died {TRIES} times"


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Which jobs to list: those in some states (empty: all), at most so many."""

    states: tuple[JobState, ...] = ()
    limit: int | None = None
    before: int | None = None
    """Only jobs of lower numbers than this one: the next part of a list."""


def prepare(database: Database) -> None:
    """Make sure that workers can work with a database: that it has the queue's tables, of this version.

    UsageProblem with what to do where they cannot.
    """
    if database.sqlite:
        raise UsageProblem(
            "workers need PostgreSQL, and the database is SQLite",
            where=database.shown,
            remedy="Use `navtex run` from cron, or see `navtex help workers`",
        )
    package = jobs_schema.installed()
    if package is None:
        raise UsageProblem("workers need Procrastinate", remedy="In the checkout, run pip install '.[worker]'")
    if package[0] != jobs_schema.PINNED:
        raise UsageProblem(
            f"this Navtex needs the tables of {jobs_schema.PINNED}, and the package has others ({package[0]})",
            remedy="Install the versions in requirements.lock: Procrastinate 3.10",
        )
    with database.begin() as connection:
        database.serial(connection, "queue")
        jobs_schema.create(connection)
        state = jobs_schema.state(connection)
        if state is QueueState.MISSING:
            grant = f"GRANT CREATE ON DATABASE {database.url.database} TO {database.url.username}"
            raise DatabaseError(
                "the role may not create the schema `jobs`, which holds the queue",
                where=database.shown,
                remedy=f"The owner of the database can run `{grant}`",
            )
        if state is QueueState.OTHER:
            raise DatabaseError(
                "the schema `jobs` holds another version of the queue than this Navtex needs",
                where=database.shown,
                remedy="Upgrade Navtex on every machine. Or stop the workers, run `DROP SCHEMA jobs CASCADE` and start "
                "them again: waiting jobs are made anew, and nothing is lost",
            )


def is_current(database: Database) -> bool:
    """Whether the schema is the one of this version: another Navtex may have upgraded it while a worker runs."""
    return database.current() == HEAD


def list_jobs(database: Database, query: JobQuery = JobQuery()) -> JobList:
    """The jobs, newest first. UsageProblem where there is no queue."""
    with database.connect() as connection:
        _check(database, connection)
        return JobList(jobs=rows_of(connection, query))


def rows_of(connection: Connection, query: JobQuery) -> tuple[JobRow, ...]:
    """The jobs, newest first."""
    found = jobs.listed(connection, query.states, query.limit, query.before)
    failed = [one.id for one in found if one.state is JobState.FAILED]
    reasons = job_reports.failures(connection, failed) if failed else {}
    return tuple(
        JobRow(
            id=one.id,
            task=one.task,
            about=str(one.arguments.get("host") or one.arguments.get("zone") or ""),
            items=next((len(v) for v in one.arguments.values() if isinstance(v, list)), None),
            queue=one.queue,
            state=one.state,
            attempts=one.attempts,
            since=whole(one.since) if one.since else None,
            problem=reasons.get(one.id) if one.state is JobState.FAILED else None,
        )
        for one in found
    )


def retry_job(database: Database, number: int) -> None:
    """Let a failed job be tried again. UnknownName if there is none, UsageProblem if it cannot be."""
    with database.begin() as connection:
        state = _state(database, connection, number)
        if state is not JobState.FAILED:
            raise UsageProblem(f"job {number} is {state.value}", remedy="Only failed jobs can be retried")
        if not jobs.retry(connection, number):
            raise UsageProblem(f"job {number} need not be retried: the next one like it waits already")


def cancel_job(database: Database, number: int) -> None:
    """Cancel a job that waits. UnknownName if there is none, UsageProblem if it does not wait."""
    with database.begin() as connection:
        state = _state(database, connection, number)
        if not jobs.cancel(connection, number):
            raise UsageProblem(f"job {number} is {state.value}", remedy="Only waiting jobs can be cancelled")


def _state(database: Database, connection: Connection, number: int) -> JobState:
    _check(database, connection)
    state = jobs.state(connection, number)
    if state is None:
        raise UnknownName(f"there is no job {number}", remedy="See `navtex job list`")
    return state


def _check(database: Database, connection: Connection) -> None:
    if not jobs.ready(connection):
        raise UsageProblem(
            "this database has no jobs, since no worker has worked on it",
            where=database.shown,
            remedy="Workers need PostgreSQL: see `navtex help workers`",
        )


def rescue(database: Database, now: datetime, stale: float = STALE) -> tuple[int, int]:
    """Give back the jobs of workers that give no sign of life; how many wait again, and how many others replace."""
    with database.begin() as connection:
        database.serial(connection, "rescue")
        jobs.prune(connection, stale)
        left = jobs.left(connection)
        results = [jobs.give_back(connection, number, attempts) for number, attempts in left]
        again = sum(results)
        over = (one for one, waits in zip(left, results, strict=True) if not waits)
        reasons = {number: _GIVEN_UP if attempts >= TRIES else _SUPERSEDED for number, attempts in over}
        job_reports.note_failures(connection, reasons, now)
        stage_statistics.count(connection, "rescued", again, 0.0, now)
        stage_statistics.count(connection, "superseded", len(results) - again, 0.0, now)
    return again, len(results) - again


def give_back(database: Database, worker: int) -> int:
    """Give back what a worker is at, which ends now; how many jobs."""
    with database.begin() as connection:
        mine = jobs.left(connection, worker)
        for number, _ in mine:
            jobs.give_back(connection, number)
    return len(mine)


def is_waiting(database: Database, queues: tuple[str, ...]) -> bool:
    """Whether a job of some queues can be begun or is at work."""
    with database.connect() as connection:
        return jobs.waiting(connection, queues)


def wake_all(database: Database) -> None:
    """Enqueue what finds all that is due."""
    with database.begin() as connection:
        jobs.enqueue(connection, [MATCH, DUE])


def note_failure(database: Database, number: int, error: Exception, now: datetime) -> None:
    """Keep why a job failed, without secrets."""
    reason = " ".join(redact(str(error) or type(error).__name__).split())[:_LONGEST]
    with database.begin() as connection:
        job_reports.note_failures(connection, {number: reason}, now)


def note_stage(database: Database, stage: str, seconds: float, now: datetime) -> None:
    """Count a stage that ended, and the seconds that it took."""
    with database.begin() as connection:
        stage_statistics.count(connection, stage, 1, seconds, now)


def tidy(database: Database, now: datetime, days: int) -> None:
    """Delete what is old, and the jobs that ended two days ago or earlier."""
    forget(database, now, days)
    with database.begin() as connection:
        job_reports.forget_failures(connection, now - _KEPT)
    while True:
        with database.begin() as connection:
            if jobs.forget(connection, now - _KEPT, _AT_ONCE) < _AT_ONCE:
                return
