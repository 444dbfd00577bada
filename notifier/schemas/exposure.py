"""The answers of `navtex exposure` and `check`: rows, and groups by advisory, version or host.

Pure; their JSON is a contract (docs/reference/json.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from feeds.advisories.records import Level
from feeds.verdicts.weighing import Status
from notifier.schemas.fields import (
    DAY,
    MOMENT,
    AdvisoryName,
    Aliases,
    Count,
    Cvss,
    Epss,
    FixedIn,
    GeneratedAt,
    Kev,
    Minimum,
    OptionalSsvc,
    Package,
    PackageVerified,
    Product,
    Reason,
    ScopeWords,
    SeverityField,
    SourceOnly,
    Tags,
    Title,
    UpgradeNote,
    UpgradePackage,
    UpgradeTo,
    Url,
    VerdictField,
    Version,
    WorstSeverity,
)

_WORST_FIRST = Meta(description="worst first; unscored ranks between high and medium")
_Due = Annotated[date | None, DAY, Meta(description="the earliest due date of the hosts; null without one")]
_OverdueHosts = Annotated[
    Count, Meta(description="on how many hosts the due date has passed; hosts for which it is silenced do not count")
]
_LEVELS = (Level.CRITICAL, Level.HIGH, Level.MEDIUM, Level.LOW, Level.UNSCORED)


def _counted(words: Iterable[str]) -> Meta:
    """Bounds of an object that counts by these words."""
    names = list(words)
    counts = {w: {"type": "integer", "minimum": 0, "description": f"how many are {w}"} for w in names}
    return Meta(extra_json_schema={"properties": counts, "required": names})


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """One host (or none, if a version was asked for), one component, one advisory, and the verdict."""

    host: Annotated[str | None, Meta(description="the host; null if a version was asked for")]
    tags: Tags
    product: Product
    version: Version
    package: Package
    advisory: AdvisoryName
    aliases: Aliases
    title: Title
    verdict: VerdictField
    reason: Reason
    severity: SeverityField
    cvss: Cvss
    kev: Kev
    epss: Epss
    ssvc: OptionalSsvc
    fixed_in: FixedIn
    upgrade_to: UpgradeTo
    minimum: Minimum
    upgrade_package: UpgradePackage
    package_verified: PackageVerified
    source_only: SourceOnly
    upgrade_note: UpgradeNote
    url: Url
    silenced_until: Annotated[
        datetime | None,
        MOMENT,
        Meta(description="the end of the last silence in force that covers this on this host; null without one"),
    ]
    first_exposed: Annotated[
        date | None,
        DAY,
        Meta(description="the day since which the host has been exposed without a break; null if it is not"),
    ]
    due: Annotated[date | None, DAY, Meta(description="the last day to fix it; null without a due date")]
    overdue: Annotated[bool, Meta(description="whether that day has passed; false while it is silenced")]


class VersionVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one version in use, and how many hosts run it."""

    product: Product
    version: Version
    package: Package
    hosts: Annotated[Count, Meta(description="how many hosts run it")]
    verdict: VerdictField
    reason: Reason
    fixed_in: FixedIn
    upgrade_to: UpgradeTo
    minimum: Minimum
    upgrade_package: UpgradePackage
    package_verified: PackageVerified
    source_only: SourceOnly
    upgrade_note: UpgradeNote
    due: _Due
    overdue: _OverdueHosts

    def __str__(self) -> str:
        """In a cell: "engine 25.0.5: affected on 3"."""
        return f"{self.product} {self.version}: {self.verdict.replace('_', ' ')} on {self.hosts}"


class SilenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A silence in force."""

    reason: Annotated[str, Meta(description="the reason")]
    author: Annotated[str, Meta(description="who added it")]
    until: Annotated[datetime, MOMENT, Meta(description="when it ends")]
    scope: ScopeWords

    def __str__(self) -> str:
        """In words: "Silenced for tag env=lab until 2026-07-01 by Ann: not reachable"."""
        where = f" for {self.scope}" if self.scope else ""
        return f"Silenced{where} until {self.until:%Y-%m-%d} by {self.author}: {self.reason}"


class AssignmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An assignment."""

    owner: Annotated[str, Meta(description="who it is assigned to")]
    due: Annotated[date, DAY, Meta(description="the day it is due")]
    scope: ScopeWords
    note: Annotated[str, Meta(description="the note")]
    overdue: Annotated[bool, Meta(description="whether that day has passed")]

    def __str__(self) -> str:
        """In words: "Assigned to Ann, due 2026-07-01"."""
        where = f" for {self.scope}" if self.scope else ""
        return f"Assigned to {self.owner}{where}, {'overdue since' if self.overdue else 'due'} {self.due}"


class AdvisoryGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One advisory, the versions in use that it is about, and the number of their hosts."""

    advisory: AdvisoryName
    aliases: Aliases
    title: Title
    severity: SeverityField
    cvss: Cvss
    kev: Kev
    epss: Epss
    ssvc: OptionalSsvc
    url: Url
    hosts: Annotated[Count, Meta(description="the number of hosts, each counted once")]
    silenced: Annotated[tuple[SilenceRow, ...], Meta(description="the silences in force")]
    in_hand: Annotated[tuple[AssignmentRow, ...], Meta(description="who it is assigned to")]
    due: _Due
    overdue: _OverdueHosts
    versions: Annotated[tuple[VersionVerdict, ...], Meta(description="the versions in use that it is about")]


class AdvisoryVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of one advisory."""

    advisory: AdvisoryName
    title: Title
    severity: SeverityField
    cvss: Cvss
    kev: Kev
    verdict: VerdictField
    reason: Reason
    fixed_in: FixedIn
    upgrade_to: UpgradeTo
    minimum: Minimum
    upgrade_package: UpgradePackage
    package_verified: PackageVerified
    source_only: SourceOnly
    upgrade_note: UpgradeNote
    due: _Due
    overdue: _OverdueHosts

    def __str__(self) -> str:
        """In a cell: "CVE-2024-41110: affected"."""
        return f"{self.advisory}: {self.verdict.replace('_', ' ')}"


class VersionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One version in use, how many hosts run it, the worst severity, and its advisories."""

    product: Product
    version: Version
    package: Package
    hosts: Annotated[Count, Meta(description="how many hosts run it")]
    severity: WorstSeverity
    advisories: Annotated[tuple[AdvisoryVerdict, ...], Meta(description="worst first")]


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """A component that a host runs."""

    product: Product
    version: Version
    package: Package

    def __str__(self) -> str:
        """In a cell: "engine 25.0.5"."""
        return f"{self.product} {self.version}"


class HostGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One host, the worst severity, and how many advisories it has: in all, by severity, by verdict, silenced."""

    host: Annotated[str, Meta(description="the host")]
    tags: Tags
    severity: WorstSeverity
    advisories: Annotated[Count, Meta(description="the number of advisories")]
    kev: Annotated[Count, Meta(description="how many of them are listed as known exploited")]
    severities: Annotated[dict[str, int], _counted(_LEVELS), Meta(description="the advisories by severity")]
    verdicts: Annotated[
        dict[str, int],
        _counted(Status),
        Meta(description="the advisories by verdict; of two components of a host, the worse verdict counts"),
    ]
    versions: Annotated[tuple[Runs, ...], Meta(description="the components that they are about")]
    silenced: Annotated[
        Count, Meta(description="how many of the advisories are silenced for every product of the host they are about")
    ]
    due: Annotated[date | None, DAY, Meta(description="the earliest due date; null without one")]
    overdue: Annotated[Count, Meta(description="how many of the advisories are overdue; silenced ones do not count")]


class Exposures(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `navtex exposure`."""

    generated_at: GeneratedAt
    exposures: Annotated[tuple[Exposure, ...], _WORST_FIRST]


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `navtex check`."""

    generated_at: GeneratedAt
    exposures: Annotated[tuple[Exposure, ...], _WORST_FIRST]


class ExposureByAdvisory(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `navtex exposure --group-by advisory`."""

    generated_at: GeneratedAt
    advisories: Annotated[tuple[AdvisoryGroup, ...], _WORST_FIRST]


class ExposureByVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `navtex exposure --group-by version`."""

    generated_at: GeneratedAt
    versions: Annotated[
        tuple[VersionGroup, ...],
        Meta(description="the version with the worst advisory first, then the one with the most"),
    ]


class ExposureByHost(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `navtex exposure --group-by host`."""

    generated_at: GeneratedAt
    hosts: Annotated[
        tuple[HostGroup, ...],
        Meta(description="the host with the worst advisory first, then the one with the most exposures, then by name"),
    ]
