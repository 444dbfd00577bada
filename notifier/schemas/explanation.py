"""The answer of `navtex explain`: a verdict and its evidence.  Pure; its JSON is a contract."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from feeds.advisories.cis_editions import label
from feeds.advisories.records import EDITIONS, Rank, Read
from feeds.verdicts.weighing import EvidenceEntry, EvidenceRole, Status
from notifier.schemas.fields import (
    MOMENT,
    Aliases,
    Cvss,
    Epss,
    FixedIn,
    Kev,
    KindField,
    Minimum,
    OptionalSsvc,
    Package,
    PackageVerified,
    Product,
    RankField,
    ReadAt,
    Reason,
    SeverityField,
    SourceOnly,
    Title,
    UpgradeNote,
    UpgradePackage,
    UpgradeTo,
    Url,
    VerdictField,
    Version,
    whole,
)


class EvidenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one record says of a version, and what weight that has."""

    source: Annotated[
        str, Meta(description="the source's name; corrections and corrections-own are the reviewed corrections")
    ]
    rank: RankField
    weight: Annotated[EvidenceRole, Meta(description="how the record counts in the verdict")]
    says: Annotated[str, Meta(description="its ranges and fixed releases")]
    verdict: Annotated[
        Status | None,
        Meta(
            description="what it says of this version; null if nothing",
            extra_json_schema={"enum": [Status.AFFECTED.value, Status.NOT_AFFECTED.value, None]},
        ),
    ]
    reason: Annotated[str, Meta(description="why")]
    words: Annotated[tuple[str, ...], Meta(description="the words or fields it was read from")]
    never_released: Annotated[tuple[str, ...], Meta(description="fixed releases that it names and that do not exist")]
    read_at: ReadAt
    url: Annotated[str, Meta(description="its page")]


class ExplainedVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one component."""

    product: Product
    version: Version
    package: Package
    verdict: VerdictField
    reason: Reason
    fixed_in: FixedIn
    upgrade_to: UpgradeTo
    minimum: Minimum
    upgrade_package: UpgradePackage
    package_verified: PackageVerified
    source_only: SourceOnly
    upgrade_note: UpgradeNote
    evidence: Annotated[
        tuple[EvidenceRow, ...], Meta(description="every record about the product, the one with the most weight first")
    ]


class DoubtRow(msgspec.Struct, frozen=True, kw_only=True):
    """A name that a source gives the advisory and that is not believed."""

    name: Annotated[str, Meta(description="the other name")]
    source: Annotated[str, Meta(description="the source that gives it")]
    url: Annotated[str, Meta(description="its record")]


class VerdictExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """An advisory, and the verdict on each component of a host or on one version."""

    advisory: Annotated[str, Meta(description="its name")]
    aliases: Aliases
    kind: KindField
    title: Title
    severity: SeverityField
    cvss: Cvss
    kev: Kev
    epss: Epss
    ssvc: OptionalSsvc
    withdrawn: Annotated[datetime | None, MOMENT, Meta(description="when it was withdrawn")]
    url: Url
    doubts: Annotated[
        tuple[DoubtRow, ...],
        Meta(
            description="names that a source gives the advisory and that are not believed: "
            "each belongs to a CVE with a record of its own"
        ),
    ]
    host: Annotated[str | None, Meta(description="the host; null if a version was given")]
    verdicts: Annotated[
        tuple[ExplainedVerdict, ...], Meta(description="one for each component that the advisory is about")
    ]


def evidence_row(entry: EvidenceEntry) -> EvidenceRow:
    """The row of one piece of evidence."""
    return EvidenceRow(
        source=entry.source,
        rank=entry.rank.name.lower(),
        weight=entry.role,
        says=entry.ranges,
        verdict=entry.status,
        reason=entry.reason,
        words=entry.words,
        never_released=entry.unreleased,
        read_at=whole(entry.read_at),
        url=entry.url,
    )


def edition_evidence(reads: Iterable[Read], status: Status) -> tuple[EvidenceRow, ...]:
    """What each source says of an edition of the CIS benchmark. The reviewed list decides when it came out."""
    ordered = sorted(reads, key=lambda r: r.source != EDITIONS)
    return tuple(_edition_row(read, status, first=not number) for number, read in enumerate(ordered))


def _edition_row(read: Read, status: Status, *, first: bool) -> EvidenceRow:
    record, edition = read.record, read.record.edition
    assert edition is not None
    published = edition.dated or (f"{record.published:%Y-%m-%d}" if record.published else "date not published")
    lines = ", ".join((edition.line,) if edition.line else edition.engines)
    return EvidenceRow(
        source=read.source,
        rank=(Rank.CORRECTION if read.source == EDITIONS else Rank.VENDOR).name.lower(),
        weight=EvidenceRole.DECIDES if first else EvidenceRole.AGREES,
        says=f"{label(edition)}, {published}" + (f", for Docker Engine {lines}" if lines else ""),
        verdict=status if status is Status.AFFECTED and first else None,
        reason=record.reason,
        words=(record.title,),
        never_released=(),
        read_at=whole(read.at),
        url=record.url,
    )
