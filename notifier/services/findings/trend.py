"""`navtex trend`: whether it gets better."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache

from feeds.advisories.records import Advisory, Level
from feeds.storage.database import Connection, Database
from notifier.assessment.findings import Question, findings
from notifier.domain.component_periods import ComponentPeriod, EndedPeriod, PeriodKey, first_exposed
from notifier.domain.due import NO_DUE_DATES, DuePolicy
from notifier.domain.filters import Scope
from notifier.domain.hosts import TrendDay
from notifier.schemas.fields import whole
from notifier.schemas.trend import LEVELS, FixTime, OpenAge, Trend, TrendLevels, TrendPoint, TrendWeek
from notifier.services.snapshot.assessment import Assessment
from notifier.services.snapshot.due_dates import DueDates
from notifier.storage import hosts_by_component, period_counts, trend_days

DEFAULT = timedelta(days=84)
"""How far back a trend goes if nothing is said."""
_AGES = (7, 30, 90)
"""The last day of each group of ages; the last group has no end."""
_WEEK = 7


def trend(database: Database, now: datetime, since: date | None = None, due: DuePolicy = NO_DUE_DATES) -> Trend:
    """How the whole inventory developed since a day, by default over twelve weeks."""
    with database.connect() as connection:
        assessment = Assessment.load(connection, now)
        return trend_of(connection, assessment, since or now.date() - DEFAULT, DueDates(connection, assessment, due))


def trend_of(connection: Connection, assessment: Assessment, since: date, dates: DueDates) -> Trend:
    """The same, from what is loaded."""
    today = assessment.now.date()
    recorded = period_counts.recorded_since(connection)
    hosts = trend_days.trend(connection)
    life = _Lifetimes()
    _open(connection, assessment, dates, life, Scope())
    exposures = cache(lambda number: _exposures(assessment, number))
    advisories = {a.id: a for a in assessment.advisories}
    first = cache(lambda period, number: first_exposed(period, lambda at: dates.since(advisories[number], at)))
    for ended in period_counts.ended(connection, since):
        _ended(ended, exposures, first, life)
    return Trend(
        generated_at=whole(assessment.now),
        since=since,
        hosts_since=hosts[0].day if hosts else None,
        findings_since=recorded,
        days=tuple(_point(day) for day in hosts if day.day >= since),
        weeks=_weeks(life, since, recorded, today),
        fixes=tuple(
            FixTime(level=level, fixed=sum(life.fixes[level].values()), median_days=median(life.fixes[level]))
            for level in LEVELS
        ),
        median_days=median(sum(life.fixes.values(), Counter())),
        ages=tuple(_ages(level, life, today) for level in LEVELS),
    )


def open_ages(database: Database, now: datetime, scope: Scope, due: DuePolicy = NO_DUE_DATES) -> tuple[OpenAge, ...]:
    """How old is what is open on the hosts of a scope: the part of a trend that is known of some hosts alone.

    Of findings that are over, and of former days, only the numbers of the whole inventory are kept.
    """
    with database.connect() as connection:
        assessment = Assessment.load(connection, now)
        life = _Lifetimes()
        _open(connection, assessment, DueDates(connection, assessment, due), life, scope)
        return tuple(_ages(level, life, now.date()) for level in LEVELS)


@dataclass(slots=True)
class _Lifetimes:
    """How many findings were opened and closed on which day, and how long they were open."""

    opened: Counter[date] = field(default_factory=Counter)
    fixed: Counter[date] = field(default_factory=Counter)
    retired: Counter[date] = field(default_factory=Counter)
    fixes: dict[Level, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """By severity, how many findings took how many days."""
    standing: dict[Level, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    """By severity, how many open findings were first exposed on which day."""
    overdue: Counter[Level] = field(default_factory=Counter)


def _open(connection: Connection, assessment: Assessment, dates: DueDates, life: _Lifetimes, scope: Scope) -> None:
    """Add what is open now."""
    counts = hosts_by_component.counts(connection, scope)
    found = findings(assessment.matcher, assessment.components, counts, Question())
    periods: dict[int, list[tuple[PeriodKey, int]]] = defaultdict(list)
    for key, hosts in period_counts.counted(connection, scope, {f.number for f in found}).items():
        periods[key[0]].append((key, hosts))
    for one in found:
        level = Level.of(one.match.advisory.severity)
        for key, hosts in periods[one.number]:
            made = dates.dated(key, one.match)
            if made:
                life.opened[made.first] += hosts
                life.standing[level][made.first] += hosts
    for one in dates.applied(connection, scope, found) if dates.policy else ():
        life.overdue[Level.of(one.match.advisory.severity)] += one.overdue


def _exposures(assessment: Assessment, number: int) -> dict[int, Advisory]:
    """The vulnerabilities that affect a component, by number; none of one that was forgotten."""
    return assessment.exposed(number) if number in assessment.components else {}


def _ended(
    ended: EndedPeriod,
    exposures: Callable[[int], dict[int, Advisory]],
    first_of: Callable[[ComponentPeriod, int], date | None],
    life: _Lifetimes,
) -> None:
    """Add the findings that ended with a period: those of the component that the next one does not have."""
    left = exposures(ended.next) if ended.next else {}
    for number, advisory in exposures(ended.period.component).items():
        first = None if number in left else first_of(ended.period, number)
        # an advisory that came later did not affect the host
        if first is not None and first <= ended.day:
            life.opened[first] += ended.hosts
            (life.fixed if ended.next else life.retired)[ended.day] += ended.hosts
            if ended.next:
                life.fixes[Level.of(advisory.severity)][(ended.day - first).days] += ended.hosts


def _point(day: TrendDay) -> TrendPoint:
    levels = TrendLevels(**{level.value: day.levels.get(level, 0) for level in LEVELS})
    return TrendPoint(day=day.day, hosts=day.hosts, affected=sum(day.levels.values()), levels=levels)


def _weeks(life: _Lifetimes, since: date, recorded: date | None, today: date) -> tuple[TrendWeek, ...]:
    """Every week from the first that is recorded, those in which nothing happened included."""
    if recorded is None:
        return ()
    begin = max(since, recorded)
    found = []
    week = _monday(begin)
    while week <= today:
        days = [week + timedelta(days=n) for n in range(_WEEK)]
        days = [day for day in days if day >= begin]
        opened, fixed, retired = (sum(of[day] for day in days) for of in (life.opened, life.fixed, life.retired))
        found.append(
            TrendWeek(
                week=week,
                opened=opened,
                fixed=fixed,
                retired=retired,
                closed=fixed + retired,
                whole=len(days) == _WEEK and days[-1] < today,
            )
        )
        week += timedelta(days=_WEEK)
    return tuple(found)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _ages(level: Level, life: _Lifetimes, today: date) -> OpenAge:
    ages: Counter[int] = Counter()
    for first, hosts in life.standing[level].items():
        ages[(today - first).days] += hosts
    groups = [0] * (len(_AGES) + 1)
    for age, hosts in ages.items():
        groups[bisect_left(_AGES, age)] += hosts
    return OpenAge(
        level=level,
        findings=sum(groups),
        week=groups[0],
        month=groups[1],
        quarter=groups[2],
        older=groups[3],
        median_days=median(ages),
        oldest=min(life.standing[level], default=None),
        overdue=life.overdue[level],
    )


def median(counts: Mapping[int, int]) -> float | None:
    """The median of whole numbers, each with how often it is there; None if there are none.

    >>> median({1: 2, 10: 1}), median({1: 1, 4: 1}), median({})
    (1.0, 2.5, None)
    """
    total = sum(counts.values())
    if not total:
        return None
    middle = _at(counts, (total - 1) // 2), _at(counts, total // 2)
    return sum(middle) / 2


def _at(counts: Mapping[int, int], place: int) -> int:
    for value in sorted(counts):
        place -= counts[value]
        if place < 0:
            return value
    raise IndexError(place)
