"""The queue of workers, in our own transactions: a job comes with what it is about, or not at all.

Only PostgreSQL has a queue. Without its tables nothing is enqueued, and `navtex run` does all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from importlib import import_module

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.jobs import TRIES, Job, JobRequest, JobState
from notifier.storage import jobs_schema
from notifier.storage.jobs_schema import QueueState

# for statements only: these tables belong to Procrastinate, and not to our schema
_tables = sa.MetaData(schema=jobs_schema.SCHEMA)
job_table = sa.Table(
    "procrastinate_jobs",
    _tables,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("queue_name", sa.Text),
    sa.Column("task_name", sa.Text),
    sa.Column("queueing_lock", sa.Text),
    sa.Column("args", sa.JSON),
    sa.Column("status", sa.Text),
    sa.Column("scheduled_at", sa.DateTime(timezone=True)),
    sa.Column("attempts", sa.Integer),
    sa.Column("worker_id", sa.BigInteger),
)
_worker = sa.Table(
    "procrastinate_workers",
    _tables,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("last_heartbeat", sa.DateTime(timezone=True)),
)
_event = sa.Table(
    "procrastinate_events",
    _tables,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("job_id", sa.BigInteger),
    sa.Column("at", sa.DateTime(timezone=True)),
)


_DUE = sa.func.coalesce(job_table.c.scheduled_at <= sa.func.now(), sa.true())


STATES = {
    "todo": JobState.WAITING,
    "doing": JobState.RUNNING,
    "succeeded": JobState.DONE,
    "failed": JobState.FAILED,
    "cancelled": JobState.CANCELLED,
    "aborting": JobState.RUNNING,
    "aborted": JobState.CANCELLED,
}
"""The states by Procrastinate's words."""


def _in(*states: JobState) -> sa.TextClause:
    """Whether a job is in one of some states; written out, since the column's type is Procrastinate's own."""
    words = ", ".join(f"'{word}'" for word, meant in STATES.items() if meant in states)
    return sa.text(f"procrastinate_jobs.status IN ({words})")


def ready(connection: Connection) -> bool:
    """Whether jobs can be enqueued."""
    return jobs_schema.state(connection) is QueueState.READY


def enqueue(connection: Connection, requests: Iterable[JobRequest]) -> None:
    """Enqueue jobs, which workers see when the transaction is committed. Call it last in the transaction.

    A job of the same lock that waits is kept from the workers until then, so that it does what this one would do.
    """
    wanted = sorted(requests, key=lambda r: r.lock)  # whoever enqueues several waits for others in the same order
    if not wanted or not ready(connection):
        return
    # here, for loading the dialect would slow every start on SQLite
    insert = import_module("sqlalchemy.dialects.postgresql").insert
    for one in wanted:
        row = {
            "queue_name": str(one.queue),
            "task_name": one.task,
            "queueing_lock": one.lock or None,
            "args": dict(one.arguments),
            "scheduled_at": sa.func.now() + timedelta(seconds=one.after) if one.after else None,
        }
        statement = insert(job_table).values(row)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[job_table.c.queueing_lock],
                index_where=sa.text("status = 'todo'"),
                set_={"queueing_lock": statement.excluded.queueing_lock},
            )
        )


def listed(
    connection: Connection, states: Collection[JobState] = (), limit: int | None = None, before: int | None = None
) -> list[Job]:
    """Jobs, newest first; with `before`, those of lower numbers."""
    since = sa.select(sa.func.max(_event.c.at)).where(_event.c.job_id == job_table.c.id, _event.c.at <= sa.func.now())
    statement = sa.select(job_table, since.scalar_subquery().label("since")).order_by(job_table.c.id.desc())
    if states:
        statement = statement.where(_in(*states))
    if before is not None:
        statement = statement.where(job_table.c.id < before)
    rows = connection.execute(statement.limit(limit)).all()
    return [Job(r.id, r.task_name, r.queue_name, STATES[r.status], r.attempts, r.args, r.since) for r in rows]


def state(connection: Connection, number: int) -> JobState | None:
    """The state of a job; None if there is none of that number."""
    found = connection.execute(sa.select(job_table.c.status).where(job_table.c.id == number)).scalar()
    return STATES[found] if found else None


def subscriptions(connection: Connection) -> set[int]:
    """The subscriptions whose digests some job makes or will make."""
    at_work = _in(JobState.WAITING, JobState.RUNNING)
    found = connection.execute(sa.select(job_table.c.args).where(job_table.c.task_name == "digest", at_work)).scalars()
    return {number for arguments in found for number in arguments["subscriptions"]}


