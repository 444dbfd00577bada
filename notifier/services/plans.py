"""`navtex plan`: the upgrades for what a scope runs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from feeds.advisories.merging import at_least
from feeds.advisories.records import Severity
from feeds.storage.database import Connection, Database
from notifier.assessment.findings import worst_rank
from notifier.assessment.upgrades import Plan, Waiting, plan
from notifier.domain.filters import Scope
from notifier.schemas.fields import whole
from notifier.schemas.plan import Plans, plan_row
from notifier.services.annotations import Remarks
from notifier.services.assessment import Assessment
from notifier.services.scopes import check_hosts, nothing_in
from notifier.storage import exposure, inventory


@dataclass(frozen=True, slots=True)
class PlansAnswer:
    """The plans as JSON has them, the same as values, and what to warn of."""

    value: Plans
    plans: tuple[tuple[Plan, tuple[str, ...]], ...]
    """Each plan with the names of the hosts that run its component, in the order of `value`."""
    annotated: tuple[str, ...]
    """Names of open advisories that are silenced or assigned, on these hosts or others."""
    nothing: str
    """Why there is no plan, as a sentence; "" where there is one."""
    known: bool
    """Whether any advisory is known."""


def plans(database: Database, scope: Scope, now: datetime, *, least: Severity | None = None) -> PlansAnswer:
    """The upgrades for each version that the hosts of a scope run, worst first.

    With `least`, only versions that an advisory of this severity or worse affects; unscored advisories count.
    UnknownName where a host is named that the inventory does not have.
    """
    with database.connect() as connection:
        return _plans(connection, scope, now, least)


def _plans(connection: Connection, scope: Scope, now: datetime, least: Severity | None) -> PlansAnswer:
    check_hosts(connection, scope)
    assessment = Assessment.load(connection, now)
    numbers = tuple(exposure.counts(connection, scope))
    names: dict[int, list[str]] = defaultdict(list)
    for host, _, held, _ in exposure.hosts_running(connection, scope, numbers):
        for number in held:
            names[number].append(host)
    waiting: dict[int, list[Waiting]] = defaultdict(list)
    for runs, installed, count, hosts in inventory.restarts(connection, scope, limit=None):
        waiting[runs].append(Waiting(assessment.components[installed], count, hosts))
    made = [
        (plan(assessment.matcher, assessment.components[n], now.date(), waiting[n]), tuple(names[n])) for n in numbers
    ]
    chosen = [p for p in made if least is None or any(at_least(m.advisory.severity, least) for m in p[0].open)]
    chosen.sort(key=lambda p: (-worst_rank(p[0].open), -len(p[0].open), p[0].component.product, p[0].component.version))
    remarks = Remarks.of(assessment)
    open_ = {m.advisory.name for one, _ in chosen for m in one.open if remarks.words(m.advisory.id)}
    return PlansAnswer(
        value=Plans(generated_at=whole(now), plans=tuple(plan_row(*one) for one in chosen)),
        plans=tuple(chosen),
        annotated=tuple(sorted(open_)),
        nothing="" if chosen else nothing_in(connection, scope) or "No version is affected.",
        known=bool(assessment.catalogue.advisories),
    )
