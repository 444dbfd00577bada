"""Filling a mirror, reading from one that is a folder, and noting which one was read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from feeds import storage
from feeds.advisories.records import is_cve
from feeds.core.errors import ConfigError
from feeds.crawl.client import Crawl
from feeds.mirror import builder, manifest
from feeds.mirror.builder import MirrorReport
from feeds.services.polling import reviewed
from feeds.sources.health import MirrorState
from feeds.storage.database import Database
from notifier.config import Config
from notifier.services.installation import mirror_age
from notifier.services.installation.crawl_settings import crawl_job
from notifier.storage import inventory

__all__ = ["MirrorReport", "fetch_mirror", "note_mirror", "served"]


def fetch_mirror(
    config: Config, database: Database, crawl: Crawl, folder: Path, packages: frozenset[tuple[str, str]] = frozenset()
) -> MirrorReport:
    """Fetch what the sources answer into a folder, or update it.

    It asks what a poll elsewhere would ask: also for the CVEs of corrections and of what is known here, and for the
    packages of this inventory and of the list. Busy if another fetch fills the folder; NavtexError if it cannot
    be written.
    """
    corrected = reviewed(Path(config.corrections) if config.corrections else None)
    named = {name for o in corrected for piece in o.items if is_cve(name := piece.key.partition(":")[2])}
    with database.connect() as connection:
        wanted = mirror_age.with_listed(inventory.wanted(connection), packages)
        wanted = msgspec.structs.replace(wanted, cves=storage.cves(connection) | named)
        waiting = storage.waiting(connection)
    with served(config) as there:
        return builder.fetch(crawl, crawl_job(there, wanted=wanted, not_before=waiting), folder)


@contextmanager
def served(config: Config) -> Iterator[Config]:
    """The configuration with an address for its mirror: a folder is served on loopback while the block runs.

    ConfigError if the folder does not exist.
    """
    if not config.mirror.startswith("/"):
        yield config
        return
    from feeds.mirror.server import Mirror

    folder = Path(config.mirror)
    if not folder.is_dir():
        raise ConfigError("the mirror is not a folder", where=config.mirror, remedy="See `navtex mirror fetch --help`")
    with Mirror(folder) as mirror:
        yield msgspec.structs.replace(config, mirror=mirror.url)


def note_mirror(config: Config, database: Database, now: datetime) -> MirrorState | None:
    """Store which mirror was read and when it was filled; None if the sources themselves were read."""
    at = manifest.fetched_at(config.mirror, config.ca_bundle) if config.mirror else None
    with database.begin() as connection:
        storage.note_mirror(connection, config.mirror, at, now)
        return storage.mirror(connection)
