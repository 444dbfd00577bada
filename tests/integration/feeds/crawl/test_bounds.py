"""Where a crawl goes and how much it takes: names, proxies, robots.txt, refreshes, pace and memory."""

from __future__ import annotations

import resource
import subprocess
from time import sleep

import msgspec
import pytest
from scrapy.settings import Settings

from feeds.core import limits
from feeds.crawl.__main__ import _settings
from feeds.crawl.client import Crawl
from feeds.crawl.protocol import CrawlJob
from feeds.sources.all_sources import SOURCES
from tests.support import forked
from tests.support.forked import environment
from tests.support.unruly import Behaviour, Reply, Unruly, crawled

BENCHMARK = "https://www.cisecurity.org/benchmark/docker"
# name servers that give another address each time: this machine, and then one on which nobody listens
CHANGING_NAMES = """if True:
    import socket, sys
    addresses = ["127.0.0.1", "127.9.9.9"]
    def answer(name):
        print(name, file=sys.stderr, flush=True)
        if name == "127.0.0.1":
            return name
        return addresses.pop(0) if addresses[1:] else addresses[0]
    socket.gethostbyname = answer
    from feeds.crawl.__main__ import main
    main()
"""


def named(site: Unruly, name: str) -> str:
    return f"http://{name}:{site.url.rpartition(':')[2]}"


@pytest.mark.parametrize(("configured", "asked"), [("names.example", True), ("another.example", False)])
def test_a_name_is_looked_up_once_and_rebinding_has_no_effect(site: Unruly, configured: str, asked: bool) -> None:
    to = f"{named(site, 'names.example')}/x"
    site.reply("moved", Reply("moved", 302, {"Location": to}))
    url = to if configured == "names.example" else f"{site.url}/moved"
    job = CrawlJob(sources=("kev",), urls={"kev": {"json": url}}, host_seconds=5, poll_seconds=9)
    script = [forked.python(), "-c", CHANGING_NAMES]
    line = msgspec.json.encode(job) + b"\n"
    with subprocess.Popen(
        script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        child.stdin.write(line)
        child.stdin.flush()
        said = child.stdout.read().decode()
        looked_up = child.stderr.read().decode().split()
    assert [name for name in looked_up if name != "127.0.0.1"] == ["names.example"]
    assert bool(site.to("x")) is asked, said
    assert ("private address names.example" in said) is not asked


def test_what_the_resolver_refuses_is_known_where_requests_are_tried_again() -> None:
    settings = Settings(_settings(CrawlJob()))
    assert settings.copy()["NAVTEX_GUARD"] is settings["NAVTEX_GUARD"], "Scrapy copies its settings for each part"


def test_behind_a_proxy_literal_private_addresses_are_refused_and_names_are_the_proxys(site: Unruly) -> None:
    site.reply("http://kev.example/list", Reply("moved", 302, {"Location": "http://10.0.0.1/x"}))
    site.reply("http://blog.example/feed", Reply("moved", 302, {"Location": "http://localhost.example/x"}))
    urls = {"kev": {"json": "http://kev.example/list"}, "docker-blog": {"rss": "http://blog.example/feed"}}
    outcomes = crawled(CrawlJob(sources=("kev", "docker-blog"), urls=urls), http_proxy=site.url)
    assert "private address 10.0.0.1" in outcomes["http://kev.example/list"].reason
    assert outcomes["http://blog.example/feed"].reason == "HTTP 404"
    assert sorted(a.path for a in site.asked) == [
        "http://blog.example/feed",
        "http://kev.example/list",
        "http://localhost.example/x",
    ]


@pytest.mark.parametrize(
    "robots",
    [
        pytest.param(Reply("down", 503), marks=pytest.mark.long),
        Reply("no", 403),
        Reply("User-agent: *\nDisallow: /\n" + "#" * limits.ROBOTS),
        Reply(b"\xff\0\x1b" * 99),
    ],
    ids=["503", "403", "too long", "not text"],
)
def test_a_robots_txt_that_is_too_long_or_fails_counts_as_missing(site: Unruly, robots: Behaviour) -> None:
    site.reply("www.cisecurity.org/robots.txt", robots)
    outcomes = crawled(CrawlJob(mirror=site.url, sources=("cis-benchmark",)))
    assert outcomes[BENCHMARK].result == "read"


def test_a_page_that_refreshes_to_another_is_not_followed(site: Unruly) -> None:
    refresh = '<meta http-equiv="refresh" content="0; url=https://www.cisecurity.org/elsewhere">'
    site.reply("www.cisecurity.org/benchmark/docker", Reply(f"<html><head>{refresh}</head></html>"))
    outcomes = crawled(CrawlJob(mirror=site.url, sources=("cis-benchmark",)))
    assert outcomes[BENCHMARK].result == "failed"
    assert not site.to("www.cisecurity.org/elsewhere")


def test_a_host_is_asked_a_few_times_a_second_and_a_mirror_without_delay(site: Unruly) -> None:
    assert _settings(CrawlJob(mirror=site.url))["DOWNLOAD_DELAY"] == 0
    assert _settings(CrawlJob())["DOWNLOAD_DELAY"] == 1 / limits.REQUESTS_A_SECOND
    assert _settings(CrawlJob())["DOWNLOAD_SLOTS"]["127.0.0.1"] == {"delay": 0}, "this machine is our own"
    names = [source.name for source in SOURCES if source.name.endswith("-advisories")][:5]

    for name in names:
        site.reply(f"http://a.example/{name}", Reply([]))
    urls = {name: {"api": f"http://a.example/{name}"} for name in names}
    crawled(CrawlJob(sources=tuple(names), urls=urls), http_proxy=site.url)
    at = [a.at for a in site.asked]
    assert len(at) == len(names) == 5
    assert max(at) - min(at) > 0.7 * (len(names) - 1) / limits.REQUESTS_A_SECOND


def test_the_crawl_has_as_much_memory_as_the_limit_says() -> None:
    with Crawl(environment()) as crawl:
        found = resource.prlimit(crawl._child.pid, resource.RLIMIT_AS)
        while found[0] == resource.RLIM_INFINITY:  # its program is not loaded yet
            sleep(0.02)
            found = resource.prlimit(crawl._child.pid, resource.RLIMIT_AS)
    assert found == (limits.MEMORY, limits.MEMORY)
