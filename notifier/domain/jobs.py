"""Jobs of workers: which there are, what each is asked to do, and the queue that it waits in.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

LOCAL: Final = "local"
"""Where files, and addresses that refer to secrets, are delivered: only one machine has them."""
TOGETHER: Final = 25
"""Subscriptions of one job, at most."""
STALE: Final = 60.0
"""Seconds without a sign of life after which a worker counts as dead."""
HEARTBEAT: Final = 10.0
"""Seconds between two signs of life."""
TARGETS: Final = 100
"""Hosts that one job collects from, at most."""
TRIES: Final = 5
"""How often a job is begun whose workers die of it."""


class Queue(StrEnum):
    """Where jobs wait. Collections have a queue for each zone beside these."""

    CORE = "core"
    DIGEST = "digest"
    DELIVER = "deliver"
    DELIVER_LOCAL = "deliver.local"
    REGISTRY = "registry"


class JobState(StrEnum):
    """What becomes of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job to enqueue. While one of the same `lock` waits, it is that one."""

    task: str
    queue: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    lock: str = ""
    after: float = 0.0
    """Seconds before it may be begun."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is stored."""

    id: int
    task: str
    queue: str
    state: JobState
    attempts: int
    arguments: Mapping[str, Any]
    since: datetime | None
    """When it came into its state."""


MATCH: Final = JobRequest("match", Queue.CORE, lock="match")
DUE: Final = JobRequest("digests_due", Queue.CORE, lock="due")


def digest_jobs(subscriptions: Sequence[int]) -> list[JobRequest]:
    """Jobs that make the digests of subscriptions, each of a few that follow one another.

    >>> [job.arguments for job in digest_jobs([3, 1, 2])]
    [{'subscriptions': [3, 1, 2]}]
    """
    parts = [list(subscriptions[at : at + TOGETHER]) for at in range(0, len(subscriptions), TOGETHER)]
    return [JobRequest("digest", Queue.DIGEST, {"subscriptions": part}) for part in parts]


def zone_queue(zone: str) -> str:
    """The queue of collections from a zone."""
    return f"collect.{zone}"


def collect_job(zone: str, targets: Sequence[str], begun: datetime, tries: int = 0) -> JobRequest:
    """The job that collects from hosts of a zone, in the round that began at a moment; `tries` went before it."""
    arguments = {"zone": zone, "targets": list(targets), "begun": begun.isoformat(), "tries": tries}
    return JobRequest("collect", zone_queue(zone), arguments, after=60.0 if tries else 0.0)


def deliver_job(host: str) -> JobRequest:
    """The job that delivers what waits for a host.

    >>> deliver_job("mail.example.org").queue, deliver_job(LOCAL).queue
    (<Queue.DELIVER: 'deliver'>, <Queue.DELIVER_LOCAL: 'deliver.local'>)
    """
    queue = Queue.DELIVER_LOCAL if host == LOCAL else Queue.DELIVER
    return JobRequest("deliver", queue, {"host": host}, lock=f"deliver:{host}")
