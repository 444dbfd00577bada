"""What mattered of an advisory when a subscriber was told, and what is worse now.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from feeds.advisories.records import Advisory, Severity, severity_rank
from feeds.verdicts.evidence import Status
from feeds.versions.upstream import Key, key
from notifier.assessment.matcher import Match
from notifier.domain.hosts import Hosts


class AlertState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What mattered of an advisory when a subscriber was told.

    `components` holds the verdict on each that it concerned, `fixed` those of them for which a fix was
    known.  `partial` marks a note from before the others were kept: only its components count.
    """

    components: dict[int, Status] = {}
    fixed: frozenset[int] = frozenset()
    severity: Severity | None = None
    exploited: bool = False
    withdrawn: bool = False
    partial: bool = False
    since: datetime | None = None
    """When the latest of the hosts that were looked at came: by the clock of their import, and no other."""
    taken: frozenset[int] = frozenset()
    """Components that a correction took back."""
    turns: tuple[datetime, ...] = ()
    """When it was corrected, or came back after that, in the last week."""
    wavering: datetime | None = None
    """Of one whose sources keep changing what they say: when they last did."""
    says: frozenset[int] = frozenset()
    """The components that they said then to be affected."""


@dataclass(frozen=True, slots=True)
class AffectedComponent:
    """A match of a component that somebody runs: its number, and the hosts that run it."""

    number: int
    match: Match
    hosts: Hosts
    latest: datetime


def escalations(before: AlertState, advisory: Advisory, group: Iterable[AffectedComponent]) -> Iterable[str]:
    """What got worse, or needs doing now, since a note was made: in words, for the same components."""
    if before.withdrawn and not advisory.withdrawn:
        yield "no longer withdrawn"
    if before.partial:
        return
    if _raised(before.severity, advisory.severity):
        assert advisory.severity is not None
        if before.severity:
            yield f"severity raised from {before.severity.value} to {advisory.severity.value}"
        else:
            yield f"rated {advisory.severity.value}, previously unscored"
    if advisory.exploited is not None and not before.exploited:
        yield "now known to be exploited"
    known = [c for c in group if c.number in before.components]
    fixed = (c.match for c in known if c.number not in before.fixed and c.match.verdict.upgrade_to)
    fixes = {m.advice.minimum or m.verdict.upgrade_to or "" for m in fixed}
    if fixes:
        yield f"fix available: {', '.join(sorted(fixes, key=sortable))}"
    if any(
        before.components[c.number] is Status.CONFLICTING and c.match.verdict.status is Status.AFFECTED for c in known
    ):
        yield "sources now agree that it is affected"


def _raised(before: Severity | None, now: Severity | None) -> bool:
    """Whether a severity band went up."""
    return now is not None and severity_rank(now) > severity_rank(before)


def sortable(version: str) -> tuple[Key | tuple[()], str]:
    """A sort key for what should be a version, and may be none."""
    try:
        return key(version), version
    except ValueError:
        return (), version


def facets_of(advisory: Advisory, group: Iterable[AffectedComponent], since: datetime | None = None) -> AlertState:
    """What matters of an advisory now; hosts that come after `since` may be new to it."""
    group = list(group)
    return AlertState(
        components={c.number: c.match.verdict.status for c in group},
        fixed=frozenset(c.number for c in group if c.match.verdict.upgrade_to),
        severity=advisory.severity,
        exploited=advisory.exploited is not None,
        since=since,
    )


def worst_of(before: AlertState, now: AlertState) -> AlertState:
    """What is remembered when more is told: the worst of both."""
    sure = {n: Status.AFFECTED for n, s in before.components.items() if s is Status.AFFECTED}
    raised = _raised(before.severity, now.severity) or before.partial
    return AlertState(
        components={**before.components, **now.components, **sure},
        fixed=before.fixed | now.fixed,
        severity=now.severity if raised else before.severity,
        exploited=before.exploited or now.exploited,
        since=max(filter(None, (before.since, now.since)), default=None),
        taken=before.taken - now.components.keys(),
        turns=before.turns,
        wavering=before.wavering,
        says=before.says,
    )
