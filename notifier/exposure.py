"""The rows that answer "what am I exposed to?".  Pure; their JSON is a contract (docs/reference/json.md)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from feeds.advisory import Severity
from feeds.evidence import Status
from notifier.matching import Match


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """One host (or none, when a version was asked for), one component, one advisory, and the verdict."""

    host: str | None
    tags: dict[str, str]
    product: str
    version: str
    package: str | None
    advisory: str
    aliases: tuple[str, ...]
    title: str
    verdict: Status
    reason: str
    severity: Severity | None
    cvss: float | None
    kev: bool
    epss: float | None
    fixed_in: tuple[str, ...]
    upgrade_to: str | None
    url: str


def row(match: Match, host: str | None = None, tags: dict[str, str] | None = None) -> Exposure:
    """The row of a match, for a host that runs its component."""
    component, advisory, verdict = match.component, match.advisory, match.verdict
    return Exposure(
        host=host,
        tags=tags or {},
        product=component.product,
        version=component.version,
        package=component.package or None,
        advisory=advisory.name,
        aliases=advisory.aliases,
        title=advisory.title,
        verdict=verdict.status,
        reason=verdict.reason,
        severity=advisory.severity,
        cvss=advisory.cvss,
        kev=advisory.exploited is not None,
        epss=advisory.epss,
        fixed_in=verdict.fixed_in,
        upgrade_to=verdict.upgrade_to,
        url=advisory.url,
    )


def worst_first(match: Match) -> tuple[float, float, str, str]:
    """Sort key: the worst first, then by name. Unscored stands between high and medium."""
    severity, name = match.advisory.severity, match.advisory.name
    return -(severity.rank if severity else 2.5), -(match.advisory.cvss or 0.0), name, match.component.version


def meets(matches: Iterable[Match], level: Severity | None) -> bool:
    """Whether something that affects (or may: conflicting counts) reaches a level.

    `level` None asks for any severity at all, and is met by unscored ones, too; a level is not.
    """
    found = (m for m in matches if m.verdict.status in (Status.AFFECTED, Status.CONFLICTING))
    if level is None:
        return any(True for _ in found)
    return any(m.advisory.severity is not None and m.advisory.severity.rank >= level.rank for m in found)
