"""Facts beside the advisories: release lines and their ends, known exploitation, likelihood; and scores of vectors."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from feeds.advisories.facts import Exploited, Likelihood, ReleaseLine
from feeds.advisories.records import Kind, Severity
from feeds.advisories.scores import level, rating, vector_score
from tests.support.documents import SOURCE, asks, facts, read, records

CVE, OTHER = "CVE-2024-41110", "CVE-2024-29018"


def releases(*found: Any) -> dict[str, Any]:
    return {"schema_version": "1.2.1", "result": {"name": "docker-engine", "releases": list(found)}}


def release(name: Any = "28", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "releaseDate": "2025-02-20",
        "isEol": False,
        "eolFrom": None,
        "latest": {"name": "28.5.2", "date": "2025-11-05"},
    } | fields


def lines(*found: Any, form: str = "docker-engine") -> list[ReleaseLine]:
    return facts(read("end-of-life", releases(*found), form), ReleaseLine)


def test_each_product_with_lines_is_asked_for() -> None:
    assert [(a.form, a.url, a.robots) for a in asks(SOURCE["end-of-life"])] == [
        ("docker-engine", "https://endoflife.date/api/v1/products/docker-engine/", False),
        ("containerd", "https://endoflife.date/api/v1/products/containerd/", False),
    ]


@pytest.mark.parametrize(
    ("fields", "ends", "ended", "notice"),
    [
        ({}, None, False, False),
        ({"isEol": True, "eolFrom": "2026-05-13"}, date(2026, 5, 13), True, True),
        ({"isEol": False, "eolFrom": "2026-05-13"}, date(2026, 5, 13), False, True),
        ({"isEol": True}, None, True, True),
        ({"isEol": True, "eolFrom": "2026-13-45"}, None, True, True),
        ({"eolFrom": "soon"}, None, False, False),
        ({"eolFrom": True}, None, False, False),
        ({"isEol": None, "eolFrom": None}, None, False, False),
    ],
)
def test_a_line_ends_on_a_day_or_has_ended_or_neither(
    fields: dict[str, Any], ends: date | None, ended: bool, notice: bool
) -> None:
    parsed = read("end-of-life", releases(release(**fields)), "docker-engine")
    (line,) = facts(parsed, ReleaseLine)
    assert (line.product, line.name, line.ends, line.ended) == ("engine", "28", ends, ended)
    assert (line.released, line.latest, line.url) == (
        date(2025, 2, 20),
        "28.5.2",
        "https://endoflife.date/docker-engine",
    )
    assert [r.kind for r in records(parsed)] == ([Kind.END_OF_LIFE] if notice else [])


def test_a_notice_says_when_and_which_release_is_the_last() -> None:
    ended = releases(release(isEol=True, eolFrom="2026-05-13"), release("27", isEol=True, latest=None))
    one, other = records(read("end-of-life", ended, "docker-engine"))
    assert (one.id, one.line) == ("end-of-life/engine-28", "engine 28")
    assert one.title == "Docker Engine 28 end of life: 2026-05-13"
    assert one.summary == "Security support of Docker Engine 28 ends on 2026-05-13; its last release is 28.5.2."
    assert other.title == "Docker Engine 27 end of life"
    assert other.summary == "Security support of Docker Engine 27 ends already; its last release is unknown."


def test_containerd_has_lines_of_its_own() -> None:
    (line,) = lines(release("1.7"), form="containerd")
    assert (line.product, line.name, line.holds("1.7.29"), line.holds("1.70.0")) == ("containerd", "1.7", True, False)


@pytest.mark.parametrize("name", ["latest", "", None, "28-ce", "v28", "28.", "123456", [], {}])
def test_what_is_no_line_is_left_out_and_costs_no_other(name: Any) -> None:
    assert [line.name for line in lines(release(name), None, "x", release("29"))] == ["29"]


@pytest.mark.parametrize("missing", ["releaseDate", "isEol", "eolFrom", "latest"])
@pytest.mark.parametrize("value", [None, [], {}, 5, "x"])
def test_a_line_lacking_a_field_is_still_one(missing: str, value: Any) -> None:
    assert [line.name for line in lines(release(**{missing: value}))] == ["28"]


def exploited(*entries: Any) -> dict[str, date]:
    (fact,) = facts(
        read("kev", {"title": "KEV", "count": len(entries), "vulnerabilities": list(entries)}, "json"), Exploited
    )
    return dict(fact.added)


def test_the_catalogue_is_every_cve_with_its_day() -> None:
    one = {"cveID": CVE, "dateAdded": "2024-08-01", "vendorProject": "Docker", "dueDate": "2024-08-22"}
    other = {"cveID": OTHER, "dateAdded": "2024-05-01"}
    assert exploited(one, other) == {CVE: date(2024, 8, 1), OTHER: date(2024, 5, 1)}
    assert [a.robots for a in asks(SOURCE["kev"])] == [False]


@pytest.mark.parametrize(
    "entry",
    [
        {"cveID": CVE, "dateAdded": "soon"},
        {"cveID": CVE, "dateAdded": None},
        {"cveID": CVE},
        {"cveID": "Log4Shell", "dateAdded": "2024-08-01"},
        {"cveID": None, "dateAdded": "2024-08-01"},
        {"dateAdded": "2024-08-01"},
        {},
        None,
        "x",
        [],
    ],
)
def test_an_entry_of_the_catalogue_that_cannot_be_read_costs_no_other(entry: Any) -> None:
    assert exploited(entry, {"cveID": OTHER, "dateAdded": "2024-05-01"}) == {OTHER: date(2024, 5, 1)}


def likely(*rows: Any) -> Likelihood:
    (fact,) = facts(read("epss", {"status": "OK", "data": list(rows)}), Likelihood)
    assert isinstance(fact, Likelihood)
    return fact


def test_the_scores_are_asked_for_when_all_cves_are_known_and_few_at_a_time() -> None:
    source = SOURCE["epss"]
    assert source.late
    wanted = [f"CVE-2024-{n:05}" for n in range(200)] + [f"CVE-2025-{n:05}" for n in range(3)]
    found = asks(source, *wanted)
    assert [a.url.count("CVE-") for a in found] == [80, 80, 40, 3]
    assert max(len(a.url) for a in found) < 2000
    asked = [cve for a in found for cve in a.url.partition("=")[2].split(",")]
    assert asked == sorted(wanted)
    assert asks(source) == []


def test_a_score_is_a_probability_as_of_a_day() -> None:
    row = {"cve": CVE, "epss": "0.013400000", "percentile": "0.79", "date": "2026-06-20"}
    assert likely(row, row | {"cve": OTHER, "date": "2026-06-19"}) == Likelihood(
        day="2026-06-20", scores={CVE: 0.0134, OTHER: 0.0134}
    )


@pytest.mark.parametrize("score", ["", "high", None, "-0.1", "1.1", "nan", "inf", [], {}, "1e400"])
def test_a_score_that_is_no_probability_costs_no_other(score: Any) -> None:
    assert likely({"cve": CVE, "epss": score}, None, {"epss": "0.1"}, {"cve": OTHER, "epss": 0.5}).scores == {
        OTHER: 0.5
    }


@pytest.mark.parametrize(
    ("vector", "base", "severity"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9, Severity.CRITICAL),
        ("CVSS:3.0/AV:L/AC:H/PR:L/UI:N/S:C/C:H/I:H/A:H", 7.8, Severity.HIGH),
        ("CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:N/I:L/A:N", 1.8, Severity.LOW),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0, None),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0, Severity.CRITICAL),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0, Severity.CRITICAL),
        ("(AV:L/AC:M/Au:N/C:P/I:N/A:N)", 1.9, Severity.LOW),
        (" CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H ", 9.9, Severity.CRITICAL),
    ],
)
def test_a_vector_is_scored_anew(vector: str, base: float, severity: Severity | None) -> None:
    score = vector_score(vector, by="example", own=True)
    assert score is not None
    assert (score.base, score.severity, score.by, score.own) == (base, severity, "example", True)
    assert score.vector == vector.strip()


@pytest.mark.parametrize(
    "vector", ["", "high", "CVSS:3.1", "CVSS:3.1/AV:X", "CVSS:5.0/AV:N", "CVSS:4.0/", "\0", "AV:" * 10_000]
)
def test_a_malformed_vector_is_no_score(vector: str) -> None:
    assert vector_score(vector, by="example") is None


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (-1, None),
        (0.0, None),
        (0.1, "low"),
        (3.9, "low"),
        (4.0, "medium"),
        (6.9, "medium"),
        (7.0, "high"),
        (8.9, "high"),
        (9.0, "critical"),
        (10.0, "critical"),
    ],
)
def test_the_levels_are_those_of_cvss_3(base: float, expected: str | None) -> None:
    assert level(base) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("low", "low"),
        ("Moderate", "medium"),
        ("medium", "medium"),
        ("Important", "high"),
        (" CRITICAL ", "critical"),
        ("none", None),
        ("unknown", None),
        ("", None),
        (None, None),
        (5, None),
        ([], None),
    ],
)
def test_a_word_is_a_rating_where_it_is_one(word: Any, expected: str | None) -> None:
    score = rating(word, by="example")
    assert (score.severity if score else None) == expected


def test_a_notice_of_an_end_of_life_is_as_old_as_its_file() -> None:
    lines = {"releases": [{"name": "25.0", "eolFrom": "2026-06-01", "isEol": True}]}
    body = {"last_modified": "2026-04-08T00:10:16+00:00", "result": lines}
    [notice] = records(read("end-of-life", body, "docker-engine"))
    assert str(notice.modified) == "2026-04-08 00:10:16+00:00"
