"""`navtex worker`, with dead workers known after seconds, not a minute: `python -m tests.support.hasty_worker`."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from functools import partial

from notifier.cli.log import event
from notifier.config import load
from notifier.domain.jobs import Queue
from notifier.services.installation.databases import opened
from notifier.worker.tasks import Work
from notifier.worker.worker_process import WorkerOptions, work_on


def main() -> int:
    """Work like a worker that is in a hurry."""
    config = load()
    with opened(config.database) as database:
        work = Work(config, database, os.environ, lambda: datetime.now(UTC), partial(event, aloud=True), lambda _: None)
        options = WorkerOptions(tuple(Queue), jobs=2, heartbeat=0.5, stale=4, rescue=1)
        return work_on(work, options)


if __name__ == "__main__":
    sys.exit(main())
