"""What one asks about the queue: jobs by queue and state, and why jobs failed, which Procrastinate does not keep."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import upsert
from notifier.domain.jobs import JobState
from notifier.storage import bulk
from notifier.storage.jobs import STATES, job_table
from notifier.storage.stage_tables import stage_mark

_FAILED = "failed:"


def by_queue(connection: Connection) -> dict[str, dict[JobState, int]]:
    """The number of jobs of each queue, by state."""
    columns = (job_table.c.queue_name, job_table.c.status)
    found: dict[str, dict[JobState, int]] = {}
    for queue, word, number in connection.execute(sa.select(*columns, sa.func.count()).group_by(*columns)):
        counts = found.setdefault(queue, dict.fromkeys(JobState, 0))
        counts[STATES[word]] += number
    return found


def note_failures(connection: Connection, reasons: Mapping[int, str], at: datetime) -> None:
    """Keep why jobs failed."""
    for number, reason in reasons.items():
        upsert(connection, stage_mark, {"name": f"{_FAILED}{number}", "value": reason, "at": at}, ["name"])


def failures(connection: Connection, jobs: Collection[int]) -> dict[int, str]:
    """Why jobs failed, as far as it is known."""
    names = bulk.in_list(connection, stage_mark.c.name, [f"{_FAILED}{number}" for number in jobs])
    rows = connection.execute(sa.select(stage_mark.c.name, stage_mark.c.value).where(names))
    return {int(name.removeprefix(_FAILED)): value for name, value in rows}


def forget_failures(connection: Connection, before: datetime) -> None:
    """Forget why jobs failed before a moment."""
    connection.execute(sa.delete(stage_mark).where(stage_mark.c.name.startswith(_FAILED), stage_mark.c.at < before))
