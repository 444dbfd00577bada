"""Polls of sources that fail: what is stored, what is reported, and how they end."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace as replace_job

from feeds import storage
from feeds.advisories.records import Kind
from feeds.services.polling import poll
from feeds.sources.health import SourceHealth
from feeds.storage import tables
from feeds.storage.database import Database
from tests.conftest import World
from tests.support import forked
from tests.support.polling import MOBY, Poller, body, entries
from tests.support.unruly import Reply, Unruly, hang

ANNOUNCEMENTS = "docs.docker.com/security/security-announcements"
FORMS = {"page": f"{ANNOUNCEMENTS}/", "rss": f"{ANNOUNCEMENTS}/index.xml", "markdown": f"{ANNOUNCEMENTS}.md"}


@pytest.fixture
def poller(sqlite_database: Database, site: Unruly) -> Poller:
    return Poller(sqlite_database, site)


def test_a_page_that_lost_most_entries_is_refused_until_it_is_accepted(poller: Poller, world: World) -> None:
    known = entries(6)
    world.put(f"{MOBY}.json", known)
    poller("moby-advisories")
    before = poller.catalogue
    world.put(f"{MOBY}.json", known[:1])
    for failures in (1, 2):  # it stays refused: what was refused must not be taken for what is known
        report = poller("moby-advisories")
        assert not report.ok
        assert not report.changes
        [state] = report.failed
        assert (state.state, state.failures) == (SourceHealth.FAILING, failures)
        assert "it lists 1 entries and lacks 5 of the 6 it had" in state.message
        assert "navtex poll --accept moby-advisories" in state.message
        assert poller.catalogue == before
    report = poller("moby-advisories", accept="moby-advisories")
    assert report.ok
    assert sorted(report.changes.withdrawn) == [e["cve_id"] for e in known[1:]]


def test_a_source_that_fails_is_recorded_and_recovers(poller: Poller, site: Unruly) -> None:
    poller("moby-advisories", "docker-blog")
    good, before = poller.source("moby-advisories"), poller.catalogue
    site.reply(MOBY, Reply("<!doctype html><p>Sign in"))
    for failures in (1, 2):
        report = poller("moby-advisories", "docker-blog")
        assert [s.name for s in report.failed] == ["moby-advisories"]
        bad = poller.source("moby-advisories")
        assert (bad.state, bad.failures, bad.items) == (SourceHealth.FAILING, failures, good.items)
        assert bad.message.startswith(f"https://{MOBY}?per_page=100: no JSON")
        assert bad.message.count("https://") == 1
        assert bad.last_success == good.last_success
        assert bad.last_attempt is not None
        assert good.last_attempt is not None
        assert bad.last_attempt > good.last_attempt
        assert poller.source("docker-blog").state is SourceHealth.HEALTHY
        assert poller.catalogue == before
    site.reply(MOBY)
    assert poller("moby-advisories", "docker-blog").ok
    found = poller.source("moby-advisories")
    assert found.last_success == found.last_attempt
    assert replace(found, last_attempt=good.last_attempt, last_success=good.last_success) == good


def test_where_no_host_answers_anything_the_network_is_told_and_not_where_one_does(
    sqlite_database: Database, poller: Poller, site: Unruly
) -> None:
    def unreached(mirror: str, *sources: str) -> bool:
        with forked.crawl() as crawl:
            job = replace_job(poller.job(*sources), mirror=mirror, host_seconds=0.9)  # too few to try again
            return poll(sqlite_database, crawl, job).unreached

    assert unreached("http://127.0.0.1:1", "moby-advisories", "docker-blog")
    assert not unreached("http://127.0.0.1:1", "docker-blog"), "one host alone says nothing of the network"
    site.reply(MOBY, Reply(status=410))
    site.reply("www.docker.com/blog/feed/", Reply(status=403))
    report = poller("moby-advisories", "docker-blog")
    assert not report.ok
    assert not report.unreached


@pytest.mark.parametrize("broken", ["page", pytest.param("rss", marks=pytest.mark.long), "markdown"])
def test_one_broken_form_of_the_announcements_loses_no_entry(poller: Poller, site: Unruly, broken: str) -> None:
    headings = set(re.findall(r"<h2 id=([\w-]+)", body(site, FORMS["page"]).decode()))
    if broken == "page":
        site.reply("docs.docker.com/robots.txt", Reply("User-agent: *\nDisallow: /"))
    else:
        site.reply(FORMS[broken], Reply("<p>Soon more"))
    [state] = poller("docker-announcements").failed
    assert state.state is SourceHealth.DEGRADED
    assert state.message.startswith(f"https://{FORMS[broken]}: ")
    announcements = [a for a in poller.catalogue.advisories if a.kind is Kind.ANNOUNCEMENT]
    assert len(announcements) > 2
    assert {a.name for a in announcements} == headings


def test_what_a_source_could_not_tell_at_first_is_news_when_it_can(poller: Poller, world: World) -> None:
    first, second = entries(2)
    world.put(f"{MOBY}.json", "<p>Sign in")
    assert not poller("moby-advisories").ok
    world.put(f"{MOBY}.json", [first])
    assert first["cve_id"] in poller("moby-advisories").changes.new
    world.put(f"{MOBY}.json", [first, second])
    assert poller("moby-advisories").changes.new == [second["cve_id"]]
    assert not any(poller.find(e["cve_id"]).baseline for e in (first, second))


def test_a_source_of_which_one_form_can_never_be_read_still_has_news(poller: Poller, site: Unruly) -> None:
    site.reply("www.cisecurity.org/benchmark/docker", Reply("forbidden", 403))
    feed = body(site, "www.cisecurity.org/feed/blog/")
    new = b"<item><title>Updates</title><guid>n</guid><description>CIS Docker Benchmark v9.9.0</description></item>"
    site.reply("www.cisecurity.org/feed/blog/", Reply(feed), Reply(feed.replace(b"<item>", new + b"<item>", 1)))
    assert not poller("cis-benchmark").ok
    [name] = poller("cis-benchmark").changes.new
    assert poller.find(name).title == "CIS Docker Benchmark v9.9.0"
    assert not poller.find(name).baseline


def test_a_source_whose_pages_are_not_there_is_failing(poller: Poller, site: Unruly) -> None:
    assert poller("docker-announcements").ok
    known = poller.catalogue
    for form in FORMS.values():
        site.reply(form, Reply("not here", 404))
    [state] = poller("docker-announcements").failed
    assert (state.state, state.items > 0) == (SourceHealth.FAILING, True)
    assert "HTTP 404" in state.message
    assert poller.catalogue == known


def test_a_host_that_wants_a_long_pause_is_left_alone_by_the_polls_that_follow(poller: Poller, site: Unruly) -> None:
    def waiting() -> dict[str, datetime]:
        with poller.database.connect() as connection:
            return storage.waiting(connection)

    site.reply("www.docker.com", Reply("later", 429, {"Retry-After": "3600"}))
    assert [s.name for s in poller("docker-blog", "moby-advisories").failed] == ["docker-blog"]
    until = waiting()["www.docker.com"]
    assert timedelta(minutes=59) < until - datetime.now(UTC) <= timedelta(hours=1)
    site.reply("www.docker.com")
    assert poller("moby-advisories").ok
    assert waiting() == {"www.docker.com": until}, "a poll of other sources forgot it"
    [state] = poller("docker-blog", "moby-advisories").failed
    assert (state.name, state.failures) == ("docker-blog", 2)
    assert f"asked for no requests before {until:%Y-%m-%d %H:%M} UTC" in state.message
    assert len(site.to("www.docker.com")) == 1
    with poller.database.begin() as connection:
        connection.execute(sa.update(tables.waiting).values(until=datetime.now(UTC)))
    assert poller("docker-blog", "moby-advisories").ok
    assert not waiting()


def test_entries_of_a_page_that_is_gone_are_withdrawn(poller: Poller, site: Unruly) -> None:
    first, *rest = entries(3)
    link = {"Link": '<https://api.github.com/repositories/7/x?after=1>; rel="next"'}
    site.reply(MOBY, Reply(rest, headers=link), Reply(rest))
    site.reply("api.github.com/repositories/7/x", Reply([first]), Reply("gone", 404))
    assert first["cve_id"] in poller("moby-advisories").changes.new
    changes = [poller.a_day_later("moby-advisories").changes for _ in range(3)]  # its link is tried once more
    assert [c.withdrawn for c in changes] == [[], [], [first["cve_id"]]]
    assert len(site.to("api.github.com/repositories/7/x")) == 2


def test_a_poll_that_breaks_off_keeps_what_it_had_and_says_which_sources_it_lacks(poller: Poller, site: Unruly) -> None:
    assert poller("moby-advisories", "docker-blog").ok
    before = poller.catalogue
    site.reply(MOBY, hang)
    with forked.crawl() as crawl:
        report = poll(
            poller.database,
            crawl,
            poller.job("moby-advisories", "docker-blog"),
            progress=lambda _: crawl._child.send_signal(signal.SIGTERM),
        )
    assert report.problem == "the crawl ended early (exit status -15)"
    assert not report.ok
    states = {s.name: s for s in report.sources}
    assert states["moby-advisories"].state is SourceHealth.FAILING
    assert states["moby-advisories"].message == report.problem
    assert states["docker-blog"].last_success == states["docker-blog"].last_attempt
    assert poller.catalogue == before
