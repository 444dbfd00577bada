"""Whose version a number is: Go modules, modules of a distribution, unknown products, tables, and single versions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from feeds.advisories.merging import merge
from feeds.advisories.records import Kind, Read, Record
from feeds.verdicts.distribution_packages import PackageCase
from feeds.verdicts.weighing import EvidenceSet, Status
from tests.support.documents import only, page, read, records, said

CVE, OTHER = "CVE-2031-11111", "CVE-2031-22222"
AT = datetime(2031, 1, 1, tzinfo=UTC)


def status(found: list[Record], product: str, version: str, name: str = CVE) -> Status:
    advisory = next(a for a in merge(Read(r, "s", "d", AT) for r in found) if name in a.names)
    return EvidenceSet(advisory, product).decide(version).status


def affected(low: str, high: str) -> dict[str, str]:
    return {"version": low, "lessThan": high, "status": "affected", "versionType": "semver"}


def entry(product: str, *versions: dict[str, str], **fields: str) -> dict[str, Any]:
    return {"vendor": "Docker", "product": product, "versions": list(versions), "defaultStatus": "unaffected"} | fields


def cve_record(*entries: dict[str, Any]) -> list[Record]:
    return records(
        read(
            "cve-records",
            {
                "cveMetadata": {"cveId": CVE, "state": "PUBLISHED", "assignerShortName": "Docker"},
                "containers": {
                    "cna": {"affected": list(entries), "descriptions": [{"lang": "en", "value": "A flaw."}]}
                },
            },
        )
    )


OWN = entry("Docker Engine", affected("0", "25.0.99"), affected("26.0.0", "29.8.99"))


@pytest.mark.parametrize(
    "module",
    [
        entry("Docker Engine", affected("v26.0.0", "*"), packageName="github.com/docker/docker/daemon"),
        entry("Docker Engine storage", affected("v26.0.0", "*"), packageName="github.com/docker/docker"),
        entry("Docker Engine", affected("0", "*"), packageURL="pkg:golang/github.com/docker/docker"),
        entry("Moby", affected("v2.0.0-beta.0", "v2.0.0-beta.99"), packageName="github.com/moby/moby/v2/daemon"),
        entry("Docker Engine", affected("0", "*"), packageName="github.com/moby/moby/client"),
        entry("Docker Engine", affected("0", "0.2.0"), packageName="github.com/moby/go-archive"),
        entry("Docker Engine", affected("0", "*"), packageName="github.com/docker/docker-credential-helpers"),
    ],
)
def test_the_numbers_of_a_module_are_not_the_engines(module: dict[str, Any]) -> None:
    for entries in ((OWN, module), (module, OWN)):
        found = cve_record(*entries)
        engine = [(p, a) for p, a, _ in said(only_of(found)) if p == "engine"]
        assert engine == [("engine", ["< 25.0.99"]), ("engine", [">= 26.0.0, < 29.8.99"])]
        assert [status(found, "engine", v) for v in ("29.8.98", "29.8.99", "29.9.3", "24.0.1", "25.0.99")] == [
            Status.AFFECTED,
            Status.NOT_AFFECTED,
            Status.NOT_AFFECTED,
            Status.AFFECTED,
            Status.NOT_AFFECTED,
        ]


def only_of(found: list[Record]) -> Any:
    (record,) = found
    return record.claims


@pytest.mark.parametrize("name", ["packageName", "packageURL"])
@pytest.mark.parametrize(
    ("path", "product", "inside", "after"),
    [
        ("github.com/docker/docker/libnetwork", "engine", "28.5.2", "29.1.0"),
        ("github.com/containerd/containerd", "containerd", "1.7.30", "2.1.0"),
        ("github.com/docker/compose", "compose", "1.29.2", "2.40.0"),
    ],
)
def test_an_open_range_of_a_module_ends_with_the_module(
    name: str, path: str, product: str, inside: str, after: str
) -> None:
    package = path if name == "packageName" else f"pkg:golang/{path}"
    found = cve_record(entry("Something", affected("0", "*"), **{name: package}))
    assert status(found, product, inside) is Status.AFFECTED
    assert status(found, product, after) is Status.UNKNOWN


def test_a_maintainers_open_range_of_a_module_ends_with_it_too() -> None:
    package = {"ecosystem": "go", "name": "github.com/docker/docker"}
    advisory = {
        "ghsa_id": "GHSA-2222-3333-4444",
        "cve_id": CVE,
        "summary": "A flaw",
        "description": "",
        "vulnerabilities": [{"package": package, "vulnerable_version_range": ">= 26.0.0", "patched_versions": ""}],
    }
    found = records(read("moby-advisories", [advisory]))
    assert status(found, "engine", "28.5.2") is Status.AFFECTED
    assert status(found, "engine", "29.5.1") is Status.UNKNOWN


UNKNOWN = (
    "Docker Sandboxes",
    "Docker MCP Gateway",
    "Docker MCP Toolkit",
    "Docker Agent",
    "Docker Model Runner",
    "Docker Offload",
    "Docker Frobnicator",
    "Docker Quick Thing",
)


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_product_of_dockers_is_none_of_ours(name: str) -> None:
    article = (
        f"<h2 id=a>{name} 0.42.0 security update: {CVE}</h2><p>A flaw in {name} was fixed in the 0.42.0 release:"
        f"</p><ul><li>Addressed {CVE}, a leak. Versions 0.28.0 up to but not including 0.42.0 are affected. [High]</li>"
        f"</ul><p>{name} 0.41.0 and earlier are vulnerable.</p>"
    )
    found = records(read("docker-announcements", page(article), "page"))
    assert [(r.kind, r.claims) for r in found] == [(Kind.ANNOUNCEMENT, ())]
    in_field = cve_record(entry(name, affected("0", "0.42.0")))
    assert only_of(in_field) == ()
    assert only_of(cve_record(entry(name.lower(), affected("0", "0.42.0")))) == ()


@pytest.mark.parametrize(
    "act", ["Docker fixed this in 1.2.0.", "Docker has released 1.2.0, which fixes it.", "Docker recommends 1.2.0."]
)
def test_what_the_company_does_is_said_of_no_product(act: str) -> None:
    article = f"<h2 id=a>Docker Agent: {CVE}</h2><h3>{CVE} (High)</h3><p>The agent before 1.2.0 leaks. {act}</p>"
    assert [r.claims for r in records(read("docker-announcements", page(article), "page"))] == [()]


@pytest.mark.parametrize("name", ["Docker", "Docker Engine", "Docker Swarm Engine", "Moby", "Docker Daemon"])
def test_the_engine_is_still_known_by_its_names(name: str) -> None:
    assert [c.product for c in only_of(cve_record(entry(name, affected("0", "29.1.0"))))] == ["engine"]


def release(*items: str) -> list[Record]:
    listed = "".join(f"<li>{i}</li>" for i in items)
    article = f"<h2 id=d>Docker Desktop 4.90.0 security update: {CVE}</h2><p>Fixed in 4.90.0:</p><ul>{listed}</ul>"
    return records(read("docker-announcements", page(article), "page"))


@pytest.mark.parametrize(
    ("words", "ranges"),
    [
        (f"Fixed {CVE} where a setting was ignored in Docker Desktop 4.89.0 only.", ["= 4.89.0"]),
        (f"Fixed {CVE}. Only Docker Desktop 4.89.0 is affected.", ["= 4.89.0"]),
        (f"Fixed {CVE} in Docker Desktop 4.89.0 only.", ["= 4.89.0"]),
        (f"Fixed {CVE}. Only version 4.89.0 of Docker Desktop is affected.", ["= 4.89.0"]),
        (f"Fixed {CVE}. Docker Desktop 4.89.0 is the only affected version.", ["= 4.89.0"]),
        (f"Fixed {CVE}, which affects only Docker Desktop 4.89.0.", ["= 4.89.0"]),
        (f"Fixed {CVE}, which affects Docker Desktop 4.88.0 and 4.89.0.", ["= 4.88.0", "= 4.89.0"]),
        (f"Fixed {CVE} in Docker Desktop versions 4.80.0 through 4.89.0.", [">= 4.80.0, <= 4.89.0"]),
        (f"Fixed {CVE}, a leak of tokens.", ["< 4.90.0"]),
    ],
)
def test_an_announcement_affects_what_its_cve_affects(words: str, ranges: list[str]) -> None:
    announcement, single = release(words)
    assert (announcement.kind, single.id) == (Kind.ANNOUNCEMENT, CVE)
    for record in (announcement, single):
        assert [a for _, a, _ in said(record.claims)] == [ranges]
        assert record.claims[0].fixed == ("4.90.0",)


def test_an_announcement_of_two_cves_affects_what_either_does() -> None:
    announcement, *_ = release(
        f"Fixed {CVE} in Docker Desktop 4.89.0 only.", f"Fixed {OTHER}, which affects Docker Desktop before 4.85.0."
    )
    assert [a for _, a, _ in said(announcement.claims)] == [["= 4.89.0", "< 4.85.0"]]


HEADINGS = ("Patched versions", "Fixed in", "Fixed Version", "Patched Versions", "Resolved in")


@pytest.mark.parametrize("heading", HEADINGS)
@pytest.mark.parametrize("cell", [">= 9.0.2 and >= 8.0.9", "v9.0.2, v8.0.9", "9.0.2 / 8.0.9", ">= v9.0.2 or >= v8.0.9"])
def test_the_column_of_fixed_versions_is_read_on_the_page_and_in_markdown(heading: str, cell: str) -> None:
    markdown = (
        f"## Docker Security Advisory: runc\n\n| Product | Affected versions | {heading} |\n| :-- | :-- | :-- |\n"
        f"| `runc` | <= 9.0.1 and <= 8.0.8 | {cell} |\n"
    )
    cells = (("th", "Product", "Affected versions", heading), ("td", "runc", "<= 9.0.1 and <= 8.0.8", cell))
    rows = "".join(
        f"<tr>{''.join(f'<{tag}>{c}</{tag}>'.replace('= ', '= ').replace('<= ', '&lt;= ') for c in row)}</tr>"
        for tag, *row in cells
    )
    article = f"<h2 id=x>Docker Security Advisory: runc</h2><table>{rows}</table>"
    for form, body in (("markdown", markdown), ("page", page(article))):
        (claim,) = only(read("docker-announcements", body, form)).claims
        assert (claim.product, [str(s) for s in claim.affected]) == ("runc", ["<= 9.0.1", "<= 8.0.8"])
        assert claim.fixed == ("9.0.2", "8.0.9")


@pytest.mark.parametrize(
    "words",
    [
        "The issue has been fixed in runc >= v9.0.2 and >= v8.0.9.",
        "runc <= 9.0.1 is affected; fixed in >= 9.0.2 and >= 8.0.9.",
        "Patched in runc v9.0.2 and v8.0.9.",
        "runc: resolved in 9.0.2 and 8.0.9.",
    ],
)
def test_fixed_in_an_inequality_is_a_fix(words: str) -> None:
    article = f"<h2 id=x>Docker Security Advisory: runc</h2><p>In runc &lt;= 9.0.1 is a flaw.</p><p>{words}</p>"
    (claim,) = only(read("docker-announcements", page(article), "page")).claims
    assert set(claim.fixed) == {"9.0.2", "8.0.9"}


def erratum(*packages: str, details: str, fixed: str = "1:1.2.3-4.module_el8+1+ab") -> dict[str, Any]:
    return {
        "id": "ALSA-2031:1",
        "summary": "Important: container-tools:rhel8 security update",
        "details": details,
        "related": [CVE, OTHER],
        "affected": [
            {
                "package": {"ecosystem": "AlmaLinux:8", "name": name},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }
            for name in packages
        ],
    }


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (f"* podman: a flaw ({CVE})\n* runc: a flaw ({OTHER})", [OTHER]),
        (f"  * podman: a flaw ({CVE})\n  * buildah: a flaw ({OTHER})", []),
        (f"- containers/podman: a flaw ({CVE})\n- opencontainers/runc: a flaw ({OTHER})", [OTHER]),
        (f"* skopeo: two flaws ({CVE}, {OTHER})", []),
        (f"* golang: net/http: a flaw ({CVE})\n* netavark: a flaw ({OTHER})", [CVE]),
        (f"Fixes of {CVE} and {OTHER}", [CVE, OTHER]),
    ],
)
def test_an_erratum_of_a_module_is_about_the_package_that_its_words_name(details: str, expected: list[str]) -> None:
    answer = {"vulns": [erratum("podman", "runc", "buildah", details=details)]}
    assert [r.id for r in records(read("osv", answer, "AlmaLinux:8/runc"))] == expected


def ubuntu(*found: tuple[str, list[dict[str, str]]]) -> dict[str, Any]:
    packages = [
        {
            "package": {"ecosystem": ecosystem, "name": "docker.io-app"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, *events]}],
        }
        for ecosystem, events in found
    ]
    return {"vulns": [{"id": f"UBUNTU-{CVE}", "upstream": [CVE], "details": "A flaw.", "affected": packages}]}


FREE, PRO = "Ubuntu:20.04:LTS", "Ubuntu:Pro:20.04:LTS"


@pytest.mark.parametrize(
    ("answer", "version", "expected", "words"),
    [
        ([(PRO, [{"fixed": "26.1.3-0ubuntu1~20.04.1+esm1"}])], "26.1.3-0ubuntu1~20.04.1+esm1", False, "Ubuntu Pro"),
        ([(PRO, [{"fixed": "26.1.3-0ubuntu1~20.04.1+esm1"}])], "24.0.7-0ubuntu2~20.04.1", True, "only with Ubuntu Pro"),
        ([(FREE, []), (PRO, [{"fixed": "26.1.3-0ubuntu1+esm1"}])], "26.1.3-0ubuntu1+esm1", False, "Ubuntu Pro"),
        ([(FREE, [{"fixed": "26.1.3-0ubuntu2"}]), (PRO, [{"fixed": "26.1.3-0ubuntu3+esm1"}])], "26.1.3-0ubuntu2", False,
         "fixed in"),
        ([(PRO, [])], "26.1.3-0ubuntu1+esm1", True, "unfixed"),
        ([("Ubuntu:Pro:FIPS:20.04:LTS", [{"fixed": "1.0"}]), (FREE, [])], "26.1.3-0ubuntu2", True, "unfixed"),
    ],
)  # fmt: skip
def test_a_fix_with_a_subscription_is_one_and_says_so(
    answer: list[tuple[str, list[dict[str, str]]]], version: str, expected: bool, words: str
) -> None:
    found = records(read("osv", ubuntu(*answer), f"{FREE}/docker.io-app"))
    (advisory,) = merge(Read(r, "osv", "d", AT) for r in found)
    verdict = PackageCase(advisory, "docker.io", FREE).decide(version)
    assert verdict is not None
    assert (verdict.status is Status.AFFECTED) is expected
    assert words in verdict.reason
