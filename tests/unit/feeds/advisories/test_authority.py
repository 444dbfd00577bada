"""Which source may speak of which product, and what its word weighs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from feeds.advisories.authority import Precedence
from feeds.advisories.facts import Contents
from feeds.advisories.merging import merge
from feeds.advisories.records import PRODUCTS, Rank, Read, Record, Score, Severity
from feeds.advisories.releases import gathered
from feeds.sources.github_advisories import SOURCES as GITHUB
from feeds.verdicts.weighing import EvidenceSet, Status
from feeds.versions.products import GO_ARCHIVE
from tests.support.documents import page, read, records
from tests.support.records import claim, tags
from tests.support.records import read as made

AT = datetime(2031, 1, 1, tzinfo=UTC)
CVE = "CVE-2031-31133"


def advisory(ghsa: str, *entries: tuple[str, str, str], **fields: Any) -> dict[str, Any]:
    return {
        "ghsa_id": ghsa,
        "cve_id": CVE,
        "summary": "A flaw",
        "description": "",
        "vulnerabilities": [
            {"package": {"ecosystem": "go", "name": name}, "vulnerable_version_range": low, "patched_versions": fixed}
            for name, low, fixed in entries
        ],
    } | fields


BUILDX = records(read("buildx-advisories", [advisory("GHSA-2222-3333-4444", ("runc", "< 1.1.2", "1.1.2"))]))
RUNC = records(read("runc-advisories", [advisory("GHSA-5555-6666-7777", ("runc", "< 1.3.3", "1.3.3"))]))


def verdict(*found: list[Record], product: str = "runc", version: str) -> Status:
    (one,) = merge(Read(r, f"source-{i}", "d", AT) for i, some in enumerate(found) for r in some)
    return EvidenceSet(one, product).decide(version).status


def test_a_repository_speaks_as_vendor_of_its_own_product_only() -> None:
    assert {c.rank for r in RUNC for c in r.claims} == {Rank.VENDOR}
    assert {(c.product, c.rank) for r in BUILDX for c in r.claims} == {("runc", Rank.OTHERS)}
    mixed = advisory("GHSA-2222-3333-4444", ("github.com/docker/buildx", "< 0.9", ""), ("runc", "< 1.1.2", ""))
    (record,) = records(read("buildx-advisories", [mixed]))
    assert {c.product: c.rank for c in record.claims} == {"buildx": Rank.VENDOR, "runc": Rank.OTHERS}


@pytest.mark.parametrize("version", ["1.1.2", "1.2.0", "1.3.2"])
def test_what_others_say_repairs_nothing_that_the_maker_calls_affected(version: str) -> None:
    assert verdict(RUNC, BUILDX, version=version) is Status.AFFECTED
    assert verdict(BUILDX, RUNC, version=version) is Status.AFFECTED


def test_nor_does_it_clear_what_only_fixes_tell() -> None:
    notes = [made(claim("", "1.3.3", product="runc"), name=CVE, source="notes").record]
    assert verdict(notes, BUILDX, version="1.2.0") is Status.AFFECTED
    assert verdict(notes, version="1.2.0") is Status.AFFECTED


def test_it_decides_where_nobody_else_says_anything() -> None:
    assert verdict(BUILDX, version="1.1.1") is Status.AFFECTED
    assert verdict(BUILDX, version="1.1.2") is Status.NOT_AFFECTED


def test_dockers_announcements_are_the_makers_word_on_dockers_products_only() -> None:
    article = (
        "<h2 id=a>Docker Security Advisory</h2><p>runc 1.1.1 and earlier are affected.</p><p>Docker Engine 25.0.1 and"
    )
    found = records(read("docker-announcements", page(f"{article} earlier are affected.</p>"), "page"))
    assert {c.product: c.rank for r in found for c in r.claims} == {"runc": Rank.OTHERS, "engine": Rank.VENDOR}


MODULES = {
    "engine": ("moby", "github.com/moby/moby/v2", "Docker Engine"),
    "cli": ("github.com/docker/cli",),
    "containerd": ("github.com/containerd/containerd",),
    "runc": ("github.com/opencontainers/runc",),
    "buildkit": ("github.com/moby/buildkit",),
    "buildx": ("github.com/docker/buildx",),
    "compose": ("github.com/docker/compose/v2",),
    "desktop": ("Docker Desktop",),
}
"""By product: what an advisory may call it."""
REPOSITORIES = {s.name: s.product for s in GITHUB}
OWN = {product: names[0] for product, names in MODULES.items()} | {GO_ARCHIVE: "github.com/moby/go-archive"}
FORGED = (("< 0.0.1", "0.0.1"), ("< 99.0.0", ""), ("< 2.0.0", "2.0.0"), ("<= 0.1", ""), ("", "0.1.0"))
"""Nothing is affected, everything is, it was repaired long before, or nothing but the fix is told."""
VERSIONS = ("1.0.0", "20.0.0", "20.10.9", "20.10.27", "29.5.0", "29.5.1", "30.0.0")
HARMLESS = "CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"
GHSA = "GHSA-5555-6666-7777"


def numbers(text: str, product: str) -> str:
    """Numbers as a product has them: Desktop's begin with 4."""
    return re.sub(r"\b(?:20|29|30)\.", lambda m: f"{int(m[0][:-1]) - 16}.", text) if product == "desktop" else text


