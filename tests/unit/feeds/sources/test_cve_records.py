"""The records of the CVE programme, in the shapes that their authorities give them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from feeds.advisories.records import Kind, Rank, Severity
from feeds.sources.cve_records import known_cves
from tests.support.documents import SOURCE, asks, only, read, said

CVE = "CVE-2031-1234"
HIGH = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"
CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V4 = "CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
V2 = "AV:N/AC:L/Au:N/C:P/I:P/A:P"
Said = list[tuple[str, list[str], list[str]]]


def record(cna: dict[str, Any] | None = None, /, adp: Any = None, **meta: Any) -> dict[str, Any]:
    return {
        "dataType": "CVE_RECORD",
        "dataVersion": "5.2",
        "cveMetadata": {
            "cveId": CVE,
            "assignerShortName": "GitHub_M",
            "state": "PUBLISHED",
            "datePublished": "2031-05-18T10:00:00.000Z",
            "dateUpdated": "2031-05-20T10:00:00.000Z",
        }
        | meta,
        "containers": {
            "cna": {
                "title": "An archive runs a program",
                "descriptions": [{"lang": "en", "value": "A flaw."}],
                "affected": [engine({"version": "< 29.5.1", "status": "affected"})],
            }
            | (cna or {}),
            "adp": adp or [],
        },
    }


def engine(*versions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"vendor": "moby", "product": "Docker Engine", "versions": list(versions)} | fields


def claims(*affected: dict[str, Any], description: str = "A flaw.") -> Said:
    cna = {"affected": list(affected), "descriptions": [{"lang": "en", "value": description}]}
    return said(only(read("cve-records", record(cna))).claims)


def test_every_reviewed_cve_and_then_every_wanted_one_is_asked_for_newest_first_and_may_be_missing() -> None:
    found = asks(SOURCE["cve-records"], "CVE-2031-1234", "CVE-2031-20000")
    assert [a.url.rpartition("/")[2] for a in found[-2:]] == ["CVE-2031-20000", "CVE-2031-1234"]
    assert {a.url.rpartition("/")[2] for a in found[:-2]} == known_cves()
    assert max(a.rank for a in found[:-2]) < min(a.rank for a in found[-2:])
    assert all(a.optional and not a.robots for a in found)
    assert len(known_cves()) > 20


def test_a_record_is_read_with_everything_that_its_authority_says() -> None:
    found = only(read("cve-records", record()))
    assert (found.id, found.kind, found.title, found.summary) == (
        CVE,
        Kind.VULNERABILITY,
        "An archive runs a program",
        "A flaw.",
    )
    assert found.url == f"https://www.cve.org/CVERecord?id={CVE}"
    assert (found.published, found.modified, found.withdrawn) == (
        datetime(2031, 5, 18, 10, tzinfo=UTC),
        datetime(2031, 5, 20, 10, tzinfo=UTC),
        None,
    )
    assert [(c.rank, c.words) for c in found.claims] == [(Rank.VENDOR, "moby Docker Engine: version < 29.5.1")]


AFFECTED = {"status": "affected"}


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([{"version": "< 29.5.1"}], [(["< 29.5.1"], [])]),
        ([{"version": ">= 28.0.0, < 29.5.1"}], [([">= 28.0.0, < 29.5.1"], [])]),
        ([{"version": " < v29.5.1 "}], [(["< v29.5.1"], [])]),
        ([{"version": "29.5.0"}], [(["= 29.5.0"], [])]),
        ([{"version": "before 29.5.1"}], [(["< 29.5.1"], [])]),
        ([{"version": "through 28.5.2"}], [(["<= 28.5.2"], [])]),
        ([{"version": "*"}], [(["all versions"], [])]),
        ([{"version": "0", "lessThan": "29.5.1"}], [(["< 29.5.1"], [])]),
        ([{"version": "0", "lessThan": "29.5.1", "versionType": "semver"}], [(["< 29.5.1"], [])]),
        ([{"version": "0", "lessThan": "29.5.1", "versionType": "custom"}], [(["< 29.5.1"], [])]),
        ([{"version": "unspecified", "lessThan": "29.5.1"}], [(["< 29.5.1"], [])]),
        ([{"version": "n/a", "lessThan": "29.5.1"}], [(["< 29.5.1"], [])]),
        ([{"version": "28.0.0", "lessThan": "29.5.1"}], [([">= 28.0.0, < 29.5.1"], [])]),
        ([{"version": "28.0.0", "lessThanOrEqual": "28.5.2"}], [([">= 28.0.0, <= 28.5.2"], [])]),
        ([{"version": "28.0.0", "lessThan": "*"}], [([">= 28.0.0"], [])]),
        ([{"version": "28.0.0", "lessThanOrEqual": "*"}], [([">= 28.0.0"], [])]),
        ([{"version": "0", "lessThan": "*"}], [(["all versions"], [])]),
        ([{"version": "29.5.0", "lessThanOrEqual": "29.5.0"}], [(["= 29.5.0"], [])]),
        ([{"version": "19.03", "lessThanOrEqual": "19.03.x"}], [([">= 19.03, < 19.4"], [])]),
        ([{"version": "28.5.2"}, {"version": "29.5.0"}], [(["= 28.5.2"], []), (["= 29.5.0"], [])]),
    ],
)
def test_a_version_range_may_be_written_in_many_ways(
    versions: list[dict[str, Any]], expected: list[tuple[list[str], list[str]]]
) -> None:
    found = claims(engine(*(AFFECTED | v for v in versions)))
    assert found == [("engine", affected, fixed) for affected, fixed in expected]


@pytest.mark.parametrize(
    ("item", "affected", "fixed"),
    [
        (
            {"version": "28.0.0", "lessThan": "29.0.0", "changes": [{"at": "28.5.3", "status": "unaffected"}]},
            [">= 28.0.0, < 28.5.3"],
            ["28.5.3"],
        ),
        (
            {"version": "28.0.0", "lessThan": "*", "changes": [{"at": "v28.5.3", "status": "unaffected"}]},
            [">= 28.0.0, < 28.5.3"],
            ["28.5.3"],
        ),
        (
            {
                "version": "0",
                "lessThan": "*",
                "changes": [
                    {"at": "29.5.1", "status": "unaffected"},
                    {"at": "25.0.17", "status": "unaffected"},
                    {"at": "26.0.0", "status": "affected"},
                ],
            },
            ["< 25.0.17", ">= 26.0.0, < 29.5.1"],
            ["29.5.1", "25.0.17"],
        ),
        (
            {
                "version": "28.0.0",
                "lessThanOrEqual": "29.9.9",
                "changes": [{"at": "28.5.3", "status": "unaffected"}, {"at": "29.0.0", "status": "affected"}],
            },
            [">= 28.0.0, < 28.5.3", ">= 29.0.0, <= 29.9.9"],
            ["28.5.3"],
        ),
        (
            {"version": "28.0.0", "lessThan": "29.5.1", "changes": [{"at": "soon", "status": "unaffected"}, None]},
            [">= 28.0.0, < 29.5.1"],
            [],
        ),
    ],
)
def test_the_status_of_a_range_may_change_at_some_versions(
    item: dict[str, Any], affected: list[str], fixed: list[str]
) -> None:
    assert claims(engine(AFFECTED | item)) == [("engine", affected, fixed)]


@pytest.mark.parametrize(
    ("versions", "affected", "fixed"),
    [
        ([{"version": "29.5.1"}], ["< 29.5.1"], ["29.5.1"]),
        ([{"version": "29.5.1", "lessThan": "*"}], ["< 29.5.1"], ["29.5.1"]),
        ([{"version": ">= 29.5.1"}], ["< 29.5.1"], ["29.5.1"]),
        ([{"version": "25.0.17"}, {"version": "29.5.1"}], ["< 29.5.1"], ["25.0.17", "29.5.1"]),
        (
            [{"version": "0", "lessThan": "20.10.0"}, {"version": "29.5.1", "lessThan": "*"}],
            [">= 20.10.0, < 29.5.1"],
            ["29.5.1"],
        ),
    ],
)
def test_affected_by_default_means_everything_but_what_is_named(
    versions: list[dict[str, Any]], affected: list[str], fixed: list[str]
) -> None:
    entry = engine(*({"status": "unaffected"} | v for v in versions), defaultStatus="affected")
    assert claims(entry) == [("engine", affected, fixed)]


@pytest.mark.parametrize("default", ["unaffected", "unknown", None])
def test_what_is_not_affected_alone_claims_nothing_and_leaves_it_open(default: str | None) -> None:
    entry = engine({"version": "29.5.1", "status": "unaffected"}, defaultStatus=default)
    assert claims(entry) == [("engine", [], [])]


@pytest.mark.parametrize(
    "item",
    [
        {"version": "n/a"},
        {"version": "unspecified"},
        {"version": ""},
        {"version": "some"},
        {"version": "6e0a1bc2d3", "lessThan": "7f1b2cd3e4", "versionType": "git"},
        {"version": "0", "lessThan": "7f1b2cd3e4f5a6b7c8d9", "versionType": "git"},
        {"version": "3f2a", "versionType": "git"},
        {"version": "28.0.0", "lessThan": "the next"},
        {"version": "28.0.0", "status": "unknown"},
        {"version": "28.0.0", "status": "unaffected"},
    ],
)
def test_what_tells_no_range_leaves_it_open_and_says_so(item: dict[str, Any]) -> None:
    (claim,) = only(read("cve-records", record({"affected": [engine(AFFECTED | item)]}))).claims
    assert (claim.product, claim.affected, claim.fixed) == ("engine", (), ())
    assert claim.words.startswith("no range in its fields")


@pytest.mark.parametrize(
    ("fields", "product"),
    [
        ({}, "engine"),
        ({"vendor": "Docker Inc.", "product": "Docker"}, "engine"),
        ({"vendor": "n/a", "product": "moby"}, "engine"),
        ({"vendor": None, "product": "moby/moby"}, "engine"),
        ({"vendor": "opencontainers", "product": "runc"}, "runc"),
        ({"vendor": "containerd", "product": "containerd"}, "containerd"),
        ({"vendor": "moby", "product": "moby/v2/daemon"}, "engine-module"),
        ({"vendor": "Docker", "product": "Docker Desktop"}, "desktop"),
        ({"vendor": None, "product": None, "packageName": "github.com/moby/buildkit"}, "buildkit"),
        ({"vendor": None, "product": None, "packageURL": "pkg:golang/github.com/docker/compose"}, "compose"),
        ({"vendor": None, "product": None, "packageURL": "pkg:golang/github.com/docker/cli?x=y"}, "cli"),
    ],
)
def test_an_entry_is_about_the_product_that_its_fields_name(fields: dict[str, Any], product: str) -> None:
    assert [p for p, _, _ in claims(engine({"version": "< 2.0.0", **AFFECTED}, **fields))] == [product]


@pytest.mark.parametrize(
    "fields",
    [
        {"vendor": "Red Hat", "product": "docker"},
        {"vendor": "Mirantis", "product": "Mirantis Container Runtime"},
        {"vendor": "apache", "product": "log4j"},
        {"vendor": "Docker", "product": "Docker Enterprise Edition"},
        {"vendor": None, "product": None, "packageURL": "pkg:npm/docker-compose"},
    ],
)
def test_what_is_said_of_a_strangers_product_is_said_of_none_of_ours(fields: dict[str, Any]) -> None:
    assert claims(engine({"version": "< 2.0.0", **AFFECTED}, **fields)) == []


def test_the_package_may_stand_inside_of_the_version() -> None:
    assert claims(
        engine(
            {"version": "github.com/docker/docker/daemon <= 28.5.2", **AFFECTED},
            {"version": "Docker Engine < 29.5.1", **AFFECTED},
            {"version": "github.com/moby/moby/v2/daemon < 2.0.0-beta.14", **AFFECTED},
            {"version": "github.com/example/other < 1.0", **AFFECTED},
        )
    ) == [
        ("engine", ["<= 28.5.2"], []),
        ("engine", ["< 29.5.1"], []),
        ("engine-module", ["< 2.0.0-beta.14"], []),
    ]


def test_several_products_in_one_record_are_kept_apart() -> None:
    assert claims(
        engine({"version": "0", "lessThan": "29.5.1", **AFFECTED}),
        engine({"version": "0", "lessThan": "4.71.0", **AFFECTED}, product="Docker Desktop"),
        engine({"version": "0", "lessThan": "7", **AFFECTED}, vendor="redhat", product="openshift"),
    ) == [("engine", ["< 29.5.1"], []), ("desktop", ["< 4.71.0"], [])]


NOTHING = {"vendor": "n/a", "product": "n/a", "versions": [{"version": "n/a", "status": "affected"}]}


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Docker before 1.3.3 lets images escape.", [("engine", ["< 1.3.3"], [])]),
        ("Docker Engine through 18.06.1 has a flaw, fixed in 18.09.0.", [("engine", ["<= 18.06.1"], ["18.09.0"])]),
        ("libcontainer in Docker Engine before 1.6.1 follows links.", [("engine", ["< 1.6.1"], [])]),
        ("runc through 1.0-rc6 lets containers overwrite it.", [("runc", ["<= 1.0-rc6"], [])]),
        ("Docker has a flaw.", [("engine", [], [])]),
        ("A flaw in docker on Red Hat Enterprise Linux 7.", []),
        ("Log4j before 2.15 runs code.", []),
        ("", []),
    ],
)
def test_the_range_may_stand_in_the_words_alone(description: str, expected: Said) -> None:
    assert claims(NOTHING, description=description) == expected


def test_words_about_another_product_than_the_fields_are_left_out() -> None:
    found = claims(
        engine({"version": "< 29.5.1", **AFFECTED}),
        description="Docker Engine before 29.5.1 has a flaw, like Docker Desktop before 4.71.0.",
    )
    assert found == [("engine", ["< 29.5.1"], []), ("engine", ["< 29.5.1"], [])]


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ([{"format": "CVSS", "cvssV3_1": {"vectorString": HIGH, "baseSeverity": "HIGH"}}], [(Severity.HIGH, 7.8)]),
        ([{"cvssV3_0": {"vectorString": HIGH.replace("3.1", "3.0")}}], [(Severity.HIGH, 7.8)]),
        ([{"cvssV4_0": {"vectorString": V4}}], [(Severity.HIGH, 8.6)]),
        ([{"cvssV2_0": {"vectorString": V2}}], [(Severity.HIGH, 7.5)]),
        ([{"cvssV3_1": {"vectorString": HIGH, "baseScore": 2.0, "baseSeverity": "LOW"}}], [(Severity.HIGH, 7.8)]),
        ([{"cvssV3_1": {"vectorString": "CVSS:3.1/AV:X", "baseSeverity": "MEDIUM"}}], [(Severity.MEDIUM, None)]),
        ([{"cvssV3_1": {"baseSeverity": "NONE"}}], []),
        ([{"other": {"type": "ssvc", "content": {"cvssV3_1": HIGH}}}], []),
        (
            [{"cvssV4_0": {"vectorString": V4}, "cvssV3_1": {"vectorString": HIGH}}],
            [(Severity.HIGH, 8.6), (Severity.HIGH, 7.8)],
        ),
        (None, []),
    ],
)
def test_the_severity_is_computed_from_the_authoritys_vectors(
    metrics: Any, expected: list[tuple[Severity, float | None]]
) -> None:
    found = only(read("cve-records", record({"metrics": metrics})))
    assert [(s.severity, s.base) for s in found.scores] == expected
    assert {(s.by, s.own) for s in found.scores} <= {("GitHub_M", True)}


def test_what_others_added_counts_for_the_severity_only() -> None:
    adp = [
        {
            "providerMetadata": {"shortName": "CISA-ADP"},
            "title": "CISA ADP Vulnrichment",
            "metrics": [{"other": {"type": "ssvc"}}, {"cvssV3_1": {"vectorString": CRITICAL}}],
            "affected": [engine({"version": "0", "lessThan": "99.0.0", **AFFECTED})],
            "descriptions": [{"lang": "en", "value": "Docker before 99.0.0 is bad."}],
        },
        {"title": "CVE Program Container", "references": []},
        {"metrics": [{"cvssV3_1": {"vectorString": HIGH}}]},
    ]
    found = only(read("cve-records", record({"metrics": [{"cvssV3_1": {"vectorString": HIGH}}]}, adp=adp)))
    assert [(s.by, s.own, s.severity) for s in found.scores] == [
        ("GitHub_M", True, Severity.HIGH),
        ("CISA-ADP", False, Severity.CRITICAL),
        ("ADP", False, Severity.HIGH),
    ]
    assert said(found.claims) == [("engine", ["< 29.5.1"], [])]


def test_a_rejected_record_comes_back_withdrawn_with_the_reason() -> None:
    cna = {"rejectedReasons": [{"lang": "en", "value": "Use CVE-2031-9999  instead."}]}
    body = record(None, state="REJECTED", dateRejected="2031-06-01T00:00:00Z")
    body["containers"] = {"cna": cna}
    found = only(read("cve-records", body))
    assert found.withdrawn == datetime(2031, 6, 1, tzinfo=UTC)
    assert found.withdrawn_reason == "Use CVE-2031-9999 instead."
    assert (found.claims, found.mentions) == ((), ("CVE-2031-9999",))
    del body["cveMetadata"]["dateRejected"]
    assert only(read("cve-records", body)).withdrawn == datetime(2031, 5, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cna", "title"),
    [
        ({}, "An archive runs a program"),
        ({"title": None}, "A flaw."),
        ({"title": "  much \n space "}, "much space"),
        ({"title": None, "descriptions": [{"lang": "en", "value": "First. Second."}]}, "First"),
        ({"title": None, "descriptions": [{"lang": "fr", "value": "Non"}, {"lang": "en-US", "value": "Yes"}]}, "Yes"),
        ({"title": None, "descriptions": None}, CVE),
        ({"title": None, "descriptions": [{"lang": "en", "value": "word " * 100}]}, ("word " * 31).strip() + "..."),
    ],
)
def test_a_title_is_the_authoritys_else_the_first_sentence_else_the_id(cna: dict[str, Any], title: str) -> None:
    assert only(read("cve-records", record(cna))).title == title


@pytest.mark.parametrize("missing", ["title", "descriptions", "affected", "metrics", "references"])
@pytest.mark.parametrize("value", [None, [], {}, ""])
def test_a_record_lacking_any_field_is_still_one(missing: str, value: Any) -> None:
    found = only(read("cve-records", record({missing: value})))
    assert (found.id, bool(found.title)) == (CVE, True)


@pytest.mark.parametrize("field", ["datePublished", "dateUpdated", "assignerShortName", "state"])
def test_metadata_may_lack_anything_but_the_id(field: str) -> None:
    assert only(read("cve-records", record(**{field: None}))).id == CVE


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (f"{CVE} is incomplete.", ()),
        ("Incomplete fix of CVE-2030-1111.", ("CVE-2030-1111",)),
        ("As in CVE-2030-1.", ()),
    ],
)
def test_other_cves_in_the_words_are_mentioned_and_no_alias(words: str, mentions: tuple[str, ...]) -> None:
    found = only(read("cve-records", record({"descriptions": [{"lang": "en", "value": words}]})))
    assert (found.mentions, found.aliases) == (mentions, ())


def ssvc(*options: Any, timestamp: Any = "2026-05-19T10:00:00.000Z", name: str = "CISA-ADP") -> dict[str, Any]:
    content = {"id": CVE, "options": list(options), "role": "CISA Coordinator", "timestamp": timestamp}
    return {
        "providerMetadata": {"shortName": name},
        "metrics": [{"other": {"type": "ssvc", "content": content}}, {"other": {"type": "kev", "content": {}}}],
    }


POC = ({"Exploitation": "poc"}, {"Automatable": "no"}, {"Technical Impact": "total"})
ACTIVE = ({"Exploitation": "Active"}, {"Automatable": "YES"}, {"Technical Impact": "partial"})


def test_the_decision_points_of_cisa_are_read() -> None:
    found = only(read("cve-records", record(adp=[ssvc(*POC)]))).ssvc
    assert found is not None
    assert (found.exploitation, found.automatable, found.technical_impact) == ("poc", "no", "total")


def test_the_newest_decision_counts_and_only_cisas() -> None:
    later = ssvc(*ACTIVE, timestamp="2026-06-19T10:00:00Z")
    both = only(read("cve-records", record(adp=[later, ssvc(*POC)]))).ssvc
    assert both is not None
    assert (both.exploitation, both.automatable, both.technical_impact) == ("active", "yes", "partial")
    assert only(read("cve-records", record(adp=[ssvc(*POC, name="another")]))).ssvc is None


@pytest.mark.parametrize(
    "container",
    [
        ssvc(),
        ssvc(None, 7, "poc", ["poc"]),
        ssvc({"Exploitation": "certain"}, {"Automatable": None}, {"Technical Impact": ["total"]}),
        ssvc({"Exploitation": ""}, timestamp="x" * 5000),
        {"providerMetadata": {"shortName": "CISA-ADP"}, "metrics": [{"other": {"type": "ssvc", "content": []}}]},
        {"providerMetadata": {"shortName": "CISA-ADP"}, "metrics": {"other": {}}},
        {"providerMetadata": "CISA-ADP", "metrics": []},
    ],
)
def test_what_is_no_decision_is_left_out(container: object) -> None:
    assert only(read("cve-records", record(adp=[container]))).ssvc is None


@pytest.mark.parametrize("timestamp", [None, 7, "", "yesterday", "2026-05-19T10:00:00", "9999-99-99T00:00:00Z"])
def test_a_decision_without_a_date_that_can_be_read_is_one_all_the_same(timestamp: object) -> None:
    found = only(read("cve-records", record(adp=[ssvc(*POC, timestamp=timestamp)]))).ssvc
    assert found is not None
    assert found.decided is None
