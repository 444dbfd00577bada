"""The answers of `navtex benchmark list` and `show`.  Pure; their JSON is a contract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from feeds.advisories.cis_editions import edition_id, label
from feeds.advisories.records import EDITIONS, Advisory, Edition
from notifier.assessment.benchmark_editions import EngineLine
from notifier.domain.audits import Audit, AuditDue, AuditTool
from notifier.domain.hosts import Hosts
from notifier.schemas.fields import MOMENT, Count, GeneratedAt, Package, ReadAt, Tags, Url, Version, whole


class Precision(StrEnum):
    """What the date of an edition is."""

    DAY = "day"
    MONTH = "month"
    NO_LATER_THAN = "no-later-than"


_PRECISION = Meta(
    description="what the date is: the day or the month that it came out in, or the latest day that it can have "
    "come out on; null if the date is not published",
    extra_json_schema={"enum": [*(p.value for p in Precision), None]},
)
EditionName = Annotated[str, Meta(description="its name")]


class EditionHosts(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts that an edition is for."""

    count: Count
    names: Annotated[tuple[str, ...], Meta(description="a few of them; `benchmark show` names all")]


class EditionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One edition of the CIS Docker benchmark."""

    edition: EditionName
    title: Annotated[str, Meta(description="its title")]
    version: Annotated[str, Meta(description="its version")]
    date: Annotated[
        str | None,
        Meta(
            description="2025-07-01, or 2025-07 where only the month is known; null if the date is not published",
            extra_json_schema={"pattern": r"^\d{4}-\d{2}(-\d{2})?$"},
        ),
    ]
    date_precision: Annotated[Precision | None, _PRECISION]
    engines: Annotated[
        tuple[str, ...],
        Meta(description="the engine lines it is for: those it names, those maintained when it came out"),
    ]
    hosts: Annotated[EditionHosts, Meta(description="the hosts whose edition it is")]
    supersedes: Annotated[str | None, Meta(description="the edition before it")]
    superseded_by: Annotated[str | None, Meta(description="the edition after it")]
    url: Annotated[str, Meta(description="the page to download it from")]


class EditionList(msgspec.Struct, frozen=True, kw_only=True):
    """The editions of the CIS Docker benchmark."""

    generated_at: GeneratedAt
    editions: Annotated[tuple[EditionRow, ...], Meta(description="newest first")]


class EngineLineRow(msgspec.Struct, frozen=True, kw_only=True):
    """An engine line, and why the edition is for it."""

    line: Annotated[str, Meta(description="the engine line")]
    reason: Annotated[str, Meta(description="why the edition is for it")]


class EditionEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where an edition is known from."""

    source: Annotated[str, Meta(description="the source's name; cis-editions is the reviewed list that ships")]
    says: Annotated[str, Meta(description="what it says of the edition")]
    document: Annotated[str, Meta(description="the document it was read in")]
    read_at: ReadAt


class EditionHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host whose edition it is."""

    host: Annotated[str, Meta(description="the host")]
    version: Version
    package: Package
    reason: Annotated[str, Meta(description="why the edition is for it")]


class EditionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One edition with the reasons for its engine lines, its evidence and its hosts."""

    generated_at: GeneratedAt
    edition: EditionName
    title: Annotated[str, Meta(description="its title")]
    version: Annotated[str, Meta(description="its version")]
    date: Annotated[
        str | None,
        Meta(
            description="2025-07-01, or 2025-07 where only the month is known; null if the date is not published",
            extra_json_schema={"pattern": r"^\d{4}-\d{2}(-\d{2})?$"},
        ),
    ]
    date_precision: Annotated[Precision | None, _PRECISION]
    engines: Annotated[tuple[EngineLineRow, ...], Meta(description="the engine lines it is for")]
    hosts: Annotated[tuple[EditionHost, ...], Meta(description="every host whose edition it is, by name")]
    supersedes: Annotated[str | None, Meta(description="the edition before it")]
    superseded_by: Annotated[str | None, Meta(description="the edition after it")]
    evidence: Annotated[tuple[EditionEvidence, ...], Meta(description="where it is known from")]
    url: Annotated[Url, Meta(description="the page to download it from")]


class FailedCheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """A check that failed."""

    id: Annotated[str, Meta(description="its number in the benchmark, else the tool's own name for it")]
    title: Annotated[str, Meta(description="its title")]


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """An audit of a host."""

    edition: Annotated[str | None, Meta(description="the edition it was made against; null if that is not known")]
    doubt: Annotated[str | None, Meta(description="why the edition is not certain; null where it is")]
    at: Annotated[datetime, MOMENT, Meta(description="when it was made")]
    tool: Annotated[AuditTool, Meta(description="the tool", extra_json_schema={"enum": [t.value for t in AuditTool]})]
    score: Annotated[
        float | None,
        Meta(
            description="the score as the tool counts it; null if it gives none",
            extra_json_schema={"type": ["number", "null"]},
        ),
    ]
    passed: Annotated[Count, Meta(description="checks that passed")]
    failed: Annotated[Count, Meta(description="checks that failed")]
    other: Annotated[Count, Meta(description="checks that were skipped, not applicable or only informative")]
    failed_checks: Annotated[
        tuple[FailedCheckRow, ...] | None,
        Meta(description="the checks that failed, as far as the tool listed them; null if it listed none at all"),
    ]


class HostAudit(msgspec.Struct, frozen=True, kw_only=True):
    """A host, the edition that is due for it and its audit."""

    host: Annotated[str, Meta(description="the host")]
    tags: Tags
    due: Annotated[str | None, Meta(description="the edition that is due for it; null if none is known to be")]
    due_reason: Annotated[str | None, Meta(description="why that edition")]
    reasons: Annotated[
        tuple[AuditDue, ...],
        Meta(
            description="why it is to be audited; empty if its audit is up to date",
            extra_json_schema={"items": {"enum": [r.value for r in AuditDue]}},
        ),
    ]
    upgraded_at: Annotated[
        datetime | None, MOMENT, Meta(description="the import that first saw its engine upgraded; null if none did")
    ]
    audit: Annotated[
        AuditRow | None, Meta(description="the audit that counts: the latest against the edition due, else the latest")
    ]


class HostAudits(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts and their audits."""

    generated_at: GeneratedAt
    hosts: Annotated[tuple[HostAudit, ...], Meta(description="by name")]


def audit_row(audit: Audit) -> AuditRow:
    """The row of an audit."""
    edition = audit.edition
    checks = tuple(FailedCheckRow(id=c.id, title=c.title) for c in audit.failures)
    return AuditRow(
        edition=edition_id(edition.line, edition.version) if edition else None,
        doubt=audit.doubt or None,
        at=whole(audit.at),
        tool=audit.tool,
        score=audit.score,
        passed=audit.passed,
        failed=audit.failed,
        other=audit.other,
        failed_checks=checks if audit.listed else None,
    )


def dated(edition: Edition, advisory: Advisory) -> tuple[str | None, Precision | None]:
    """The date of an edition, and what it is."""
    text = edition.dated.removeprefix("by ")
    if edition.dated.startswith("by "):
        return text, Precision.NO_LATER_THAN
    if text:
        return text, Precision.DAY if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else Precision.MONTH
    if advisory.published:
        return f"{advisory.published.astimezone(UTC):%Y-%m-%d}", Precision.DAY
    return None, None


def edition_row(
    of: tuple[Edition, Advisory], near: tuple[Advisory | None, Advisory | None], lines: Iterable[str], hosts: Hosts
) -> EditionRow:
    """The row of an edition; `near` are the ones before and after it."""
    edition, advisory = of
    date, precision = dated(edition, advisory)
    return EditionRow(
        edition=advisory.name,
        title=advisory.title,
        version=edition.version,
        date=date,
        date_precision=precision,
        engines=tuple(lines),
        hosts=EditionHosts(count=hosts.count, names=hosts.names),
        supersedes=near[0].name if near[0] else None,
        superseded_by=near[1].name if near[1] else None,
        url=advisory.url,
    )


def edition_detail(
    row: EditionRow, advisory: Advisory, lines: Iterable[EngineLine], hosts: Sequence[EditionHost], now: datetime
) -> EditionDetail:
    """An edition with everything that is known about it."""
    return EditionDetail(
        generated_at=whole(now),
        edition=row.edition,
        title=row.title,
        version=row.version,
        date=row.date,
        date_precision=row.date_precision,
        engines=tuple(EngineLineRow(line=x.name, reason=x.reason) for x in lines),
        hosts=tuple(hosts),
        supersedes=row.supersedes,
        superseded_by=row.superseded_by,
        evidence=tuple(
            EditionEvidence(
                source=r.source,
                says=r.record.reason if r.source == EDITIONS else f"lists {label(e)}",
                document=r.document,
                read_at=whole(r.at),
            )
            for r in advisory.records
            if (e := r.record.edition)
        ),
        url=row.url,
    )
