"""The plans of a scope a part at a time, each with the number of its hosts and a few of their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from feeds.advisories.merging import at_least
from feeds.storage.database import Connection, Database
from notifier.assessment.findings import by_component
from notifier.assessment.upgrade_plans import Plan, Waiting, plan
from notifier.domain.hosts import Hosts
from notifier.services.findings.exposure import ExposureQuery, ScopedFindings, assess
from notifier.services.findings.plans import earliest_due, twins_joined, worst_plan_first
from notifier.services.snapshot.scopes import nothing_in
from notifier.storage import hosts_by_component, inventory

_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class PlannedHosts:
    """A plan, and the hosts that run its component: how many, and the names of a few."""

    plan: Plan
    hosts: Hosts
    due: date | None = None
    """The earliest due date of what is open; None without one."""
    overdue: int = 0
    """How many of the open advisories are overdue on some host."""


@dataclass(frozen=True, slots=True)
class PlanPart:
    """A part of the plans, how many there are, how many come before it, and why there is none."""

    plans: tuple[PlannedHosts, ...]
    total: int
    skipped: int
    nothing: str


def plan_part(database: Database, query: ExposureQuery, now: datetime, *, skip: int = 0, limit: int = 20) -> PlanPart:
    """Some of the plans of the versions that an advisory affects, worst first, without reading every host.

    UnknownName if a host is named that the inventory does not have; UsageProblem for overdue ones without due dates.
    """
    with database.connect() as connection:
        found = assess(connection, query, now)
        made = ranked(connection, found, {f.number for f in found.findings})
        listed = tuple(planned(connection, found, *one) for one in made[skip : skip + limit])
        nothing = "" if made else nothing_in(connection, found.scope) or "No version is affected."
    return PlanPart(listed, len(made), skip, nothing)


def ranked(connection: Connection, found: ScopedFindings, numbers: Iterable[int]) -> list[tuple[Plan, tuple[int, ...]]]:
    """The plans of some components that something affects, worst first, each with the numbers that it is for."""
    assessment, least = found.assessment, found.question.least
    waiting: dict[int, list[Waiting]] = defaultdict(list)
    for runs, installed, count, hosts in inventory.restarts(connection, found.scope):
        waiting[runs].append(Waiting(assessment.components[installed], count, hosts))
    made = [(plan(assessment.matcher, assessment.components[n], found.at.date(), waiting[n]), n) for n in numbers]
    chosen = [(p, (n,)) for p, n in made if any(least is None or at_least(m.advisory.severity, least) for m in p.open)]
    chosen.sort(key=lambda one: worst_plan_first(one[0]))
    return twins_joined(chosen)


def planned(connection: Connection, found: ScopedFindings, of: Plan, numbers: tuple[int, ...]) -> PlannedHosts:
    """A plan with its hosts, each counted once, and its due date."""
    scope = found.scope
    several = len(numbers) > 1
    count = hosts_by_component.distinct_hosts(connection, scope, numbers) if several else found.hosts[numbers[0]]
    names = {name for number in numbers for name in hosts_by_component.example_hosts(connection, scope, number, _NAMED)}
    of_component = dict(by_component(found.findings))
    due, overdue = earliest_due([f for number in numbers for f in of_component.get(number, ())])
    return PlannedHosts(of, Hosts(count, tuple(sorted(names)[:_NAMED])), due, overdue)
