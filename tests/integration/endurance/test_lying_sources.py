"""A lying source, as a story: cut, emptied, not found, a month back, and back again; nobody is told what is not so.

`make lies` runs every fault of every source; the suite runs one fault of each.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from feeds.advisories.list_facts import shrunk
from feeds.sources.all_sources import SOURCES
from feeds.sources.health import SourceHealth
from feeds.storage import tables
from feeds.storage.database import Database
from notifier.alerts.digest import CORRECTION, DigestItem
from notifier.domain.filters import Filters
from tests.conftest import DEMO, World
from tests.support.polling import Poller, body
from tests.support.samples import install, run, subscribe
from tests.support.unruly import Reply, Unruly

HOUR = timedelta(hours=1)
ENTRIES = {
    "rss": re.compile(rb"<item>.*?</item>|<entry>.*?</entry>", re.DOTALL),
    "page": re.compile(rb"<h2.*?(?=<h2|</article>)", re.DOTALL),
    "markdown": re.compile(rb"^## .*?(?=^## |\Z)", re.DOTALL | re.MULTILINE),
}
LISTS = ("vulnerabilities", "releases", "data", "result")
CUTS = {"10 %": 0.9, "40 %": 0.6, "60 %": 0.4, "95 %": 0.05, "all": 0.0}
FAULTS = (*CUTS, "404", "a month back")
EVERY = os.environ.get("LIES") == "all"
NAMES = tuple(s.name for s in SOURCES)
SHORT = {"docker-announcements": ("40 %",), "kev": ("95 %",)}


def cut(content: bytes, share: float) -> tuple[bytes, int, int]:
    """A document with the last part of its entries only, how many these are, and how many there were."""
    if content.lstrip()[:1] in (b"[", b"{"):
        data = json.loads(content)
        left, had = _cut_json(data, share)
        return json.dumps(left if isinstance(data, list) else data).encode(), *had
    kind = "rss" if ENTRIES["rss"].search(content) else "page" if b"<h2" in content else "markdown"
    found = list(ENTRIES[kind].finditer(content))
    for match in reversed(found[: len(found) - round(len(found) * share)]):
        content = content[: match.start()] + content[match.end() :]
    return content, round(len(found) * share), len(found)


def _cut_json(data: object, share: float) -> tuple[object, tuple[int, int]]:
    if isinstance(data, list):
        kept = round(len(data) * share)
        return data[len(data) - kept :], (kept, len(data))
    if isinstance(data, dict):
        for name in LISTS:
            if name in data:
                data[name], counts = _cut_json(data[name], share)
                return data, counts
    return data, (1, 1)


@dataclass
class Story:
    """A fleet with a subscription, and a site whose documents one source turns into others."""

    poller: Poller
    source: str

    @property
    def places(self) -> list[str]:
        with self.poller.database.connect() as connection:
            where = tables.document.c.source == self.source
            urls = connection.execute(sa.select(tables.document.c.url).where(where)).scalars()
            return sorted({u.removeprefix("https://").partition("?")[0].partition("#")[0] for u in urls})

    def break_by(self, fault: str) -> bool:
        """Make the source's documents what a fault makes of them; whether that must be noticed."""
        noticed = False
        for place in self.places:
            if fault == "404":
                self.poller.site.reply(place, Reply("not here", 404))
                noticed = True
            elif fault == "a month back":
                old = next((f for f in _files(place) if f.is_file()), None)
                if old:
                    self.poller.site.reply(place, Reply(old.read_bytes()))
            else:
                content, left, had = cut(body(self.poller.site, place), CUTS[fault])
                self.poller.site.reply(place, Reply(content))
                noticed = noticed or shrunk(left, had)
        return noticed

    def mend(self) -> None:
        for place in self.places:
            self.poller.site.reply(place)

    def told(self, hours: int) -> list[DigestItem]:
        """What a poll and a notification some hours later tell."""
        self.poller.ahead += HOUR * hours
        self.poller(self.source)
        report = run(self.poller.database, _now(self.poller))
        assert not report.broken
        return [item for digest in report.digests for item in digest.items]


def _files(place: str) -> Iterator[Path]:
    """Where the demo's first day may keep a place."""
    at = DEMO / "day-1" / place
    yield from (at, at.with_name(f"{at.name}.json"), *(at / f"index.{kind}" for kind in ("html", "xml", "json")))


def _now(poller: Poller) -> datetime:
    return datetime.now(UTC) + poller.ahead


@pytest.fixture
def poller(database: Database, world: World, site: Unruly) -> Poller:
    world.mirror.lay_over(DEMO / "day-2")
    return Poller(database, site)


def _cases() -> Iterator[object]:
    for number, source in enumerate(NAMES):
        for fault in FAULTS if EVERY else {FAULTS[number % len(FAULTS)], *SHORT.get(source, ())}:
            short = fault in SHORT.get(source, ())
            yield pytest.param(source, fault, marks=() if short else (pytest.mark.long,), id=f"{source}, {fault}")


@pytest.mark.parametrize(("source", "fault"), list(_cases()))
def test_a_lying_source_takes_nothing_back_and_is_told(poller: Poller, tmp_path: Path, source: str, fault: str) -> None:
    if not (poller.database.sqlite or EVERY or fault in SHORT.get(source, ())):
        pytest.skip("`make lies` runs it on PostgreSQL")
    poller()
    install(poller.database, lab_1="25.0.5", lab_2="29.5.0", lab_3="20.10.27")
    subscribe(poller.database, f"file://{tmp_path}/out", filters=Filters(everything=True))
    story = Story(poller, source)
    if not story.places:
        pytest.skip(f"the demo has no document of {source}")
    assert story.told(1), "the welcome"
    state, before = poller.source(source), {a.name: a.claims for a in poller.catalogue.advisories}
    must_be_noticed = story.break_by(fault)
    for hours in (1, 6, 13):
        assert not [i.advisory.name for i in story.told(hours) if i.change == CORRECTION]
        if must_be_noticed:
            assert poller.source(source).state is not SourceHealth.HEALTHY
    story.mend()
    assert story.told(1) == [], "after recovery nothing is repeated"
    assert {a.name: a.claims for a in poller.catalogue.advisories} == before, "nor lost"
    assert poller.source(source).state is state.state
