"""Distributions' records through OSV, and the Go vulnerability database: two users of one format."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from feeds.advisories.records import Advisory, Kind, Rank, Read, Severity, VersionStatement
from feeds.verdicts.distribution_packages import PackageCase
from feeds.verdicts.weighing import EvidenceSet, Status
from tests.support.documents import AT, SOURCE, asks, only, read, records, said

CVE, OTHER = "CVE-2024-41110", "CVE-2024-29018"
DEBIAN = ("Debian:12", "docker.io")
HIGH = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"


OURS = {"package": {"ecosystem": "Debian:12", "name": "docker.io"}}


def vulnerability(
    *events: dict[str, str], ecosystem: str = "Debian:12", name: str = "docker.io", **fields: Any
) -> dict[str, Any]:
    return {
        "id": f"DEBIAN-{CVE}",
        "upstream": [CVE],
        "details": "Plugins can be bypassed.",
        "published": "2024-07-24T17:00:00Z",
        "modified": "2024-08-01T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": name, "purl": "pkg:deb/debian/docker.io"},
                "ranges": [{"type": "ECOSYSTEM", "events": list(events) or [{"introduced": "0"}]}],
            }
        ],
        "references": [
            {"type": "ADVISORY", "url": f"https://security-tracker.debian.org/tracker/{CVE}"},
            {"type": "WEB", "url": "https://example.org/"},
        ],
    } | fields


def osv(*vulnerabilities: dict[str, Any], form: str = "Debian:12/docker.io", **answer: Any) -> list[Any]:
    return records(read("osv", {"vulns": list(vulnerabilities)} | answer, form))


def test_one_question_is_posted_for_each_package_of_a_distribution() -> None:
    found = asks(SOURCE["osv"], packages=[("Ubuntu:22.04:LTS", "docker.io-app"), DEBIAN])
    assert [(a.url, json.loads(a.body), a.form, a.robots) for a in found] == [
        (
            "https://api.osv.dev/v1/query",
            {"package": {"ecosystem": ecosystem, "name": name}},
            f"{ecosystem}/{name}",
            False,
        )
        for ecosystem, name in (
            DEBIAN,
            ("Ubuntu:22.04:LTS", "docker.io-app"),
            ("Ubuntu:Pro:22.04:LTS", "docker.io-app"),
        )
    ]
    assert len({a.name for a in found}) == 3
    assert [a.optional for a in found] == [False, False, True]
    assert asks(SOURCE["osv"]) == []


def test_a_distributions_record_is_its_claim_about_its_package() -> None:
    (record,) = osv(vulnerability({"introduced": "0"}, {"fixed": "20.10.24+dfsg1-1+deb12u1"}))
    assert (record.id, record.kind, record.title) == (CVE, Kind.VULNERABILITY, "Plugins can be bypassed.")
    assert record.url == f"https://security-tracker.debian.org/tracker/{CVE}"
    assert record.published == datetime(2024, 7, 24, 17, tzinfo=UTC)
    (claim,) = record.claims
    assert (claim.product, claim.package, claim.ecosystem, claim.rank) == (
        "engine",
        "docker.io",
        "Debian:12",
        Rank.DISTRIBUTION,
    )
    assert said([claim]) == [("engine", ["< 20.10.24+dfsg1-1+deb12u1"], ["20.10.24+dfsg1-1+deb12u1"])]
    assert claim.words == f"DEBIAN-{CVE}: Debian:12 docker.io fixed in 20.10.24+dfsg1-1+deb12u1"


@pytest.mark.parametrize(
    ("events", "affected", "fixed"),
    [
        ([{"introduced": "0"}], ["all versions"], []),
        ([{"introduced": "0"}, {"last_affected": "20.10.5-1"}], ["<= 20.10.5-1"], []),
        ([{"introduced": "18.09.1-1"}, {"fixed": "20.10.5-1"}], [">= 18.09.1-1, < 20.10.5-1"], ["20.10.5-1"]),
        (
            [{"introduced": "0"}, {"fixed": "18.09.1-1"}, {"introduced": "20.10.0-1"}, {"fixed": "20.10.5-1"}],
            ["< 18.09.1-1", ">= 20.10.0-1, < 20.10.5-1"],
            ["18.09.1-1", "20.10.5-1"],
        ),
    ],
)
def test_events_say_what_is_affected_and_no_fixed_one_means_unfixed(
    events: list[dict[str, str]], affected: list[str], fixed: list[str]
) -> None:
    (record,) = osv(vulnerability(*events))
    assert said(record.claims) == [("engine", affected, fixed)]
    assert record.claims[0].words.endswith(f"fixed in {', '.join(fixed)}" if fixed else "unfixed")


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"upstream": [CVE, OTHER]}, [CVE, OTHER]),
        ({"upstream": None, "aliases": [CVE]}, [CVE]),
        ({"upstream": [CVE], "aliases": [CVE, "GHSA-v23v-6jw2-98fq"]}, [CVE]),
        ({"id": "ALSA-2024:1", "upstream": None, "related": [CVE, OTHER]}, [CVE, OTHER]),
        ({"upstream": [CVE], "related": [OTHER]}, [CVE]),
        ({"upstream": ["GO-2024-3005"]}, []),
        ({"upstream": []}, []),
        ({"upstream": CVE}, []),
    ],
)
def test_a_record_is_about_the_cves_that_it_names(fields: dict[str, Any], names: list[str]) -> None:
    assert [r.id for r in osv(vulnerability(**fields))] == names


@pytest.mark.parametrize(
    "fields",
    [
        {"ecosystem": "Debian:11"},
        {"ecosystem": "Debian:13"},
        {"ecosystem": "Ubuntu:22.04:LTS"},
        {"name": "golang-github-docker-docker"},
        {"affected": None},
        {"affected": [{"package": None}]},
        {"affected": [OURS]},
        {
            "affected": [
                {
                    "package": {"ecosystem": "Debian:12", "name": "docker.io"},
                    "ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}],
                }
            ]
        },
    ],
)
def test_what_is_said_of_another_package_or_release_is_left_out(fields: dict[str, Any]) -> None:
    kept = vulnerability(id="DSA-1", upstream=[OTHER])
    assert [r.id for r in osv(vulnerability(**fields), kept)] == [OTHER]


@pytest.mark.parametrize("version", ["one two", "", "\u0662.1", "9" * 5000, "1.2/3"])
def test_a_version_that_cannot_be_read_costs_the_record_and_no_other(version: str) -> None:
    strange = vulnerability({"introduced": "0"}, {"fixed": version} if version else {"introduced": "x y"})
    assert [r.id for r in osv(strange, vulnerability(upstream=[OTHER]))] == [OTHER]


def test_a_withdrawn_record_takes_no_standing_one_with_it() -> None:
    withdrawn = vulnerability({"introduced": "0"}, id="DSA-1", withdrawn="2025-01-01T00:00:00Z")
    standing = vulnerability({"introduced": "0"}, {"fixed": "20.10.25-1"})
    for answer in ([withdrawn, standing], [standing, withdrawn]):
        (record,) = osv(*answer)
        assert record.withdrawn is None
        assert said(record.claims) == [("engine", ["< 20.10.25-1"], ["20.10.25-1"])]
    assert osv(withdrawn) == []


def test_two_records_of_one_cve_add_up() -> None:
    first = vulnerability({"introduced": "0"}, {"fixed": "20.10.25-1"})
    second = vulnerability({"introduced": "0"}, {"fixed": "20.10.25-1"}, id="DSA-1")
    (record,) = osv(first, second)
    assert [c.words.partition(":")[0] for c in record.claims] == [f"DEBIAN-{CVE}", "DSA-1"]


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ([{"type": "CVSS_V3", "score": HIGH}], [(Severity.HIGH, 7.8)]),
        ([{"type": "Ubuntu", "score": "medium"}], []),
        ([{"type": "CVSS_V3", "score": "high"}], []),
        (None, []),
    ],
)
def test_a_distributions_rating_is_a_third_partys(severity: Any, expected: list[tuple[Severity, float]]) -> None:
    (record,) = osv(vulnerability(severity=severity))
    assert [(s.severity, s.base) for s in record.scores] == expected
    assert [(s.by, s.own) for s in record.scores] == [("Debian", False)] * len(expected)


@pytest.mark.parametrize(
    ("references", "url"),
    [
        ([{"url": "javascript:alert(1)"}, {"url": "https://a.example/"}], "https://a.example/"),
        ([{"url": "http://a.example/"}, {"url": None}, None], f"https://osv.dev/vulnerability/DEBIAN-{CVE}"),
        ([], f"https://osv.dev/vulnerability/DEBIAN-{CVE}"),
        (None, f"https://osv.dev/vulnerability/DEBIAN-{CVE}"),
    ],
)
def test_the_link_is_the_first_that_is_one(references: Any, url: str) -> None:
    (record,) = osv(vulnerability(references=references))
    assert record.url == url


def test_a_long_answer_goes_on_with_its_token() -> None:
    parsed = read("osv", {"vulns": [vulnerability()], "next_page_token": "abc"}, "Debian:12/docker.io")
    (ask,) = parsed.follow
    assert json.loads(ask.body) == {"package": {"ecosystem": "Debian:12", "name": "docker.io"}, "page_token": "abc"}
    assert (ask.form, len(parsed.items)) == ("Debian:12/docker.io", 1)
    assert read("osv", {"next_page_token": "abc"}, "Debian:12/docker.io").follow == (ask,)


@pytest.mark.parametrize(
    ("form", "ecosystem", "name", "fixed", "product"),
    [
        ("Ubuntu:22.04:LTS/docker.io-app", "Ubuntu:22.04:LTS", "docker.io-app", "26.1.3-0ubuntu1~22.04.1", "engine"),
        ("Alpine:v3.20/docker", "Alpine:v3.20", "docker", "26.1.5-r0", "engine"),
        ("AlmaLinux:9/runc", "AlmaLinux:9", "runc", "4:1.1.12-2.el9", "runc"),
        ("Rocky Linux:9/containerd", "Rocky Linux:9", "containerd", "0:1.7.1-1.el9", "containerd"),
        ("Debian:12/runc", "Debian:12", "runc", "1.1.5+ds1-1+deb12u1", "runc"),
    ],
)
def test_each_distribution_writes_its_versions_its_own_way(
    form: str, ecosystem: str, name: str, fixed: str, product: str
) -> None:
    (record,) = osv(vulnerability({"introduced": "0"}, {"fixed": fixed}, ecosystem=ecosystem, name=name), form=form)
    assert said(record.claims) == [(product, [f"< {fixed}"], [fixed])]


def advisory(record: Any, source: str = "osv") -> Advisory:
    return Advisory(
        name=record.id,
        aliases=(),
        kind=record.kind,
        title=record.title,
        summary="",
        url=record.url,
        severity=None,
        cvss=None,
        published=None,
        withdrawn=None,
        records=(Read(record, source, "https://example.org/", AT),),
    )


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("20.10.24+dfsg1-1", Status.AFFECTED),
        ("20.10.24+dfsg1-1+b3", Status.AFFECTED),
        ("20.10.24+dfsg1-1+deb12u1", Status.NOT_AFFECTED),
        ("20.10.24+dfsg1-1+deb12u1+b6", Status.NOT_AFFECTED),
        ("20.10.25+dfsg1-1", Status.NOT_AFFECTED),
    ],
)
def test_the_distributions_word_decides_about_its_own_package(version: str, status: Status) -> None:
    (record,) = osv(vulnerability({"introduced": "0"}, {"fixed": "20.10.24+dfsg1-1+deb12u1"}))
    verdict = PackageCase(advisory(record), "docker.io", "Debian:12").decide(version)
    assert verdict is not None
    assert verdict.status is status


GO = "GO-2024-3005"
ENTRY = {
    "id": GO,
    "aliases": [CVE, "GHSA-v23v-6jw2-98fq"],
    "summary": "Moby authz zero length regression in github.com/moby/moby",
    "details": "Plugins can be bypassed.",
    "published": "2024-07-30T00:00:00Z",
    "modified": "2024-08-01T00:00:00Z",
}


def module(name: str, *events: dict[str, str], custom: list[dict[str, str]] | None = None) -> dict[str, Any]:
    ranges = [{"type": "SEMVER", "events": list(events) or [{"introduced": "0"}]}]
    specific = {"custom_ranges": [{"type": "ECOSYSTEM", "events": custom}]} if custom else {"imports": []}
    return {"package": {"name": name, "ecosystem": "Go"}, "ranges": ranges, "ecosystem_specific": specific}


def go(*affected: dict[str, Any], **fields: Any) -> Any:
    return only(read("go-vulndb", ENTRY | {"affected": list(affected)} | fields, "entry"))


RUNC = "github.com/opencontainers/runc"
DOCKER, MOBY, MODULE = "github.com/docker/docker", "github.com/moby/moby", "github.com/moby/moby/v2"


def test_the_index_leads_to_the_entries_of_our_modules_and_to_no_others() -> None:
    index = [
        {"path": "github.com/docker/docker", "vulns": [{"id": "GO-2024-3005"}, {"id": "GO-2022-0390"}]},
        {"path": "github.com/moby/moby/v2", "vulns": [{"id": "GO-2024-3005"}]},
        {"path": "github.com/containerd/containerd/v2", "vulns": [{"id": "GO-2025-1"}, {"id": "../../etc/passwd"}, {}]},
        {"path": "github.com/moby/moby/api", "vulns": [{"id": "GO-2025-2"}]},
        {"path": "github.com/example/docker", "vulns": [{"id": "GO-2025-3"}]},
        {"path": "github.com/docker/compose", "vulns": None},
        None,
    ]
    parsed = read("go-vulndb", index, "index")
    assert parsed.items == ()
    assert [(a.url, a.form, a.robots) for a in parsed.follow] == [
        (f"https://vuln.go.dev/ID/{name}.json", "entry", False)
        for name in ("GO-2025-1", "GO-2024-3005", "GO-2022-0390")
    ]


def test_an_entry_is_one_vulnerability_under_its_other_names() -> None:
    record = go(module(RUNC, {"introduced": "1.0.0-rc93"}, {"fixed": "1.1.12"}))
    assert (record.id, record.aliases) == (GO, (CVE, "GHSA-v23v-6jw2-98fq"))
    assert (record.url, record.summary) == (f"https://pkg.go.dev/vuln/{GO}", "Plugins can be bypassed.")
    assert record.published == datetime(2024, 7, 30, tzinfo=UTC)
    assert record.withdrawn is None
    assert said(record.claims) == [("runc", [">= 1.0.0-rc93, < 1.1.12"], [])]
    assert [c.rank for c in record.claims] == [Rank.MODULE]
    assert go(module(RUNC), withdrawn="2025-01-01T00:00:00Z").withdrawn == datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("aliases", [None, "CVE-2024-41110", [], [None, "", "None", "BIT-docker-2024-41110", "x\0y"]])
def test_what_is_no_name_of_a_vulnerability_is_no_alias(aliases: Any) -> None:
    assert go(module(RUNC), aliases=aliases).aliases == ()


@pytest.mark.parametrize(
    ("name", "product", "rank"),
    [
        (RUNC, "runc", Rank.MODULE),
        ("github.com/moby/buildkit", "buildkit", Rank.MODULE),
        ("github.com/docker/buildx", "buildx", Rank.MODULE),
        ("github.com/docker/cli", "cli", Rank.TRANSLATED),
        (MODULE, "engine-module", Rank.TRANSLATED),
    ],
)
def test_a_modules_numbers_are_as_good_as_they_are_the_products(name: str, product: str, rank: Rank) -> None:
    (claim,) = go(module(name, {"introduced": "0"}, {"fixed": "1.2.3"})).claims
    assert (claim.product, claim.rank, said([claim])) == (product, rank, [(product, ["< 1.2.3"], [])])


@pytest.mark.parametrize(
    ("name", "events", "affected", "unaffected"),
    [
        (DOCKER, [{"introduced": "0"}, {"fixed": "27.1.1+incompatible"}], ["< 27.1.1"], [">= 27.1.1"]),
        (DOCKER, [{"introduced": "19.03.0+incompatible"}], [">= 19.03.0, < 29"], ["< 19.03.0"]),
        (
            "github.com/containerd/containerd",
            [{"introduced": "1.7.0"}, {"fixed": "1.7.29"}],
            [">= 1.7.0, < 1.7.29"],
            ["< 1.7.0", ">= 1.7.29"],
        ),
    ],
)
def test_a_module_that_ended_speaks_of_the_releases_that_it_held(
    name: str, events: list[dict[str, str]], affected: list[str], unaffected: list[str]
) -> None:
    (claim,) = go(module(name, *events)).claims
    assert [str(s) for s in claim.affected] == affected
    assert [str(s) for s in claim.unaffected] == unaffected
    assert claim.partial


def test_a_module_without_ranges_beside_a_sibling_with_ranges_is_one_that_nobody_spoke_of() -> None:
    record = go(module(DOCKER), module(MODULE, {"introduced": "0"}, {"fixed": "2.0.0-beta.14"}))
    assert said(record.claims) == [("engine-module", ["< 2.0.0-beta.14"], [])]
    alone = go(module(DOCKER))
    assert [p for p, _, _ in said(alone.claims)] == ["engine"]
    both = go(module(DOCKER), module(MODULE))
    assert [p for p, _, _ in said(both.claims)] == ["engine", "engine-module"]


def test_custom_ranges_narrow_what_the_forced_ones_can_only_widen() -> None:
    record = go(module(RUNC, custom=[{"introduced": "1.0.0"}, {"fixed": "1.1.12"}]))
    assert said(record.claims) == [("runc", [">= 1.0.0, < 1.1.12"], [])]


BROKEN = [
    [{"introduced": "0"}, {"fixed": "soon"}],
    [{"introduced": "what"}],
    [{"introduced": "0"}, {"fixed": "1.0.0"}, {"introduced": "1.1.0"}, {"fixed": "9" * 5000}],
    [{"fixed": "1.2.3"}],
    [{}],
]


@pytest.mark.parametrize("events", BROKEN)
@pytest.mark.parametrize("name", [DOCKER, RUNC, "github.com/containerd/containerd"])
def test_a_range_that_cannot_be_read_never_looks_safe(name: str, events: list[dict[str, str]]) -> None:
    record = go(module(name, *events))
    (claim,) = record.claims
    assert (claim.affected, claim.unaffected, claim.fixed) == ((), (), ())
    assert "no range that can be read" in claim.words
    verdict = EvidenceSet(advisory(record, "go-vulndb"), claim.product).decide("1.1.11")
    assert verdict.status is Status.UNKNOWN


def test_ranges_of_commits_are_no_ranges_of_versions() -> None:
    commits = module(RUNC)
    commits["ranges"] = [{"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "1f2e3d"}]}]
    (claim,) = go(commits).claims
    assert claim == VersionStatement(product="runc", rank=Rank.MODULE, words=f"{RUNC}: no range that can be read")


def test_an_entry_of_a_library_claims_nothing() -> None:
    assert go(module("github.com/moby/moby/api"), module("github.com/example/x")).claims == ()


@pytest.mark.parametrize(
    ("words", "of_runc"),
    [
        ("* podman: files are overwritten (CVE-2030-11111)", False),
        ("* podman: files are\n  overwritten (CVE-2030-11111)", False),
        ("Fixes: * podman: files are overwritten (CVE-2030-11111) * runc: a leak (CVE-2030-22222)", False),
        ("- CVE-2030-11111 podman: files are overwritten", False),
        ("* runc/libcontainer: mounts are followed (CVE-2030-11111)", True),
        ("* golang: net/http: memory (CVE-2030-11111)", True),
    ],
)
def test_an_erratum_of_a_module_says_whose_a_cve_is(words: str, of_runc: bool) -> None:
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1:1.1.12-6.module_el8"}]}]
    entry = {
        "id": "ALSA-2030:1",
        "details": f"The module has tools, notably podman and runc.\n\n{words}",
        "related": ["CVE-2030-11111"],
        "affected": [
            {"package": {"ecosystem": "AlmaLinux:8", "name": n}, "ranges": ranges} for n in ("podman", "runc")
        ],
    }
    assert [r.id for r in osv(entry, form="AlmaLinux:8/runc")] == (["CVE-2030-11111"] if of_runc else [])
