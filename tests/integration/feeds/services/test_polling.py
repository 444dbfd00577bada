"""Polls: real crawls into real databases, one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from feeds.advisories.records import EDITIONS
from feeds.crawl.protocol import CrawlJob
from feeds.services.polling import poll
from feeds.storage import Changes, tables
from feeds.storage.database import Database
from tests.conftest import World
from tests.support import forked
from tests.support.polling import MOBY, Poller, body, entries
from tests.support.unruly import Reply, Unruly

SOURCES = ("docker-announcements", "docker-blog", "cis-benchmark", "moby-advisories", "end-of-life")


@pytest.fixture
def poller(database: Database, site: Unruly) -> Poller:
    return Poller(database, site)


@pytest.fixture
def sqlite_poller(sqlite_database: Database, site: Unruly) -> Poller:
    return Poller(sqlite_database, site)


def test_the_first_poll_is_baseline_and_the_same_again_changes_nothing(poller: Poller, world: World) -> None:
    job = CrawlJob(mirror=world.url, sources=(*SOURCES, "cve-records"))
    with forked.crawl() as crawl:
        first = poll(poller.database, crawl, job)
    known, documents = poller.catalogue, poller.documents
    assert first.ok, first
    assert sorted(first.changes.new) == [
        a.name for a in known.advisories if {r.source for r in a.records} != {EDITIONS}
    ]
    assert not first.changes.changed
    assert known.advisories
    assert all(a.baseline and a.id and a.first_seen for a in known.advisories)
    del world.mirror.requests[:]
    with forked.crawl() as crawl:
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
    assert report.changes == Changes(new=[news["cve_id"]], changed=[edited["cve_id"]])
    assert poller.a_day_later("moby-advisories").changes == Changes(withdrawn=[gone["cve_id"]])
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
    assert [a.headers.get("if-none-match") for a in site.asked] == [None, None]
    assert sqlite_poller.known == {f"https://{MOBY}?per_page=100": '"1"'}


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
    with forked.crawl() as crawl:
        poll(sqlite_poller.database, crawl, sqlite_poller.job("cve-records"), own_corrections=own)
    assert site.to("cveawg.mitre.org/api/cve/CVE-2031-20009")
