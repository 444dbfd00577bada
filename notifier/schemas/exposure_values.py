"""The answers of `navtex exposure` and `check`, made from findings.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from feeds.advisories.records import Advisory, Level, Severity
from notifier.assessment.findings import Finding, weight
from notifier.assessment.matcher import Match
from notifier.domain.due import Dated
from notifier.schemas.exposure import (
    AdvisoryGroup,
    AdvisoryVerdict,
    AssignmentRow,
    Exposure,
    SilenceRow,
    VersionGroup,
    VersionVerdict,
)
from notifier.schemas.fields import whole
from notifier.schemas.row_fields import advisory_fields, component_fields, severity_fields, verdict_fields


def exposure_row(
    match: Match,
    host: str | None = None,
    tags: dict[str, str] | None = None,
    silenced_until: datetime | None = None,
    dates: Dated | None = None,
) -> Exposure:
    """The row of a match, for a host that runs its component."""
    return Exposure(
        host=host,
        tags=tags or {},
        **component_fields(match.component),
        **advisory_fields(match.advisory),
        **verdict_fields(match),
        silenced_until=whole(silenced_until) if silenced_until else None,
        first_exposed=dates.first if dates else None,
        due=dates.due if dates else None,
        overdue=bool(dates and dates.overdue),
    )


def advisory_group(
    advisory: Advisory,
    found: Sequence[Finding],
    hosts: int,
    *,
    silenced: tuple[SilenceRow, ...] = (),
    in_hand: tuple[AssignmentRow, ...] = (),
    overdue: int = 0,
) -> AdvisoryGroup:
    """The row of an advisory, with its number of affected hosts."""
    return AdvisoryGroup(
        **advisory_fields(advisory),
        hosts=hosts,
        silenced=silenced,
        in_hand=in_hand,
        due=min((f.due for f in found if f.due), default=None),
        overdue=overdue,
        versions=tuple(
            VersionVerdict(
                **component_fields(f.match.component),
                hosts=f.hosts,
                **verdict_fields(f.match),
                due=f.due,
                overdue=f.overdue,
            )
            for f in found
        ),
    )


def version_group(found: Sequence[Finding], hosts: int) -> VersionGroup:
    """The row of a version, with its number of hosts, from all its findings."""
    return VersionGroup(
        **component_fields(found[0].match.component),
        hosts=hosts,
        severity=_severity(found),
        advisories=tuple(
            AdvisoryVerdict(
                advisory=f.match.advisory.name,
                title=f.match.advisory.title,
                **severity_fields(f.match.advisory),
                **verdict_fields(f.match),
                due=f.due,
                overdue=f.overdue,
            )
            for f in found
        ),
    )


def _severity(found: Iterable[Finding]) -> Severity | None:
    return Level.ranked(weight(found)).severity
