"""Sources that name thousands of vulnerabilities: what claims are about is asked for first, mentions end."""

from __future__ import annotations

from time import monotonic

import pytest

from feeds import storage
from feeds.core.limits import MENTIONS, SOURCE_ENTRIES
from feeds.crawl.client import Crawl
from feeds.crawl.protocol import CrawlJob
from feeds.sources.base import RequestContext
from feeds.storage.database import Database
from tests.conftest import World
from tests.support.documents import entry, rss
from tests.support.polling import MOBY, Poller, entries
from tests.support.unruly import Unruly, environment

BLOG = "www.docker.com/blog/feed/index.xml"
RECORDS = "cveawg.mitre.org"
FLOOD = tuple(f"CVE-2039-{20000 + n}" for n in range(300))


@pytest.fixture
def poller(database: Database, site: Unruly) -> Poller:
    return Poller(database, site)


def asked(site: Unruly) -> list[str]:
    """The CVEs whose records were asked for, in order; they are forgotten."""
    found = [a.path.rpartition("/")[2] for a in site.to(RECORDS)]
    del site.asked[:]
    return found


def post(*cves: str) -> str:
    return entry(title="Security advisory", link="https://www.docker.com/blog/flood/", description=" ".join(cves))


@pytest.mark.both
def test_mentions_are_few_come_last_and_end_with_their_post(poller: Poller, world: World, site: Unruly) -> None:
    sources = ("docker-blog", "moby-advisories", "cve-records")
    quiet = rss(post("CVE-2039-10000"))
    world.put(BLOG, quiet)
    poller(*sources)
    before = set(asked(site))
    world.put(BLOG, rss(post(*FLOOD)))
    for _ in range(2):
        poller(*sources)
        found = asked(site)
        flood = [cve for cve in found if cve in FLOOD]
        assert set(flood) == set(FLOOD[:MENTIONS])
        assert before - {"CVE-2039-10000"} <= set(found)
    # the second poll knows them from the start: all that matters goes before them
    assert set(found[-10:]) <= set(FLOOD)
    assert not set(found[:20]) & set(FLOOD)
    world.put(BLOG, quiet)
    poller(*sources)
    asked(site)
    poller(*sources)
    assert set(asked(site)) == before


def test_a_list_of_claims_that_is_long_keeps_no_other_list_waiting(poller: Poller, world: World) -> None:
    world.put(f"{MOBY}.json", [{**e, "cve_id": FLOOD[n]} for n, e in enumerate(entries(8))])
    poller("moby-advisories", "runc-advisories", "cve-records")
    with poller.database.connect() as connection:
        ranked, _ = storage.wanted_cves(connection)
        runc = {n for r in storage.reads(connection) if r.source == "runc-advisories" for n in r.record.names}
    places = [n for n, cve in enumerate(ranked) if cve in runc]
    assert places[0] < 3
    assert ranked.index(FLOOD[7]) < 3


def test_a_host_that_is_out_of_time_fails_at_once_however_much_it_is_asked(site: Unruly) -> None:
    many = frozenset(f"CVE-2039-{20000 + n}" for n in range(2000))
    job = CrawlJob(
        urls={"cve-records": {"api": f"{site.url}/{RECORDS}/api/cve/{{cve}}"}},
        sources=("cve-records",),
        wanted=RequestContext(cves=many),
        host_seconds=2,
        poll_seconds=60,
    )
    began = monotonic()
    with Crawl(environment()) as crawl:
        outcomes = list(crawl.run(job))
    assert crawl.complete, crawl.problem
    assert len(outcomes) >= 2000
    assert monotonic() - began < 45
    assert "had its time in this poll" in outcomes[-1].reason


def test_a_source_past_its_bound_is_refused_and_keeps_what_it_had(poller: Poller, world: World) -> None:
    assert poller("moby-advisories").ok
    before = poller.catalogue
    flood = [{**entries(1)[0], "ghsa_id": ghsa(n), "cve_id": None} for n in range(SOURCE_ENTRIES + 1)]
    world.put(f"{MOBY}.json", [*world.get(f"{MOBY}.json"), *flood])
    [state] = poller("moby-advisories").failed
    assert f"and {SOURCE_ENTRIES} are the most" in state.message
    assert poller.catalogue == before


def ghsa(number: int) -> str:
    """A GHSA id of a number."""
    letters = "23456789cfghjmpqrvwx"
    digits = [letters[number // 20**n % 20] for n in range(4)]
    return f"GHSA-2222-3333-{''.join(digits)}"
