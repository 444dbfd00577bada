"""Polls with an operator's own corrections, and lists that lose a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feeds.services.polling import PollReport, poll
from feeds.sources.health import SourceHealth
from feeds.storage.database import Database
from tests.conftest import World
from tests.support import forked
from tests.support.polling import MOBY, Poller, entries
from tests.support.unruly import Reply, Unruly

OWN = """
[[correction]]
id = "{name}"
product = "engine"
reason = "Our build never had it."
author = "ops"
date = 2026-04-01
unaffected = ["= 29.0.0"]
proof = [{{ url = "https://example.org/build", quote = "Built without it" }}]
"""


@pytest.fixture
def poller(sqlite_database: Database, site: Unruly) -> Poller:
    return Poller(sqlite_database, site)


def corrected(poller: Poller, own: Path | None) -> PollReport:
    with forked.crawl() as crawl:
        return poll(
            poller.database,
            crawl,
            poller.job("moby-advisories"),
            own_corrections=own,
            now=datetime.now(UTC) + poller.ahead,
        )


def sources_of(poller: Poller, name: str) -> set[str]:
    return {r.source for r in poller.find(name).records if r.record.withdrawn is None}


def test_a_correction_holds_as_long_as_its_file_is_configured(poller: Poller, world: World, tmp_path: Path) -> None:
    [entry] = entries(1)
    world.put(f"{MOBY}.json", [entry])
    own = tmp_path / "own.toml"
    own.write_text(OWN.format(name=entry["cve_id"]))
    corrected(poller, own)
    assert sources_of(poller, entry["cve_id"]) == {"moby-advisories", "corrections-own"}
    corrected(poller, None)
    assert sources_of(poller, entry["cve_id"]) == {"moby-advisories"}


def test_a_corrected_advisory_that_its_source_withdraws_is_withdrawn(
    poller: Poller, world: World, tmp_path: Path
) -> None:
    first, second = entries(2)
    own = tmp_path / "own.toml"
    own.write_text(OWN.format(name=second["cve_id"]))
    for listed in ([first, second], [first], [first]):
        world.put(f"{MOBY}.json", listed)
        corrected(poller, own)
        poller.ahead += timedelta(days=1)
    assert poller.find(second["cve_id"]).withdrawn
    assert not poller.find(first["cve_id"]).withdrawn


def test_a_correction_of_what_nobody_published_is_no_advisory(poller: Poller, world: World, tmp_path: Path) -> None:
    world.put(f"{MOBY}.json", entries(1))
    own = tmp_path / "own.toml"
    own.write_text(OWN.format(name="CVE-2031-29999"))
    assert "CVE-2031-29999" not in corrected(poller, own).changes.new
    assert not [a for a in poller.catalogue.advisories if {r.source for r in a.records} <= {"corrections"}]


def test_a_page_that_is_no_longer_linked_withdraws_nothing_by_itself(poller: Poller, site: Unruly) -> None:
    first, second = entries(2)
    letters = "23456789"
    more = [{**second, "ghsa_id": f"GHSA-3333-2222-22{a}{b}", "cve_id": None} for a in letters[:3] for b in letters]
    further = "api.github.com/repositories/7/more"
    linked = Reply([first], headers={"Link": f'<https://{further}>; rel="next"'})
    site.reply(MOBY, linked, Reply([first]))
    site.reply(further, Reply(more))
    assert poller("moby-advisories").ok
    names = {e["ghsa_id"] for e in more}
    reports = [poller("moby-advisories") for _ in range(3)]
    assert not [name for report in reports for name in report.changes.withdrawn]
    [state] = reports[-1].failed
    assert state.state is SourceHealth.DEGRADED
    assert further in state.message
    assert "--accept moby-advisories" in state.message
    poller("moby-advisories", accept="moby-advisories")
    assert all(poller.find(name).withdrawn for name in names)
    assert not poller.find(first["cve_id"]).withdrawn
