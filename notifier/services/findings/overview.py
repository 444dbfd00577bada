"""What a person looks at first: the numbers of a scope, what to upgrade first, and a part of its exposure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from itertools import islice, repeat
from typing import Any, Final

from feeds.advisories.records import Level
from feeds.sources.health import SourceState
from feeds.storage.database import Connection
from feeds.verdicts.weighing import Status
from notifier.assessment.findings import Finding, Question, by_advisory, by_component, by_version, findings
from notifier.assessment.matcher import EXPOSED
from notifier.rendering.report import Matrix, matrices
from notifier.schemas.exposure import AdvisoryGroup, HostGroup, VersionGroup
from notifier.schemas.exposure_values import advisory_group, version_group
from notifier.services.findings.exposure import ScopedFindings, host_counts, marks
from notifier.services.findings.exposure_rows import GroupBy, counted, placed_hosts, version_hosts
from notifier.services.findings.plan_parts import PlannedHosts, planned, ranked
from notifier.services.snapshot.annotations import Remarks
from notifier.services.snapshot.scopes import nothing_in
from notifier.storage import hosts_by_severity, inventory

_STEPS: Final = 3
"""How many upgrades the overview shows."""


class RowOrder(StrEnum):
    """What a list of exposure is sorted by."""

    SEVERITY = "severity"
    HOSTS = "hosts"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class RowPart:
    """Which part of the list is asked for: `after` is what `Overview.next` said of the part before."""

    group: GroupBy = GroupBy.VERSION
    order: RowOrder = RowOrder.SEVERITY
    after: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class FleetNumbers:
    """The hosts of a scope in numbers. `levels` counts them by the worst level that affects them."""

    hosts: int
    affected: int
    levels: Mapping[str, int]
    kev: int
    unknown: int
    stale: int
    stale_days: int
    advisories: int
    overdue: int | None = None
    """Hosts on which something is overdue; None without due dates."""


GroupRow = AdvisoryGroup | VersionGroup | HostGroup


@dataclass(frozen=True, slots=True)
class Overview:
    """The numbers, the first upgrades, and a part of the list."""

    numbers: FleetNumbers
    first: tuple[PlannedHosts, ...]
    rows: tuple[GroupRow, ...]
    total: int
    """How many rows the whole list has."""
    next: str
    """Where the next part begins; "" at the end."""
    nothing: str
    """Why the list is empty, as a sentence; "" if it is not."""
    known: bool
    """Whether any advisory is known."""
    failing: tuple[SourceState, ...]
    """The sources that could not be read the last time."""


COUNTED: Final = EXPOSED | {Status.UNKNOWN}
"""The verdicts that the numbers need. Findings that were asked for with them are not looked for again."""


def overview(
    connection: Connection, found: ScopedFindings, part: RowPart, verdicts: frozenset[Status] = EXPOSED
) -> Overview:
    """The overview of some findings, of which the list has those with some verdicts."""
    numbers = fleet_numbers(connection, found)
    listed = replace(
        found,
        question=replace(found.question, verdicts=verdicts),
        findings=tuple(f for f in found.findings if f.match.verdict.status in verdicts),
    )
    rows, total, following = _LISTS[part.group](connection, listed, part)
    nothing = "" if total else nothing_in(connection, found.scope) or "No matching vulnerabilities."
    return Overview(
        numbers=numbers,
        first=first_steps(connection, found),
        rows=tuple(rows),
        total=total,
        next=following,
        nothing=nothing,
        known=bool(found.assessment.catalogue.advisories),
        failing=tuple(s for s in found.assessment.sources if s.message),
    )


def fleet_numbers(connection: Connection, found: ScopedFindings) -> FleetNumbers:
    """The hosts of a scope in numbers, whichever verdicts were asked for."""
    whole = _with_verdicts(found, COUNTED)
    counted = hosts_by_severity.risk_counts(connection, found.scope, marks(whole))
    levels = dict.fromkeys(map(str, Level), 0)
    for one in counted:
        if one.weight:
            levels[Level.ranked(one.weight)] += one.hosts
    days = found.assessment.stale_days
    return FleetNumbers(
        hosts=inventory.count(connection, found.scope),
        affected=sum(levels.values()),
        levels=levels,
        kev=sum(one.hosts for one in counted if one.kev),
        unknown=sum(one.hosts for one in counted if one.unknown),
        stale=inventory.count(connection, found.scope, unseen_since=found.at - timedelta(days=days)),
        stale_days=days,
        advisories=len({f.match.advisory.id for f in whole if f.match.verdict.status in EXPOSED}),
        overdue=found.dates.late_hosts(connection, found.scope, whole) if found.dates.policy else None,
    )


def first_steps(connection: Connection, found: ScopedFindings) -> tuple[PlannedHosts, ...]:
    """The plans of the worst versions, those that something can be done about first."""
    exposed = found.findings if found.overdue else _with_verdicts(found, EXPOSED)
    worst = [number for number, _ in by_component(exposed)][: 4 * _STEPS]
    made = ranked(connection, found, worst)
    made.sort(key=lambda one: not one[0].options)
    return tuple(planned(connection, found, *one) for one in made[:_STEPS])


def exposure_matrices(connection: Connection, found: ScopedFindings) -> tuple[Matrix, ...]:
    """A matrix of advisories and versions for each product, worst first."""
    whole = _with_verdicts(found, frozenset(Status))
    groups = by_advisory([f for f in whole if f.match.verdict.status in EXPOSED])
    hosts = {a.name: n for (a, _), n in zip(groups, host_counts(connection, found.scope, groups), strict=True)}
    return matrices(whole, hosts, Remarks.of(found.assessment).words)


def _with_verdicts(found: ScopedFindings, verdicts: frozenset[Status]) -> tuple[Finding, ...]:
    if verdicts <= found.question.verdicts and not found.overdue:
        return tuple(f for f in found.findings if f.match.verdict.status in verdicts)
    question: Question = replace(found.question, verdicts=verdicts)
    return findings(found.assessment.matcher, found.assessment.components, found.hosts, question)


_Listed = tuple[Sequence[GroupRow], int, str]
"""The rows, how many there are in all, and where the next part begins."""


def _advisories(connection: Connection, found: ScopedFindings, part: RowPart) -> _Listed:
    groups = by_advisory(found.findings)
    counts: dict[str, int] = {}
    if part.order is RowOrder.NAME:
        groups.sort(key=lambda g: g[0].name)
    elif part.order is RowOrder.HOSTS:
        counts = {a.name: n for (a, _), n in zip(groups, counted(connection, found, groups), strict=True)}
        groups.sort(key=lambda g: -counts[g[0].name])
    chosen, following = _slice(groups, part, lambda g: g[0].name)
    hosts = [counts[a.name] for a, _ in chosen] if counts else counted(connection, found, chosen)
    late = host_counts(connection, found.scope, chosen, found.dates) if found.dates.policy else repeat(0)
    remarks = Remarks.of(found.assessment)
    rows = [
        advisory_group(
            a,
            group,
            count,
            silenced=remarks.silent(a.id),
            in_hand=remarks.in_hand.get(a.id, ()),
            overdue=overdue,
        )
        for (a, group), count, overdue in zip(chosen, hosts, late, strict=False)
    ]
    return rows, len(groups), following


def _versions(connection: Connection, found: ScopedFindings, part: RowPart) -> _Listed:
    groups = list(by_version(found.findings))
    if part.order is RowOrder.NAME:
        groups.sort(key=lambda g: g[0][0].match.component)
    elif part.order is RowOrder.HOSTS:
        groups.sort(key=lambda g: -sum(f.hosts for f in g[1]))
    chosen, following = _slice(groups, part, lambda g: str(g[0][0].number))
    counts = version_hosts(connection, found, chosen)
    return [version_group(shown, n) for (shown, _), n in zip(chosen, counts, strict=True)], len(groups), following


def _hosts(connection: Connection, found: ScopedFindings, part: RowPart) -> _Listed:
    marked = marks(found.findings, frozenset(Status))
    total = sum(one.hosts for one in hosts_by_severity.risk_counts(connection, found.scope, marked))
    # read last: what is not read to its end leaves its temporary table to the end of the transaction
    with closing(placed_hosts(connection, found, _place(part.after))) as placed:
        read = list(islice(placed, part.limit + 1))
    listed = read[: part.limit]
    following = ".".join(map(str, listed[-1][1])) if len(read) > part.limit else ""
    return [row for row, _ in listed], total, following


def _place(after: str) -> tuple[int, int, str] | None:
    """The place that `next` of a list of hosts names; None for anything else."""
    worst, _, rest = after.partition(".")
    exposures, dot, name = rest.partition(".")
    if not (dot and worst.isdecimal() and exposures.isdecimal() and len(worst) < 4 and len(exposures) < 9):
        return None
    return int(worst), int(exposures), name


def _slice(rows: list[Any], part: RowPart, key: Callable[[Any], str]) -> tuple[list[Any], str]:
    """The rows behind the one that `after` names, and the key of the last if more follow."""
    place = next((at + 1 for at, row in enumerate(rows) if part.after and key(row) == part.after), 0)
    chosen = rows[place : place + part.limit]
    return chosen, key(chosen[-1]) if len(rows) > place + len(chosen) else ""


_LISTS: Final[Mapping[GroupBy, Callable[[Connection, ScopedFindings, RowPart], _Listed]]] = {
    GroupBy.ADVISORY: _advisories,
    GroupBy.VERSION: _versions,
    GroupBy.HOST: _hosts,
}
