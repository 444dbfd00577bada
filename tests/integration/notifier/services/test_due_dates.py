"""Due dates count from first exposure, host by host, and are overdue when their day has passed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from feeds.advisories.records import Level, Severity
from feeds.core.errors import UsageProblem
from feeds.storage.database import Database
from notifier.alerts.silences import Silence
from notifier.domain.components import Component, Host
from notifier.domain.due import DuePolicy
from notifier.domain.filters import Filters, Scope
from notifier.schemas.exposure import ExposureByAdvisory, ExposureByHost, ExposureByVersion, Exposures
from notifier.services.findings.exposure import ExposureQuery, assessed
from notifier.services.findings.exposure_rows import ExposureAnswer, GroupBy, exposure_answer
from notifier.services.findings.plans import plans
from notifier.services.snapshot.assessment import Assessment
from notifier.services.snapshot.settings import Settings
from notifier.storage import inventory, silences, tables
from tests.support.samples import START, publish, record, run, subscribe

ESCAPE, LEAK = "CVE-2024-41110", "CVE-2024-23651"
POLICY = DuePolicy({Level.CRITICAL: 7, Level.HIGH: 30})
OLD, MID, NEW = Component("engine", "25.0.3"), Component("engine", "25.0.5"), Component("engine", "29.7.2")


def on(number: int) -> datetime:
    return START + timedelta(days=number)


def day(number: int) -> date:
    return on(number).date()


@pytest.fixture
def fleet(database: Database) -> Database:
    """A flaw known on day 0, another on day 3; `late` joins on day 5, `mover` goes to another affected version."""
    fleet = [Host(name, (OLD,)) for name in ("web-1", "web-2", "mover")]
    for number, hosts in ((0, fleet), (3, [Host("mover", (MID,))]), (5, [Host("late", (OLD,))])):
        with database.begin() as connection:
            inventory.take(connection, hosts, {}, on(number), scope=f"day {number}")
        if number == 0:
            publish(database, record(ESCAPE, severity=Severity.CRITICAL), at=on(0))
        if number == 3:
            publish(database, record(ESCAPE, severity=Severity.CRITICAL), record(LEAK), at=on(3))
        with database.begin() as connection:
            Assessment.load(connection, on(number), keep=True)
    return database


def asked(
    database: Database, number: int, group: GroupBy | None = None, *, overdue: bool = False, policy: DuePolicy = POLICY
) -> ExposureAnswer:
    query = ExposureQuery(due=policy, overdue=overdue)
    with assessed(database, query, on(number)) as (connection, found):
        return exposure_answer(connection, found, group)


def silence(database: Database, host: str) -> None:
    with database.begin() as connection:
        number = next(a.id for a in Assessment.load(connection, on(5)).advisories if a.name == ESCAPE)
        state = Assessment.load(connection, on(5))
        facets = state.alert_state(connection, state.find(ESCAPE))
        silences.add(connection, Silence(number, Scope(hosts=(host,)), "no", "Ann", on(5), on(90), facets))


def test_each_host_has_its_own_date(fleet: Database) -> None:
    answer = asked(fleet, 8)
    assert isinstance(answer, Exposures)
    found = {(e.host, e.advisory): (e.first_exposed, e.due, e.overdue) for e in answer.exposures}
    assert found == {
        ("web-1", ESCAPE): (day(0), day(7), True),
        ("web-2", ESCAPE): (day(0), day(7), True),
        ("mover", ESCAPE): (day(0), day(7), True),
        ("late", ESCAPE): (day(5), day(12), False),
        ("web-1", LEAK): (day(3), day(33), False),
        ("web-2", LEAK): (day(3), day(33), False),
        ("mover", LEAK): (day(3), day(33), False),
        ("late", LEAK): (day(5), day(35), False),
    }
    assert isinstance(in_time := asked(fleet, 7), Exposures)
    assert not any(e.overdue for e in in_time.exposures)
    without = asked(fleet, 8, policy=DuePolicy())
    assert isinstance(without, Exposures)
    assert {(e.first_exposed, e.due) for e in without.exposures} == {(day(0), None), (day(3), None), (day(5), None)}


def test_what_is_silenced_is_not_overdue(fleet: Database) -> None:
    silence(fleet, "web-2")
    rows = asked(fleet, 8, overdue=True)
    assert isinstance(rows, Exposures)
    assert sorted(e.host or "" for e in rows.exposures) == ["mover", "web-1"]
    by_advisory = asked(fleet, 8, GroupBy.ADVISORY)
    assert isinstance(by_advisory, ExposureByAdvisory)
    assert [(a.advisory, a.hosts, a.due, a.overdue) for a in by_advisory.advisories] == [
        (ESCAPE, 4, day(7), 2),
        (LEAK, 4, day(33), 0),
    ]
    by_host = asked(fleet, 8, GroupBy.HOST)
    assert isinstance(by_host, ExposureByHost)
    assert {h.host: (h.due, h.overdue) for h in by_host.hosts} == {
        "web-1": (day(7), 1),
        "web-2": (day(7), 0),
        "mover": (day(7), 1),
        "late": (day(12), 0),
    }


def test_what_is_overdue_alone_can_be_asked_for(fleet: Database) -> None:
    silence(fleet, "web-2")
    by_advisory = asked(fleet, 8, GroupBy.ADVISORY, overdue=True)
    assert isinstance(by_advisory, ExposureByAdvisory)
    assert [(a.advisory, a.hosts, a.overdue) for a in by_advisory.advisories] == [(ESCAPE, 2, 2)]
    by_host = asked(fleet, 8, GroupBy.HOST, overdue=True)
    assert isinstance(by_host, ExposureByHost)
    assert [(h.host, h.advisories, h.overdue) for h in by_host.hosts] == [("mover", 1, 1), ("web-1", 1, 1)]
    by_version = asked(fleet, 40, GroupBy.VERSION, overdue=True)
    assert isinstance(by_version, ExposureByVersion)
    assert [(v.version, v.hosts, [a.advisory for a in v.advisories]) for v in by_version.versions] == [
        (OLD.version, 3, [ESCAPE, LEAK]),
        (MID.version, 1, [ESCAPE, LEAK]),
    ]
    answer = plans(fleet, Scope(), on(8), due=POLICY, overdue=True).value
    assert [(p.version, p.hosts.names, p.due, p.overdue) for p in answer.plans] == [
        (OLD.version, ("web-1",), day(7), 1),
        (MID.version, ("mover",), day(7), 1),
    ]
    with pytest.raises(UsageProblem, match="due date"):
        asked(fleet, 8, overdue=True, policy=DuePolicy())


def test_a_fix_and_a_new_start(fleet: Database) -> None:
    """A host that comes back to an affected version after a fixed one is exposed anew."""
    for number, component in ((6, NEW), (9, OLD)):
        with fleet.begin() as connection:
            inventory.take(connection, [Host("web-1", (component,))], {}, on(number), scope=f"day {number}")
            Assessment.load(connection, on(number), keep=True)
    answer = asked(fleet, 10)
    assert isinstance(answer, Exposures)
    assert {e.first_exposed for e in answer.exposures if e.host == "web-1"} == {day(9)}


def test_what_becomes_overdue_is_told_once(fleet: Database, tmp_path: Path) -> None:
    def told(number: int, policy: DuePolicy = POLICY) -> list[tuple[str, str, list[tuple[date, int]]]]:
        report = run(fleet, on(number), Settings(due=policy))
        return [
            (d.subscription, i.advisory.name, [(g.first, g.hosts.count) for g in i.groups])
            for d in report.digests
            for i in d.overdue
        ]

    subscribe(fleet, f"file://{tmp_path}", name="all")
    subscribe(fleet, f"file://{tmp_path}", name="late", filters=Filters(Scope(hosts=("late",))))
    assert told(6) == []
    assert told(8) == [("all", ESCAPE, [(day(0), 2), (day(0), 1)])]
    assert told(9) == []
    assert told(13) == [("all", ESCAPE, [(day(5), 1)]), ("late", ESCAPE, [(day(5), 1)])]
    silence(fleet, "mover")
    assert told(14) == []
    shorter = DuePolicy({Level.CRITICAL: 7, Level.HIGH: 5})
    assert told(15, shorter) == [
        ("all", LEAK, [(day(3), 2), (day(3), 1), (day(5), 1)]),
        ("late", LEAK, [(day(5), 1)]),
    ]
    texts = [p.read_text() for p in sorted(tmp_path.rglob("*.txt"))]
    assert any("Overdue\n-------" in text and f"due {day(8)}, exposed since {day(3)}" in text for text in texts)


def test_a_lost_digest_tells_again_what_is_overdue(fleet: Database, tmp_path: Path) -> None:
    subscribe(fleet, f"file://{tmp_path}", name="all", silent=True)
    run(fleet, on(6), Settings(due=POLICY))
    assert [len(d.overdue) for d in run(fleet, on(8), Settings(due=POLICY)).digests] == [1]
    with fleet.begin() as connection:
        connection.execute(sa.update(tables.outbox).values(state="failed"))
    again = run(fleet, on(10), Settings(due=POLICY))
    assert [len(d.overdue) for d in again.digests] == [1]