def waiting(connection: Connection, queues: Sequence[str]) -> bool:
    """Whether a job of some queues can be begun, or is at work."""
    at_work = sa.or_(sa.and_(_in(JobState.WAITING), _DUE), _in(JobState.RUNNING))
    found = sa.select(job_table.c.id).where(at_work, job_table.c.queue_name.in_(list(queues))).limit(1)
    return connection.execute(found).scalar() is not None


def counts(connection: Connection) -> dict[JobState, int]:
    """The number of jobs by state."""
    found = dict.fromkeys(JobState, 0)
    for word, number in connection.execute(sa.select(job_table.c.status, sa.func.count()).group_by(job_table.c.status)):
        found[STATES[word]] += number
    return found


def oldest(connection: Connection) -> dict[str, datetime]:
    """Since when the oldest job of each queue waits that could be begun."""
    first = sa.select(sa.func.min(_event.c.at)).where(_event.c.job_id == job_table.c.id).scalar_subquery()
    since = sa.func.coalesce(job_table.c.scheduled_at, first)
    rows = connection.execute(sa.select(job_table.c.queue_name, since).where(_in(JobState.WAITING), _DUE))
    found: dict[str, datetime] = {}
    for queue, at in rows:
        found[queue] = min(at, found.get(queue, at))
    return found


def workers(connection: Connection) -> list[datetime]:
    """When each worker gave its last sign of life."""
    return list(connection.execute(sa.select(_worker.c.last_heartbeat).order_by(_worker.c.last_heartbeat)).scalars())


def prune(connection: Connection, seconds: float) -> None:
    """Forget workers that gave no sign of life for a time; their jobs belong to nobody then."""
    late = _worker.c.last_heartbeat < sa.func.now() - timedelta(seconds=seconds)
    connection.execute(sa.delete(_worker).where(late))


def left(connection: Connection, worker: int | None = None) -> list[tuple[int, int]]:
    """The jobs at work that belong to nobody, or to a worker; with how often each was tried."""
    whose = job_table.c.worker_id.is_(None) if worker is None else job_table.c.worker_id == worker
    rows = sa.select(job_table.c.id, job_table.c.attempts).where(_in(JobState.RUNNING), whose).order_by(job_table.c.id)
    return [(number, attempts) for number, attempts in connection.execute(rows.with_for_update(skip_locked=True))]


def give_back(connection: Connection, number: int, attempts: int = 0) -> bool:
    """Let a job at work wait again; false if the next one of its lock waits already, or it was tried too often.

    Then that one does the work, and this one is superseded: it ends as failed.
    """
    if attempts < TRIES:
        try:
            with connection.begin_nested():
                connection.execute(
                    sa.text("SELECT jobs.procrastinate_retry_job_v2(:id, now(), NULL, NULL, NULL)"), {"id": number}
                )
        except sa.exc.IntegrityError:
            pass
        else:
            return True
    connection.execute(sa.text("SELECT jobs.procrastinate_finish_job_v1(:id, 'failed', false)"), {"id": number})
    return False


def retry(connection: Connection, number: int) -> bool:
    """Let a failed job wait again; false if the next one of its lock waits already."""
    try:
        with connection.begin_nested():
            connection.execute(
                sa.text("SELECT jobs.procrastinate_retry_job_v2(:id, now(), NULL, NULL, NULL)"), {"id": number}
            )
    except sa.exc.IntegrityError:
        return False
    return True


def cancel(connection: Connection, number: int) -> bool:
    """Cancel a job that waits; false if it does not."""
    done = connection.execute(sa.text("SELECT jobs.procrastinate_cancel_job_v1(:id, false, false)"), {"id": number})
    return done.scalar() is not None


def clear(connection: Connection, queue: str) -> int:
    """Cancel every job of a queue that waits; how many there were."""
    waiting_ = sa.select(job_table.c.id).where(_in(JobState.WAITING), job_table.c.queue_name == queue)
    return sum(cancel(connection, number) for number in connection.execute(waiting_).scalars().all())


def forget(connection: Connection, before: datetime, at_once: int) -> int:
    """Delete jobs that ended before a moment; how many there were."""
    last = sa.select(sa.func.max(_event.c.at)).where(_event.c.job_id == job_table.c.id).scalar_subquery()
    ended = _in(JobState.DONE, JobState.FAILED, JobState.CANCELLED)
    old = sa.select(job_table.c.id).where(ended, last < before).limit(at_once)
    return connection.execute(sa.delete(job_table).where(job_table.c.id.in_(old))).rowcount
