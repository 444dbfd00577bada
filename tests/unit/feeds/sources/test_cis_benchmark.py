"""The CIS Docker benchmarks: the page of editions, and the blog's feed that dates them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from feeds.advisories import cis_editions as reviewed_editions
from feeds.advisories.merging import merge
from feeds.advisories.records import EDITIONS, Edition, Kind, Read
from feeds.core.errors import ConfigError
from tests.conftest import ROOT
from tests.support.documents import AT, SOURCE, asks, entry, page, read, records, rss

NAME = "cis-benchmark"
PAGE = "https://www.cisecurity.org/benchmark/docker"
MONTH = "https://www.cisecurity.org/insights/blog/cis-benchmarks-june-2026-update"


def editions(body: str, form: str = "page") -> list[tuple[str, str]]:
    return [(e.line, e.version) for r in records(read(NAME, body, form)) if (e := r.edition)]


def test_both_forms_are_asked_for_and_robots_govern_the_page_only() -> None:
    assert [(a.form, a.robots) for a in asks(SOURCE[NAME])] == [("page", True), ("rss", False)]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>Docker  (1.8.0)</p>", [("", "1.8.0")]),
        ("<p>Docker (v1.8.0)</p>", [("", "1.8.0")]),
        ("<p>Docker&nbsp;(1.8.0)</p>", [("", "1.8.0")]),
        ("<p>DOCKER(1.8)</p>", [("", "1.8.0")]),
        ("<p>Docker 1.10  (1.0.0)</p>", [("1.10", "1.0.0")]),
        ("<p>Docker 1.13.0 (1.0.0)</p>", [("1.13", "1.0.0")]),
        ("<p>Docker Community Edition (1.1.0)</p>", [("", "1.1.0")]),
        ("<p>Docker CE 17.06 (1.1.0)</p>", [("", "1.1.0")]),
        ("<ul><li>Docker (1.8.0)</li><li>Docker (1.7.0)</li></ul>", [("", "1.8.0"), ("", "1.7.0")]),
        ("<table><tr><td>Docker (1.8.0)</td><td>PDF</td></tr></table>", [("", "1.8.0")]),
        ("<select><option>Docker (1.8.0)</option></select>", [("", "1.8.0")]),
        ("<p><a href=x><span>Docker</span> (1.8.0)</a></p>", [("", "1.8.0")]),
        ("<p>Docker (1.8.0)</p><p>Docker (1.8.0)</p>", [("", "1.8.0")]),
        ("<p>Docker (1.8.0)</p><p>Docker Desktop (4.1)</p><p>Kubernetes (1.9.0)</p>", [("", "1.8.0")]),
    ],
)
def test_the_page_lists_editions_and_the_line_that_each_is_for(html: str, expected: list[tuple[str, str]]) -> None:
    assert editions(page(html)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("New: CIS Docker Benchmark v1.8.0. CIS Kubernetes Benchmark.", [("", "1.8.0")]),
        ("CIS Docker Benchmark 1.8.0", [("", "1.8.0")]),
        ("<p>The <b>CIS Docker 1.13.0 Benchmark</b> v1.0.0</p>", [("1.13", "1.0.0")]),
        ("CIS Docker 1.6 Benchmark", [("1.6", "1.0.0")]),
        ("CIS Docker Community Edition Benchmark v1.1.0", [("", "1.1.0")]),
        ("CIS Docker CE 17.06 Benchmark v1.1.0", [("", "1.1.0")]),
        ("CIS Docker Benchmark v1.8.0 and CIS Docker 1.10 Benchmark v1.0.0", [("", "1.8.0"), ("1.10", "1.0.0")]),
        ("CIS Docker Benchmark, updated", []),
        ("CIS Kubernetes Benchmark v1.8.0", []),
        ("Docker is on the list", []),
    ],
)
def test_the_feed_tells_of_editions_in_a_sentence(words: str, expected: list[tuple[str, str]]) -> None:
    body = rss(entry(title="CIS Benchmarks Update", link=MONTH, description=words))
    assert editions(body, "rss") == expected


def test_an_edition_is_dated_by_the_first_post_that_names_it() -> None:
    later = entry(title="x", link=f"{MONTH}-2", description="CIS Docker Benchmark v1.8.0", pubDate="2026-08-01")
    first = entry(title="x", link=MONTH, description="CIS Docker Benchmark v1.8.0", pubDate="2026-06-16")
    (record,) = records(read(NAME, rss(later, first), "rss"))
    assert (record.published, record.url) == (datetime(2026, 6, 16, tzinfo=UTC), PAGE)
    assert record.references == (MONTH,)


def test_the_page_and_the_feed_name_one_benchmark_with_the_feeds_date_and_the_page_to_download_it() -> None:
    post = entry(title="x", link=MONTH, description="CIS Docker Benchmark v1.8.0", pubDate="2026-06-16")
    forms = {"page": page("<p>Docker (1.8.0)</p>"), "rss": rss(post)}
    (advisory,) = merge(
        Read(r, NAME, form, AT) for form, body in forms.items() for r in records(read(NAME, body, form))
    )
    assert (advisory.name, advisory.title) == ("cis-docker-benchmark-1.8.0", "CIS Docker Benchmark v1.8.0")
    assert (advisory.kind, advisory.edition) == (Kind.BENCHMARK, Edition("1.8.0"))
    assert (advisory.published, advisory.url) == (datetime(2026, 6, 16, tzinfo=UTC), PAGE)


def test_an_edition_for_one_line_says_so() -> None:
    (record,) = records(read(NAME, page("<p>Docker 1.13.0 (1.0.0)</p>"), "page"))
    assert (record.title, record.url) == ("CIS Docker 1.13 Benchmark v1.0.0", PAGE)
    assert record.summary == "Hardening guide for Docker Engine 1.13."
    assert record.edition == Edition("1.0.0", "1.13")


def test_a_feed_that_names_no_edition_is_healthy() -> None:
    assert editions(rss(entry(title="Plan, do, check", link=MONTH)), "rss") == []


def reviewed() -> list[Read]:
    path = ROOT / "feeds" / "cis_editions.toml"
    return [Read(r, EDITIONS, EDITIONS, AT) for r in reviewed_editions.read(path.read_text(), str(path))]


def crawled(*listed: str) -> list[Read]:
    body = page("".join(f"<p>Docker ({version})</p>" for version in listed))
    return [Read(r, NAME, PAGE, AT) for r in records(read(NAME, body, "page"))]


def test_the_reviewed_list_gives_editions_their_date_and_lines_and_those_that_the_page_has_dropped() -> None:
    known = {a.name: a for a in merge([*reviewed(), *crawled("1.7.0")])}
    assert known["cis-docker-1.6-benchmark-1.0.0"].published == datetime(2015, 4, 22, tzinfo=UTC)
    newest = known["cis-docker-benchmark-1.7.0"]
    assert (newest.published, newest.edition and newest.edition.dated) == (None, "by 2024-12-03")


def test_an_edition_of_the_general_series_counts_once_the_page_or_the_feed_has_it_or_a_newer_one() -> None:
    assert "cis-docker-benchmark-1.8.0" not in {a.name for a in merge([*reviewed(), *crawled("1.7.0")])}
    assert "cis-docker-benchmark-1.8.0" in {a.name for a in merge([*reviewed(), *crawled("1.8.0")])}
    assert "cis-docker-benchmark-1.8.0" in {a.name for a in merge([*reviewed(), *crawled("1.9.0")])}
    assert "cis-docker-benchmark-1.8.0" in {a.name for a in merge(reviewed())}  # nothing was crawled yet


@pytest.mark.parametrize(
    ("dated", "exact", "latest"),
    [
        ("2015-04-22", datetime(2015, 4, 22, tzinfo=UTC), date(2015, 4, 22)),
        ("2025-07", None, date(2025, 7, 31)),
        ("2025-12", None, date(2025, 12, 31)),
        ("by 2016-04-20", None, date(2016, 4, 20)),
        ("", None, None),
    ],
)
def test_a_date_is_as_exact_as_its_evidence(dated: str, exact: datetime | None, latest: date | None) -> None:
    edition = Edition("1.0.0", dated=dated)
    assert (edition.exact, edition.latest) == (exact, latest)


def test_a_wrong_list_says_where() -> None:
    with pytest.raises(ConfigError, match="cis_editions"):
        reviewed_editions.read('[[edition]]\nversion = "1.0.0"\n', "cis_editions.toml")
