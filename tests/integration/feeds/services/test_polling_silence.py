"""Sources that answer and say nothing: not-found everywhere, empty lists, lists that were cut."""

from __future__ import annotations

import pytest

from feeds.sources.health import SourceHealth
from feeds.storage.database import Database
from tests.conftest import World
from tests.support.polling import MOBY, Poller, body, entries
from tests.support.unruly import Reply, Unruly

GO = "vuln.go.dev"
TAGS = "api.github.com/repos/moby/moby/tags"


@pytest.fixture
def poller(database: Database, site: Unruly) -> Poller:
    return Poller(database, site)


@pytest.mark.parametrize(("source", "host"), [("cve-records", "cveawg.mitre.org"), ("release-feeds", "github.com")])
def test_a_source_of_which_nothing_is_there_is_degraded_at_every_poll(
    poller: Poller, site: Unruly, source: str, host: str
) -> None:
    site.reply(host, Reply("not here", 404))
    for _ in range(2):
        [state] = poller(source).failed
        assert state.state is SourceHealth.DEGRADED
        assert "documents could be read (HTTP 404)" in state.message
    site.reply(host)
    assert poller(source).ok


def test_a_document_that_was_there_and_is_not_found_is_told(poller: Poller, site: Unruly) -> None:
    assert poller("cve-records").ok
    site.reply("cveawg.mitre.org/api/cve/CVE-2024-41110", Reply("not here", 404))
    [state] = poller("cve-records").failed
    assert "CVE-2024-41110: HTTP 404, but it existed before" in state.message
    assert not poller.find("CVE-2024-41110").withdrawn


@pytest.mark.parametrize(("named", "healthy"), [pytest.param(0, True, marks=pytest.mark.long), (2, True), (3, False)])
def test_a_first_list_without_entries_is_believed_unless_another_source_names_some(
    poller: Poller, world: World, named: int, *, healthy: bool
) -> None:
    known = world.get("vuln.go.dev/ID/GO-2024-3005.json")
    for number in range(named):
        entry = {**known, "id": f"GO-2031-{9000 + number}", "aliases": [f"GHSA-2222-2222-222{number + 2}"]}
        world.put(f"vuln.go.dev/ID/GO-2031-{9000 + number}.json", entry)
    vulns = [{"id": f"GO-2031-{9000 + n}"} for n in range(named)] or [{"id": known["id"]}]
    world.put("vuln.go.dev/index/modules.json", [{"path": "github.com/docker/docker", "vulns": vulns}])
    world.put(f"{MOBY}.json", [])
    assert poller("go-vulndb").ok
    report = poller("moby-advisories")
    assert report.ok is healthy
    if not healthy:
        assert "it lists nothing, and go-vulndb names what it should list" in report.failed[0].message


@pytest.mark.parametrize("left", [0, pytest.param(1, marks=pytest.mark.long), 20])
def test_tags_that_are_cut_leave_the_releases_as_they_were(poller: Poller, world: World, left: int) -> None:
    everything = world.get(f"{TAGS}.json")
    assert poller("tags").ok
    known = poller.catalogue.releases
    world.put(f"{TAGS}.json", everything[:left])
    for _ in range(2):
        [state] = poller.a_day_later("tags").failed
        assert state.state is SourceHealth.DEGRADED
    assert poller.catalogue.releases == known


@pytest.mark.both
def test_nothing_is_withdrawn_while_another_document_of_the_source_fails(poller: Poller, site: Unruly) -> None:
    listed = entries(8)
    link = {"Link": '<https://api.github.com/repositories/7/x?after=1>; rel="next"'}
    second = "api.github.com/repositories/7/x"
    site.reply(MOBY, Reply(listed[:6], headers=link))
    site.reply(second, Reply(listed[6:]))
    assert poller("moby-advisories").ok
    site.reply(MOBY, Reply(listed[1:6], headers=link))
    site.reply(second, Reply("oops", 403))
    for _ in range(2):
        assert not poller.a_day_later("moby-advisories").changes
    site.reply(second, Reply(listed[6:]))
    assert [poller.a_day_later("moby-advisories").changes.withdrawn for _ in range(2)] == [[], [listed[0]["cve_id"]]]


def test_entries_of_one_form_of_the_announcements_keep_their_statements(poller: Poller, world: World) -> None:
    """The feed has titles only: what page and markdown lost must not lose its statements to it."""
    page = "docs.docker.com/security/security-announcements/index.html"
    markdown = "docs.docker.com/security/security-announcements.md"
    assert poller("docker-announcements").ok
    before = {a.name: a.claims for a in poller.catalogue.advisories}
    text = body(poller.site, page).decode()
    first, second = text.index("<h2"), text.index("<h2", text.index("<h2") + 1)
    world.put(page, text[:first] + text[second:])
    text = body(poller.site, markdown).decode()
    first, second = text.index("\n## "), text.index("\n## ", text.index("\n## ") + 1)
    world.put(markdown, text[:first] + text[second:])
    poller("docker-announcements")
    assert {a.name: a.claims for a in poller.catalogue.advisories} == before
