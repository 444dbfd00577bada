"""Imports add up to an inventory: views, scopes, pruning, and what is left when something changes."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.storage.database import Connection, Database
from notifier.domain.components import Component, Host, Observed
from notifier.domain.filters import Scope
from notifier.domain.hosts import ImportResult
from notifier.domain.observations import BEHIND, behind, decode, effective
from notifier.storage import host_listing, inventory, tables
from notifier.storage.import_rows import CHUNK
from notifier.storage.inventory import Import
from tests.support.depth import examples
from tests.support.samples import DAY, START

RUNS = Component("engine", "28.3.3")
NEWER = Component("engine", "28.5.2", "docker-ce 5:28.5.2-1~debian.12~bookworm", "debian-12")
RUNC = Component("runc", "1.2.5")
COMPOSE = Component("compose", "2.40.0")


def take(
    database: Database, hosts: Iterable[Host], at: datetime = START, *, scope: str = "", prune: bool = False
) -> ImportResult:
    with database.begin() as connection:
        work = Import(connection, at, scope=scope)
        for _ in work.add(hosts):
            pass
        if prune:
            work.prune()
        return work.taken


def held(database: Database) -> dict[str, set[Component]]:
    with database.connect() as connection:
        return {h.name: set(h.components) for h in host_listing.hosts(connection)}


def running(name: str, *components: Component) -> Host:
    return Host(name, components, view=Observed.RUNNING)


def installed(name: str, *components: Component) -> Host:
    return Host(name, components, view=Observed.INSTALLED)


def test_what_runs_counts_and_the_restart_is_known_until_it_is_done(database: Database) -> None:
    take(database, [installed("web-1", NEWER, COMPOSE)])
    take(database, [running("web-1", RUNS, RUNC)], START + DAY)
    assert held(database) == {"web-1": {RUNS, RUNC, COMPOSE}}
    with database.connect() as connection:
        (row,) = inventory.restarts(connection, Scope())
        numbers = inventory.components(connection)
        (host,) = host_listing.hosts(connection)
    assert (numbers[row[0]], numbers[row[1]], row[2], row[3]) == (RUNS, NEWER, 1, ("web-1",))
    assert host.restarts == ((RUNS, NEWER),)
    assert take(database, [running("web-1", Component("engine", "28.5.2"), RUNC)], START + 2 * DAY) == ImportResult(
        changed=1
    )
    assert held(database) == {"web-1": {NEWER, RUNC, COMPOSE}}
    with database.connect() as connection:
        assert inventory.restarts(connection, Scope()) == []


def test_two_views_of_a_host_may_come_in_one_import(database: Database) -> None:
    assert take(database, [installed("web-1", NEWER), running("web-1", RUNS)]) == ImportResult(added=1)
    assert held(database) == {"web-1": {RUNS}}


def test_a_newer_declaration_replaces_what_others_said_of_its_products(database: Database) -> None:
    take(database, [installed("web-1", NEWER, COMPOSE)])
    take(database, [running("web-1", RUNS)], START + DAY)
    said = Component("engine", "29.5.1")
    take(database, [Host("web-1", (said,))], START + 2 * DAY)
    assert held(database) == {"web-1": {said, COMPOSE}}


def test_what_a_daemon_says_replaces_an_older_declaration_of_its_products(database: Database) -> None:
    take(database, [Host("web-1", (Component("engine", "27.0.0"), COMPOSE))])
    take(database, [running("web-1", RUNS)], START + DAY)
    assert held(database) == {"web-1": {RUNS, COMPOSE}}


def test_rows_of_one_host_need_not_stand_together_however_far_apart(database: Database) -> None:
    many = [Host(f"n-{n:05}", (RUNC,)) for n in range(CHUNK + 5)]
    assert take(database, [Host("web-1", (RUNS,)), *many, Host("web-1", (RUNC,), {"env": "prod"})]) == ImportResult(
        added=len(many) + 1, changed=1
    )
    with database.connect() as connection:
        (host,) = host_listing.hosts(connection, Scope(hosts=("web-1",)))
    assert set(host.components) == {RUNS, RUNC}
    assert host.tags == {"env": "prod"}


def test_pruning_forgets_what_the_scope_no_longer_has_and_nothing_else(database: Database) -> None:
    take(database, [Host("a", (RUNS,)), Host("b", (RUNS,)), Host("c", (RUNS,))], scope="team-a.csv")
    take(database, [Host("d", (RUNS,))], scope="team-b.csv")
    taken = take(database, [Host("a", (RUNS,))], START + DAY, scope="team-a.csv", prune=True)
    assert taken == ImportResult(same=1, gone=2)
    assert set(held(database)) == {"a", "d"}


def test_a_pruned_host_stays_with_what_another_scope_says_of_it(database: Database) -> None:
    take(database, [installed("web-1", NEWER, COMPOSE)], scope="packages")
    take(database, [running("web-1", RUNS)], START + DAY, scope="collect")
    take(database, [], START + 2 * DAY, scope="packages", prune=True)
    assert held(database) == {"web-1": {RUNS}}
    with database.connect() as connection:
        assert inventory.restarts(connection, Scope()) == []


def test_a_host_that_two_scopes_name_is_there_until_neither_does(database: Database) -> None:
    both = [Host("web-1", (RUNS,)), Host("web-2", (RUNS, RUNC))]
    take(database, both, scope="a.csv")
    take(database, both, START + DAY, scope="b.csv")
    assert take(database, both[:1], START + 2 * DAY, scope="b.csv", prune=True) == ImportResult(same=1)
    assert held(database) == {"web-1": {RUNS}, "web-2": {RUNS, RUNC}}
    assert take(database, both[:1], START + 3 * DAY, scope="a.csv", prune=True) == ImportResult(same=1, gone=1)
    assert held(database) == {"web-1": {RUNS}}


def test_what_a_declaration_replaced_counts_again_when_that_is_pruned(database: Database) -> None:
    take(database, [running("web-1", RUNS, RUNC)], scope="collect")
    take(database, [Host("web-1", (NEWER,))], START + DAY, scope="fleet.csv")
    assert held(database) == {"web-1": {NEWER, RUNC}}
    assert take(database, [], START + 2 * DAY, scope="fleet.csv", prune=True).gone == 1
    assert held(database) == {"web-1": {RUNS, RUNC}}


def test_of_two_that_wait_for_the_same_restart_one_may_be_gone(database: Database) -> None:
    other = Component("engine", "28.4.0")
    take(database, [installed("web-1", NEWER), running("web-1", RUNS, other)])
    take(database, [running("web-1", RUNS)], START + DAY)
    with database.connect() as connection:
        numbers = inventory.components(connection)
        found = [(numbers[runs], numbers[waits]) for runs, waits, _, _ in inventory.restarts(connection, Scope())]
    assert found == [(RUNS, NEWER)]


def test_products_that_a_host_no_longer_has_are_counted(database: Database) -> None:
    take(database, [Host(n, (RUNS, RUNC, COMPOSE)) for n in ("a", "b", "c")])
    others = [Host("c", (NEWER, RUNC, COMPOSE)), *(Host(f"web-{n}", (RUNS,)) for n in range(CHUNK))]
    taken = take(database, [Host("a", (RUNC,)), Host("b", (NEWER,)), *others, Host("b", (RUNC,))], START + DAY)
    assert taken == ImportResult(added=CHUNK, changed=4, lost=Counter(compose=2, engine=1))


def test_imports_of_ever_new_names_do_not_pile_up(database: Database) -> None:
    for number in range(BEHIND + 3):
        take(database, [Host("web-1", (RUNS,))], START + number * DAY, scope=f"{number}.csv")
    runs, scopes = tables.inventory_import, tables.inventory_scope
    with database.connect() as connection:
        (text,) = connection.execute(sa.select(tables.host.c.views)).scalars()
        named = dict(connection.execute(sa.select(runs.c.id, scopes.c.name).join(scopes)).all())
    assert [named[seen.by] for _, seen in behind(text)] == [f"{n}.csv" for n in range(2, BEHIND + 2)]


def test_a_scope_knows_whether_anything_was_imported_under_it(database: Database) -> None:
    with database.begin() as connection:
        assert Import(connection, START, scope="new").first_of_its_scope
        assert not Import(connection, START, scope="new").first_of_its_scope


def test_a_host_says_by_which_import_it_was_seen_last(database: Database) -> None:
    take(database, [Host("web-1", (RUNS,))], scope="fleet.csv")
    take(database, [running("web-1", RUNS)], START + DAY, scope="collect")
    with database.connect() as connection:
        (host,) = host_listing.hosts(connection)
    assert (host.seen_by, host.first_seen, host.last_seen) == ("collect", START, START + DAY)


def test_stale_hosts_are_counted_and_named_the_oldest_first(database: Database) -> None:
    take(database, [Host("old", (RUNS,))])
    take(database, [Host("older", (RUNS,))], START - DAY)
    take(database, [Host("young", (RUNS,))], START + 20 * DAY)
    with database.connect() as connection:
        assert inventory.stale(connection, Scope(), START + DAY) == (2, ("older", "old"), START - DAY)
        assert inventory.stale(connection, Scope(hosts=("young",)), START + DAY) == (0, (), None)


COMPONENTS = (RUNS, NEWER, Component("engine", "28.5.2"), RUNC, COMPOSE)
host_values = st.builds(
    Host,
    st.sampled_from(["a", "b", "c"]),
    st.lists(st.sampled_from(COMPONENTS), max_size=3, unique=True).map(tuple),
    st.just({}),
    st.sampled_from(list(Observed)),
)
imports = st.lists(
    st.tuples(st.sampled_from(["x", "y"]), st.lists(host_values, max_size=5), st.booleans()), min_size=1, max_size=5
)


@settings(max_examples=examples(60), deadline=None)
@given(imports)
def test_after_any_imports_the_tables_hold_what_the_views_add_up_to(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, steps: list[tuple[str, list[Host], bool]]
) -> None:
    path = shutil.copy(sqlite_template, tmp_path_factory.mktemp("imports"))
    database = Database(f"sqlite:///{path}")
    for number, (scope, hosts, prune) in enumerate(steps):
        take(database, hosts, START + number * DAY, scope=scope, prune=prune)
    with database.connect() as connection:
        assert _stored(connection) == _derived(connection)
    database.close()


@settings(max_examples=examples(30), deadline=None)
@given(imports)
def test_what_a_scope_said_is_gone_with_it_as_if_it_had_never_been_said(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, steps: list[tuple[str, list[Host], bool]]
) -> None:
    folder, worlds = tmp_path_factory.mktemp("scopes"), []
    for left_out in ("", "x"):
        path = shutil.copy(sqlite_template, folder / f"without-{left_out}.db")
        database = Database(f"sqlite:///{path}")
        for number, (scope, hosts, _) in enumerate(steps):
            if scope != left_out:
                take(database, hosts, START + number * DAY, scope=scope)
        if not left_out:
            take(database, [], START + len(steps) * DAY, scope="x", prune=True)
            with database.connect() as connection:
                assert _stored(connection) == _derived(connection)
        # a host on which nothing is installed any more stays known
        worlds.append({name: runs for name, runs in held(database).items() if runs})
        database.close()
    assert worlds[0] == worlds[1]


Derived = tuple[set[tuple[int, int]], set[tuple[int, int, int]], set[tuple[int, str]]]


def _stored(connection: Connection) -> Derived:
    installation, restart, several = tables.installation, tables.restart, tables.multi_version_host
    counted = connection.execute(sa.select(installation.c.host, installation.c.component))
    due = connection.execute(sa.select(restart.c.host, restart.c.runs, restart.c.installed))
    doubled = connection.execute(sa.select(several.c.host, several.c.product))
    return {(h, c) for h, c in counted}, {(h, r, i) for h, r, i in due}, {(h, p) for h, p in doubled}


def _derived(connection: Connection) -> Derived:
    known = inventory.components(connection)
    numbers = {component: number for number, component in known.items()}
    counted, due, doubled = set(), set(), set()
    for row in connection.execute(sa.select(tables.host)):
        views = decode(row.views)
        found = effective({v: [known[n] for n in seen.components] for v, seen in views.items()})
        counted |= {(row.id, numbers[c]) for c in found.components}
        due |= {(row.id, numbers[runs], numbers[waits]) for runs, waits in found.restarts}
        products = [c.product for c in found.components]
        doubled |= {(row.id, p) for p in products if products.count(p) > 1}
    return counted, due, doubled
