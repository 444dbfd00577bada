"""Repository advisories, as GitHub's API gives them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from feeds.advisories.records import Kind, Rank, Severity
from tests.support.documents import AT, SOURCE, asks, only, read, records, said

GHSA, CVE = "GHSA-x86f-5xw2-fm2r", "CVE-2026-41567"
CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H"
V4 = "CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
API = "https://api.github.com/repos/moby/moby/security-advisories?per_page=100"


def advisory(**fields: Any) -> dict[str, Any]:
    return {
        "ghsa_id": GHSA,
        "cve_id": CVE,
        "html_url": f"https://github.com/moby/moby/security/advisories/{GHSA}",
        "summary": "An archive runs a program",
        "description": "",
        "severity": "high",
        "state": "published",
        "published_at": "2026-05-18T10:00:00Z",
        "updated_at": "2026-05-20T10:00:00Z",
        "withdrawn_at": None,
        "vulnerabilities": [about("Docker Engine", "< 29.5.1", "29.5.1")],
        "cvss_severities": {"cvss_v3": {"vector_string": CRITICAL, "score": 9.9}, "cvss_v4": None},
    } | fields


def about(name: str | None, affected: str | None, patched: str | None = None) -> dict[str, Any]:
    return {
        "package": {"ecosystem": "go", "name": name},
        "vulnerable_version_range": affected,
        "patched_versions": patched,
    }


def claims(*vulnerabilities: dict[str, Any], source: str = "moby-advisories") -> list[tuple[str, list[str], list[str]]]:
    return said(only(read(source, [advisory(vulnerabilities=list(vulnerabilities))])).claims)


def test_one_repository_is_one_source_and_no_robots_govern_its_api() -> None:
    names = [name for name in SOURCE if name.endswith("-advisories")]
    assert len(names) == 8
    assert all(not ask.robots and ask.url.endswith("per_page=100") for n in names for ask in asks(SOURCE[n]))
    assert [a.url for a in asks(SOURCE["moby-advisories"])] == [API]


def test_an_advisory_is_read_with_everything_that_its_maintainers_say() -> None:
    record = only(read("moby-advisories", [advisory()]))
    assert (record.id, record.aliases, record.kind) == (GHSA, (CVE,), Kind.VULNERABILITY)
    assert record.title == "An archive runs a program"
    assert record.url == f"https://github.com/moby/moby/security/advisories/{GHSA}"
    assert (record.published, record.modified) == (
        datetime(2026, 5, 18, 10, tzinfo=UTC),
        datetime(2026, 5, 20, 10, tzinfo=UTC),
    )
    assert record.withdrawn is None
    assert said(record.claims) == [("engine", ["< 29.5.1"], ["29.5.1"])]
    assert [(s.severity, s.base, s.own) for s in record.scores] == [
        (Severity.CRITICAL, 9.9, True),
        (Severity.HIGH, None, True),
    ]


@pytest.mark.parametrize(
    ("vulnerability", "expected"),
    [
        (about("github.com/docker/docker", "<= 28.5.2"), [("engine", ["<= 28.5.2"], [])]),
        (about("github.com/docker/docker/daemon", "< 29.5.1"), [("engine", ["< 29.5.1"], [])]),
        (about("moby", ">= 19.03.0, < 19.03.1", "19.03.1"), [("engine", [">= 19.03.0, < 19.03.1"], ["19.03.1"])]),
        (about("Docker Engine", "Docker Engine < 29.5.1"), [("engine", ["< 29.5.1"], [])]),
        (about("Docker Engine", "< 23.0.11 || >= 24, < 24.0.9"), [("engine", ["< 23.0.11", ">= 24, < 24.0.9"], [])]),
        (
            about("Docker Engine", None, "v29.5.1, 28.5.3 and 25.0.17"),
            [("engine", [], ["29.5.1", "28.5.3", "25.0.17"])],
        ),
        (about("Docker Engine", "< 29.5.1", "None"), [("engine", ["< 29.5.1"], [])]),
        (about("Docker Engine", "all versions", ""), [("engine", ["all versions"], [])]),
        (about("", "< 29.5.1"), [("engine", ["< 29.5.1"], [])]),
        (about(None, "< 29.5.1"), [("engine", ["< 29.5.1"], [])]),
        ({"package": None, "vulnerable_version_range": "< 29.5.1"}, [("engine", ["< 29.5.1"], [])]),
        (about("github.com/moby/moby/v2", "< 2.0.0-beta.14"), [("engine-module", ["< 2.0.0-beta.14"], [])]),
        (about("github.com/moby/buildkit", "< 0.12.5", "0.12.5"), [("buildkit", ["< 0.12.5"], ["0.12.5"])]),
    ],
)
def test_a_range_is_about_the_product_that_its_package_names(
    vulnerability: dict[str, Any], expected: list[tuple[str, list[str], list[str]]]
) -> None:
    assert claims(vulnerability) == expected


@pytest.mark.parametrize(
    "vulnerability",
    [
        about("github.com/moby/moby/api", "< 1.54.0"),
        about("github.com/moby/moby/client", "< 0.4.0"),
        about("swarmkit", "< 2.0"),
        about("Docker Engine", "n/a"),
        about("Docker Engine", ""),
        about("Docker Engine", "some"),
        {},
    ],
)
def test_an_advisory_whose_range_cannot_be_read_says_so(
    vulnerability: dict[str, Any],
) -> None:
    (claim,) = only(read("moby-advisories", [advisory(vulnerabilities=[vulnerability])])).claims
    assert (claim.product, claim.affected, claim.fixed) == ("engine", (), ())
    assert claim.words == "no range that can be read"


def test_each_product_of_an_advisory_has_a_claim_of_its_own_in_its_own_numbers() -> None:
    assert claims(
        about("github.com/docker/docker", "<= 28.5.2"),
        about("Docker Engine", "< 29.5.1", "29.5.1"),
        about("github.com/moby/moby/v2/daemon", "< 2.0.0-beta.14", "2.0.0-beta.14"),
    ) == [
        ("engine", ["<= 28.5.2"], []),
        ("engine", ["< 29.5.1"], ["29.5.1"]),
        ("engine-module", ["< 2.0.0-beta.14"], ["2.0.0-beta.14"]),
    ]
    module = only(read("moby-advisories", [advisory(vulnerabilities=[about("moby/moby/v2", "< 2.0.0-beta.1")])]))
    assert [c.rank for c in module.claims] == [Rank.TRANSLATED]


def test_words_beside_the_range_are_read_too_and_marked() -> None:
    description = "In runc 1.1.4 and earlier a mount leaks. This is fixed in 1.1.5."
    record = only(
        read("runc-advisories", [advisory(description=description, vulnerabilities=[about("runc", "< 1.1.5")])])
    )
    assert [(c.product, c.prose) for c in record.claims] == [("runc", False), ("runc", True)]
    assert said(record.claims)[1] == ("runc", ["<= 1.1.4"], ["1.1.5"])


@pytest.mark.parametrize(
    ("fields", "scores"),
    [
        ({}, [("critical", 9.9), ("high", None)]),
        ({"severity": "moderate"}, [("critical", 9.9), ("medium", None)]),
        ({"severity": None}, [("critical", 9.9)]),
        ({"severity": "unknown"}, [("critical", 9.9)]),
        ({"cvss_severities": None, "cvss": {"vector_string": CRITICAL}}, [("critical", 9.9), ("high", None)]),
        ({"cvss_severities": None, "cvss": None}, [("high", None)]),
        ({"cvss_severities": {"cvss_v3": {"vector_string": None}}}, [("high", None)]),
        ({"cvss_severities": {"cvss_v3": {"vector_string": "CVSS:3.1/AV:N"}}}, [("high", None)]),
        ({"cvss_severities": {"cvss_v3": None, "cvss_v4": {"vector_string": V4}}}, [("high", 8.6), ("high", None)]),
        ({"cvss_severities": None, "severity": None}, []),
    ],
)
def test_the_severity_comes_from_vectors_then_from_the_word(
    fields: dict[str, Any], scores: list[tuple[str, float | None]]
) -> None:
    record = only(read("moby-advisories", [advisory(**fields)]))
    assert [(s.severity and s.severity.value, s.base) for s in record.scores] == scores


def test_an_advisory_without_a_cve_goes_by_its_own_name() -> None:
    record = only(read("moby-advisories", [advisory(cve_id=None, description="Like CVE-2024-41110.")]))
    assert (record.id, record.aliases, record.mentions) == (GHSA, (), ("CVE-2024-41110",))


@pytest.mark.parametrize(
    ("fields", "withdrawn"),
    [
        ({}, None),
        ({"withdrawn_at": "2026-06-01T00:00:00Z"}, datetime(2026, 6, 1, tzinfo=UTC)),
        (
            {"state": "withdrawn", "withdrawn_at": "2026-06-01T00:00:00Z"},
            datetime(2026, 6, 1, tzinfo=UTC),
        ),
        ({"state": "withdrawn"}, datetime(2026, 5, 20, 10, tzinfo=UTC)),
        ({"state": "withdrawn", "updated_at": None}, AT),
        ({"state": "closed"}, None),
        ({"state": None}, None),
    ],
)
def test_a_withdrawn_advisory_comes_back_withdrawn(fields: dict[str, Any], withdrawn: datetime | None) -> None:
    assert only(read("moby-advisories", [advisory(**fields)])).withdrawn == withdrawn


@pytest.mark.parametrize("fields", [{"state": "draft"}, {"state": "triage"}, {"ghsa_id": "GHSA-1111-1111-1111"}])
def test_what_is_not_published_is_left_out_and_costs_no_other(fields: dict[str, Any]) -> None:
    listed = [advisory(**fields), advisory(ghsa_id="GHSA-vp62-88p7-qqf5")]
    assert [r.id for r in records(read("moby-advisories", listed))] == ["GHSA-vp62-88p7-qqf5"]


@pytest.mark.parametrize("missing", sorted(set(advisory()) - {"ghsa_id"}))
@pytest.mark.parametrize("how", ["missing", "null"])
def test_an_advisory_lacking_any_field_is_still_one(missing: str, how: str) -> None:
    entry = advisory(**{missing: None})
    if how == "missing":
        del entry[missing]
    record = only(read("moby-advisories", [entry]))
    assert record.id == GHSA
    assert record.title
    assert record.url.startswith("https://github.com/")
    assert record.claims


def test_further_pages_are_followed() -> None:
    more = "https://api.github.com/repositories/1/security-advisories?per_page=100&after=Y3Vyc29y"
    parsed = read("moby-advisories", [advisory()], url=API, link=f'<{more}>; rel="next", <{API}>; rel="first"')
    (ask,) = parsed.follow
    assert (ask.url, ask.form, ask.robots, ask.accept) == (more, "api", False, "application/vnd.github+json")
    assert len(parsed.items) == 1
    assert read("moby-advisories", [advisory()], url=API).follow == ()


@pytest.mark.parametrize("name", ["github.com/moby/go-archive", "moby/go-archive", "go-archive", None])
def test_a_library_inside_the_engine_keeps_its_own_numbers(name: str | None) -> None:
    listed = advisory(
        vulnerabilities=[about(name, "< 0.9.1", "0.9.1")],
        description="moby/go-archive before 0.9.1 lets an archive write outside of its folder.",
    )
    found = only(read("go-archive-advisories", [listed])).claims
    assert {c.product for c in found} == {"go-archive"}
    elsewhere = only(read("moby-advisories", [listed])).claims
    assert name is None or "engine" not in {c.product for c in elsewhere if c.affected}
