"""Hosts counted by component, exactly, on both kinds of database."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from feeds.advisories.records import Level, Severity
from feeds.storage.database import Connection, Database
from feeds.verdicts.weighing import Status
from notifier.assessment.findings import by_advisory
from notifier.domain.components import Component, Host
from notifier.domain.filters import Scope
from notifier.domain.hosts import HostRiskCount, RiskSummary, TrendDay
from notifier.services.findings.exposure import ExposureQuery, assess, host_counts, marks, note_trend
from notifier.storage import hosts_by_component, hosts_by_severity, inventory, trend_days
from tests.support.samples import DAY, START, publish, record

OLD, NEW = Component("engine", "25.0.5"), Component("engine", "29.7.2")
KIT = Component("buildkit", "0.12.4")
RUNC, PACKED = Component("runc", "1.1.11"), Component("runc", "1.1.11", "containerd.io 1.6.27-1")
FLEET = (
    Host("web-2", (OLD, KIT, RUNC), {"env": "prod"}),
    Host("web-1", (OLD, KIT), {"env": "prod"}),
    Host("lab-1", (KIT, NEW), {"env": "test"}),
    Host("lab-2", (RUNC, PACKED, NEW), {"env": "test"}),
    Host("clean-1", (NEW,)),
)


@pytest.fixture
def fleet(database: Database) -> Database:
    with database.begin() as connection:
        inventory.take(connection, FLEET, {}, START)
    return database


def numbers(connection: Connection) -> dict[Component, int]:
    return {c: n for n, c in inventory.components(connection).items()}


COUNTS: list[tuple[Scope, dict[Component, int]]] = [
    (Scope(), {OLD: 2, NEW: 3, KIT: 3, RUNC: 2, PACKED: 1}),
    (Scope(products=("runc",)), {RUNC: 2, PACKED: 1}),
    (Scope(tags={"env": "prod"}), {OLD: 2, KIT: 2, RUNC: 1}),
    (Scope(hosts=("lab-*",), products=("engine",)), {NEW: 2}),
    (Scope(hosts=("none",)), {}),
]


def test_hosts_are_counted_by_component(fleet: Database) -> None:
    with fleet.connect() as connection:
        known = inventory.components(connection)
        some = [n for n, component in known.items() if component in (OLD, RUNC)]
        for scope, expected in COUNTS:
            found = {known[n]: hosts for n, hosts in hosts_by_component.counts(connection, scope).items()}
            assert found == expected, scope
            found = {known[n]: hosts for n, hosts in hosts_by_component.counts(connection, scope, some).items()}
            assert found == {c: hosts for c, hosts in expected.items() if c in (OLD, RUNC)}, scope
            assert hosts_by_component.counts(connection, scope, []) == {}, scope


TOGETHER: list[tuple[Scope, tuple[Component, ...], int]] = [
    (Scope(), (OLD, KIT), 3),
    (Scope(), (RUNC, PACKED), 2),
    (Scope(tags={"env": "prod"}), (OLD, KIT, RUNC), 2),
    (Scope(hosts=("web-2",)), (OLD, NEW), 1),
    (Scope(), (), 0),
]


def test_a_host_that_runs_two_of_them_counts_once(fleet: Database) -> None:
    with fleet.connect() as connection:
        of = numbers(connection)
        for scope, components, hosts in TOGETHER:
            found = hosts_by_component.distinct_hosts(connection, scope, [of[c] for c in components])
            assert found == hosts, (scope, components)


def test_products_of_which_a_host_runs_two_are_known(fleet: Database) -> None:
    with fleet.connect() as connection:
        assert hosts_by_component.multi_version_products(connection, Scope()) == {"runc"}
        assert hosts_by_component.multi_version_products(connection, Scope(tags={"env": "prod"})) == frozenset()


def test_a_host_of_very_many_components_makes_every_product_suspect(database: Database) -> None:
    crowd = Host("crowd", tuple(Component("runc", f"1.1.{n}") for n in range(128)))
    with database.begin() as connection:
        inventory.take(connection, [crowd], {}, START)
    with database.connect() as connection:
        assert hosts_by_component.multi_version_products(connection, Scope()) >= {"runc"}


def test_holders_come_by_name_with_what_they_run(fleet: Database) -> None:
    with fleet.connect() as connection:
        of = numbers(connection)
        found = list(hosts_by_component.hosts_running(connection, Scope(), [of[OLD], of[RUNC], of[PACKED]]))
    assert [(host, set(held)) for host, _, held, _ in found] == [
        ("lab-2", {of[RUNC], of[PACKED]}),
        ("web-1", {of[OLD]}),
        ("web-2", {of[OLD], of[RUNC]}),
    ]
    assert found[0][1] == {"env": "test"}


def test_some_hosts_of_a_component_are_named(fleet: Database) -> None:
    with fleet.connect() as connection:
        of = numbers(connection)
        assert hosts_by_component.example_hosts(connection, Scope(), of[NEW], 9) == ("clean-1", "lab-1", "lab-2")
        assert len(hosts_by_component.example_hosts(connection, Scope(), of[NEW], 2)) == 2
        assert hosts_by_component.example_hosts(connection, Scope(tags={"env": "prod"}), of[KIT], 9) == (
            "web-1",
            "web-2",
        )


def test_hosts_come_worst_first_then_by_how_much_then_by_name(fleet: Database) -> None:
    with fleet.connect() as connection:
        of = numbers(connection)
        told = {
            of[OLD]: RiskSummary(5, 3),
            of[KIT]: RiskSummary(4, 1),
            of[RUNC]: RiskSummary(5, 1),
            of[NEW]: RiskSummary(0, 0, unknown=True),
        }
        for _ in range(2):  # the marks are gone after the first time
            found = [
                (host, set(held)) for host, _, held, _ in hosts_by_severity.hosts_by_risk(connection, Scope(), told)
            ]
            assert found == [
                ("web-2", {of[OLD], of[KIT], of[RUNC]}),
                ("web-1", {of[OLD], of[KIT]}),
                ("lab-2", {of[RUNC]}),
                ("lab-1", {of[KIT]}),
            ]
        scoped = hosts_by_severity.hosts_by_risk(connection, Scope(tags={"env": "test"}), told)
        assert [host for host, *_ in scoped] == ["lab-2", "lab-1"]
        assert list(hosts_by_severity.hosts_by_risk(connection, Scope(), {})) == []


def test_each_host_stands_once_under_its_worst(fleet: Database) -> None:
    with fleet.connect() as connection:
        of = numbers(connection)
        told = {
            of[OLD]: RiskSummary(5, 3, kev=True),
            of[KIT]: RiskSummary(4, 1),
            of[NEW]: RiskSummary(0, 0, unknown=True),
        }
        found = hosts_by_severity.risk_counts(connection, Scope(), told)
        assert set(found) == {
            HostRiskCount(5, kev=True, unknown=False, hosts=2),
            HostRiskCount(4, kev=False, unknown=True, hosts=1),
            HostRiskCount(0, kev=False, unknown=True, hosts=2),
        }
        assert hosts_by_severity.risk_counts(connection, Scope(hosts=("web-1",)), told) == [
            HostRiskCount(5, kev=True, unknown=False, hosts=1)
        ]
        last = {
            max(of.values()): RiskSummary(3, 1)
        }  # a component before it that nothing marks is not a mark of nothing
        assert hosts_by_severity.risk_counts(connection, Scope(), last) == [
            HostRiskCount(3, kev=False, unknown=False, hosts=1)
        ]
        assert hosts_by_severity.risk_counts(connection, Scope(), {}) == []


def test_hosts_that_no_import_names_any_more_are_counted(fleet: Database) -> None:
    with fleet.begin() as connection:
        inventory.take(connection, FLEET[:2], {}, START + 40 * DAY)
    with fleet.connect() as connection:
        assert inventory.count(connection, Scope(), unseen_since=START + DAY) == 3
        assert (
            inventory.count(connection, Scope(tags={"env": "test"}, products=("runc",)), unseen_since=START + DAY) == 2
        )
        assert inventory.count(connection, Scope(), unseen_since=START) == 0


def test_an_advisorys_hosts_are_exact_however_many_of_its_components_they_run(fleet: Database) -> None:
    publish(
        fleet,
        record("CVE-2026-1", below="29.0.0", products=("engine",)),
        record("CVE-2026-2", below="25.0.6", products=("engine", "buildkit")),
        record("CVE-2026-3", below="1.1.12", products=("runc",)),
    )
    with fleet.connect() as connection:
        found = assess(connection, ExposureQuery(), START)
        groups = by_advisory(found.findings)
        counted = dict(zip((a.name for a, _ in groups), host_counts(connection, Scope(), groups), strict=True))
        summed = {a.name: sum(f.hosts for f in group) for a, group in groups}
    assert counted == {"CVE-2026-1": 2, "CVE-2026-2": 3, "CVE-2026-3": 2}
    assert summed == {"CVE-2026-1": 2, "CVE-2026-2": 5, "CVE-2026-3": 3}


def test_a_question_narrows_the_findings(fleet: Database) -> None:
    publish(
        fleet,
        record("CVE-2026-1", below="29.0.0", severity=Severity.LOW),
        record("CVE-2026-2", below="29.0.0", severity=None),
        record("CVE-2026-3", below="29.0.0", severity=Severity.HIGH),
    )
    with fleet.connect() as connection:

        def asked(**question: Any) -> list[tuple[str, str]]:
            query = ExposureQuery(scope=Scope(products=("engine",)), **question)
            found = assess(connection, query, START).findings
            return [(f.match.advisory.name, f.match.component.version) for f in found]

        names = ("CVE-2026-3", "CVE-2026-2", "CVE-2026-1")
        assert asked() == [(n, "25.0.5") for n in names]
        assert asked(least=Severity.HIGH) == [(n, "25.0.5") for n in names[:2]]
        assert asked(advisories=("cve-2026-1",)) == [("CVE-2026-1", "25.0.5")]
        assert asked(verdicts=frozenset({Status.NOT_AFFECTED})) == [(n, "29.7.2") for n in names]
        left_alone = frozenset({Status.NOT_AFFECTED})
        assert asked(verdicts=left_alone, advisories=("cve-2026-1",)) == [("CVE-2026-1", "29.7.2")]
        assert asked(kev=True) == []


# each day's numbers


def days(database: Database) -> tuple[TrendDay, ...]:
    with database.connect() as connection:
        return trend_days.trend(connection)


def test_the_last_numbers_of_a_day_stand(database: Database) -> None:
    today = date(2026, 4, 15)
    for high in (1, 2):
        with database.begin() as connection:
            trend_days.store_trend(connection, today, 10, {"high": high, "low": 0})
    with database.begin() as connection:
        trend_days.store_trend(connection, today + timedelta(days=1), 11, {"high": 3, "low": 0})
    assert days(database) == (
        TrendDay(today, 10, {"high": 2, "low": 0}),
        TrendDay(today + timedelta(days=1), 11, {"high": 3, "low": 0}),
    )


def test_a_day_is_kept_for_400_days(database: Database) -> None:
    today = date(2026, 4, 15)
    for age in (400, 399, 0):
        with database.begin() as connection:
            trend_days.store_trend(connection, today - timedelta(days=age), 1, {"high": 1})
    assert [d.day for d in days(database)] == [today - timedelta(days=399), today]


def test_a_days_numbers_count_each_host_once_by_its_worst(fleet: Database) -> None:
    publish(
        fleet,
        record("CVE-2026-1", below="25.0.6", severity=Severity.CRITICAL),
        record("CVE-2026-2", below="25.0.6", severity=Severity.LOW),
        record("CVE-2026-3", below="1.1.12", products=("runc",), severity=None),
    )
    note_trend(fleet, START)
    (day,) = days(fleet)
    assert (day.day, day.hosts) == (START.date(), 5)
    assert day.levels == dict.fromkeys(map(str, Level), 0) | {"critical": 2, "unscored": 1}


def test_an_empty_inventory_has_no_numbers(database: Database) -> None:
    note_trend(database, START)
    assert days(database) == ()


def test_marks_tell_what_is_exposed_from_what_is_unknown(fleet: Database) -> None:
    publish(fleet, record("CVE-2026-1", below="25.0.6", severity=Severity.CRITICAL))
    with fleet.connect() as connection:
        of = numbers(connection)
        found = assess(connection, ExposureQuery(verdicts=frozenset(Status)), START).findings
    assert marks(found) == {of[OLD]: RiskSummary(5, 1), of[NEW]: RiskSummary(0, 0)}
    assert marks(found, frozenset(Status)) == {of[OLD]: RiskSummary(5, 1), of[NEW]: RiskSummary(5, 1)}
