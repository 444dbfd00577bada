"""The state of an advisory as it was reported, and what is worse now.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from feeds.advisories.records import Advisory, Severity, severity_rank
from feeds.verdicts.weighing import Status
from feeds.versions.upstream import Key, key
from notifier.assessment.matcher import Match
from notifier.domain.hosts import Hosts


class AlertState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of an advisory as it was reported.

    `components` maps affected components to verdicts; `fixed` are those with a known fix.  `partial` marks an old row
    that has only components.
    """

    components: dict[int, Status] = {}
    fixed: frozenset[int] = frozenset()
    severity: Severity | None = None
    exploited: bool = False
    withdrawn: bool = False
    partial: bool = False
    since: datetime | None = None
    """When the newest of these hosts arrived, by the clock of its import."""
    taken: frozenset[int] = frozenset()
    """Components that a correction removed."""
    turns: tuple[datetime, ...] = ()
    """Corrections and returns in the last week."""
    wavering: datetime | None = None
    """If its sources keep changing: when they last did."""
    says: frozenset[int] = frozenset()
    """The components that they called affected then."""
    lost: bool = False
    """Whether the only digest with it arrived nowhere: it is as new as one that was never told."""


@dataclass(frozen=True, slots=True)
class AffectedComponent:
    """A match of a component in use: the component's number, and the hosts that run it."""

    number: int
    match: Match
    hosts: Hosts
    latest: datetime


def escalations(before: AlertState, advisory: Advisory, group: Iterable[AffectedComponent]) -> Iterable[str]:
    """What got worse or became fixable since a state was stored, in words, for the same components."""
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
    """A sort key for text that may not be a valid version."""
    try:
        return key(version), version
    except ValueError:
        return (), version


def facets_of(advisory: Advisory, group: Iterable[AffectedComponent], since: datetime | None = None) -> AlertState:
    """The present state of an advisory; hosts that arrive after `since` may be new to it."""
    group = list(group)
    return AlertState(
        components={c.number: c.match.verdict.status for c in group},
        fixed=frozenset(c.number for c in group if c.match.verdict.upgrade_to),
        severity=advisory.severity,
        exploited=advisory.exploited is not None,
        since=since,
    )


def worst_of(before: AlertState, now: AlertState) -> AlertState:
    """The state to store after another report: the worst of both."""
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
