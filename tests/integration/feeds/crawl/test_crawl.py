"""What a crawl asks: a real child process against loopback HTTP."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
import pytest

import feeds
from feeds.advisories.records import Record
from feeds.crawl.protocol import CrawlJob, FetchResult
from feeds.sources.all_sources import SOURCES
from feeds.sources.base import Item, RequestContext
from tests.conftest import World
from tests.support import forked
from tests.support.forked import environment
from tests.support.polling import body
from tests.support.unruly import Reply, Unruly, crawled, remembered

MOBY = "https://api.github.com/repos/moby/moby/security-advisories?per_page=100"
BLOG = "https://www.docker.com/blog/feed/"
ANNOUNCEMENTS = "https://docs.docker.com/security/security-announcements/"
BENCHMARK = "https://www.cisecurity.org/benchmark/docker"
SCRAPED = {ANNOUNCEMENTS, BENCHMARK}
SEVERAL = ("docker-announcements", "docker-blog", "cis-benchmark", "moby-advisories", "end-of-life")


def results(outcomes: Mapping[str, FetchResult]) -> dict[str, str]:
    return {url: outcome.result for url, outcome in outcomes.items()}


def records(outcome: FetchResult) -> list[Record]:
    items = [msgspec.json.decode(piece.payload, type=Item) for piece in outcome.items]
    return [item for item in items if isinstance(item, Record)]


def advisory(ghsa: str, cve: str | None = None) -> dict[str, object]:
    return {
        "ghsa_id": ghsa,
        "cve_id": cve,
        "summary": "A made-up flaw",
        "state": "published",
        "vulnerabilities": [{"package": {"name": "moby"}, "vulnerable_version_range": "< 29.9.0"}],
    }


def test_every_source_asks_the_mirror_for_the_host_the_path_and_the_query(site: Unruly) -> None:
    outcomes = crawled(CrawlJob(mirror=site.url))
    assert {o.source for o in outcomes.values()} >= {s.name for s in SOURCES if list(s.requests(RequestContext()))}
    asked = {a.path for a in site.asked}
    expected = {f"/{url.removeprefix('https://')}" for url in outcomes}
    assert "/api.github.com/repos/moby/moby/security-advisories?per_page=100" in expected
    robots = {f"/{host}/robots.txt" for host in ("docs.docker.com", "download.docker.com", "www.cisecurity.org")}
    assert asked - robots == expected


def test_what_has_not_changed_is_asked_for_conditionally_and_only_what_has_is_read_again(world: World) -> None:
    first = crawled(CrawlJob(mirror=world.url, sources=SEVERAL))
    assert set(results(first).values()) == {"read"}
    assert all(outcome.etag for outcome in first.values())
    del world.mirror.requests[:]
    second = crawled(CrawlJob(mirror=world.url, sources=SEVERAL, known=remembered(first)))
    assert results(second) == dict.fromkeys(first, "same")
    answers = {path: status for path, status in world.mirror.requests if not path.endswith("/robots.txt")}
    assert answers == {f"/{url.removeprefix('https://')}": 304 for url in first}
    world.put("api.github.com/repos/moby/moby/security-advisories.json", [advisory("GHSA-2222-3333-4444")])
    third = crawled(CrawlJob(mirror=world.url, sources=SEVERAL, known=remembered(first)))
    assert results(third) == {**dict.fromkeys(first, "same"), MOBY: "read"}
    assert [r.id for r in records(third[MOBY])] == ["GHSA-2222-3333-4444"]


def test_a_date_serves_where_there_is_no_etag(site: Unruly) -> None:
    date = "Wed, 15 Apr 2026 12:00:00 GMT"
    body = site.mirror.find("www.docker.com/blog/feed/")
    assert body is not None
    site.reply("www.docker.com", Reply(body.read_bytes(), headers={"Last-Modified": date}), Reply(status=304))
    job = CrawlJob(mirror=site.url, sources=("docker-blog",))
    first = crawled(job)
    assert first[BLOG].last_modified == date
    assert crawled(msgspec.structs.replace(job, known=remembered(first)))[BLOG].result == "same"
    unconditional, conditional = site.to("www.docker.com")
    assert "if-modified-since" not in unconditional.headers
    assert conditional.headers["if-modified-since"] == date


@pytest.mark.parametrize(
    ("rules", "forbidden"),
    [
        ("User-agent: *\nDisallow: /", SCRAPED),
        ("User-agent: Navtex\nDisallow: /\n\nUser-agent: *\nAllow: /", SCRAPED),
        ("User-agent: SomebodyElse\nDisallow: /", set()),
        ("User-agent: Navtex\nAllow: /\n\nUser-agent: *\nDisallow: /", set()),
    ],
    ids=["all", "us", "another", "all but us"],
)
def test_robots_txt_governs_the_scraped_pages_and_not_feeds_and_apis(
    site: Unruly, rules: str, forbidden: set[str]
) -> None:
    hosts = ("docs.docker.com", "www.cisecurity.org", "www.docker.com", "api.github.com", "endoflife.date")
    for host in hosts:
        site.reply(f"{host}/robots.txt", Reply(rules))
    outcomes = crawled(CrawlJob(mirror=site.url, sources=SEVERAL))
    assert {url for url, o in outcomes.items() if o.result == "failed"} == forbidden
    assert {o.result for url, o in outcomes.items() if url not in forbidden} == {"read"}
    assert all("robots.txt" in outcomes[url].reason for url in forbidden)
    for url in SCRAPED:
        assert bool(site.to(url.removeprefix("https://"))) is (url not in forbidden)


def test_the_user_agent_names_navtex_and_whom_to_write_to(site: Unruly) -> None:
    job = CrawlJob(mirror=site.url, sources=("cis-benchmark",), contact="ops@example.org")
    crawled(job)
    assert {a.headers["user-agent"] for a in site.asked} == {f"Navtex/{feeds.__version__} (ops@example.org)"}
    del site.asked[:]
    crawled(msgspec.structs.replace(job, contact=""))
    assert {a.headers["user-agent"] for a in site.asked} == {f"Navtex/{feeds.__version__}"}


@pytest.mark.parametrize("moved", ["/elsewhere/", "https://www.example.org/elsewhere/"])
def test_a_redirect_is_followed_on_the_mirror_too(site: Unruly, world: World, moved: str) -> None:
    page = world.mirror.find("docs.docker.com/security/security-announcements/")
    assert page is not None
    there = f"{urlsplit(moved).netloc or 'docs.docker.com'}/elsewhere/"
    site.reply(ANNOUNCEMENTS.removeprefix("https://"), Reply(status=301, headers={"Location": moved}))
    site.reply(there, Reply(page.read_bytes()))
    outcomes = crawled(CrawlJob(mirror=site.url, sources=("docker-announcements",)))
    assert set(results(outcomes).values()) == {"read"}
    assert len(site.to(there)) == 1


def test_further_pages_are_followed_even_when_the_first_has_not_changed(site: Unruly) -> None:
    following = "https://api.github.com/repositories/7/security-advisories?per_page=100&after=Y3Vyc29y"
    link = f'<{following}>; rel="next", <https://api.github.com/repositories/7>; rel="first"'
    site.reply(
        "api.github.com/repos/moby/moby/security-advisories",
        Reply([advisory("GHSA-2222-2222-2222")], headers={"Link": link, "ETag": '"one"'}),
        Reply(status=304, headers={"ETag": '"one"'}),
    )
    site.reply(
        "api.github.com/repositories/7/security-advisories",
        Reply([advisory("GHSA-3333-3333-3333")], headers={"ETag": '"two"'}),
        Reply(status=304, headers={"ETag": '"two"'}),
    )
    job = CrawlJob(mirror=site.url, sources=("moby-advisories",))
    first = crawled(job)
    assert {url: [r.id for r in records(o)] for url, o in first.items()} == {
        MOBY: ["GHSA-2222-2222-2222"],
        following: ["GHSA-3333-3333-3333"],
    }
    second = crawled(msgspec.structs.replace(job, known=remembered(first)))
    assert results(second) == {MOBY: "same", following: "same"}
    asked = {url: [a.headers.get("if-none-match") for a in site.to(url.removeprefix("https://"))] for url in second}
    assert asked == {MOBY: [None, '"one"'], following: [None, '"two"']}


def test_a_page_that_names_itself_as_the_next_is_read_once(site: Unruly) -> None:
    link = {"Link": f'<{MOBY}>; rel="next"'}
    site.reply("api.github.com", Reply([advisory("GHSA-2222-2222-2222")], headers=link))
    assert results(crawled(CrawlJob(mirror=site.url, sources=("moby-advisories",)))) == {MOBY: "read"}
    assert len(site.asked) == 1


def test_the_github_token_is_not_shown_to_a_mirror(site: Unruly) -> None:
    job = CrawlJob(mirror=site.url, sources=("moby-advisories", "docker-blog"))
    crawled(job, GITHUB_TOKEN="ghp_secret", GH_TOKEN="ghp_other")
    assert len(site.asked) == 2
    assert not [a for a in site.asked if "ghp_" in json.dumps(a.headers)]


def test_the_github_token_goes_to_github_alone() -> None:
    script = """if True:
        import json, sys
        from feeds.crawl.spider import _headers
        from feeds.sources.base import Request
        from feeds.crawl.protocol import Validators
        print(json.dumps([_headers(Request(url=u, form="api"), Validators(), mirrored=False) for u in sys.argv[1:]]))
    """
    urls = (MOBY, BLOG, "https://api.github.com.example.org/repos", "https://ghe.example.org/api/v3/repos")
    answer = subprocess.run(
        [forked.python(), "-c", script, *urls],
        env=environment(GITHUB_TOKEN="ghp_secret"),
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert json.loads(answer) == [{"Authorization": "Bearer ghp_secret"}, {}, {}, {}]


def test_cves_that_an_advisory_names_are_asked_for_in_the_same_crawl(world: World) -> None:
    world.put(
        "api.github.com/repos/moby/moby/security-advisories.json",
        [
            {**advisory("GHSA-2222-2222-2222", "CVE-2031-20001")},
            {**advisory("GHSA-3333-3333-3333"), "description": "Much like CVE-2031-20002."},
        ],
    )
    world.put(
        "cveawg.mitre.org/api/cve/CVE-2031-20001.json",
        {
            "cveMetadata": {"cveId": "CVE-2031-20001", "state": "PUBLISHED"},
            "containers": {"cna": {"descriptions": [{"lang": "en", "value": "A flaw of Moby before 29.9.0."}]}},
        },
    )
    outcomes = crawled(CrawlJob(mirror=world.url, sources=("moby-advisories", "cve-records")))
    of_cve = {url.rpartition("/")[2]: o.result for url, o in outcomes.items() if o.source == "cve-records"}
    assert of_cve["CVE-2031-20001"] == "read"
    assert of_cve["CVE-2031-20002"] == "missing"


def test_an_operators_address_replaces_one_form_of_a_source(site: Unruly) -> None:
    feed = site.mirror.find("www.cisecurity.org/feed/blog/")
    assert feed is not None
    site.reply("blog.example.org/cis.xml", Reply(feed.read_bytes()))
    urls = {"cis-benchmark": {"rss": "https://blog.example.org/cis.xml"}}
    outcomes = crawled(CrawlJob(mirror=site.url, sources=("cis-benchmark",), urls=urls))
    assert results(outcomes) == {BENCHMARK: "read", "https://blog.example.org/cis.xml": "read"}
    assert not site.to("www.cisecurity.org/feed/blog/")


def test_a_source_that_is_off_is_not_asked(site: Unruly) -> None:
    job = CrawlJob(mirror=site.url, sources=("docker-blog", "moby-advisories"), disabled=frozenset({"docker-blog"}))
    assert set(crawled(job)) == {MOBY}
    assert not site.to("www.docker.com")


def test_a_redirect_at_a_static_mirror_stays_in_the_mirror(site: Unruly) -> None:
    page = "www.cisecurity.org/benchmark/docker"
    shown = body(site, page)
    site.reply(page, Reply(status=301, headers={"Location": f"/{page}/"}))
    site.reply(f"{page}/", Reply(shown))
    outcomes = crawled(CrawlJob(mirror=site.url, sources=("cis-benchmark",)))
    assert {o.result for o in outcomes.values()} == {"read"}
