"""What tests of polls share: a poller of a site, and made-up advisories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from feeds import storage
from feeds.advisories.merging import Catalogue
from feeds.advisories.records import Advisory
from feeds.crawl.protocol import CrawlJob
from feeds.services.polling import PollReport, poll
from feeds.sources.health import SourceState
from feeds.storage import tables
from feeds.storage.database import Database
from tests.support import forked
from tests.support.unruly import Unruly

MOBY = "api.github.com/repos/moby/moby/security-advisories"
"""Where the site has the advisories of moby/moby."""


@dataclass
class Poller:
    """Polls some sources of a site into a database, and looks at what that made of it."""

    database: Database
    site: Unruly
    ahead: timedelta = timedelta()
    """How far the clock of the polls is ahead of the real one."""

    def __call__(self, *sources: str, accept: str = "") -> PollReport:
        with forked.crawl() as crawl:
            now = datetime.now(UTC) + self.ahead
            return poll(self.database, crawl, self.job(*sources), accept=frozenset({accept} - {""}), now=now)

    def a_day_later(self, *sources: str) -> PollReport:
        """Poll when a day has passed."""
        self.ahead += timedelta(days=1)
        return self(*sources)

    def job(self, *sources: str) -> CrawlJob:
        return CrawlJob(mirror=self.site.url, sources=sources)

    @property
    def catalogue(self) -> Catalogue:
        with self.database.connect() as connection:
            return storage.catalogue(connection)

    def find(self, name: str) -> Advisory:
        return self.catalogue.find(name)

    def source(self, name: str) -> SourceState:
        with self.database.connect() as connection:
            return storage.sources(connection)[name]

    @property
    def known(self) -> dict[str, str]:
        """The validators that the next poll would use."""
        with self.database.connect() as connection:
            return {url: k.etag for url, k in storage.known(connection).items() if k.etag}

    @property
    def documents(self) -> dict[str, tuple[datetime, datetime]]:
        """When each document was last asked for, and when it was last read."""
        with self.database.connect() as connection:
            rows = connection.execute(sa.select(tables.document)).all()
        return {r.url: (r.checked_at, r.read_at) for r in rows if r.url.startswith("https://")}


def entries(number: int) -> list[dict[str, Any]]:
    """Made-up advisories, as GitHub lists them."""
    return [
        {
            "ghsa_id": f"GHSA-2222-2222-222{n}",
            "cve_id": f"CVE-2031-2000{n}",
            "html_url": f"https://github.com/moby/moby/security/advisories/GHSA-2222-2222-222{n}",
            "summary": f"The flaw number {n}",
            "state": "published",
            "published_at": "2026-04-01T10:00:00Z",
            "vulnerabilities": [{"package": {"name": "moby"}, "vulnerable_version_range": "< 29.9.0"}],
        }
        for n in range(2, 2 + number)
    ]


def body(site: Unruly, place: str) -> bytes:
    at = site.mirror.find(place)
    assert at is not None
    return at.read_bytes()
