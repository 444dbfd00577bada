"""The answers of `navtex exposure` and `check`, made from findings.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from feeds.advisories.records import Advisory, Level, Severity
from notifier.assessment.findings import Finding, weight
from notifier.assessment.matcher import Match
from notifier.domain.due import Dated
from notifier.schemas.advice import advice_fields
from notifier.schemas.exposure import (
    AdvisoryGroup,
    AdvisoryVerdict,
    AssignmentRow,
    Exposure,
    SilenceRow,
    VersionGroup,
    VersionVerdict,
)
from notifier.schemas.fields import (
    ssvc_field,
    whole,
)


def exposure_row(
    match: Match,
    host: str | None = None,
    tags: dict[str, str] | None = None,
    silenced_until: datetime | None = None,
    dates: Dated | None = None,
) -> Exposure:
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
        ssvc=ssvc_field(advisory.ssvc),
        fixed_in=verdict.fixed_in,
        upgrade_to=verdict.upgrade_to,
        **advice_fields(match.advice),
        url=advisory.url,
        silenced_until=whole(silenced_until) if silenced_until else None,
        first_exposed=dates.first if dates else None,
        due=dates.due if dates else None,
        overdue=bool(dates and dates.overdue),
    )


def advisory_group(
    advisory: Advisory,
    found: Sequence[Finding],
    hosts: int,
    silenced: tuple[SilenceRow, ...] = (),
    in_hand: tuple[AssignmentRow, ...] = (),
    overdue: int = 0,
) -> AdvisoryGroup:
    """The row of an advisory, with its number of affected hosts."""
    return AdvisoryGroup(
        advisory=advisory.name,
        aliases=advisory.aliases,
        title=advisory.title,
        severity=advisory.severity,
        cvss=advisory.cvss,
        kev=advisory.exploited is not None,
        epss=advisory.epss,
        ssvc=ssvc_field(advisory.ssvc),
        url=advisory.url,
        hosts=hosts,
        silenced=silenced,
        in_hand=in_hand,
        due=min((f.due for f in found if f.due), default=None),
        overdue=overdue,
        versions=tuple(
            VersionVerdict(
                product=f.match.component.product,
                version=f.match.component.version,
                package=f.match.component.package or None,
                hosts=f.hosts,
                verdict=f.match.verdict.status,
                reason=f.match.verdict.reason,
                fixed_in=f.match.verdict.fixed_in,
                upgrade_to=f.match.verdict.upgrade_to,
                **advice_fields(f.match.advice),
                due=f.due,
                overdue=f.overdue,
            )
            for f in found
        ),
    )


def version_group(found: Sequence[Finding], hosts: int) -> VersionGroup:
    """The row of a version, with its number of hosts, from all its findings."""
    component = found[0].match.component
    return VersionGroup(
        product=component.product,
        version=component.version,
        package=component.package or None,
        hosts=hosts,
        severity=_severity(found),
        advisories=tuple(
            AdvisoryVerdict(
                advisory=f.match.advisory.name,
                title=f.match.advisory.title,
                severity=f.match.advisory.severity,
                cvss=f.match.advisory.cvss,
                kev=f.match.advisory.exploited is not None,
                verdict=f.match.verdict.status,
                reason=f.match.verdict.reason,
                fixed_in=f.match.verdict.fixed_in,
                upgrade_to=f.match.verdict.upgrade_to,
                **advice_fields(f.match.advice),
                due=f.due,
                overdue=f.overdue,
            )
            for f in found
        ),
    )


def _severity(found: Iterable[Finding]) -> Severity | None:
    return Level.ranked(weight(found)).severity
