"""The queue as Procrastinate runs it: its connections, the tasks that it knows, and who may end a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import procrastinate
from procrastinate import jobs as queue_jobs
from procrastinate import manager
from procrastinate.retry import RetryStrategy

from feeds.storage.database import Database
from notifier.config import Config
from notifier.domain.jobs import DUE, MATCH, Queue
from notifier.worker.tasks import Work

_FENCED = """
SELECT {function} FROM procrastinate_jobs
WHERE id = %(job_id)s AND worker_id = %(worker_id)s AND status = 'doing'
"""


class FencedManager(manager.JobManager):
    """A manager that ends a job only for the worker that it belongs to.

    One that was taken for dead, and wakes up again, would else end the job that another one does.
    """

    async def finish_job(self, job: queue_jobs.Job, status: queue_jobs.Status, delete_job: bool) -> None:
        """End a job, unless another worker has it."""
        await self.connector.execute_query_all_async(
            _FENCED.format(function="procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s)"),
            job_id=job.id,
            worker_id=job.worker_id,
            status=status.value,
            delete_job=delete_job,
        )

    async def retry_job(self, job: queue_jobs.Job, retry_at: Any = None, *_: Any, **__: Any) -> None:
        """Let a job wait again, unless another worker has it."""
        await self.connector.execute_query_all_async(
            _FENCED.format(function="procrastinate_retry_job_v2(id, %(retry_at)s, NULL, NULL, NULL)"),
            job_id=job.id,
            worker_id=job.worker_id,
            retry_at=retry_at,
        )


def queue_of(work: Work, queues: tuple[str, ...], jobs: int, *, periodic: bool) -> procrastinate.App:
    """Procrastinate's app for a worker. With `periodic`, it enqueues what its queues have to do from time to time."""
    app = procrastinate.App(connector=_connector(work.database, jobs), periodic_defaults={"max_delay": 90})
    app.job_manager = FencedManager(app.connector)
    tasks = {
        name: _registered(app, work, name, call, retry)
        for name, call, retry in (
            ("poll", work.poll, False),
            ("match", work.match, False),
            ("digests_due", work.digests_due, False),
            ("digest", work.digest, RetryStrategy(max_attempts=3, exponential_wait=5)),
            ("deliver", work.deliver, False),
            ("registry", work.registry, False),
            ("collect_plan", work.collect_plan, False),
            ("collect", work.collect, RetryStrategy(max_attempts=2, wait=60)),
            ("tidy", work.tidy, False),
        )
    }
    if periodic:
        _periodic(app, tasks, work.config, queues)
    return app


def _registered(app: procrastinate.App, work: Work, name: str, call: Callable[..., None], retry: Any) -> Any:
    # a task of several queues is enqueued with its queue
    return app.task(name=name, retry=retry, pass_context=True)(work.timed(name, call))


def _periodic(app: procrastinate.App, tasks: dict[str, Any], config: Config, queues: tuple[str, ...]) -> None:
    """What is enqueued from time to time, by whichever worker comes first."""
    wanted: list[tuple[str, str, str, str, dict[str, Any]]] = []
    if Queue.CORE in queues:
        wanted += [
            ("poll", config.worker.poll, Queue.CORE, "poll", {}),
            ("digests_due", "* * * * *", Queue.CORE, DUE.lock, {}),
            ("match", config.worker.poll, Queue.CORE, MATCH.lock, {}),
            ("tidy", "23 3 * * *", Queue.CORE, "tidy", {}),
        ]
        when = config.worker.collect
        wanted += [("collect_plan", when, Queue.CORE, f"plan:{zone}", {"zone": zone}) for zone in config.collect.zones]
    if Queue.REGISTRY in queues:
        cron = config.worker.registries
        wanted += [
            ("registry", cron, Queue.REGISTRY, f"registry:{host}", {"host": host}) for host in config.images.registries
        ]
    for name, cron, queue, lock, arguments in wanted:
        app.periodic(cron=cron, periodic_id=lock, queue=str(queue), queueing_lock=lock, task_kwargs=arguments)(
            tasks[name]
        )


def _connector(database: Database, jobs: int) -> procrastinate.PsycopgConnector:
    address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return procrastinate.PsycopgConnector(
        conninfo=address,
        kwargs={"connect_timeout": 10, "tcp_user_timeout": 20_000, "application_name": "navtex worker"},
        configure=_look_into_jobs,
        min_size=1,
        max_size=jobs + 3,
        timeout=15,
    )


async def _look_into_jobs(connection: Any) -> None:
    await connection.execute("SET search_path TO jobs")
    await connection.commit()
