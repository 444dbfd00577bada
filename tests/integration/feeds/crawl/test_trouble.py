"""What a crawl does when a source misbehaves: a real child process against a server that does."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from scrapy.http import Response

from feeds.crawl.download import retry_after
from feeds.crawl.protocol import CrawlJob, FetchResult
from feeds.mirror.server import Mirror
from feeds.sources.base import RequestContext
from tests.conftest import DEMO
from tests.support.polling import body
from tests.support.unruly import (
    Behaviour,
    Reply,
    Unruly,
    crawled,
    drip,
    end_early,
    hang,
    hang_in_the_middle,
    hang_up,
    reset,
)

GITHUB = "https://api.github.com/repos/{}/security-advisories?per_page=100"
BLOG = "https://www.docker.com/blog/feed/"
ANNOUNCEMENTS = "https://docs.docker.com/security/security-announcements"
CIS = "https://www.cisecurity.org"
EOL = "https://endoflife.date/api/v1/products"
NOISE = bytes(range(255, -1, -1)) * 16
EMPTY_FEED = '<?xml version="1.0"?><rss version="2.0"><channel><title>News</title></channel></rss>'
BOMB = {"Content-Encoding": "gzip", "Content-Type": "application/rss+xml"}

BROKEN: dict[str, tuple[Behaviour, str]] = {
    GITHUB.format("moby/moby"): (Reply("oops", 500), "HTTP 500"),
    GITHUB.format("moby/buildkit"): (reset, "the connection failed|the answer broke off"),
    GITHUB.format("containerd/containerd"): (Reply("<!doctype html><p>Sign in"), "no JSON.*starts '<!doctype html"),
    GITHUB.format("opencontainers/runc"): (Reply('[{"ghsa_id": "GHSA-22'), "no JSON.*truncated"),
    GITHUB.format("docker/cli"): (Reply({"message": "Moved"}), "no list of advisories: Moved"),
    GITHUB.format("docker/compose"): (Reply(""), "no JSON"),
    GITHUB.format("docker/buildx"): (hang_up, "the connection failed: .*closed"),
    BLOG: (Reply(NOISE), "no RSS or Atom feed"),
    f"{CIS}/benchmark/docker": (Reply("<!doctype html><p>Soon more"), "no Docker edition.*layout may have changed"),
    f"{CIS}/feed/blog/": (Reply(gzip.compress(b"<" * (80 << 20)), headers=BOMB), "larger than 32 MiB when"),
    f"{ANNOUNCEMENTS}/": (Reply("<article><h1>News</h1></article>"), "no announcement.*layout may have changed"),
    f"{ANNOUNCEMENTS}.md": (Reply(NOISE), "no UTF-8 text"),
    f"{ANNOUNCEMENTS}/index.xml": (Reply(EMPTY_FEED), "without entries|no announcement"),
    f"{EOL}/containerd/": (end_early, "the answer broke off"),
    f"{EOL}/docker-engine/": (Reply("[" * 100_000), "no JSON"),
    "https://cveawg.mitre.org/api/cve/CVE-2016-8867": (Reply({"error": "CVE_RECORD_DNE"}), "no CVE record"),
    "https://cveawg.mitre.org/api/cve/CVE-2019-14271": (
        Reply(status=302, headers={"Location": "https://cveawg.mitre.org/api/cve/CVE-2019-14271"}),
        "redirect",
    ),
}


def place(url: str) -> str:
    return url.removeprefix("https://").partition("?")[0]


@dataclass(frozen=True)
class Ruins:
    """What a crawl of broken sources brought, and what it asked."""

    outcomes: dict[str, FetchResult]
    site: Unruly


@pytest.fixture(scope="module")
def ruins() -> Iterator[Ruins]:
    """One crawl of sources that are broken, each in its own way, and of others that are not."""
    with Mirror(DEMO / "day-1") as mirror, Unruly(mirror) as site:
        for url, (behaviour, _) in BROKEN.items():
            site.reply(place(url), behaviour)
        yield Ruins(crawled(CrawlJob(mirror=site.url)), site)


@pytest.mark.parametrize("url", BROKEN)
def test_what_is_broken_fails_with_a_reason_that_a_person_understands(ruins: Ruins, url: str) -> None:
    outcome = ruins.outcomes[url]
    assert (outcome.result, outcome.items) == ("failed", ())
    assert re.search(BROKEN[url][1], outcome.reason, re.DOTALL), outcome.reason
    assert not re.search(r"twisted|Failure|\w+(Error|Exception)\b|object at 0x", outcome.reason), outcome.reason
    assert not outcome.reason.startswith("https://"), "the report names the address already"


def test_what_is_not_broken_is_read_all_the_same(ruins: Ruins) -> None:
    read = {url for url, o in ruins.outcomes.items() if o.result == "read"}
    assert {f"https://cveawg.mitre.org/api/cve/CVE-{n}" for n in ("2015-3630", "2018-20699")} <= read
    assert not read & set(BROKEN)


def test_only_what_may_pass_is_tried_again_and_given_up_after_three_tries(ruins: Ruins) -> None:
    tries = {url: len(ruins.site.to(place(url))) for url in BROKEN}
    assert tries[GITHUB.format("moby/moby")] == tries[f"{EOL}/containerd/"] == 3
    assert tries[GITHUB.format("containerd/containerd")] == tries[BLOG] == tries[f"{CIS}/benchmark/docker"] == 1


def test_a_record_may_be_missing_and_a_page_may_not(site: Unruly) -> None:
    record = "https://cveawg.mitre.org/api/cve/CVE-2031-2000{}"
    site.reply(place(record.format(2)), Reply("gone", 410))
    site.reply(place(BLOG), Reply("not here", 404))
    site.reply(place(f"{CIS}/benchmark/docker"), Reply(status=304))  # no answer to who asks for the first time
    wanted = RequestContext(cves=frozenset({"CVE-2031-20001", "CVE-2031-20002"}))
    outcomes = crawled(
        CrawlJob(mirror=site.url, sources=("cve-records", "docker-blog", "cis-benchmark"), wanted=wanted)
    )
    for url, result, status in (
        (record.format(1), "missing", 404),
        (record.format(2), "missing", 410),
        (BLOG, "failed", 404),
        (f"{CIS}/benchmark/docker", "failed", 304),
    ):
        assert (outcomes[url].result, outcomes[url].reason) == (result, f"HTTP {status}")
        assert len(site.to(place(url))) == 1


PASSING: dict[str, Behaviour] = {
    f"{EOL}/containerd/": Reply("busy", 503),
    f"{CIS}/feed/blog/": end_early,
    BLOG: Reply("later", 429, {"Retry-After": "1"}),
}


@pytest.fixture(scope="module")
def passed() -> Iterator[Ruins]:
    """One crawl of sources whose trouble passes."""
    with Mirror(DEMO / "day-1") as mirror, Unruly(mirror) as site:
        for url, behaviour in PASSING.items():
            site.reply(place(url), behaviour, Reply(body(site, place(url))))
        yield Ruins(crawled(CrawlJob(mirror=site.url, sources=("docker-blog", "cis-benchmark", "end-of-life"))), site)


@pytest.mark.parametrize("url", PASSING)
def test_what_passes_by_itself_is_tried_again(passed: Ruins, url: str) -> None:
    assert passed.outcomes[url].result == "read"
    assert len(passed.site.to(place(url))) == 2


def test_a_short_pause_is_waited_for(passed: Ruins) -> None:
    assert passed.outcomes[BLOG].retry_at is None
    first, second = passed.site.to(place(BLOG))
    assert second.at - first.at >= 1.0


@pytest.mark.parametrize(
    ("status", "headers"),
    [(503, {"Retry-After": "3600"}), (403, {"x-ratelimit-remaining": "0"})],
)
def test_a_long_pause_is_not_waited_for_but_told(site: Unruly, status: int, headers: dict[str, str]) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    if "Retry-After" not in headers:
        headers = {**headers, "x-ratelimit-reset": str(int(until.timestamp()))}
    site.reply("www.docker.com", Reply("later", status, headers))
    outcomes = crawled(CrawlJob(mirror=site.url, sources=("docker-blog", "cis-benchmark")))
    outcome = outcomes.pop(BLOG)
    assert (outcome.result, outcome.reason) == ("failed", f"HTTP {status}")
    assert outcome.retry_at is not None
    assert abs(outcome.retry_at - until) < timedelta(minutes=1)
    assert len(site.to("www.docker.com")) == 1
    assert {o.result for o in outcomes.values()} == {"read"}


def test_a_host_that_wants_a_long_pause_is_asked_nothing_more_in_that_crawl(site: Unruly) -> None:
    site.reply("cveawg.mitre.org", Reply("later", 429, {"Retry-After": "3600"}))
    outcomes = crawled(CrawlJob(mirror=site.url, sources=("cve-records",)))
    assert {o.result for o in outcomes.values()} == {"failed"}
    assert len(site.asked) < len(outcomes) / 2  # those that were under way when the first answer came
    unasked = [o for o in outcomes.values() if f"/{place(o.url)}" not in {a.path for a in site.asked}]
    assert unasked
    assert all("cveawg.mitre.org asked for no requests before" in o.reason for o in unasked)


def test_a_host_that_wanted_a_pause_is_left_alone_until_then(site: Unruly) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    pauses = {"www.docker.com": until, "www.cisecurity.org": datetime.now(UTC)}
    outcomes = crawled(CrawlJob(mirror=site.url, sources=("docker-blog", "cis-benchmark"), not_before=pauses))
    outcome = outcomes.pop(BLOG)
    assert (outcome.result, outcome.retry_at) == ("failed", until)
    assert f"asked for no requests before {until:%Y-%m-%d %H:%M} UTC" in outcome.reason
    assert {o.result for o in outcomes.values()} == {"read"}
    assert not site.to("www.docker.com")


NOW = datetime(2026, 4, 15, 12, tzinfo=UTC)
WEEK = 7 * 86400.0


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "30"}, 30.0),
        (503, {"Retry-After": "0"}, 0.0),
        (503, {"Retry-After": "Wed, 15 Apr 2026 12:02:00 GMT"}, 120.0),
        (503, {"Retry-After": "Wed, 15 Apr 2026 11:00:00 GMT"}, 0.0),
        (503, {"Retry-After": "soon"}, None),
        (503, {"Retry-After": "-5"}, None),
        (429, {"Retry-After": "99999999999"}, WEEK),
        (503, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, WEEK),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 90)}, 90.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 20}, WEEK),
        (403, {"x-ratelimit-remaining": "7", "x-ratelimit-reset": "9999999999"}, None),
        (403, {}, None),
        (429, {}, None),
        (200, {"Retry-After": "30"}, None),
    ],
)
def test_the_pause_that_a_response_asks_for(status: int, headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(Response("https://example.org/", status=status, headers=headers), NOW) == seconds


@pytest.mark.long
def test_a_host_that_hangs_costs_its_own_time_only(site: Unruly) -> None:
    hanging = {"cve-records": hang, "release-notes": hang_in_the_middle, "end-of-life": drip}
    hosts = ("cveawg.mitre.org", "docs.docker.com", "endoflife.date")
    for host, behaviour in zip(hosts, hanging.values(), strict=True):
        site.reply(host, behaviour)
    others = ("docker-blog", "cis-benchmark", "runc-advisories", "tags")  # some before them, some after
    outcomes = crawled(CrawlJob(mirror=site.url, sources=(*others, *hanging), host_seconds=2))
    hung = [o for o in outcomes.values() if o.source in hanging]
    assert sum(o.source == "cve-records" for o in hung) > 40
    assert {o.source for o in hung} == hanging.keys()
    assert {o.result for o in hung} == {"failed"}
    assert {o.reason for o in hung} <= {
        "no complete answer in time",
        *(f"{host} had its time in this poll" for host in hosts),
    }
    assert {(o.source, o.result) for o in outcomes.values() if o.source not in hanging} == {
        (source, "read") for source in others
    }


def test_a_poll_ends_in_time_when_every_host_hangs(site: Unruly) -> None:
    for host in ("cveawg.mitre.org", "www.docker.com", "www.cisecurity.org", "endoflife.date"):
        site.reply(host, hang)
    sources = ("docker-blog", "cis-benchmark", "cve-records", "end-of-life")
    outcomes = crawled(CrawlJob(mirror=site.url, sources=sources, poll_seconds=1))
    assert {(o.source, o.result) for o in outcomes.values()} == {(source, "failed") for source in sources}
