"""Polls: real crawls into real databases, one after the other."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from feeds import store, tables
from feeds.advisory import Advisory, Kind
from feeds.catalogue import Catalogue
from feeds.database import Database
from feeds.fetch import Crawl, Job
from feeds.health import SourceState, State
from feeds.poll import Report, poll
from feeds.store import Changes
from tests.conftest import World
from tests.unruly import Reply, Unruly, environment, hang

MOBY = "api.github.com/repos/moby/moby/security-advisories"
ANNOUNCEMENTS = "docs.docker.com/security/security-announcements"
FORMS = {"page": f"{ANNOUNCEMENTS}/", "rss": f"{ANNOUNCEMENTS}/index.xml", "markdown": f"{ANNOUNCEMENTS}.md"}
SOURCES = ("docker-announcements", "docker-blog", "cis-benchmark", "moby-advisories", "end-of-life")


@dataclass
class Poller:
    """Polls some sources of a site into a database, and looks at what that made of it."""

    database: Database
    site: Unruly

    def __call__(self, *sources: str, accept: str = "") -> Report:
        with Crawl(environment()) as crawl:
            return poll(self.database, crawl, self.job(*sources), accept=frozenset({accept} - {""}))

    def job(self, *sources: str) -> Job:
        return Job(mirror=self.site.url, sources=sources)

    @property
    def catalogue(self) -> Catalogue:
        with self.database.connect() as connection:
            return store.catalogue(connection)

    def find(self, name: str) -> Advisory:
        return self.catalogue.find(name)

    def source(self, name: str) -> SourceState:
        with self.database.connect() as connection:
            return store.sources(connection)[name]

    @property
    def documents(self) -> dict[str, tuple[datetime, datetime]]:
        """When each document was last asked for, and when it was last read."""
        with self.database.connect() as connection:
            rows = connection.execute(sa.select(tables.document)).all()
        return {r.url: (r.checked_at, r.read_at) for r in rows if r.url.startswith("https://")}


@pytest.fixture
def poller(database: Database, site: Unruly) -> Poller:
    return Poller(database, site)


@pytest.fixture
def sqlite_poller(sqlite_database: Database, site: Unruly) -> Poller:
    return Poller(sqlite_database, site)


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


def test_the_first_poll_is_baseline_and_the_same_again_changes_nothing(poller: Poller, world: World) -> None:
    job = Job(mirror=world.url, sources=(*SOURCES, "cve-records"))
    with Crawl(environment()) as crawl:
        first = poll(poller.database, crawl, job)
    known, documents = poller.catalogue, poller.documents
    assert first.ok, first
    assert sorted(first.changes.new) == [a.name for a in known.advisories]
    assert not first.changes.changed
    assert known.advisories
    assert all(a.baseline and a.id and a.first_seen for a in known.advisories)
    del world.mirror.requests[:]
    with Crawl(environment()) as crawl:
        second = poll(poller.database, crawl, job)
    assert second.ok
    assert not second.changes
    assert poller.catalogue == known
    assert {status for _, status in world.mirror.requests} == {304, 404}
    assert set(poller.documents) == set(documents)
    for url, (checked, read) in poller.documents.items():
        assert checked > documents[url][0]
        assert read == documents[url][1]


def test_news_edits_and_withdrawals_are_told_apart(poller: Poller, world: World) -> None:
    news, edited, gone, *rest = entries(5)
    world.put(f"{MOBY}.json", [edited, gone, *rest])
    poller("moby-advisories")
    before = poller.catalogue
    world.put(f"{MOBY}.json", [news, {**edited, "summary": "In other words"}, *rest])
    report = poller("moby-advisories")
    assert report.ok
    assert report.changes == Changes(new=[news["cve_id"]], changed=[edited["cve_id"]], withdrawn=[gone["cve_id"]])
    found, old, lost = poller.find(news["cve_id"]), poller.find(edited["cve_id"]), poller.find(gone["ghsa_id"])
    was = before.find(edited["cve_id"])
    assert not found.baseline
    assert found.first_seen is not None
    assert was.first_seen is not None
    assert found.first_seen > was.first_seen
    assert (old.id, old.first_seen, old.title) == (was.id, was.first_seen, "In other words")
    assert lost.withdrawn is not None
    world.put(f"{MOBY}.json", [news, edited, gone, *rest])
    changes = poller("moby-advisories").changes
    assert sorted(changes.changed) == sorted([edited["cve_id"], gone["cve_id"]])
    assert not changes.withdrawn
    now = {a.id: (a.name, a.title, a.first_seen, a.withdrawn) for a in poller.catalogue.advisories}
    assert now.pop(found.id)
    assert now == {a.id: (a.name, a.title, a.first_seen, a.withdrawn) for a in before.advisories}


def test_a_page_that_lost_most_entries_is_refused_until_it_is_accepted(sqlite_poller: Poller, world: World) -> None:
    known = entries(6)
    world.put(f"{MOBY}.json", known)
    sqlite_poller("moby-advisories")
    before = sqlite_poller.catalogue
    world.put(f"{MOBY}.json", known[:1])
    for failures in (1, 2):  # it stays refused: what was refused must not be taken for what is known
        report = sqlite_poller("moby-advisories")
        assert not report.ok
        assert not report.changes
        [state] = report.failed
        assert (state.state, state.failures) == (State.FAILING, failures)
        assert "it lists 1 entries and lacks 5 of the 6 it had" in state.message
        assert "navtex poll --accept moby-advisories" in state.message
        assert sqlite_poller.catalogue == before
    report = sqlite_poller("moby-advisories", accept="moby-advisories")
    assert report.ok
    assert sorted(report.changes.withdrawn) == [e["cve_id"] for e in known[1:]]


def test_a_source_that_fails_is_recorded_and_recovers(sqlite_poller: Poller, site: Unruly) -> None:
    sqlite_poller("moby-advisories", "docker-blog")
    good, before = sqlite_poller.source("moby-advisories"), sqlite_poller.catalogue
    site.reply(MOBY, Reply("<!doctype html><p>Sign in"))
    for failures in (1, 2):
        report = sqlite_poller("moby-advisories", "docker-blog")
        assert [s.name for s in report.failed] == ["moby-advisories"]
        bad = sqlite_poller.source("moby-advisories")
        assert (bad.state, bad.failures, bad.items) == (State.FAILING, failures, good.items)
        assert bad.message.startswith(f"https://{MOBY}?per_page=100: no JSON")
        assert bad.message.count("https://") == 1
        assert (bad.last_success, bad.first_good) == (good.last_success, good.first_good)
        assert bad.last_attempt is not None
        assert good.last_attempt is not None
        assert bad.last_attempt > good.last_attempt
        assert sqlite_poller.source("docker-blog").state is State.HEALTHY
        assert sqlite_poller.catalogue == before
    site.reply(MOBY)
    assert sqlite_poller("moby-advisories", "docker-blog").ok
    found = sqlite_poller.source("moby-advisories")
    assert found.last_success == found.last_attempt
    assert replace(found, last_attempt=good.last_attempt, last_success=good.last_success) == good


@pytest.mark.parametrize("broken", FORMS)
def test_one_broken_form_of_the_announcements_loses_no_entry(sqlite_poller: Poller, site: Unruly, broken: str) -> None:
    headings = set(re.findall(r"<h2 id=([\w-]+)", body(site, FORMS["page"]).decode()))
    if broken == "page":
        site.reply("docs.docker.com/robots.txt", Reply("User-agent: *\nDisallow: /"))
    else:
        site.reply(FORMS[broken], Reply("<p>Soon more"))
    [state] = sqlite_poller("docker-announcements").failed
    assert state.state is State.DEGRADED
    assert state.message.startswith(f"https://{FORMS[broken]}: ")
    announcements = [a for a in sqlite_poller.catalogue.advisories if a.kind is Kind.ANNOUNCEMENT]
    assert len(announcements) > 2
    assert {a.name for a in announcements} == headings


def test_what_a_source_holds_when_it_is_first_read_is_baseline_however_late(sqlite_poller: Poller) -> None:
    sqlite_poller("moby-advisories")
    before = {a.id for a in sqlite_poller.catalogue.advisories}
    changes = sqlite_poller("docker-blog", "moby-advisories").changes
    added = [a for a in sqlite_poller.catalogue.advisories if a.id not in before]
    assert sorted(changes.new) == [a.name for a in added]
    assert added
    assert all(a.baseline for a in added)


def test_another_version_of_navtex_reads_everything_anew(sqlite_poller: Poller, site: Unruly) -> None:
    site.reply(MOBY, Reply(body(site, MOBY), headers={"ETag": '"1"'}))
    sqlite_poller("moby-advisories")
    with sqlite_poller.database.begin() as connection:
        connection.execute(sa.update(tables.document).values(reader="0.0.1"))
    assert not sqlite_poller("moby-advisories").changes
    sqlite_poller("moby-advisories")
    assert [a.headers.get("if-none-match") for a in site.asked] == [None, None, '"1"']


def test_a_host_that_wants_a_long_pause_is_left_alone_by_the_polls_that_follow(
    sqlite_poller: Poller, site: Unruly
) -> None:
    def waiting() -> dict[str, datetime]:
        with sqlite_poller.database.connect() as connection:
            return store.waiting(connection)

    site.reply("www.docker.com", Reply("later", 429, {"Retry-After": "3600"}))
    assert [s.name for s in sqlite_poller("docker-blog", "moby-advisories").failed] == ["docker-blog"]
    until = waiting()["www.docker.com"]
    assert timedelta(minutes=59) < until - datetime.now(UTC) <= timedelta(hours=1)
    site.reply("www.docker.com")
    assert sqlite_poller("moby-advisories").ok
    assert waiting() == {"www.docker.com": until}, "a poll of other sources forgot it"
    [state] = sqlite_poller("docker-blog", "moby-advisories").failed
    assert (state.name, state.failures) == ("docker-blog", 2)
    assert f"not to be asked before {until:%Y-%m-%d %H:%M} UTC" in state.message
    assert len(site.to("www.docker.com")) == 1
    with sqlite_poller.database.begin() as connection:
        connection.execute(sa.update(tables.waiting).values(until=datetime.now(UTC)))
    assert sqlite_poller("docker-blog", "moby-advisories").ok
    assert not waiting()


def test_entries_of_a_page_that_is_gone_are_withdrawn(sqlite_poller: Poller, site: Unruly) -> None:
    first, *rest = entries(3)
    link = {"Link": '<https://api.github.com/repositories/7/x?after=1>; rel="next"'}
    site.reply(MOBY, Reply(rest, headers=link), Reply(rest))
    site.reply("api.github.com/repositories/7/x", Reply([first]), Reply("gone", 404))
    assert first["cve_id"] in sqlite_poller("moby-advisories").changes.new
    changes = [sqlite_poller("moby-advisories").changes for _ in range(2)]  # the last page's link is tried once more
    assert [name for c in changes for name in c.withdrawn] == [first["cve_id"]]
    assert len(site.to("api.github.com/repositories/7/x")) == 2


def test_a_poll_that_breaks_off_keeps_what_it_had_and_says_which_sources_it_lacks(
    sqlite_poller: Poller, site: Unruly
) -> None:
    assert sqlite_poller("moby-advisories", "docker-blog").ok
    before = sqlite_poller.catalogue
    site.reply(MOBY, hang)
    with Crawl(environment()) as crawl:
        report = poll(
            sqlite_poller.database,
            crawl,
            sqlite_poller.job("moby-advisories", "docker-blog"),
            progress=lambda _: crawl._child.send_signal(signal.SIGTERM),
        )
    assert report.problem == "the crawl ended early (exit status -15)"
    assert not report.ok
    states = {s.name: s for s in report.sources}
    assert states["moby-advisories"].state is State.FAILING
    assert states["moby-advisories"].message == report.problem
    assert states["docker-blog"].last_success == states["docker-blog"].last_attempt
    assert sqlite_poller.catalogue == before


OWN = """
[[correction]]
id = "CVE-2031-20009"
product = "engine"
reason = "It was never in our build."
author = "ops"
date = 2026-04-01
unaffected = ["= 29.0.0"]
proof = [{ url = "https://example.org/build", quote = "Built without it" }]
"""


def test_the_record_of_a_corrected_cve_is_asked_for_by_the_same_poll(
    sqlite_poller: Poller, site: Unruly, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    with Crawl(environment()) as crawl:
        poll(sqlite_poller.database, crawl, sqlite_poller.job("cve-records"), own_corrections=own)
    assert site.to("cveawg.mitre.org/api/cve/CVE-2031-20009")
