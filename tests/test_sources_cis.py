"""The CIS Docker benchmarks: the page of editions, and the blog's feed that dates them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feeds.advisories.merging import merge
from feeds.advisories.records import Edition, Kind, Read
from tests.documents import AT, SOURCE, asks, entry, page, read, records, rss

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
        ("<p>DOCKER(1.8)</p>", [("", "1.8")]),
        ("<p>Docker 1.10  (1.0.0)</p>", [("1.10", "1.0.0")]),
        ("<p>Docker 1.13.0 (1.0.0)</p>", [("1.13", "1.0.0")]),
        ("<p>Docker Community Edition (1.1.0)</p>", [("", "1.1.0")]),
        ("<p>Docker CE 17.06 (1.1.0)</p>", [("17.06", "1.1.0")]),
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
        ("CIS Docker CE 17.06 Benchmark v1.1.0", [("17.06", "1.1.0")]),
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
    assert (record.published, record.url) == (datetime(2026, 6, 16, tzinfo=UTC), MONTH)


def test_the_page_and_the_feed_tell_of_one_benchmark_with_the_feeds_date_and_link() -> None:
    post = entry(title="x", link=MONTH, description="CIS Docker Benchmark v1.8.0", pubDate="2026-06-16")
    forms = {"page": page("<p>Docker (1.8.0)</p>"), "rss": rss(post)}
    (advisory,) = merge(
        Read(r, NAME, form, AT) for form, body in forms.items() for r in records(read(NAME, body, form))
    )
    assert (advisory.name, advisory.title) == ("cis-docker-benchmark-1.8.0", "CIS Docker Benchmark v1.8.0")
    assert (advisory.kind, advisory.edition) == (Kind.BENCHMARK, Edition("1.8.0"))
    assert (advisory.published, advisory.url) == (datetime(2026, 6, 16, tzinfo=UTC), MONTH)


def test_an_edition_for_one_line_says_so() -> None:
    (record,) = records(read(NAME, page("<p>Docker 1.13.0 (1.0.0)</p>"), "page"))
    assert (record.title, record.url) == ("CIS Docker 1.13 Benchmark v1.0.0", PAGE)
    assert record.summary == "Hardening guide for Docker Engine 1.13."
    assert record.edition == Edition("1.0.0", "1.13")


def test_a_feed_that_names_no_edition_is_healthy() -> None:
    assert editions(rss(entry(title="Plan, do, check", link=MONTH)), "rss") == []
