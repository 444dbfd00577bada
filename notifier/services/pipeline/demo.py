"""The demo: sample documents and a fleet of a dozen hosts, on two days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from feeds.core.errors import NavtexError
from feeds.mirror.server import Mirror
from feeds.storage import Changes
from feeds.storage.database import Database
from notifier import inventory
from notifier.config import Config
from notifier.domain import components
from notifier.domain.filters import Filters
from notifier.domain.messages import Message
from notifier.domain.subscriptions import Subscription
from notifier.services.findings.exposure import note_trend
from notifier.services.hosts.host_images import keep_host_images
from notifier.services.installation.crawl_settings import start_crawl
from notifier.services.pipeline.demo_images import DemoImages
from notifier.services.pipeline.polling import ask_sources
from notifier.services.sending.delivery import message_sender
from notifier.services.sending.notifications import Settings, notify
from notifier.storage import inventory as hosts
from notifier.storage import subscriptions


@dataclass(frozen=True, slots=True)
class DemoDay:
    """What a day of the demo did: documents asked for and unchanged, what changed, the digest and its HTML file."""

    asked: int
    unchanged: int
    changes: Changes
    message: Message
    file: str


def set_up(database: Database, fleet: bytes, running: DemoImages, mails: Path, now: datetime) -> int:
    """Import the fleet and its images, and subscribe a folder to everything that affects it; the number of hosts."""
    found = components.gathered(inventory.read(fleet))
    with database.begin() as connection:
        hosts.take(connection, found.hosts, {}, now)
        keep_host_images(connection, running.running, now)
        subscriptions.add(connection, Subscription("demo", (f"file://{mails}",), Filters(), now))
    return len(found.hosts)


def play_day(
    config: Config, database: Database, mirror: Mirror, environment: Mapping[str, str], now: datetime
) -> DemoDay:
    """Poll, notify and record the day once. NavtexError if a source could not be read, or nothing was delivered."""
    mirror.requests.clear()
    with start_crawl(config, environment) as crawl, database.lock():
        polled = ask_sources(config, database, crawl)
        with message_sender(config) as sender:
            notified = notify(database, sender, settings=Settings.of(config))
    if not polled.ok or not notified.delivered:
        failed = "; ".join(s.message for s in polled.failed)
        raise NavtexError(polled.problem or failed or "nothing was delivered", where="demo")
    note_trend(database, now)
    delivery, path = notified.delivered[0]
    unchanged = sum(status == 304 for _, status in mirror.requests)
    return DemoDay(len(mirror.requests), unchanged, polled.changes, delivery.message, path)