def maker(product: str, *claims: Any) -> list[Read]:
    """What is known of a product's flaw: its maker, an authority that says more or less, and notes of a fix."""
    scores = (Score(by="CNA", severity=Severity.HIGH, base=8.8, own=True, vector="CVSS:3.1/AV:N"),)
    return [
        made(*claims, name=CVE, source="cve-records", precedence=Precedence.CVE_RECORD, scores=scores, published=AT),
        made(*claims, name=GHSA, aliases=(CVE,), source=f"{product}-maker", precedence=Precedence.MAINTAINERS),
    ]


def stated(product: str) -> dict[str, list[Read]]:
    """By how it is known: a range, a range that says nothing of later releases, a fix, or nothing that can be read."""

    def known(affected: str = "", fixed: str = "") -> list[Read]:
        return maker(product, claim(numbers(affected, product), numbers(fixed, product), product=product))

    return {
        "a range": known("< 20.10.9 || >= 29.0.0, < 29.5.1", "20.10.9 29.5.1"),
        "through": known("<= 20.10.9"),
        "a fix": known("", "29.5.1"),
        "no range": known(),
    }


def judged(found: Iterable[Read], product: str) -> tuple[Any, ...]:
    """All that is said of a flaw in a product."""
    about = {a.name: a for a in merge(found)}[CVE]
    case = EvidenceSet(about, product, RELEASES)
    verdicts = [case.decide(numbers(v, product)) for v in VERSIONS]
    return (
        [(v.status, v.fixed_in, v.upgrade_to) for v in verdicts],
        (about.title, about.url, about.severity, about.cvss, about.published, about.withdrawn),
    )


RELEASES = gathered(
    tags(
        " ".join(f"v{numbers(v, p)}" for v in (*VERSIONS, "0.0.1", "0.1.0", "2.0.0", "2.0.0-beta.1")),
        p,
        **{"v29_5_0": "x", "v2_0_0-beta_1": "x"},
    )
    for p in MODULES
)


