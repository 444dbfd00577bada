"""Documents that never change: asked for until they were read, under the one name or the other, and then no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from feeds.services.polling import PollReport, poll
from feeds.sources.base import RequestContext
from feeds.sources.health import SourceHealth
from feeds.storage.database import Database
from feeds.versions.upstream import key
from tests.conftest import Program, World, program, with_database
from tests.support import forked
from tests.support.polling import Poller
from tests.support.unruly import Reply, Unruly

TREE = "raw.githubusercontent.com/moby/moby"
BUILDKIT = "api.github.com/repos/moby/buildkit/security-advisories"
FLAW = {
    "ghsa_id": "GHSA-2222-2222-2222",
    "cve_id": "CVE-2031-20001",
    "html_url": "https://github.com/moby/buildkit/security/advisories/GHSA-2222-2222-2222",
    "summary": "A made-up flaw of the builder",
    "severity": "high",
    "state": "published",
    "published_at": "2026-04-01T10:00:00Z",
    "vulnerabilities": [{"package": {"name": "github.com/moby/buildkit"}, "vulnerable_version_range": "< 0.28.1"}],
}


def module(buildkit: str, name: str = "github.com/moby/moby/v2") -> str:
    return f"module {name}\n\nrequire github.com/moby/buildkit v{buildkit}\n"


@pytest.fixture
def poller(database: Database, site: Unruly) -> Poller:
    return Poller(database, site)


def polled(poller: Poller, *engines: str, sources: tuple[str, ...] = ("engine-modules",)) -> PollReport:
    job = replace(poller.job(*sources), wanted=RequestContext(engines=frozenset(engines)))
    with forked.crawl() as crawl:
        return poll(poller.database, crawl, job)


def asked(site: Unruly) -> list[str]:
    found = [a.path.removeprefix(f"/{TREE}/") for a in site.asked if TREE in a.path]
    site.asked.clear()
    return sorted(found)


def test_a_file_at_a_tag_is_read_once(poller: Poller, site: Unruly, world: World) -> None:
    world.put(f"{TREE}/docker-v29.3.0/go.mod", module("0.28.0"))
    world.put(f"{TREE}/v28.5.2/go.mod", module("0.25.2", "github.com/docker/docker"))
    assert polled(poller, "29.3.0", "28.5.2", "27.0.1").ok
    missing = ["v27.0.1/go.mod", "v27.0.1/vendor.mod"]
    assert asked(site) == sorted(["docker-v29.3.0/go.mod", "v28.5.2/go.mod", "v28.5.2/vendor.mod", *missing])
    known = {at: dict(c.contains) for at, c in poller.catalogue.releases.contents.items()}
    assert known == {key("29.3.0"): {"buildkit": "0.28.0"}, key("28.5.2"): {"buildkit": "0.25.2"}}
    world.put(f"{TREE}/v27.0.1/vendor.mod", module("0.14.0", "github.com/docker/docker"))
    assert polled(poller, "29.3.0", "28.5.2", "27.0.1").ok
    assert asked(site) == ["v27.0.1/vendor.mod"]
    assert polled(poller, "29.3.0", "28.5.2", "27.0.1").ok
    assert asked(site) == []
    assert poller.source("engine-modules").state is SourceHealth.HEALTHY
    # a host that is gone, and what was read of its release stays
    assert polled(poller, "29.3.0").ok
    assert len(poller.catalogue.releases.contents) == 3


def test_what_cannot_be_read_is_asked_again_and_stops_nothing(poller: Poller, site: Unruly, world: World) -> None:
    site.reply(f"{TREE}/docker-v29.3.0/go.mod", Reply("<html>Sign in</html>"))
    world.put(f"{TREE}/docker-v29.3.1/go.mod", module("0.28.1"))
    report = polled(poller, "29.3.0", "29.3.1")
    assert [s.state for s in report.sources] == [SourceHealth.DEGRADED]
    assert asked(site) == ["docker-v29.3.0/go.mod", "docker-v29.3.1/go.mod"]
    site.reply(f"{TREE}/docker-v29.3.0/go.mod", Reply(module("0.28.0")))
    assert polled(poller, "29.3.0", "29.3.1").ok
    assert asked(site) == ["docker-v29.3.0/go.mod"]


def test_tags_that_are_read_in_the_same_poll_say_what_later_releases_to_read(
    poller: Poller, site: Unruly, world: World
) -> None:
    tags = [{"name": n, "commit": {"sha": n}} for n in ("docker-v29.7.2", "docker-v29.3.1", "docker-v29.3.0")]
    world.put("api.github.com/repos/moby/moby/tags.json", tags)
    for tag, version in (("docker-v29.7.2", "0.31.0"), ("docker-v29.3.1", "0.28.1"), ("docker-v29.3.0", "0.28.0")):
        world.put(f"{TREE}/{tag}/go.mod", module(version))
    polled(poller, "29.3.0", sources=("engine-modules", "tags"))
    assert [p for p in asked(site) if "29.7.2" in p] == ["docker-v29.7.2/go.mod"]
    assert len(poller.catalogue.releases.contents) == 3


def test_a_poll_asks_for_no_more_than_so_many_and_the_next_goes_on(poller: Poller, site: Unruly, world: World) -> None:
    engines = [f"29.{n}.0" for n in range(160)]
    for version in engines:
        world.put(f"{TREE}/docker-v{version}/go.mod", module("0.28.0"))
    assert polled(poller, *engines).ok
    assert len(asked(site)) == 150
    assert polled(poller, *engines).ok
    assert len(asked(site)) == 10


def test_nothing_is_asked_without_a_release_in_use(poller: Poller, site: Unruly) -> None:
    assert polled(poller).ok
    assert asked(site) == []


def test_an_engine_host_is_told_of_the_buildkit_in_it(
    tmp_path: Path, sqlite_template: Path, site: Unruly, world: World
) -> None:
    world.put(f"{BUILDKIT}.json", [FLAW])
    world.put(f"{TREE}/docker-v29.3.0/go.mod", module("0.28.0"))
    world.put(f"{TREE}/docker-v29.3.1/go.mod", module("0.28.1"))
    navtex = fleet(tmp_path / "home", site.url, sqlite_template)
    navtex("poll", "buildkit-advisories", "engine-modules")
    rows = navtex.json("exposure")["exposures"]
    assert [(r["host"], r["product"], r["version"], r["advisory"], r["upgrade_to"]) for r in rows] == [
        ("web-1", "engine", "29.3.0", "CVE-2031-20001", "29.3.1")
    ]
    (verdict,) = navtex.json("explain", "web-1", "CVE-2031-20001")["verdicts"]
    assert verdict["reason"].startswith("Docker Engine 29.3.0 contains BuildKit 0.28.0")
    assert [e["rank"] for e in verdict["evidence"]] == ["contained"]
    (clear,) = navtex.json("explain", "web-2", "CVE-2031-20001")["verdicts"]
    assert clear["verdict"] == "not_affected"
    (option,) = navtex.json("plan", "--host", "web-1")["plans"][0]["options"]
    assert option["to"] == "29.3.1"


def test_a_mirror_is_filled_with_the_module_files_that_the_other_side_lists(
    tmp_path: Path, sqlite_template: Path, site: Unruly, world: World
) -> None:
    world.put(f"{BUILDKIT}.json", [FLAW])
    world.put(f"{TREE}/docker-v29.3.0/go.mod", module("0.28.0"))
    folder = tmp_path / "carried"
    apart = fleet(tmp_path / "apart", str(folder), sqlite_template)
    packages = apart("inventory", "packages").stdout
    assert packages.splitlines() == ["moby/moby 29.3.0", "moby/moby 29.3.1"]
    connected = program(tmp_path / "connected", NAVTEX_MIRROR=site.url)
    connected("mirror", "fetch", str(folder), "--packages", "-", stdin=packages)
    assert (folder / TREE / "docker-v29.3.0/go.mod").is_file()
    apart("poll", "buildkit-advisories", "engine-modules")
    assert [r["host"] for r in apart.json("exposure")["exposures"]] == ["web-1"]


def fleet(home: Path, mirror: str, template: Path) -> Program:
    navtex = with_database(program(home, NAVTEX_MIRROR=mirror), template)
    navtex("inventory", "import", stdin="host,product,version\nweb-1,engine,29.3.0\nweb-2,engine,29.3.1\n")
    return navtex
