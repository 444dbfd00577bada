"""Sources that earlier versions did not read: an older mirror lacks them, and that is not a failure; losing them is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from feeds.sources.health import SourceHealth
from feeds.storage.database import Database
from tests.conftest import Program, World, program, with_database
from tests.support.polling import Poller
from tests.support.unruly import Unruly

RECENT = ("desktop-notes", "docker-cna", "go-archive-advisories")
LIST = "services.nvd.nist.gov/rest/json/cves/2.0"
DESKTOP = "docs.docker.com/desktop/release-notes"
NAME = "CVE-2031-20007"


def listed(*names: str) -> dict[str, object]:
    entries = [{"cve": {"id": n, "sourceIdentifier": "security@docker.com"}} for n in names]
    return {"startIndex": 0, "totalResults": len(entries), "vulnerabilities": entries}


def record(name: str) -> dict[str, object]:
    affected = [{"vendor": "Docker", "product": "Docker Desktop", "versions": [_below("4.99.0")]}]
    cisa = {"options": [{"Exploitation": "poc"}, {"Automatable": "no"}, {"Technical Impact": "total"}]}
    return {
        "cveMetadata": {"cveId": name, "state": "PUBLISHED", "datePublished": "2031-05-06T10:00:00Z"},
        "containers": {
            "cna": {"descriptions": [{"lang": "en", "value": "A made-up flaw of Desktop."}], "affected": affected},
            "adp": [
                {
                    "providerMetadata": {"shortName": "CISA-ADP"},
                    "metrics": [{"other": {"type": "ssvc", "content": cisa}}],
                }
            ],
        },
    }


def _below(version: str) -> dict[str, str]:
    return {"version": "0", "lessThan": version, "status": "affected", "versionType": "custom"}


@pytest.fixture
def poller(sqlite_database: Database, site: Unruly) -> Poller:
    return Poller(sqlite_database, site)


def test_an_older_mirror_lacks_them_and_a_mirror_that_loses_them_is_noticed(poller: Poller, world: World) -> None:
    assert poller(*RECENT).ok
    world.put(f"{LIST}.json", listed(NAME))
    world.put(f"{DESKTOP}.md", "## 4.99.0\n\n- Fixed CVE-2031-20008 in the settings of Docker Desktop.\n")
    assert poller(*RECENT).ok
    world.take_down(f"{LIST}.json")
    world.take_down(f"{DESKTOP}.md")
    states = {s.name: s.state for s in poller(*RECENT).sources}
    assert states["docker-cna"] is not SourceHealth.HEALTHY
    assert states["desktop-notes"] is not SourceHealth.HEALTHY


def test_a_cve_of_dockers_is_read_before_anybody_names_it(
    program_with: Callable[..., Program], site: Unruly, world: World
) -> None:
    world.put(f"{LIST}.json", listed(NAME))
    world.put(f"cveawg.mitre.org/api/cve/{NAME}.json", record(NAME))
    navtex = program_with(NAVTEX_MIRROR=site.url)
    navtex("inventory", "import", stdin="host,product,version\nlaptop-1,desktop,4.98.0\n")
    navtex("poll", "docker-cna", "cve-records")
    (row,) = [r for r in navtex.json("exposure")["exposures"] if r["advisory"] == NAME]
    points = {"exploitation": "poc", "automatable": "no", "technical_impact": "total"}
    assert (row["host"], row["ssvc"]) == ("laptop-1", points)
    for command in (["advisory", "show", NAME], ["explain", "laptop-1", NAME]):
        assert navtex.json(*command)["ssvc"] == points
        assert "exploitation poc, automatable no, technical impact total" in " ".join(navtex(*command).stdout.split())


def test_a_mirror_is_filled_with_them(tmp_path: Path, sqlite_template: Path, site: Unruly, world: World) -> None:
    world.put(f"{LIST}.json", listed(NAME))
    world.put(f"cveawg.mitre.org/api/cve/{NAME}.json", record(NAME))
    world.put(f"{DESKTOP}.md", "## 4.99.0\n\n- Fixed CVE-2031-20008 in the settings of Docker Desktop.\n")
    world.put("api.github.com/repos/moby/go-archive/security-advisories.json", [])
    folder = tmp_path / "carried"
    program(tmp_path / "connected", NAVTEX_MIRROR=site.url)("mirror", "fetch", str(folder))
    apart = with_database(program(tmp_path / "apart", NAVTEX_MIRROR=str(folder)), sqlite_template)
    apart("poll", *RECENT, "cve-records")
    counts = {s["name"]: s["items"] for s in apart.json("source", "list")["sources"] if s["name"] in RECENT}
    assert counts == {"desktop-notes": 3, "docker-cna": 1, "go-archive-advisories": 0}
    assert NAME in {a["advisory"] for a in apart.json("advisory", "list")["advisories"]}