@pytest.mark.every
@pytest.mark.parametrize("source", REPOSITORIES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_a_forged_advisory_in_any_other_repository_changes_no_verdict(product: str, source: str) -> None:
    own = REPOSITORIES[source]
    if own == product:
        pytest.skip("the maker's own repository")
    fields: dict[str, Any] = {
        "published_at": "1999-01-01T00:00:00Z",
        "html_url": "https://example.org/forged",
        "cvss_severities": {"cvss_v4": {"vector_string": HARMLESS}},
    }
    names = MODULES[product]
    lies = [
        advisory(ghsa, *((n, affected, fixed) for n in (*names, *more)), **fields)
        for ghsa, more in (("GHSA-2222-3333-4444", ()), ("GHSA-2222-3333-4444", (OWN[own],)), (GHSA, (OWN[own],)))
        for affected, fixed in FORGED
    ]
    fields["description"] = f"{names[-1]} before 0.0.1 is affected. It is fixed in 0.0.1."
    lies += [
        advisory("GHSA-2222-3333-4444", **fields),
        advisory("GHSA-2222-3333-4444", (OWN[own], "< 1", ""), **fields),
    ]
    for how, known in stated(product).items():
        before = judged(known, product)
        for lie in lies:
            forged = [Read(r, source, "d", AT) for r in records(read(source, [lie]))]
            found = judged([*forged, *known], product)
            if how == "no range":  # an alarm is believed where nobody states a range, an all-clear is not
                assert Status.NOT_AFFECTED not in {status for status, _, _ in found[0]}, lie
                assert found[1] == before[1], lie
            else:
                assert found == before, (how, lie)


@pytest.mark.parametrize("source", [s for s, p in REPOSITORIES.items() if p != "engine"])
def test_a_repository_says_nothing_of_the_engine_by_the_numbers_of_its_module(source: str) -> None:
    entry = advisory("GHSA-2222-3333-4444", ("github.com/moby/moby/v2", "< 2.0.0-beta.1", ""))
    entry["description"] = "The moby daemon before 2.0.0-beta.1 is affected."
    found = {(c.product, c.rank) for r in records(read(source, [entry])) for c in r.claims}
    assert {rank for product, rank in found if product != REPOSITORIES[source]} == {Rank.OTHERS}


@pytest.mark.parametrize("order", [1, -1])
def test_an_advisory_of_another_repository_joins_no_two_matters(order: int) -> None:
    other = "CVE-2031-31134"
    known = [
        *maker("runc", claim("< 1.3.3", product="runc")),
        made(claim("< 2.0.1", product="containerd"), name=other, source="cve-records", precedence=2),
        made(claim("< 2.0.1", product="containerd"), name="GHSA-8888-9999-cccc", source="containerd-maker",
             aliases=(other,), precedence=Precedence.MAINTAINERS),
    ]  # fmt: skip
    apart = {name: {r.record.id for r in a.records} for a in merge(known) for name in (a.name,)}
    lies = (
        [advisory(GHSA, ("github.com/docker/buildx", "< 1", ""), cve_id=other)],
        [advisory("GHSA-2222-3333-4444", ("github.com/docker/buildx", "< 1", ""), cve_id=c) for c in (CVE, other)],
    )
    for lie in lies:
        # two CVEs that their makers name, and that have a record or are reserved
        for without in ((), ("cve-records",)):
            left = [r for r in known if r.source not in without]
            forged = [Read(r, "a-liar", "d", AT) for r in records(read("buildx-advisories", lie))]
            found = {a.name: {r.record.id for r in a.records if r.source != "a-liar"} for a in merge(
                [*forged, *left][::order])}  # fmt: skip
            names = {name: ids - set(without and (CVE, other)) for name, ids in apart.items()}
            assert {n: ids for n, ids in found.items() if ids} == names, (lie, without)


def test_of_records_that_all_speak_of_other_matters_the_worst_score_counts() -> None:
    def scored(source: str, product: str, severity: Severity) -> Read:
        scores = (Score(by=source, severity=severity, own=True),)
        return made(claim("< 1.0", product=product), name=CVE, source=source, precedence=3, scores=scores)

    found = [scored("a", "runc", Severity.LOW), scored("b", "buildx", Severity.CRITICAL)]
    (about,) = merge(found)
    assert about.severity is Severity.CRITICAL
    assert all(r.aside for r in about.records)


def test_what_an_engine_contains_clears_nothing_where_the_flaw_is_another_products() -> None:
    """An advisory of moby/buildkit about an engine's CVE says whether BuildKit has it, and not whether dockerd does."""
    inside = Contents(product="engine", version="29.5.0", url="u", contains={"buildkit": "0.28.0"})
    notes = made(claim("", "29.5.1"), name=CVE, source="release-notes", precedence=Precedence.FIX)
    forged = [advisory("GHSA-2222-3333-4444", ("github.com/moby/buildkit", "< 0.0.1", "0.0.1"))]
    lie = [Read(r, "buildkit-advisories", "d", AT) for r in records(read("buildkit-advisories", forged))]
    (about,) = merge([notes, *lie])
    releases = gathered([tags("v29.5.0 v29.5.1"), inside])
    assert EvidenceSet(about, "engine", releases).decide("29.5.0").status is Status.AFFECTED
    authority = made(claim("< 0.27.0", product="buildkit"), name=CVE, source="cve-records", precedence=2)
    (about,) = merge([notes, *lie, authority])
    assert EvidenceSet(about, "engine", releases).decide("29.5.0").status is Status.NOT_AFFECTED


def test_what_others_list_keeps_no_withdrawn_advisory_alive() -> None:
    gone = {"withdrawn": AT}
    known = [
        made(claim("< 1.3.3", product="runc"), name=CVE, source=f"s{n}", precedence=p, **gone)
        for n, p in enumerate((Precedence.CVE_RECORD, Precedence.MAINTAINERS))
    ]
    lie = [Read(r, "buildx-advisories", "d", AT) for r in BUILDX]
    (about,) = merge([*known, *lie])
    assert about.withdrawn == AT
