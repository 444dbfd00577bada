"""The tasks of workers: each calls one stage, and counts how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Any

import msgspec

from feeds.core.errors import Busy, DatabaseError
from feeds.sources.registries import NAME as REGISTRIES
from feeds.storage.database import Database
from notifier.config import Config, SourceSettings
from notifier.services.findings.exposure import note_trend
from notifier.services.hosts.zones import ZonePart, collect_part, plan_zone
from notifier.services.installation.crawl_settings import start_crawl
from notifier.services.installation.registries import same_registry
from notifier.services.pipeline.polling import PollOptions, poll
from notifier.services.pipeline.stages import make_digests, match_all, queue_due
from notifier.services.sending.delivery import Deliveries, Only, deliver, message_sender
from notifier.services.sending.queueing import DigestStage, NotifyReport
from notifier.services.snapshot.caching import RememberedMatcher
from notifier.services.snapshot.settings import Settings
from notifier.services.upkeep.jobs import note_failure, note_stage, tidy

Tell = Callable[..., None]
"""Tells of an event: its name, a text, and `level` or further facts."""


@dataclass(slots=True)
class Work:
    """What tasks work with. `stopping` is set when the worker is to end: then a task ends early and is done later."""

    config: Config
    database: Database
    environment: Mapping[str, str]
    clock: Callable[[], datetime]
    tell: Tell
    report: Callable[[NotifyReport], None]
    stopping: Event = field(default_factory=Event)
    _matchers: RememberedMatcher = field(default_factory=RememberedMatcher)

    @property
    def settings(self) -> Settings:
        """What the configuration says of notifying."""
        return Settings.of(self.config)

    def poll(self) -> None:
        """Ask the sources, all but the registries, which have jobs of their own."""
        self._poll(_without_registries(self.config), PollOptions())

    def registry(self, host: str) -> None:
        """Ask one registry."""
        settings = self.config.images
        own = {name: one for name, one in settings.registry.items() if same_registry(name, host)}
        images = msgspec.structs.replace(settings, registries=(host,), registry=own)
        options = PollOptions((REGISTRIES,), stage=f"registry:{host}")
        self._poll(msgspec.structs.replace(self.config, images=images), options)

    def _poll(self, config: Config, options: PollOptions) -> None:
        with start_crawl(config, self.environment) as crawl:
            polled = poll(config, self.database, crawl, options, self.clock()).report
        healthy = len(polled.sources) - len(polled.failed)
        text = f"{healthy} of {len(polled.sources)} polled sources are healthy"
        self.tell("polled", text, sources=len(polled.sources), healthy=healthy)
        if polled.problem:
            self.tell("poll_broken", f"The poll is incomplete: {polled.problem}", level="warning")

    def match(self) -> None:
        """Match what is new."""
        self.report(match_all(self.database, self.clock(), self.settings))

    def digests_due(self) -> None:
        """Enqueue the digests and deliveries that are due."""
        self.report(queue_due(self.database, self.clock(), self.settings))

    def digest(self, subscriptions: list[int]) -> None:
        """Make the digests of a few subscriptions."""
        stage = DigestStage(self.stopping.is_set, self._matchers)
        report = make_digests(self.database, subscriptions, self.clock(), self.settings, stage)
        self.report(report)

    def deliver(self, host: str) -> None:
        """Deliver what waits for a host."""
        report = NotifyReport()
        only = Only(host, self.stopping.is_set)
        with message_sender(self.config) as sender:
            deliver(self.database, sender, _deliveries(report), operator=self.config.operator.to, only=only)
        self.report(report)

    def collect_plan(self, zone: str) -> None:
        """Enqueue collections from the hosts of a zone."""
        if zone in self.config.collect.zones:
            number = plan_zone(self.database, self.config.collect, zone, self.clock())
            self.tell("collection_planned", f"{number} hosts of the zone {zone} are asked")

    def collect(self, zone: str, targets: list[str], begun: str, tries: int) -> None:
        """Ask hosts of a zone."""
        part = ZonePart(zone, tuple(targets), datetime.fromisoformat(begun), tries)
        settings, stopping = self.config.collect, self.stopping.is_set
        missing = collect_part(self.database, settings, part, self.environment, self.clock(), stopping=stopping)
        if missing:
            text = f"{missing} of {len(targets)} hosts of the zone {zone} did not answer"
            self.tell("unanswered", f"{text}: see `navtex inventory unanswered`", level="warning", zone=zone)

    def tidy(self) -> None:
        """Note the day's exposure, and delete what is old."""
        note_trend(self.database, self.clock())
        tidy(self.database, self.clock(), self.config.retention.days)

    def timed(self, stage: str, task: Callable[..., None]) -> Callable[..., None]:
        """A task that is counted, and whose failure is told of. What another process does already is left to it."""

        def run(context: Any, **arguments: Any) -> None:
            arguments.pop("timestamp", None)  # of periodic jobs
            began = time.monotonic()
            try:
                task(**arguments)
            except Busy as error:
                self.tell("left", f"{stage}: {error.what}", level="debug")
                return
            except Exception as error:
                self.tell("job_failed", f"The job {stage} failed: {error}", level="error", job=stage)
                with suppress(DatabaseError):  # which the session finds out
                    note_failure(self.database, context.job.id, error, self.clock())
                raise
            note_stage(self.database, stage, time.monotonic() - began, self.clock())

        return run


def _deliveries(report: NotifyReport) -> Deliveries:
    return report


def _without_registries(config: Config) -> Config:
    sources = {**config.sources, REGISTRIES: SourceSettings(enabled=False)}
    return msgspec.structs.replace(config, sources=sources)
