"""The answer of `navtex job list`, and what the page of jobs shows.  Pure; the JSON is a contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from notifier.domain.jobs import JobState
from notifier.schemas.fields import MOMENT


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """One job of the workers."""

    id: Annotated[int, Meta(description="what `navtex job retry` and `cancel` take", ge=1)]
    task: Annotated[str, Meta(description="what is done")]
    about: Annotated[str, Meta(description="the host or zone that it is about, or empty")]
    items: Annotated[int | None, Meta(description="how many subscriptions or hosts it is about")]
    queue: Annotated[str, Meta(description="the queue")]
    state: Annotated[
        JobState,
        Meta(description="what becomes of it", extra_json_schema={"enum": [s.value for s in JobState]}),
    ]
    attempts: Annotated[int, Meta(description="how often it was tried", ge=0)]
    since: Annotated[datetime | None, MOMENT, Meta(description="when it came into its state")]
    problem: Annotated[str | None, Meta(description="why it failed; null if it did not, or if that is not known")]


class JobList(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs, newest first."""

    jobs: Annotated[tuple[JobRow, ...], Meta(description="newest first")]


class QueueCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of one queue."""

    queue: str
    waiting: int
    running: int
    failed: int
    done: int
    cancelled: int
    oldest: datetime | None
    """Since when the oldest waits that could be begun."""
    late: bool
    """Whether it waits for so long that no worker seems to serve the queue."""


class JobsOverview(msgspec.Struct, frozen=True, kw_only=True):
    """The state of workers and their queues."""

    usable: bool
    """Whether the database has a queue."""
    sqlite: bool
    workers: tuple[datetime, ...] = ()
    """When each worker that is alive gave its last sign of life."""
    queues: tuple[QueueCounts, ...] = ()
    failed: tuple[JobRow, ...] = ()
    open: tuple[JobRow, ...] = ()
    """Those that wait or are at work."""
