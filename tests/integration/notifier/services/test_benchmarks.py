"""Editions of the benchmark with the engine lines and hosts they are for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from feeds.advisories.facts import ReleaseLine
from feeds.advisories.records import EDITIONS, Edition, Kind, Record
from feeds.core.errors import UnknownName
from feeds.storage.database import Database
from notifier.domain.components import Component, Host
from notifier.services.catalogue.benchmarks import benchmark, benchmarks
from notifier.services.findings.verdict_explanations import explain_verdict
from notifier.storage import inventory
from tests.conftest import Program
from tests.support.samples import NOW, START, install, publish

PAGE = "https://www.cisecurity.org/benchmark/docker"


def line(name: str, released: str, ends: str | None = None) -> ReleaseLine:
    end = date.fromisoformat(ends) if ends else None
    return ReleaseLine(product="engine", name=name, url="https://example.org", released=date.fromisoformat(released),
                       ends=end)  # fmt: skip


LINES = (
    line("1.6", "2015-04-16", "2015-09-01"),
    line("23.0", "2023-02-01", "2024-05-19"),
    line("25.0", "2024-01-19"),
    line("26.1", "2024-04-22", "2025-06-08"),
    line("27.9", "2025-01-10", "2025-05-01"),
    line("29", "2025-11-10"),
)


def edition(version: str, of: str = "", dated: str = "", **values: Any) -> Record:
    middle = f"-{of}" if of else ""
    return Record(
        id=f"cis-docker{middle}-benchmark-{version}",
        kind=Kind.BENCHMARK,
        title=f"CIS Docker {of + ' ' if of else ''}Benchmark v{version}",
        url=PAGE,
        edition=Edition(version, of, dated=dated, **values),
        reason="reviewed",
    )


@pytest.fixture
def known(database: Database) -> Database:
    install(database, old_1="1.6.2", web_1="25.0.5", web_2="26.1.4", web_3="29.5.0", web_4="29.7.2")
    publish(database, *LINES, source="endoflife")
    publish(
        database,
        edition("1.0.0", "1.6", "2015-04-22"),
        edition("1.6.0", dated="by 2023-08-25"),
        edition("1.7.0", dated="by 2024-12-03"),
        edition("1.8.0", dated="2025-07", engines=("28",)),
        source=EDITIONS,
    )
    return database


def test_editions_are_listed_with_dates_lines_hosts_and_what_they_supersede(known: Database) -> None:
    newest, *_, oldest = benchmarks(known, NOW).value.editions
    assert (newest.edition, newest.date, newest.date_precision) == ("cis-docker-benchmark-1.8.0", "2025-07", "month")
    assert newest.engines == ("29", "28", "25.0")
    assert (newest.hosts.count, newest.hosts.names) == (3, ("web-1", "web-3", "web-4"))
    assert (newest.supersedes, newest.superseded_by, newest.url) == ("cis-docker-benchmark-1.7.0", None, PAGE)
    assert (oldest.date, oldest.date_precision, oldest.engines) == ("2015-04-22", "day", ("1.6",))
    assert (oldest.hosts.names, oldest.supersedes) == (("old-1",), None)
    found = {e.version: e for e in benchmarks(known, NOW).value.editions}
    assert (found["1.7.0"].date, found["1.7.0"].date_precision) == ("2024-12-03", "no-later-than")
    # of those that were released since then, 29 has the next edition
    assert found["1.7.0"].engines == ("27.9", "26.1", "25.0")
    assert found["1.6.0"].hosts.count == 0
    assert [benchmarks(known, NOW, limit=1).more, len(benchmarks(known, NOW, limit=1).value.editions)] == [3, 1]


def test_an_edition_without_a_date_says_so_and_is_for_the_maintained_lines(database: Database) -> None:
    publish(database, *LINES, source="endoflife")
    publish(database, edition("1.9.0"))
    (row,) = benchmarks(database, NOW).value.editions
    assert (row.date, row.date_precision, row.engines) == (None, None, ("29", "25.0"))
    assert {x.reason for x in benchmark(database, "1.9.0", NOW).engines} == {
        f"date not published; Docker Engine {name} is maintained" for name in ("25.0", "29")
    }


@pytest.mark.parametrize(
    "name", ["cis-docker-benchmark-1.8.0", "CIS-Docker-Benchmark-1.8.0", "CIS Docker Benchmark v1.8.0", "v1.8.0", "1.8"]
)
def test_an_edition_is_shown_by_its_name_title_or_version(known: Database, name: str) -> None:
    found = benchmark(known, name, NOW)
    assert [(h.host, h.version) for h in found.hosts] == [
        ("web-1", "25.0.5"), ("web-3", "29.5.0"), ("web-4", "29.7.2")]  # fmt: skip
    assert found.hosts[0].reason == "Docker Engine 25.0 was maintained when it came out"
    assert found.evidence[0].says == "reviewed"


@pytest.mark.parametrize(
    ("name", "words"),
    [("1.9.0", "no benchmark edition"), ("1.6", "is ambiguous"), ("CVE-2024-41110", "no benchmark ed")],
)
def test_a_name_that_is_no_edition_or_several_is_an_error(known: Database, name: str, words: str) -> None:
    with pytest.raises(UnknownName, match=words):
        benchmark(known, name, NOW)


def test_a_host_with_two_engines_of_one_edition_is_counted_once(known: Database) -> None:
    both = Host("twin", (Component("engine", "29.5.0"), Component("engine", "29.7.2")))
    with known.begin() as connection:
        inventory.take(connection, [both], {}, START)
    assert benchmarks(known, NOW).value.editions[0].hosts.count == 4
    assert [h.version for h in benchmark(known, "1.8.0", NOW).hosts if h.host == "twin"] == ["29.5.0", "29.7.2"]


def test_explain_says_which_edition_is_for_a_host_and_why(known: Database) -> None:
    (is_for,) = explain_verdict(known, "web-1", "cis-docker-benchmark-1.8.0", NOW).value.verdicts
    assert (is_for.verdict, is_for.reason) == ("affected", "Docker Engine 25.0 was maintained when it came out")
    assert [e.says for e in is_for.evidence] == ["CIS Docker Benchmark v1.8.0, 2025-07, for Docker Engine 28"]
    (is_not,) = explain_verdict(known, "web-1", "cis-docker-benchmark-1.7.0", NOW).value.verdicts
    assert is_not.verdict == "not_affected"
    assert is_not.reason.startswith("CIS Docker Benchmark v1.8.0 is the edition for it: ")
    (nothing,) = explain_verdict(known, "engine@17.12.1", "cis-docker-benchmark-1.8.0", NOW).value.verdicts
    assert nothing.reason == "no edition is known to be for engine 17.12.1"
    assert explain_verdict(known, "runc@1.1.12", "cis-docker-benchmark-1.8.0", NOW).value.verdicts == ()


def test_the_program_answers_for_an_edition(known: Database, program_with: Callable[..., Program]) -> None:
    navtex = program_with(NAVTEX_DATABASE_URL=known.url.render_as_string(hide_password=False))
    name = "cis-docker-benchmark-1.8.0"
    rows = navtex.json("exposure", "--advisory", name)["exposures"]
    assert [(r["host"], r["verdict"], r["severity"]) for r in rows] == [
        (host, "affected", None) for host in ("web-1", "web-3", "web-4")]  # fmt: skip
    every = navtex.json("exposure", "--advisory", name, "--verdict", "all")["exposures"]
    assert {r["host"]: r["verdict"] for r in every if r["verdict"] != "affected"} == {
        "old-1": "not_affected", "web-2": "not_affected"}  # fmt: skip
    assert name not in navtex("exposure", "--verdict", "all").stdout, "it lists vulnerabilities"
    for form in ("openvex", "csaf", "sarif", "cyclonedx"):
        refused = navtex("exposure", "--advisory", name, "--format", form, status=2)
        assert "not a vulnerability" in refused.stderr
    assert "APPLIES: Docker Engine 29 was released since" in navtex("explain", "web-3", name).stdout
    assert "DOES NOT APPLY: CIS Docker 1.6" in " ".join(navtex("explain", "old-1", name).stdout.split())
    shown = navtex("benchmark", "show", "1.8.0").stdout
    assert f"Download:      {PAGE}" in shown
    assert "web-3 (29.5.0): Docker Engine 29 was released since it came out" in shown
    listed = navtex("benchmark", "list").stdout
    assert max(map(len, listed.splitlines())) <= 80
    (row,) = (x.split() for x in listed.splitlines() if x.startswith("cis-docker-benchmark-1.7.0"))
    assert row == ["cis-docker-benchmark-1.7.0", "by", "2024-12-03", "27.9,", "1", "1.6.0"]
    assert msgspec.json.encode(navtex.json("benchmark", "list", "--limit", "1")).count(b'"edition"') == 1
