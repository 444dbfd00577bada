"""The trend counts findings by host, from their first exposure to their end."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from feeds.advisories.records import Level, Severity
from feeds.storage.database import Database
from notifier.domain.components import Component, Host
from notifier.domain.due import DuePolicy
from notifier.schemas.trend import Trend, csv_rows
from notifier.services.findings.exposure import note_trend
from notifier.services.findings.trend import trend
from notifier.services.hosts.inventory import remove_host
from notifier.services.snapshot.assessment import Assessment
from notifier.storage import inventory
from tests.support.samples import START, publish, record

ESCAPE, LEAK = "CVE-2024-41110", "CVE-2024-23651"
OLD, MID, NEW = Component("engine", "25.0.3"), Component("engine", "25.0.5"), Component("engine", "29.7.2")
MONDAY = START - timedelta(days=START.weekday())


def on(number: int) -> datetime:
    return MONDAY + timedelta(days=number)


def day(number: int) -> date:
    return on(number).date()


def weeks(found: Trend) -> list[tuple[int, int, int, bool]]:
    return [(w.opened, w.fixed, w.retired, w.whole) for w in found.weeks]


def test_an_empty_database_has_no_history(database: Database) -> None:
    found = trend(database, on(0))
    assert (found.hosts_since, found.findings_since, found.days, found.weeks) == (None, None, (), ())
    assert {a.findings for a in found.ages} == {0}
    assert found.median_days is None


def test_what_was_opened_and_fixed_is_counted_by_week(database: Database) -> None:
    def take(number: int, *hosts: Host) -> None:
        with database.begin() as connection:
            inventory.take(connection, hosts, {}, on(number), scope=f"day {number}")
            Assessment.load(connection, on(number), keep=True)

    publish(database, record(ESCAPE, severity=Severity.CRITICAL, below="25.0.6"), at=on(1))
    take(1, *(Host(f"web-{n}", (OLD,)) for n in range(4)), Host("gone", (OLD,)))
    note_trend(database, on(1))
    publish(database, record(ESCAPE, severity=Severity.CRITICAL, below="25.0.6"), record(LEAK), at=on(4))
    take(5, Host("web-0", (MID,)))  # still affected by both
    take(8, Host("web-0", (NEW,)), Host("web-1", (NEW,)))
    remove_host(database, "gone", on(9))
    take(16, Host("web-2", (NEW,)))
    note_trend(database, on(16))
    found = trend(database, on(17), day(0), DuePolicy({Level.CRITICAL: 7}))
    assert (found.findings_since, found.hosts_since) == (day(1), day(1))
    assert weeks(found) == [(10, 0, 0, False), (0, 4, 2, True), (0, 2, 0, False)]
    critical, high = ({f.level: f for f in found.fixes}[level] for level in ("critical", "high"))
    assert (critical.fixed, critical.median_days) == (3, 7.0)
    assert (high.fixed, high.median_days) == (3, 4.0)
    assert found.median_days == 7.0
    open_ = {a.level: a for a in found.ages}
    assert (open_["critical"].findings, open_["critical"].month, open_["critical"].overdue) == (1, 1, 1)
    assert (open_["high"].oldest, open_["high"].median_days, open_["high"].overdue) == (day(4), 13.0, 0)
    assert [(d.day, d.hosts, d.levels.critical) for d in found.days] == [(day(1), 5, 5), (day(16), 4, 1)]
    later = trend(database, on(17), day(8))
    assert weeks(later) == [(0, 4, 2, False), (0, 2, 0, False)]
    assert len(csv_rows(found)) > len(found.days)


def test_what_was_a_mistake_leaves_the_numbers(database: Database) -> None:
    publish(database, record(ESCAPE), at=on(1))
    with database.begin() as connection:
        inventory.take(connection, [Host("web-1", (OLD,)), Host("web-2", (OLD,))], {}, on(1))
        Assessment.load(connection, on(1), keep=True)
        inventory.take(connection, [Host("web-1", (NEW,))], {}, on(2), scope="later")
    publish(database, record(ESCAPE, below="25.0.1"), at=on(3))
    assert weeks(trend(database, on(3), day(0))) == [(0, 0, 0, False)]
