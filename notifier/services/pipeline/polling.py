"""A poll as the configuration describes it: which sources, through which mirror, with which corrections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from feeds.crawl.client import Crawl
from feeds.crawl.protocol import FetchResult
from feeds.services import polling
from feeds.services.polling import PollReport
from feeds.sources.health import MirrorState
from feeds.sources.registries import NAME as REGISTRIES
from feeds.sources.registries import ImageQuestions
from feeds.storage.database import Connection, Database
from notifier.config import Config
from notifier.services.installation.crawl_settings import crawl_job
from notifier.services.pipeline.mirrors import note_mirror, served
from notifier.storage import inventory

__all__ = ["PollOptions", "PollReport", "Polled", "ask_sources", "poll"]


@dataclass(frozen=True, slots=True)
class PollOptions:
    """What to poll: the sources (empty: all), and those whose far shorter list is accepted."""

    sources: tuple[str, ...] = ()
    accept: frozenset[str] = frozenset()
    progress: Callable[[FetchResult], None] = lambda _: None
    """Called with each document as it comes."""
    stage: str = "poll"
    """What no two processes do at once."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll did, and the mirror that it read; None if it read the sources themselves."""

    report: PollReport
    mirror: MirrorState | None


def poll(config: Config, database: Database, crawl: Crawl, options: PollOptions, now: datetime) -> Polled:
    """Poll, and note the mirror that was read. `crawl` waits for its job. A command holds the run lock, too.

    Busy while another process polls the same. ConfigError if a correction is wrong, or the mirror's folder does not
    exist.
    """
    with database.stage(options.stage), served(config) as there:
        report = ask_sources(there, database, crawl, options)
    return Polled(report, note_mirror(config, database, now))


def ask_sources(config: Config, database: Database, crawl: Crawl, options: PollOptions = PollOptions()) -> PollReport:
    """Poll from where the configuration says, which must be an address."""
    with database.connect() as connection:
        wanted = inventory.wanted(connection)
        images, warnings = _images(connection, config, options)
    report = polling.poll(
        database,
        crawl,
        crawl_job(config, wanted=wanted, images=images, sources=options.sources),
        accept=options.accept,
        own_corrections=Path(config.corrections) if config.corrections else None,
        must_have={name: s.known for name, s in config.sources.items() if s.known},
        progress=options.progress,
        follow=_follow,
    )
    report.warnings = tuple(warnings)
    return report


def _images(connection: Connection, config: Config, options: PollOptions) -> tuple[ImageQuestions, list[str]]:
    """What to ask registries, with warnings. For other sources, no credential is read, and nothing of images loaded."""
    settings = config.images
    asked = REGISTRIES not in config.disabled and (not options.sources or REGISTRIES in options.sources)
    if not asked or not (settings.registries or settings.registry):
        return ImageQuestions(), []
    from notifier.services.hosts.registry_requests import image_questions
    from notifier.services.installation.registries import registry_accesses

    accesses, warnings = registry_accesses(settings)
    return image_questions(connection, settings, accesses), warnings


def _follow(connection: Connection, report: PollReport) -> None:
    """What is new is matched by whoever is there to do it."""
    if report.changes.new or report.changes.changed or report.changes.withdrawn:
        from notifier.services.installation.worker_wakeups import wake_matching

        wake_matching(connection)
