"""The answers of `navtex advisory list` and `show`.  Pure; their JSON is a contract."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from feeds.advisories.records import Advisory, Rank
from notifier.alerts.silences import Assignment, Silence, shown
from notifier.schemas.fields import (
    DAY,
    MOMENT,
    AdvisoryName,
    Aliases,
    Cvss,
    Epss,
    Kev,
    KindField,
    OptionalSsvc,
    RankField,
    ReadAt,
    ScopeWords,
    SeverityField,
    Title,
    Url,
    ssvc_field,
    whole,
)


class AdvisoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One advisory in short."""

    advisory: AdvisoryName
    aliases: Aliases
    kind: KindField
    title: Title
    severity: SeverityField
    cvss: Cvss
    published: Annotated[datetime | None, MOMENT, Meta(description="the earliest date that a source gives")]
    withdrawn: Annotated[datetime | None, MOMENT, Meta(description="when the last of its sources withdrew it")]
    products: Annotated[tuple[str, ...], Meta(description="the products that its statements are about")]
    url: Url


class AdvisoryList(msgspec.Struct, frozen=True, kw_only=True):
    """Advisories, newest first."""

    advisories: Annotated[tuple[AdvisoryRow, ...], Meta(description="newest first, those without a date last")]


class ShownAssignment(msgspec.Struct, frozen=True, kw_only=True):
    """An assignment of the advisory."""

    owner: Annotated[str, Meta(description="who it is assigned to")]
    due: Annotated[date, DAY, Meta(description="the day it is due")]
    scope: ScopeWords
    note: Annotated[str, Meta(description="the note")]


class ShownSilence(msgspec.Struct, frozen=True, kw_only=True):
    """A silence of the advisory."""

    number: Annotated[int, Meta(description="its number", ge=1)]
    scope: ScopeWords
    reason: Annotated[str, Meta(description="the reason")]
    until: Annotated[datetime, MOMENT, Meta(description="when it ends")]


class ShownStatement(msgspec.Struct, frozen=True, kw_only=True):
    """What one document says of a product's versions."""

    source: Annotated[str, Meta(description="the source's name")]
    document: Annotated[str, Meta(description="the address of the document")]
    read_at: ReadAt
    product: Annotated[
        str,
        Meta(
            description="a product, engine-module for the Go module github.com/moby/moby/v2, or go-archive for the "
            "library inside the engine"
        ),
    ]
    rank: RankField
    affected: Annotated[tuple[str, ...], Meta(description="the affected ranges as read")]
    fixed: Annotated[tuple[str, ...], Meta(description="the releases named as fixed")]
    words: Annotated[str, Meta(description="the words or fields it was read from")]


class AdvisoryDetail(AdvisoryRow, frozen=True, kw_only=True):
    """One advisory with everything that its sources say."""

    summary: Annotated[str, Meta(description="the description of the source with the highest precedence")]
    kev: Kev
    epss: Epss
    ssvc: OptionalSsvc
    mentions: Annotated[tuple[str, ...], Meta(description="other vulnerabilities that it mentions")]
    kept_because: Annotated[
        tuple[str, ...], Meta(description="why it was kept, for sources of which only some entries are")
    ]
    in_hand: Annotated[tuple[ShownAssignment, ...], Meta(description="who it is assigned to")]
    silences: Annotated[tuple[ShownSilence, ...], Meta(description="the silences that have not ended")]
    claims: Annotated[tuple[ShownStatement, ...], Meta(description="every statement about affected versions")]


def advisory_row(found: Advisory) -> AdvisoryRow:
    """The row of an advisory."""
    return AdvisoryRow(
        advisory=found.name,
        aliases=found.aliases,
        kind=found.kind,
        title=found.title,
        severity=found.severity,
        cvss=found.cvss,
        published=whole(found.published) if found.published else None,
        withdrawn=whole(found.withdrawn) if found.withdrawn else None,
        products=tuple(sorted(found.products)),
        url=found.url,
    )


def advisory_detail(found: Advisory, assignments: list[Assignment], silences: list[Silence]) -> AdvisoryDetail:
    """Everything about an advisory, with its assignments and the silences that last."""
    return AdvisoryDetail(
        **msgspec.structs.asdict(advisory_row(found)),
        summary=found.summary,
        kev=found.exploited is not None,
        epss=found.epss,
        ssvc=ssvc_field(found.ssvc),
        mentions=tuple(sorted(found.mentions)),
        kept_because=tuple(r.record.reason for r in found.records if r.record.reason),
        in_hand=tuple(
            ShownAssignment(owner=h.owner, due=h.due, scope=shown(h.scope), note=h.note) for h in assignments
        ),
        silences=tuple(
            ShownSilence(number=s.id, scope=shown(s.scope), reason=s.reason, until=whole(s.until)) for s in silences
        ),
        claims=tuple(
            ShownStatement(
                source=read.source,
                document=read.document,
                read_at=whole(read.at),
                product=claim.product,
                rank=(min(claim.rank, Rank.PROSE) if claim.prose else claim.rank).name.lower(),
                affected=tuple(map(str, claim.affected)),
                fixed=tuple(claim.fixed),
                words=claim.words,
            )
            for claim, read in found.claims
        ),
    )
