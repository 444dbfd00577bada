"""Field types that several JSON shapes share, each with its bounds and its description.  Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from feeds.advisories.records import PRODUCTS, Kind, Rank, Severity
from feeds.advisories.ssvc import Automatable, Exploitation, Ssvc, TechnicalImpact
from feeds.verdicts.weighing import Status

MOMENT_PATTERN: Final = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"
_DAY: Final = {"pattern": r"^\d{4}-\d{2}-\d{2}$"}
_MOMENT: Final = {"pattern": MOMENT_PATTERN}
DAY: Final = Meta(extra_json_schema=_DAY)
MOMENT: Final = Meta(extra_json_schema=_MOMENT)
PRODUCT: Final = Meta(extra_json_schema={"enum": [*PRODUCTS]})


def _points(kind: type[StrEnum]) -> Meta:
    return Meta(extra_json_schema={"enum": [*(one.value for one in kind), None]})


Count = Annotated[int, Meta(ge=0)]
Product = Annotated[str, PRODUCT, Meta(description="the product")]
Version = Annotated[str, Meta(description="its version")]
Package = Annotated[str | None, Meta(description="the package it came in: NAME VERSION")]
AdvisoryName = Annotated[str, Meta(description="the advisory's name: its CVE, else its GHSA id, else the source's own")]
Aliases = Annotated[tuple[str, ...], Meta(description="its other names")]
KindField = Annotated[Kind, Meta(description="what it is about", extra_json_schema={"enum": [k.value for k in Kind]})]
Title = Annotated[str, Meta(description="what the advisory is about")]
Url = Annotated[str, Meta(description="the page of the source with the highest precedence")]
SeverityField = Annotated[
    Severity | None,
    Meta(description="null if unscored", extra_json_schema={"enum": [*(s.value for s in Severity), None]}),
]
WorstSeverity = Annotated[
    Severity | None,
    Meta(
        description="the worst severity; null if that is unscored, which ranks between high and medium",
        extra_json_schema={"enum": [*(s.value for s in Severity), None]},
    ),
]
Cvss = Annotated[
    float | None,
    Meta(
        description="the CVSS base score", extra_json_schema={"type": ["number", "null"], "minimum": 0, "maximum": 10}
    ),
]
Epss = Annotated[
    float | None,
    Meta(
        description="the EPSS probability", extra_json_schema={"type": ["number", "null"], "minimum": 0, "maximum": 1}
    ),
]


class SsvcField(msgspec.Struct, frozen=True, kw_only=True):
    """CISA's decision points (SSVC); null for one that was not decided."""

    exploitation: Annotated[str | None, _points(Exploitation), Meta(description="what is known of exploitation")]
    automatable: Annotated[str | None, _points(Automatable), Meta(description="whether an attack can be automated")]
    technical_impact: Annotated[
        str | None, _points(TechnicalImpact), Meta(description="how much control an attacker gains")
    ]

    def __str__(self) -> str:
        """In words: "exploitation poc, automatable no, technical impact total"."""
        points = {name.replace("_", " "): value for name, value in msgspec.structs.asdict(self).items()}
        return ", ".join(f"{name} {value}" for name, value in points.items() if value)


OptionalSsvc = Annotated[SsvcField | None, Meta(description="CISA's decision points; null if it published none")]


def ssvc_field(found: Ssvc | None) -> SsvcField | None:
    """CISA's decision points as JSON writes them."""
    return (
        SsvcField(
            exploitation=found.exploitation, automatable=found.automatable, technical_impact=found.technical_impact
        )
        if found
        else None
    )


Kev = Annotated[bool, Meta(description="whether it is listed as known exploited")]
VerdictField = Annotated[Status, Meta(description="the verdict", extra_json_schema={"enum": [s.value for s in Status]})]
Reason = Annotated[str, Meta(description="the range and the source that decide the verdict")]
FixedIn = Annotated[
    tuple[str, ...],
    Meta(description="fixed releases above the version, lowest first; empty if it is not affected"),
]
UpgradeTo = Annotated[
    str | None,
    Meta(
        description="the release to upgrade to: of the component's upgrades the one that closes the most, if it closes "
        "this; the same as in `navtex plan`. Null if no release that closes it can be installed"
    ),
]
Minimum = Annotated[
    str | None,
    Meta(description="the lowest release of its line that closes it; of all, where the product has no lines"),
]
UpgradePackage = Annotated[
    str | None,
    Meta(
        description="the version of the package, or the file of the static build, that brings it, as the index of the "
        "host's channel lists it; null if it was not verified"
    ),
]
PackageVerified = Annotated[
    bool | None,
    Meta(
        description="whether the index of the host's channel has the package; null if there is no upgrade, or the "
        "product comes in no package of Docker's"
    ),
]
SourceOnly = Annotated[
    tuple[str, ...],
    Meta(description="fixed releases of the host's own line that have a tag, but no package for its distribution"),
]
UpgradeNote = Annotated[str | None, Meta(description="which other package brings the upgrade; null if none does")]
Tags = Annotated[dict[str, str], Meta(description="the host's tags")]
RankField = Annotated[
    str,
    Meta(
        description="how much weight its source has",
        extra_json_schema={"enum": [r.name.lower() for r in sorted(Rank, reverse=True)]},
    ),
]
GeneratedAt = Annotated[datetime, MOMENT, Meta(description="when the command ran")]
ReadAt = Annotated[datetime, MOMENT, Meta(description="when it was first read with these words")]
ScopeWords = Annotated[str, Meta(description="which hosts and products it covers; empty for all")]


def whole(at: datetime) -> datetime:
    """A moment in UTC and whole seconds, as JSON writes it: 2026-04-15T10:00:00Z."""
    return at.astimezone(UTC).replace(microsecond=0)
