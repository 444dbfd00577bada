"""`navtex run`: poll, queue digests, deliver, and clean up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from feeds.crawl.client import Crawl
from feeds.storage.database import Database
from notifier.channels import MessageSender
from notifier.config import Config
from notifier.services.exposure import note_trend
from notifier.services.notifications import NotifyReport, Settings, notify
from notifier.services.polling import Polled, PollOptions, poll
from notifier.services.retention import forget

__all__ = ["RunReport", "RunTools", "run_once"]


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did."""

    polled: Polled
    notified: NotifyReport

    @property
    def ok(self) -> bool:
        """Whether every source was read, and every digest made and delivered."""
        return self.polled.report.ok and self.notified.ok


@dataclass(frozen=True, slots=True)
class RunTools:
    """What a run works with: the child that fetches, who delivers, the clock, and how to poll."""

    crawl: Crawl
    sender: MessageSender
    clock: Callable[[], datetime]
    options: PollOptions


def run_once(config: Config, database: Database, tools: RunTools) -> RunReport:
    """Poll, queue and deliver digests, note the day's exposure, and forget what is old.

    Busy while another run works.
    """
    with database.lock():
        polled = poll(config, database, tools.crawl, tools.options, tools.clock())
        notified = notify(database, tools.sender, settings=Settings.of(config))
        note_trend(database, tools.clock())
        forget(database, tools.clock(), config.retention.days)
    return RunReport(polled, notified)
