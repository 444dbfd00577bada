"""Since when hosts have had their components, on both kinds of database."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from feeds.storage.database import Connection, Database
from notifier.domain.component_periods import ComponentPeriod, EndedPeriod
from notifier.domain.components import Component, Host
from notifier.domain.filters import Scope
from notifier.services.hosts.inventory import remove_host
from notifier.storage import component_periods, inventory, period_counts
from notifier.storage.period_tables import earlier_stay
from tests.support.samples import START

OLD, MID, NEW = Component("engine", "25.0.3"), Component("engine", "25.0.5"), Component("engine", "29.7.2")
RUNC = Component("runc", "1.1.11")


def on(number: int) -> datetime:
    return START + timedelta(days=number)


def day(number: int) -> date:
    return on(number).date()


def take(database: Database, number: int, *hosts: Host) -> None:
    with database.begin() as connection:
        inventory.take(connection, hosts, {}, on(number), scope=f"day {number}")


def known(connection: Connection) -> dict[Component, int]:
    return {c: n for n, c in inventory.components(connection).items()}


def test_a_host_that_moves_keeps_what_it_ran_before(database: Database) -> None:
    take(database, 0, Host("a", (OLD, RUNC)), Host("b", (OLD,)), Host("c", (OLD,), {"env": "lab"}))
    take(database, 3, Host("a", (MID, RUNC)), Host("b", (MID,)))
    take(database, 5, Host("d", (MID,)), Host("a", (NEW, RUNC)))
    with database.connect() as connection:
        of = known(connection)
        found = period_counts.counted(connection, Scope(), of.values())
        histories = component_periods.Histories(connection)
        old = ComponentPeriod(of[OLD], day(0))
        mid = ComponentPeriod(of[MID], day(3), old)
        assert {histories.period(key): hosts for key, hosts in found.items()} == {
            old: 1,
            mid: 1,
            ComponentPeriod(of[MID], day(5)): 1,
            ComponentPeriod(of[NEW], day(5), mid): 1,
            ComponentPeriod(of[RUNC], day(0)): 1,
        }
        assert period_counts.counted(connection, Scope(), [of[OLD]], without=[Scope(tags={"env": "lab"})]) == {}
        assert period_counts.ended(connection, day(0)) == [
            EndedPeriod(old, of[MID], day(3), 2),
            EndedPeriod(mid, of[NEW], day(5), 1),
        ]
        assert period_counts.recorded_since(connection) == day(0)


def test_hosts_and_products_that_go_end_their_stays(database: Database) -> None:
    take(database, 0, Host("a", (OLD, RUNC)), Host("b", (OLD,)), Host("c", (OLD,)))
    take(database, 1, Host("c", (MID,)))
    remove_host(database, "b", on(2))
    remove_host(database, "c", on(2))
    take(database, 3, Host("a", (OLD,)))
    with database.connect() as connection:
        of = known(connection)
        old = ComponentPeriod(of[OLD], day(0))
        assert period_counts.ended(connection, day(2)) == [
            EndedPeriod(old, None, day(2), 1),
            EndedPeriod(ComponentPeriod(of[MID], day(1), old), None, day(2), 1),
            EndedPeriod(ComponentPeriod(of[RUNC], day(0)), None, day(3), 1),
        ]
    with database.begin() as connection:
        assert component_periods.forget(connection, day(3)) == 3
        assert component_periods.forget(connection, day(4)) == 1
        kept = connection.execute(sa.select(sa.func.count()).select_from(earlier_stay)).scalar()
    assert kept == 0


def test_hosts_that_an_import_no_longer_names_end_their_stays(database: Database) -> None:
    for number, hosts in enumerate(([Host("a", (OLD,)), Host("b", (OLD,))], [Host("a", (OLD,))])):
        with database.begin() as connection:
            work = inventory.Import(connection, on(number), scope="all")
            list(work.add(hosts))
            work.prune()
    with database.connect() as connection:
        period = ComponentPeriod(known(connection)[OLD], day(0))
        assert period_counts.ended(connection, day(0)) == [EndedPeriod(period, None, day(1), 1)]
