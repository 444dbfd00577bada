"""`navtex plan`: the upgrades for what a scope runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from feeds.advisories.merging import at_least
from feeds.advisories.records import Severity
from feeds.storage.database import Connection, Database
from notifier.assessment.findings import Finding, by_component, worst_rank
from notifier.assessment.upgrade_plans import Plan, Waiting, plan
from notifier.domain.due import NO_DUE_DATES, DuePolicy
from notifier.domain.filters import Scope
from notifier.schemas.fields import whole
from notifier.schemas.plan import Plans, commands, plan_row
from notifier.services.findings.exposure import ExposureQuery, ScopedFindings, assess
from notifier.services.findings.exposure_rows import each_host
from notifier.services.snapshot.annotations import Remarks
from notifier.services.snapshot.scopes import nothing_in
from notifier.storage import hosts_by_component, inventory


@dataclass(frozen=True, slots=True)
class PlansAnswer:
    """The plans as JSON has them, the same as values, and what to warn of."""

    value: Plans
    plans: tuple[tuple[Plan, tuple[str, ...]], ...]
    """Each plan with the names of the hosts that run its component, in the order of `value`."""
    annotated: tuple[str, ...]
    """Names of open advisories that are silenced or assigned, on these hosts or others."""
    nothing: str
    """Why there is no plan, as a sentence; "" if there is one."""
    known: bool
    """Whether any advisory is known."""


def plans(
    database: Database,
    scope: Scope,
    now: datetime,
    *,
    least: Severity | None = None,
    due: DuePolicy = NO_DUE_DATES,
    overdue: bool = False,
) -> PlansAnswer:
    """The upgrades for each version that the hosts of a scope run, worst first.

    With `least`, only versions that an advisory of this severity or worse affects; unscored advisories count. With
    `overdue`, only versions with an advisory that is overdue on some host, and these hosts. UnknownName if a host is
    named that the inventory does not have; UsageProblem for `overdue` without due dates.
    """
    with database.connect() as connection:
        found = assess(connection, ExposureQuery(scope, due=due, overdue=overdue), now)
        return _plans(connection, found, least)


def _plans(connection: Connection, found: ScopedFindings, least: Severity | None) -> PlansAnswer:
    scope, now = found.scope, found.at
    assessment = found.assessment
    numbers = tuple(
        {f.number for f in found.findings} if found.overdue else hosts_by_component.counts(connection, scope)
    )
    names = _names(connection, found, numbers)
    of_component = dict(by_component(found.findings))
    waiting: dict[int, list[Waiting]] = defaultdict(list)
    for runs, installed, count, hosts in inventory.restarts(connection, scope, limit=None):
        waiting[runs].append(Waiting(assessment.components[installed], count, hosts))
    made = [
        (plan(assessment.matcher, assessment.components[n], now.date(), waiting[n]), tuple(names[n])) for n in numbers
    ]
    dates = {one.component: earliest_due(of_component.get(n, ())) for n, (one, _) in zip(numbers, made, strict=True)}
    chosen = [p for p in made if least is None or any(at_least(m.advisory.severity, least) for m in p[0].open)]
    chosen.sort(key=lambda p: worst_plan_first(p[0]))
    chosen = twins_joined(chosen)
    remarks = Remarks.of(assessment)
    open_ = {m.advisory.name for one, _ in chosen for m in one.open if remarks.words(m.advisory.id)}
    rows = tuple(plan_row(one, hosts, *dates[one.component]) for one, hosts in chosen)
    return PlansAnswer(
        value=Plans(generated_at=whole(now), plans=rows, commands=commands(rows)),
        plans=tuple(chosen),
        annotated=tuple(sorted(open_)),
        nothing=""
        if chosen
        else nothing_in(connection, scope) or ("Nothing is overdue." if found.overdue else "No version is affected."),
        known=bool(assessment.catalogue.advisories),
    )


def _names(connection: Connection, found: ScopedFindings, numbers: tuple[int, ...]) -> dict[int, list[str]]:
    """The names of the hosts that run each component; of those on which something of it is overdue, if asked for."""
    names: dict[int, list[str]] = defaultdict(list)
    if found.overdue:
        late: dict[int, set[str]] = defaultdict(set)
        for row in each_host(connection, found):
            late[row.finding.number].add(row.host)
        return {number: sorted(hosts) for number, hosts in late.items()}
    for host, _, held, _ in hosts_by_component.hosts_running(connection, found.scope, numbers):
        for number in held:
            names[number].append(host)
    return names


def earliest_due(found: Sequence[Finding]) -> tuple[date | None, int]:
    """The earliest due date of a component's findings, and how many of these are overdue somewhere."""
    return min((f.due for f in found if f.due), default=None), sum(f.overdue > 0 for f in found)


_Of = TypeVar("_Of", str, int)
"""What a plan is for: the names of hosts, or the numbers of components."""


def twins_joined(plans: Sequence[tuple[Plan, tuple[_Of, ...]]]) -> list[tuple[Plan, tuple[_Of, ...]]]:
    """The plans, a version with a package and the same without one as one plan where the same is said of both."""
    found: dict[tuple[object, ...], list[tuple[Plan, tuple[_Of, ...]]]] = {}
    for one, of in plans:
        said = [(o.way, o.to, o.closes, o.leaves, o.words, o.command, o.waiting) for o in one.options]
        open_, undecided = ([m.advisory.name for m in matches] for matches in (one.open, one.undecided))
        key = one.component.product, one.component.version, one.maintained, str(said), str(open_), str(undecided)
        found.setdefault(key, []).append((one, of))
    return [joined for group in found.values() for joined in _joined(group)]


def _joined(group: list[tuple[Plan, tuple[_Of, ...]]]) -> list[tuple[Plan, tuple[_Of, ...]]]:
    packages = {one.component.package for one, _ in group} - {""}
    if len(group) == 1 or len(packages) > 1:
        return group
    first = max((one for one, _ in group), key=lambda one: one.component.package)
    return [(first, tuple(sorted({name for _, names in group for name in names})))]


def worst_plan_first(plan: Plan) -> tuple[int, int, str, str]:
    """Sort key: the plan with the worst open advisory first, then the one with the most."""
    return -worst_rank(plan.open), -len(plan.open), plan.component.product, plan.component.version
