"""Which source may speak of which product, and what its word weighs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from feeds.advisories.merging import merge
from feeds.advisories.records import Rank, Read, Record
from feeds.verdicts.evidence import EvidenceSet, Status
from tests.support.documents import page, read, records
from tests.support.records import claim
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


REPOSITORIES = {
    "engine": ("moby-advisories", "github.com/moby/moby/v2"),
    "buildkit": ("buildkit-advisories", "github.com/moby/buildkit"),
    "containerd": ("containerd-advisories", "github.com/containerd/containerd"),
    "runc": ("runc-advisories", "github.com/opencontainers/runc"),
    "cli": ("cli-advisories", "github.com/docker/cli"),
    "compose": ("compose-advisories", "github.com/docker/compose"),
    "buildx": ("buildx-advisories", "github.com/docker/buildx"),
}
FORGED = (("< 0.0.1", "0.0.1"), ("< 99.0.0", ""), ("< 2.0.0", "2.0.0"))
"""Nothing is affected, everything is, and it was repaired long before."""


@pytest.mark.parametrize("product", REPOSITORIES)
def test_a_forged_advisory_in_any_other_repository_changes_no_verdict(product: str) -> None:
    source, name = REPOSITORIES[product]
    name = "moby" if product == "engine" else name
    maker = records(read(source, [advisory("GHSA-5555-6666-7777", (name, "< 5.0.0", "5.0.0"))]))
    assert {(c.product, c.rank) for r in maker for c in r.claims} == {(product, Rank.VENDOR)}
    versions = ("1.0.0", "3.0.0", "4.9.9", "5.0.0", "6.0.0")
    before = [verdict(maker, product=product, version=v) for v in versions]
    assert before == [Status.AFFECTED] * 3 + [Status.NOT_AFFECTED] * 2
    for other, _ in REPOSITORIES.values():
        for affected, fixed in FORGED if other != source else ():
            liar = records(read(other, [advisory("GHSA-2222-3333-4444", (name, affected, fixed))]))
            for found in ((maker, liar), (liar, maker)):
                assert [verdict(*found, product=product, version=v) for v in versions] == before, (other, affected)
