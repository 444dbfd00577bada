"""The answers of `navtex benchmark list` and `show`.  Pure; their JSON is a contract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from feeds.advisories.editions import label
from feeds.advisories.records import EDITIONS, Advisory, Edition
from notifier.assessment.editions import EngineLine
from notifier.domain.hosts import Hosts
from notifier.schemas.fields import Count, GeneratedAt, Package, ReadAt, Url, Version, whole


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
