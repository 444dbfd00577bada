"""First exposure and due dates of what an assessment found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property

from feeds.advisories.records import Advisory, Kind
from feeds.storage.database import Connection
from notifier.assessment.findings import Finding
from notifier.assessment.matcher import EXPOSED, Match
from notifier.domain.component_periods import PeriodKey, first_exposed
from notifier.domain.due import NO_DUE_DATES, Dated, DuePolicy
from notifier.domain.filters import Scope
from notifier.services.snapshot.assessment import Assessment
from notifier.storage import component_periods, first_exposures, period_counts
from notifier.storage.component_periods import Histories
from notifier.storage.first_exposures import KnownExposures


class DueDates:
    """When findings were first exposed on hosts, and when they are due, for one assessment.

    A finding on a host is named by the host's period at the component. Whether hosts are silenced is not looked at by
    `dated`, but by `counted`.
    """

    def __init__(self, connection: Connection, assessment: Assessment, policy: DuePolicy = NO_DUE_DATES) -> None:
        self.policy = policy
        self._connection, self._assessment = connection, assessment
        self._ask = assessment.fleet.remembering
        self._today = assessment.now.date()
        self._exposed: dict[int, frozenset[int]] = {}
        self._dated: dict[tuple[PeriodKey, int], Dated | None] = {}

    @cached_property
    def days(self) -> dict[int, date]:
        """The day of each import."""
        return self._ask(component_periods.days)(self._connection)

    @cached_property
    def _known(self) -> KnownExposures:
        return self._ask(first_exposures.load)(self._connection, self._today)

    @cached_property
    def _histories(self) -> Histories:
        return self._ask(Histories)(self._connection)

    def dated(self, period: PeriodKey, match: Match) -> Dated | None:
        """The dates of a finding for the hosts of a period; None if it is no vulnerability that affects them."""
        advisory = match.advisory
        if match.verdict.status not in EXPOSED or advisory.kind is not Kind.VULNERABILITY:
            return None
        key = period, advisory.id
        if key not in self._dated:
            self._dated[key] = self._dates(period, advisory)
        return self._dated[key]

    def _dates(self, period: PeriodKey, advisory: Advisory) -> Dated | None:
        first = first_exposed(self._histories.period(period), lambda component: self.since(advisory, component))
        if first is None:
            return None
        due = self.policy.due(advisory, first)
        return Dated(first, due, due is not None and due < self._today)

    def since(self, advisory: Advisory, component: int) -> date | None:
        """The day since which an advisory is known to affect a component; None if it does not."""
        if component not in self._exposed:
            found = self._assessment.exposed(component) if component in self._assessment.components else ()
            self._exposed[component] = frozenset(found)
        return self._known.since(advisory, component) if advisory.id in self._exposed[component] else None

    def counted(
        self, connection: Connection, scope: Scope, found: Iterable[Finding]
    ) -> dict[tuple[int, int], dict[PeriodKey, int]]:
        """By component and advisory, how many hosts each period has; without the hosts for which it is silenced."""
        found = list(found)
        in_force = self._assessment.in_force
        groups: dict[tuple[int, ...], list[Finding]] = defaultdict(list)
        for one in found:
            groups[tuple(s.id for s in in_force.get(one.match.advisory.id, ()))].append(one)
        counts: dict[tuple[int, int], dict[PeriodKey, int]] = {}
        for group in groups.values():
            held = in_force.get(group[0].match.advisory.id, ())
            numbers = {f.number for f in group}
            by_component: dict[int, dict[PeriodKey, int]] = defaultdict(dict)
            for key, hosts in self._ask(period_counts.counted)(
                connection, scope, numbers, [s.scope for s in held]
            ).items():
                by_component[key[0]][key] = hosts
            for one in group:
                counts[one.number, one.match.advisory.id] = by_component[one.number]
        return counts

    def applied(
        self, connection: Connection, scope: Scope, found: Sequence[Finding], *, overdue: bool = False
    ) -> tuple[Finding, ...]:
        """The findings with their due dates; with `overdue` those alone that are overdue somewhere, and these hosts."""
        if not self.policy:
            return () if overdue else tuple(found)
        counts = self.counted(connection, scope, found)
        dated = [self._with_dates(one, counts[one.number, one.match.advisory.id]) for one in found]
        return tuple(replace(f, hosts=f.overdue) for f in dated if f.overdue) if overdue else tuple(dated)

    def _with_dates(self, one: Finding, hosts: Mapping[PeriodKey, int]) -> Finding:
        dates = [(made, count) for key, count in hosts.items() if (made := self.dated(key, one.match))]
        due = min((made.due for made, _ in dates if made.due), default=None)
        return replace(one, due=due, overdue=sum(count for made, count in dates if made.overdue))

    def late_hosts(self, connection: Connection, scope: Scope, found: Sequence[Finding]) -> int:
        """On how many hosts some of the findings are overdue."""
        late: dict[tuple[int, ...], tuple[set[PeriodKey], tuple[Scope, ...]]] = {}
        counts = self.counted(connection, scope, found)
        for one in found:
            held = self._assessment.in_force.get(one.match.advisory.id, ())
            keys, _ = late.setdefault(tuple(s.id for s in held), (set(), tuple(s.scope for s in held)))
            periods_of = counts[one.number, one.match.advisory.id]
            keys.update(key for key in periods_of if (made := self.dated(key, one.match)) and made.overdue)
        return period_counts.distinct_hosts(connection, scope, list(late.values()))

    def of_period(self, period: PeriodKey, found: Iterable[Finding]) -> list[Finding]:
        """The findings on a component as they are for the hosts of one period; silences are not looked at."""
        made = [(one, self.dated(period, one.match)) for one in found]
        return [replace(one, due=d.due if d else None, overdue=int(bool(d and d.overdue))) for one, d in made]
