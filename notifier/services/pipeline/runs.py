"""`navtex run`: poll, queue digests, deliver, and clean up.  `navtex notify`: queue digests and deliver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from feeds.core.errors import Busy, DatabaseError, UsageProblem
from feeds.crawl.client import Crawl
from feeds.storage.database import Database
from notifier.channels import MessageSender
from notifier.config import Config
from notifier.services.findings.exposure import note_trend
from notifier.services.pipeline.polling import Polled, PollOptions, poll
from notifier.services.sending.delivery import deliver
from notifier.services.sending.notifications import NotifyReport, Settings, queue_digests
from notifier.services.upkeep.retention import forget

__all__ = ["RunProblem", "RunReport", "RunStage", "RunTools", "notify_once", "run_once"]

T = TypeVar("T")


class RunStage(StrEnum):
    """The stages of a run, in order."""

    POLLING = "polling"
    QUEUEING = "queueing digests"
    DELIVERING = "delivering"
    COUNTING = "storing the day's exposure"
    FORGETTING = "removing old data"


@dataclass(frozen=True, slots=True)
class RunProblem:
    """An unexpected error that ended a stage."""

    stage: RunStage
    error: Exception


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did: the poll (None for a run without one), the digests and deliveries, and unexpected errors."""

    polled: Polled | None
    notified: NotifyReport
    problems: tuple[RunProblem, ...] = ()
    busy: tuple[RunStage, ...] = ()
    """Stages that a worker is at, and that were left to it."""

    @property
    def ok(self) -> bool:
        """Whether every source was read, every digest made and delivered, and every stage completed."""
        return not self.problems and self.notified.ok and (self.polled is None or self.polled.report.ok)

    @property
    def status(self) -> int:
        """The exit status: 0 if all went well, else 1."""
        return 0 if self.ok else 1


@dataclass(frozen=True, slots=True)
class RunTools:
    """What a run works with: the child that fetches, who delivers, the clock, and how to poll."""

    crawl: Crawl
    sender: MessageSender
    clock: Callable[[], datetime]
    options: PollOptions


def run_once(config: Config, database: Database, tools: RunTools) -> RunReport:
    """Poll, queue and deliver digests, note the day's exposure, and remove old data.

    A stage that ends with an unexpected error is reported, and the next ones follow all the same. What a worker does
    just now is left to it. Busy while another run works; DatabaseError where the database cannot be used; ConfigError
    if the configuration is wrong.
    """
    stages = _Stages()
    with database.lock():
        polled = stages.done(
            RunStage.POLLING, lambda: poll(config, database, tools.crawl, tools.options, tools.clock())
        )
        notified = _notify(config, database, tools.sender, tools.clock, stages)
        stages.done(RunStage.COUNTING, lambda: note_trend(database, tools.clock()))
        stages.done(RunStage.FORGETTING, lambda: forget(database, tools.clock(), config.retention.days))
    return RunReport(polled, notified, tuple(stages.problems), tuple(stages.busy))


def notify_once(config: Config, database: Database, sender: MessageSender, clock: Callable[[], datetime]) -> RunReport:
    """Queue and deliver digests from what is known. Errors are those of `run_once`."""
    stages = _Stages()
    with database.lock():
        notified = _notify(config, database, sender, clock, stages)
    return RunReport(None, notified, tuple(stages.problems))


def _notify(
    config: Config, database: Database, sender: MessageSender, clock: Callable[[], datetime], stages: _Stages
) -> NotifyReport:
    settings = Settings.of(config)
    queued = stages.done(RunStage.QUEUEING, lambda: queue_digests(database, clock(), settings))
    report = queued or NotifyReport()
    stages.done(RunStage.DELIVERING, lambda: deliver(database, sender, report, operator=settings.operators))
    return report


class _Stages:
    """Runs stages, and keeps the unexpected errors that ended some."""

    def __init__(self) -> None:
        self.problems: list[RunProblem] = []
        self.busy: list[RunStage] = []

    def done(self, stage: RunStage, work: Callable[[], T]) -> T | None:
        """The result of a stage; None if an unexpected error ended it."""
        try:
            return work()
        except (DatabaseError, UsageProblem):
            raise
        except Busy:
            self.busy.append(stage)
            return None
        except Exception as error:  # noqa: BLE001 - what ends one stage stops no other
            self.problems.append(RunProblem(stage, error))
            return None
