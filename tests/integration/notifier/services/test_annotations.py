"""Which rows of an exposure are silenced: those that digests leave out, on both kinds of database."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from feeds.advisories.records import Severity
from feeds.storage.database import Connection, Database
from notifier.alerts.silences import Silence
from notifier.domain.components import Component, Host
from notifier.domain.filters import Scope
from notifier.services.findings.exposure import ExposureQuery, ScopedFindings, assess
from notifier.services.findings.exposure_rows import each_host, host_groups
from notifier.services.snapshot.assessment import Assessment
from notifier.storage import inventory, silences
from tests.support.samples import DAY, NOW, START, publish, record

OLD, NEW, KIT = Component("engine", "25.0.5"), Component("engine", "26.1.4"), Component("buildkit", "0.12.4")
FLEET = (
    Host("web-1", (OLD, KIT), {"env": "prod", "team": "web"}),
    Host("WEB-2", (OLD,), {"env": "prod"}),
    Host("web_3", (NEW, KIT), {"env": "prod"}),
    Host("webx3", (NEW,)),
    Host("lab-1", (KIT,), {"env": "lab"}),
    Host("über-1", (OLD,), {"env": "lab"}),
    Host("ÜBER-2", (NEW,), {"env": "lab"}),
    Host("100%", (OLD,)),
)
ONE, OTHER = "CVE-2026-1", "CVE-2026-2"
FAR = Scope(hosts=("nobody",))


@pytest.fixture
def fleet(database: Database) -> Database:
    with database.begin() as connection:
        inventory.take(connection, FLEET, {}, START)
    publish(
        database,
        record(ONE, below="29.0.0", products=("engine", "buildkit")),
        record(OTHER, below="29.0.0", severity=Severity.LOW),
    )
    return database


def hush(
    database: Database, name: str, *scopes: Scope, before: Severity = Severity.HIGH, last: datetime = NOW + 9 * DAY
) -> None:
    """Silence an advisory as if it was of this severity: for the first scope until `last`, for each next a day less."""
    with database.begin() as connection:
        assessment = Assessment.load(connection, NOW)
        found = assessment.find(name)
        facets = msgspec.structs.replace(assessment.alert_state(connection, found), severity=before)
        for place, scope in enumerate(scopes):
            until = last - place * DAY
            silences.add(connection, Silence(found.id, scope, "not used", "Ann", NOW - DAY, until, facets))


def asked(connection: Connection, scope: Scope | None = None) -> ScopedFindings:
    return assess(connection, ExposureQuery(scope or Scope()), NOW)


def ends(connection: Connection, scope: Scope | None = None) -> dict[tuple[str, str, int], datetime | None]:
    """Until when each row is silenced, by advisory, host and the number of the component."""
    rows = each_host(connection, asked(connection, scope))
    return {(r.finding.match.advisory.name, r.host, r.finding.number): r.silenced_until for r in rows}


SCOPES = [
    (Scope(),),
    (Scope(hosts=("web-*",)),),
    (Scope(hosts=("WEB-?", "lab-1")),),
    (Scope(hosts=("web_*",)),),
    (Scope(hosts=("100%", "1*%?")),),
    (Scope(hosts=("über*",)),),
    (Scope(tags={"env": "prod"}),),
    (Scope(tags={"env": "prod", "team": "web"}),),
    (Scope(products=("buildkit",)),),
    (Scope(hosts=("web*",), tags={"env": "prod"}, products=("engine",)),),
    (Scope(hosts=("web-1",)), Scope(tags={"env": "lab"}), Scope(products=("buildkit",)), Scope(hosts=("*3",))),
    (FAR,),
]


@pytest.mark.parametrize("scopes", SCOPES)
def test_rows_are_silenced_on_exactly_the_hosts_that_digests_leave_out(
    fleet: Database, scopes: tuple[Scope, ...]
) -> None:
    hush(fleet, ONE, *scopes)
    with fleet.connect() as connection:
        found = ends(connection)
        told = inventory.populations(connection, Scope(), without=scopes)
        groups = {g.host: g for g in host_groups(connection, asked(connection))}
    rows = {(host, number): until for (name, host, number), until in found.items() if name == ONE}
    assert {row for row, until in rows.items() if until is None} == {
        (host, number) for number, people in told.items() for host in people.names
    }
    assert not any(until for (name, *_), until in found.items() if name == OTHER)
    assert {host: g.silenced for host, g in groups.items()} == {
        host: int(all(until for (other, _), until in rows.items() if other == host)) for host in groups
    }


def test_of_several_silences_the_one_that_ends_last_counts(fleet: Database) -> None:
    hush(fleet, ONE, Scope(tags={"env": "prod"}), Scope(), Scope(hosts=("web-1", "webx3")))
    with fleet.connect() as connection:
        found = {host: until for (name, host, _), until in ends(connection).items() if name == ONE}
    last, next_ = NOW + 9 * DAY, NOW + 8 * DAY
    assert [found["web-1"], found["web_3"], found["webx3"], found["lab-1"]] == [last, last, next_, next_]


def test_a_silence_that_ended_or_that_something_broke_covers_no_row(fleet: Database) -> None:
    hush(fleet, ONE, Scope(), before=Severity.LOW)
    hush(fleet, OTHER, Scope(), before=Severity.LOW, last=NOW)
    with fleet.connect() as connection:
        assert set(ends(connection).values()) == {None}
        assert {g.silenced for g in host_groups(connection, asked(connection))} == {0}


def test_it_covers_the_same_rows_whatever_part_of_the_fleet_is_asked_for(fleet: Database) -> None:
    hush(fleet, ONE, Scope(hosts=("web*",)), FAR)
    with fleet.connect() as connection:
        whole = ends(connection)
        for scope in (Scope(hosts=("w*", "lab-1")), Scope(tags={"env": "prod"}), Scope(products=("buildkit",))):
            part = ends(connection, scope)
            assert part
            assert part.items() <= whole.items()


def test_a_host_counts_an_advisory_as_silenced_when_it_is_so_for_all_that_it_concerns_there(fleet: Database) -> None:
    hush(fleet, ONE, Scope(products=("engine",)))
    hush(fleet, OTHER, Scope(), before=Severity.LOW)
    with fleet.connect() as connection:
        groups = host_groups(connection, asked(connection))
        found = {g.host: (g.silenced, g.advisories) for g in groups}
    assert [found["web-1"], found["WEB-2"], found["lab-1"]] == [(1, 2), (2, 2), (0, 1)]


def test_silences_that_name_a_host_each_may_be_as_many_as_there_are_hosts(database: Database) -> None:
    names = [f"host-{n:03}" for n in range(100)]
    with database.begin() as connection:
        inventory.take(connection, [Host(name, (OLD,)) for name in names], {}, START)
    publish(database, record(ONE, below="29.0.0"))
    hush(database, ONE, *(Scope(hosts=(name,)) for name in names[:-1]), last=NOW + 200 * DAY)
    with database.connect() as connection:
        found = {host: until for (_, host, _), until in ends(connection).items()}
    assert found == {
        **{name: NOW + (200 - place) * DAY for place, name in enumerate(names[:-1])},
        names[-1]: None,
    }


def test_a_fleet_that_is_read_anew_for_each_advisory_is_silenced_the_same(database: Database) -> None:
    components = tuple(Component("runc", f"1.1.{n}") for n in range(8))
    hosts = [Host(f"host-{n:04}", components, {"env": "lab" if n % 2 else "prod"}) for n in range(2600)]
    with database.begin() as connection:
        inventory.take(connection, hosts, {}, START)
    publish(database, *(record(name, below="2.0.0", products=("runc",)) for name in (ONE, OTHER)))
    hush(database, ONE, Scope(hosts=("host-00*",)), Scope(tags={"env": "lab"}))
    hush(database, OTHER, Scope(hosts=("*9",)))
    with database.connect() as connection:
        found = ends(connection)
    assert len(found) == 2 * 8 * 2600
    last, next_ = NOW + 9 * DAY, NOW + 8 * DAY
    for (name, host, _), until in found.items():
        if name == ONE:
            odd = int(host[-1]) % 2
            assert until == (last if host.startswith("host-00") else next_ if odd else None), host
        else:
            assert until == (last if host.endswith("9") else None), host


def test_an_assessment_is_frozen_and_knows_its_silences_when_it_is_loaded(fleet: Database) -> None:
    hush(fleet, ONE, Scope(), FAR)
    with fleet.connect() as connection:
        assessment = Assessment.load(connection, NOW)
        number = assessment.find(ONE).id
    # the connection is closed: nothing is read later
    assert {s.scope.hosts for s in assessment.in_force[number]} == {(), FAR.hosts}
    assert assessment.lasting == {s.id for s in assessment.silences}
    first, component = next(iter(assessment.components.items()))
    assert assessment.matches(first) is assessment.matches(first)
    # what every digest asks of a component is worked out once
    assert assessment.matcher.standing(component) is assessment.matcher.standing(component)
    assert assessment.plan(component) is assessment.plan(component)
    with pytest.raises(TypeError):
        assessment.in_force[number] = ()  # type: ignore[index]
    with pytest.raises(AttributeError):
        assessment.now = START  # type: ignore[misc]
