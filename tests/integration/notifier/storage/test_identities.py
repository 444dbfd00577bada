"""Hosts that have an id of their own: two ids of one name are two hosts, whatever order they come in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import event

from feeds.storage.database import Database
from notifier.domain.components import BadRow, Component, Host, Note, Observed
from notifier.domain.filters import Scope
from notifier.services.hosts.host_storing import ImportListener, ImportOptions, ImportReport, store
from notifier.storage import host_listing, inventory
from tests.support.samples import START


def node(identity: str, version: str = "1.7.24", name: str = "node") -> Host:
    return Host(name, (Component("containerd", version),), view=Observed.RUNNING, identity=identity)


def imported(
    database: Database, hosts: Iterable[Host], *, strict: bool = False, given: str = "", days: int = 0
) -> tuple[ImportReport, list[str]]:
    """What an import did, and what it said."""
    said: list[str] = []

    def told(one: BadRow | Note) -> None:
        said.append(one.text if isinstance(one, Note) else one.reason)

    wish = ImportOptions("x", strict=strict, host=given)
    return store(database, iter(hosts), wish, START + timedelta(days=days), ImportListener(told)), said


def stored(database: Database) -> dict[str, str]:
    with database.connect() as connection:
        return {h.name: h.components[0].version for h in host_listing.hosts(connection, Scope())}


IDS = ("machine:aaaa1111-0000", "machine:bbbb2222-0000", "machine:cccc3333-0000")
NAMES = {"node": "1.7.20", "node~bbbb22220000": "1.7.21", "node~cccc33330000": "1.7.22"}


def test_three_nodes_of_one_name_are_three_hosts_and_stay_so_in_any_order(database: Database) -> None:
    nodes = [node(one, f"1.7.2{n}") for n, one in enumerate(IDS)]
    report, said = imported(database, nodes)
    assert (report.renamed, len(said)) == (2, 2)
    assert stored(database) == NAMES
    for day, order in enumerate(permutations(nodes), 1):
        report, _ = imported(database, order, days=day)
        assert (report.taken.added, report.taken.changed, report.taken.same) == (0, 0, 3)
    assert stored(database) == NAMES


def test_each_of_them_may_come_alone(database: Database) -> None:
    imported(database, [node(one, f"1.7.2{n}") for n, one in enumerate(IDS)])
    for number, one in enumerate(reversed(IDS)):
        imported(database, [node(one, f"1.7.1{number}")], days=1 + number)
    assert stored(database) == {"node": "1.7.12", "node~bbbb22220000": "1.7.11", "node~cccc33330000": "1.7.10"}


def test_strict_keeps_none_of_them(database: Database) -> None:
    report, said = imported(database, [node(one) for one in IDS], strict=True)
    assert report.refused
    assert "another machine was already imported as node" in said[0]
    assert stored(database) == {}


def test_the_name_stays_its_own_when_the_first_host_is_gone(database: Database) -> None:
    imported(database, [node(one) for one in IDS[:2]])
    with database.begin() as connection:
        inventory.remove(connection, "node")
    imported(database, [node(IDS[1], "1.7.25")], days=1)
    assert stored(database) == {"node~bbbb22220000": "1.7.25"}


def test_ids_that_begin_alike_are_told_apart(database: Database) -> None:
    nodes = [node(f"machine:0000000000000000{n:016x}", f"1.7.{n}") for n in range(4)]
    imported(database, nodes)
    assert sorted(stored(database).values()) == ["1.7.0", "1.7.1", "1.7.2", "1.7.3"]
    report, _ = imported(database, nodes, days=1)
    assert report.taken.same == 4


def test_an_id_of_another_kind_is_no_other_host(database: Database) -> None:
    imported(database, [node("machine:aaaa")])
    report, _ = imported(database, [node("engine:bbbb", "1.7.25")], days=1)
    assert (report.renamed, stored(database)) == (0, {"node": "1.7.25"})
    report, _ = imported(database, [node("engine:cccc", "1.7.26")], days=2)
    assert (report.renamed, stored(database)) == (1, {"node": "1.7.25", "node~cccc": "1.7.26"})


def test_the_name_that_the_operator_gives_takes_the_new_id(database: Database) -> None:
    imported(database, [node("engine:aaaa")])
    imported(database, [node("engine:bbbb", "1.7.25")], given="node", days=1)
    report, _ = imported(database, [node("engine:bbbb", "1.7.26")], days=2)
    assert (report.renamed, stored(database)) == (0, {"node": "1.7.26"})


@pytest.mark.parametrize("again", [False, True])
def test_ids_of_a_large_fleet_cost_no_more_statements_than_those_of_a_small_one(
    database: Database, again: bool
) -> None:
    def cost(hosts: list[Host], day: int) -> int:
        sent: list[Any] = []
        event.listen(database.engine, "before_cursor_execute", lambda *said: sent.append(said[2]))
        imported(database, hosts, days=day)
        return len(sent)

    small, large = ([node(f"machine:{kind}{n}", name=f"{kind}-{n}") for n in range(count)] for kind, count in
                    (("s", 20), ("l", 3000)))  # fmt: skip
    imported(database, [node("machine:z", name="z")])
    if again:
        imported(database, [*small, *large])
    first = cost(small, 1)
    assert cost(large, 2) <= first + 3
