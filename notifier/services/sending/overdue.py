"""What became overdue for a subscription, read from the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from feeds.advisories.records import Kind
from feeds.storage.database import Connection
from notifier.alerts.alert_state import AffectedComponent
from notifier.alerts.overdue import OverdueHosts, OverdueKey, OverdueNews, overdue_news
from notifier.assessment.findings import Finding
from notifier.domain.component_periods import PeriodKey
from notifier.domain.due import Dated
from notifier.domain.filters import Filters
from notifier.domain.hosts import Hosts
from notifier.services.snapshot.assessment import Assessment
from notifier.services.snapshot.due_dates import DueDates
from notifier.storage import overdue, period_counts

_NAMED = 5


def overdue_for(
    connection: Connection,
    assessment: Assessment,
    filters: Filters,
    concerns: Iterable[AffectedComponent],
    subscription: int,
) -> OverdueNews:
    """What became overdue since a subscription was told last. Hosts for which it is silenced are left out."""
    if not assessment.due:
        return OverdueNews()
    told = overdue.told(connection, subscription)
    wanted = [
        Finding(c.number, c.match, c.hosts.count)
        for c in concerns
        if c.match.advisory.kind is Kind.VULNERABILITY and filters.wants(c.match.advisory)
    ]
    dates = DueDates(connection, assessment, assessment.due)
    found = _late(dates, wanted, dates.counted(connection, filters.scope, wanted))
    shown = [
        OverdueHosts(key, one.match, due, _hosts(connection, assessment, filters, one, periods))
        for key, (one, due, periods) in found.items()
        if key not in told
    ]
    return overdue_news(shown, told, found.keys())


_Late = tuple[Finding, date, dict[PeriodKey, int]]


def _late(
    dates: DueDates, wanted: Iterable[Finding], counts: dict[tuple[int, int], dict[PeriodKey, int]]
) -> dict[OverdueKey, _Late]:
    """What is overdue, by advisory, component and first exposure."""
    found: dict[OverdueKey, _Late] = {}
    for one in wanted:
        number = one.match.advisory.id
        late: dict[Dated, dict[PeriodKey, int]] = defaultdict(dict)
        for period, hosts in counts[one.number, number].items():
            made = dates.dated(period, one.match)
            if made and made.overdue:
                late[made][period] = hosts
        found |= {(number, one.number, d.first): (one, d.due, periods) for d, periods in late.items() if d.due}
    return found


def _hosts(
    connection: Connection, assessment: Assessment, filters: Filters, one: Finding, periods: dict[PeriodKey, int]
) -> Hosts:
    held = assessment.in_force.get(one.match.advisory.id, ())
    names = period_counts.example_hosts(connection, filters.scope, periods, [s.scope for s in held], _NAMED)
    return Hosts(sum(periods.values()), names)
