"""A worker from its start to its end: it works until it is asked to stop, or the database stays away."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from procrastinate.worker import Worker

from feeds.core.errors import DatabaseError
from feeds.core.text import counted
from notifier.domain.jobs import HEARTBEAT, STALE
from notifier.services.upkeep import jobs
from notifier.worker.queue import queue_of
from notifier.worker.tasks import Work

GRACE = 60.0
"""Seconds in which a worker that is asked to stop ends what it is at."""
PATIENCE = 60.0
"""Seconds that a worker waits for a database that is away."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_SOON = 5.0
"""A session that ends earlier than after so many seconds did no work."""
_FUTILE = 10
"""Such sessions in a row after which a worker gives up."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """The queues that a worker serves, how many jobs it does at once, and whether it ends when there are no more."""

    queues: tuple[str, ...]
    jobs: int = 4
    drain: bool = False
    heartbeat: float = HEARTBEAT
    stale: float = STALE
    """Seconds without a sign of life after which another worker counts as dead."""
    rescue: float = 20.0
    """Seconds between two looks for jobs of the dead."""


def work_on(work: Work, options: WorkerOptions) -> int:
    """Work until a signal says to stop, or with `drain` until nothing waits. Returns the exit status.

    UsageProblem or DatabaseError if the database has no queue that this version can use.
    """
    jobs.prepare(work.database)
    return _Running(work, options).run()


def _said(error: BaseException) -> str:
    """What an error says in one line; where it says nothing, what the error says that caused it."""
    while not str(error) and error.__cause__ is not None:
        error = error.__cause__
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


class _Running:
    def __init__(self, work: Work, options: WorkerOptions) -> None:
        self._work, self._options = work, options
        self._asked = asyncio.Event()
        self._status = 0

    def run(self) -> int:
        """Sessions, one after the other, until it is over."""
        self._listen()
        if self._options.drain:
            jobs.wake_all(self._work.database)
        threading.Thread(target=self._rescue, daemon=True).start()
        self._work.tell("worker_begins", f"Worker {os.getpid()} serves {', '.join(self._options.queues)}")
        futile = 0
        while True:
            began = time.monotonic()
            problem = self._session()
            if self._work.stopping.is_set():
                if not self._status:
                    self._work.tell("worker_ends", f"Worker {os.getpid()} was asked to stop")
                return self._status
            if not problem and self._options.drain:
                if not self._try(lambda: jobs.is_waiting(self._work.database, self._options.queues)):
                    self._work.tell("worker_ends", f"Worker {os.getpid()} did all that was due")
                    return 0
                time.sleep(0.2)  # what is left is at work elsewhere, or was enqueued just now
                continue
            futile = futile + 1 if time.monotonic() - began < _SOON else 0
            self._work.tell(
                "worker_broken", f"The worker broke off: {problem or 'its connection ended'}", level="warning"
            )
            if futile >= _FUTILE or not self._back():
                said = "keeps breaking off" if futile >= _FUTILE else f"found no database for {PATIENCE:.0f} seconds"
                self._work.tell("worker_gave_up", f"The worker {said}: {self._work.database.shown}", level="error")
                return 1

    def _session(self) -> str:
        """Work with one connection to the queue. Returns why it ended, "" if it need not have."""
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - whatever ends a session, the next one may work
            return _said(error)
        finally:
            self._listen()
        return ""

    def _listen(self) -> None:
        """Between sessions, a signal ends the waiting for the next one."""
        for number in _SIGNALS:
            signal.signal(number, lambda *_: self._work.stopping.set())

    async def _serve(self) -> None:
        self._asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(self._options.jobs + 2))
        app = queue_of(self._work, self._options.queues, self._options.jobs, periodic=not self._options.drain)
        async with app.open_async():
            worker = app._worker(  # noqa: SLF001 - `run_worker_async` does not return it, and its number is needed
                queues=list(self._options.queues),
                concurrency=self._options.jobs,
                wait=not self._options.drain,
                install_signal_handlers=False,
                update_heartbeat_interval=self._options.heartbeat,
                stalled_worker_timeout=self._options.stale,
                fetch_job_polling_interval=2.0,
            )
            task = asyncio.create_task(worker.run())  # type: ignore[no-untyped-call]
            for number in _SIGNALS:
                loop.add_signal_handler(number, self._stop, worker)
            if self._work.stopping.is_set():
                self._stop(worker)
            stopping = asyncio.create_task(self._asked.wait())
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not task.done():
                await asyncio.wait({task}, timeout=GRACE)
            if not task.done():
                self._give_back(worker.worker_id)
            await task

    def _stop(self, worker: Worker) -> None:
        self._work.stopping.set()
        self._asked.set()
        worker.stop()  # type: ignore[no-untyped-call]

    def _give_back(self, worker: int | None) -> None:
        """End at once, though jobs are not done: others begin them anew. What a thread is at ends with the process."""
        number = self._try(lambda: jobs.give_back(self._work.database, worker)) if worker else 0
        text = f"{counted(number, 'job')} did not end within {GRACE:.0f} seconds: given back"
        self._work.tell("given_back", text, level="warning")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self._status)

    def _back(self) -> bool:
        """Wait until the database answers; false if it does not in time, or the worker is to stop."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not self._work.stopping.is_set():
            try:
                with self._work.database.connect() as connection:
                    connection.exec_driver_sql("SELECT 1")
            except DatabaseError:
                self._work.stopping.wait(1)
            else:
                self._work.tell("database_back", "The database answers again")
                return True
        return False

    def _rescue(self) -> None:
        """From time to time, give back the jobs of workers that died."""
        while not self._work.stopping.wait(self._options.rescue):
            self._try(self._rescued)
            self._try(self._checked)

    def _rescued(self) -> int:
        again, superseded = jobs.rescue(self._work.database, self._work.clock(), self._options.stale)
        if again or superseded:
            text = f"{counted(again, 'job')} of dead workers wait again, {superseded} are done by others"
            self._work.tell("rescued", text, level="warning", rescued=again, superseded=superseded)
        return again

    def _checked(self) -> int:
        """End if another version upgraded the database: whoever starts this worker again starts the new version."""
        if not jobs.is_current(self._work.database):
            text = f"The worker ends, since {self._work.database.shown} is of another version. Upgrade Navtex here, too"
            self._work.tell("worker_outdated", text, level="error")
            self._status = 1
            os.kill(os.getpid(), signal.SIGTERM)
        return 0

    def _try(self, call: Callable[[], int]) -> int:
        """The result; 0 where the database is away, which the session finds out."""
        try:
            return call()
        except DatabaseError:
            return 0
