"""The answer of `navtex trend`.  Pure; its JSON is a contract."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from feeds.advisories.records import Level
from notifier.schemas.fields import DAY, Count, GeneratedAt

LEVELS = (Level.CRITICAL, Level.HIGH, Level.UNSCORED, Level.MEDIUM, Level.LOW)
_Level = Annotated[
    str, Meta(description="the severity, or unscored", extra_json_schema={"enum": [x.value for x in LEVELS]})
]
_Days = Annotated[float | None, Meta(description="the median of their ages in days; null if there are none")]


class TrendLevels(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts by the worst severity that affects them."""

    critical: Count
    high: Count
    unscored: Count
    medium: Count
    low: Count


class TrendPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts of one day."""

    day: Annotated[date, DAY, Meta(description="the day, in UTC")]
    hosts: Annotated[Count, Meta(description="all hosts of the inventory")]
    affected: Annotated[Count, Meta(description="the hosts that some vulnerability affects")]
    levels: Annotated[TrendLevels, Meta(description="those by the worst severity")]


class TrendWeek(msgspec.Struct, frozen=True, kw_only=True):
    """The findings (a component of one host, and an advisory) that were opened and closed in one week."""

    week: Annotated[date, DAY, Meta(description="its Monday")]
    opened: Annotated[Count, Meta(description="findings whose first exposure was in this week")]
    fixed: Annotated[Count, Meta(description="findings closed because the host runs a version that is not affected")]
    retired: Annotated[Count, Meta(description="findings closed because the host or the product was removed")]
    closed: Annotated[Count, Meta(description="both together")]
    whole: Annotated[bool, Meta(description="false for a week that is not over, or whose beginning was not recorded")]


class FixTime(msgspec.Struct, frozen=True, kw_only=True):
    """How long findings of one severity were open until they were fixed."""

    level: _Level
    fixed: Annotated[Count, Meta(description="findings that were fixed since `since`")]
    median_days: Annotated[float | None, Meta(description="the median of days from first exposure to the fix")]


class OpenAge(msgspec.Struct, frozen=True, kw_only=True):
    """How old the open findings of one severity are."""

    level: _Level
    findings: Annotated[Count, Meta(description="open findings")]
    week: Annotated[Count, Meta(description="those first exposed at most 7 days ago")]
    month: Annotated[Count, Meta(description="8 to 30 days ago")]
    quarter: Annotated[Count, Meta(description="31 to 90 days ago")]
    older: Annotated[Count, Meta(description="more than 90 days ago")]
    median_days: _Days
    oldest: Annotated[date | None, DAY, Meta(description="the earliest first exposure; null if there are none")]
    overdue: Annotated[Count, Meta(description="those whose due date has passed; 0 without due dates")]


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """How the whole inventory developed."""

    generated_at: GeneratedAt
    since: Annotated[date, DAY, Meta(description="the first day that was asked for")]
    hosts_since: Annotated[
        date | None, DAY, Meta(description="the first day with recorded numbers of hosts; null if there is none yet")
    ]
    findings_since: Annotated[
        date | None, DAY, Meta(description="the day since which opened and closed findings are recorded; null if none")
    ]
    days: Annotated[tuple[TrendPoint, ...], Meta(description="oldest first; days without a run are left out")]
    weeks: Annotated[tuple[TrendWeek, ...], Meta(description="oldest first")]
    fixes: Annotated[tuple[FixTime, ...], Meta(description="by severity, worst first")]
    median_days: Annotated[
        float | None, Meta(description="the median of days to fix over all severities; null if nothing was fixed")
    ]
    ages: Annotated[tuple[OpenAge, ...], Meta(description="by severity, worst first")]


class TrendCsvRow(msgspec.Struct, frozen=True, kw_only=True):
    """One number: of a day, a week (its Monday), or of now (no day); of one severity or of all (no severity)."""

    measure: str
    day: date | None
    severity: str | None
    value: float


def csv_rows(trend: Trend) -> list[TrendCsvRow]:
    """The numbers of a trend, one a row."""
    return [
        TrendCsvRow(measure=measure, day=day, severity=severity, value=value)
        for measure, day, severity, value in _numbers(trend)
        if value is not None
    ]


def _numbers(trend: Trend) -> Iterator[tuple[str, date | None, str | None, float | None]]:
    for point in trend.days:
        yield "hosts", point.day, None, point.hosts
        yield "affected hosts", point.day, None, point.affected
        for level in LEVELS:
            yield "affected hosts", point.day, level.value, getattr(point.levels, level.value)
    for week in trend.weeks:
        yield from ((name, week.week, None, getattr(week, name)) for name in ("opened", "fixed", "retired"))
    yield "median days to fix", None, None, trend.median_days
    for fix in trend.fixes:
        yield "fixed", None, fix.level, fix.fixed
        yield "median days to fix", None, fix.level, fix.median_days
    for age in trend.ages:
        yield "open", None, age.level, age.findings
        yield from ((f"open, {name}", None, age.level, getattr(age, field)) for field, name in AGE_WORDS.items())
        yield "median age in days", None, age.level, age.median_days
        yield "overdue", None, age.level, age.overdue


AGE_WORDS = {"week": "up to 7 days", "month": "8 to 30 days", "quarter": "31 to 90 days", "older": "over 90 days"}
"""The groups of ages in words, by field."""
