"""Collections in many parts share a row of imports, and no news is lost by it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from feeds.storage.database import Database
from notifier.domain.components import Component, Host, Observed
from notifier.services.hosts.collecting import SCOPE
from notifier.services.hosts.host_storing import ImportOptions, store
from notifier.storage import host_listing, retention, tables, watermarks
from tests.support.samples import START

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OPTIONS = ImportOptions(SCOPE, {"env": "lab"}, shared=True)
OLD, NEW = Component("engine", "28.3.3"), Component("engine", "28.5.2")


def hosts(numbers: Iterable[int], component: Component = OLD) -> list[Host]:
    return [Host(f"web-{n}", (component,), view=Observed.RUNNING) for n in numbers]


def rows(database: Database) -> list[datetime]:
    """When each import was."""
    with database.connect() as connection:
        return list(connection.execute(sa.select(tables.inventory_import.c.at)).scalars())


def test_the_parts_of_a_collection_are_one_import_until_somebody_looks_for_news(database: Database) -> None:
    for part in range(10):
        assert store(database, hosts(range(part * 5, part * 5 + 5)), OPTIONS, START).taken.added == 5
    assert rows(database) == [START]
    with database.begin() as connection:
        watermarks.begin(connection, START + MINUTE)
    store(database, hosts(range(50, 55)), OPTIONS, START)
    assert [at > START + MINUTE for at in rows(database)] == [False, True], "the look has not seen them"


def test_rounds_in_which_nothing_changes_are_one_import_and_a_change_counts_from_its_own_time(
    database: Database,
) -> None:
    store(database, hosts(range(5)), OPTIONS, START)
    for day in range(1, 20):
        taken = store(database, hosts(range(5)), OPTIONS, START + day * DAY).taken
        assert (taken.same, taken.changed) == (5, 0)
    assert len(rows(database)) == 2
    assert store(database, hosts([1], NEW), OPTIONS, START + 30 * DAY).taken.changed == 1
    assert rows(database) == [START, START + 30 * DAY]
    with database.connect() as connection:
        found = {h.name: (h.components, h.last_seen, h.tags) for h in host_listing.hosts(connection)}
    assert found["web-1"] == ((NEW,), START + 30 * DAY, {"env": "lab"}), "it replaces what was said before"
    assert found["web-2"] == ((OLD,), START + 19 * DAY, {"env": "lab"})


def test_the_import_that_is_shared_is_not_forgotten(database: Database) -> None:
    store(database, [], OPTIONS, START)
    for number in range(200):
        with database.begin() as connection:
            connection.execute(sa.insert(tables.inventory_import).values(scope=1, at=START + number * MINUTE))
    with database.begin() as connection:
        retention.imports(connection, START + 400 * DAY, 1000)
    assert START in rows(database)
    store(database, hosts([1]), OPTIONS, START + 500 * DAY)
