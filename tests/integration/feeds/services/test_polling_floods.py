"""Sources that name thousands of vulnerabilities: what claims are about is asked for first, mentions end."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic

import msgspec
import pytest
from scrapy.crawler import Crawler
from scrapy.http import Request

from feeds import storage
from feeds.advisories.records import Kind, Record
from feeds.core.limits import MENTIONED, MENTIONS, SOURCE_ENTRIES, SOURCE_STORED
from feeds.crawl.__main__ import _settings
from feeds.crawl.download import InTime, OutOfTime
from feeds.crawl.protocol import CrawlJob, FetchResult, FetchStatus, ItemPayload
from feeds.crawl.spider import Spider
from feeds.sources.base import RequestContext
from feeds.storage.database import Database
from tests.conftest import World
from tests.support import forked
from tests.support.documents import entry, rss
from tests.support.polling import MOBY, Poller, entries
from tests.support.unruly import Reply, Unruly

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


def post(*cves: str, name: str = "flood") -> str:
    return entry(title="Security advisory", link=f"https://www.docker.com/blog/{name}/", description=" ".join(cves))


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


def test_what_is_asked_of_a_host_that_is_out_of_time_does_not_wait_for_its_turn() -> None:
    settings = _settings(CrawlJob(host_seconds=0))
    order = settings["DOWNLOADER_MIDDLEWARES_BASE"]
    assert min(order, key=order.__getitem__) is InTime, "it is met before all that may wait"
    refusing = InTime(Crawler(Spider, settings))
    with pytest.raises(OutOfTime, match=r"a\.example had its time in this poll"):
        refusing.process_request(Request("https://a.example/"))


@pytest.mark.long
def test_a_host_that_is_out_of_time_fails_at_once_however_much_it_is_asked(site: Unruly) -> None:
    many = frozenset(f"CVE-2039-{20000 + n}" for n in range(2000))
    job = CrawlJob(
        urls={"cve-records": {"api": "http://records.example/api/cve/{cve}"}},
        sources=("cve-records",),
        wanted=RequestContext(cves=many),
        host_seconds=1,
        poll_seconds=60,
    )
    began = monotonic()
    with forked.crawl(http_proxy=site.url) as crawl:
        outcomes = list(crawl.run(job))
    assert crawl.complete, crawl.problem
    assert len(outcomes) >= 2000
    assert monotonic() - began < 45
    assert "had its time in this poll" in outcomes[-1].reason


def test_a_source_past_its_bound_is_refused_with_all_its_pages_and_keeps_what_it_had(
    poller: Poller, site: Unruly, world: World
) -> None:
    assert poller("moby-advisories").ok
    before = poller.catalogue
    here = f"https://{MOBY}?per_page=100"
    listed = [*world.get(f"{MOBY}.json"), *flood(0, 10)]
    site.reply(f"{MOBY}?per_page=100", Reply(listed, headers={"Link": f'<{here}&page=2>; rel="next"'}))
    site.reply(f"{MOBY}?per_page=100&page=2", Reply(flood(10, SOURCE_ENTRIES + 1)))
    [state] = poller("moby-advisories").failed
    assert f"the source lists more than {SOURCE_ENTRIES} entries" in state.message
    assert poller.catalogue == before


@pytest.mark.long
def test_what_many_polls_bring_is_bounded_too_and_what_is_accepted_replaces_it(poller: Poller, world: World) -> None:
    size = SOURCE_STORED // 2 - 10
    for turn in range(2):
        posts = (post(f"CVE-2039-{turn * size + n + 10000}", name=f"{turn}-{n}") for n in range(size))
        world.put(BLOG, rss(*posts))
        poller("docker-blog")
    world.put(BLOG, rss(*(post(f"CVE-2040-{n + 10000}", name=f"2-{n}") for n in range(size))))
    [state] = poller("docker-blog").failed
    assert f"the source has more than {SOURCE_STORED} entries" in state.message
    assert poller("docker-blog", accept="docker-blog").ok
    assert poller.source("docker-blog").items == size


@pytest.mark.both
def test_what_many_documents_of_a_source_mention_is_bounded_and_each_has_its_turn(database: Database) -> None:
    def named(number: int) -> list[str]:
        return [f"CVE-2039-{number:02}{n:03}" for n in range(MENTIONS)]

    with database.begin() as connection:
        for number in range(10, 40):
            record = Record(
                id=f"CVE-2031-{number:05}", kind=Kind.VULNERABILITY, title="x", url="u", mentions=tuple(named(number))
            )
            piece = ItemPayload(record.key, msgspec.Raw(msgspec.json.encode(record)))
            read = FetchResult(
                source="cve-records",
                url=f"https://example.org/{number}",
                form="api",
                complete=False,
                result=FetchStatus.READ,
                at=datetime(2031, 1, 1, tzinfo=UTC),
                items=(piece,),
            )
            storage.keep(connection, read)
        _, mentioned = storage.wanted_cves(connection)
    assert len(mentioned) == MENTIONED
    assert all(set(named(number)[:30]) <= mentioned for number in range(10, 40))


def flood(first: int, last: int) -> list[dict[str, object]]:
    """Made-up advisories without CVEs."""
    return [{**entries(1)[0], "ghsa_id": ghsa(n), "cve_id": None} for n in range(first, last)]


def ghsa(number: int) -> str:
    """A GHSA id of a number."""
    letters = "23456789cfghjmpqrvwx"
    digits = [letters[number // 20**n % 20] for n in range(4)]
    return f"GHSA-2222-3333-{''.join(digits)}"
