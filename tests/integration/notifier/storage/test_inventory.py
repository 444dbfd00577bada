from __future__ import annotations

from typing import Any

import pytest

from feeds.core.errors import UnknownName
from feeds.storage.database import Connection, Database
from notifier.domain.components import Component, Host
from notifier.domain.filters import Scope
from notifier.domain.hosts import ImportResult
from notifier.storage import host_listing, inventory
from tests.support.samples import DAY, START

ENGINE = Component("engine", "29.5.0")
NEWER = Component("engine", "29.5.1")
RUNC = Component("runc", "1.3.4", "containerd.io 1.7.27-1", "debian-12")


def fleet() -> list[Host]:
    return [
        Host("web-1", (ENGINE, RUNC), {"env": "prod", "team": "web"}),
        Host("web-2", (ENGINE,), {"env": "test", "team": "web"}),
        Host("db_1", (NEWER,), {"env": "prod"}),
        Host("db%1", (RUNC,), {}),
        Host("dbx1", (Component("desktop", "4.70.0"),), {}),
    ]


def listed(connection: Connection, **scope: object) -> list[str]:
    return [h.name for h in host_listing.hosts(connection, Scope(**scope))]  # type: ignore[arg-type]


def test_what_is_imported_is_listed_with_its_components_and_tags(database: Database) -> None:
    with database.begin() as connection:
        assert inventory.take(connection, fleet(), {}, START) == ImportResult(added=5)
    with database.connect() as connection:
        found = {h.name: h for h in host_listing.hosts(connection)}
    assert list(found) == sorted(found)
    web = found["web-1"]
    assert web.components == (ENGINE, RUNC)
    assert web.tags == {"env": "prod", "team": "web"}
    assert web.first_seen == web.last_seen == START


def test_importing_the_same_again_changes_nothing_but_the_last_sight(database: Database) -> None:
    with database.begin() as connection:
        inventory.take(connection, fleet(), {}, START)
    with database.begin() as connection:
        assert inventory.take(connection, fleet(), {}, START + DAY) == ImportResult(same=5)
    with database.connect() as connection:
        people = inventory.populations(connection, Scope())
        hosts = host_listing.hosts(connection)
    assert {p.latest for p in people.values()} == {START}
    assert {h.last_seen for h in hosts} == {START + DAY}
    assert {h.first_seen for h in hosts} == {START}


def test_another_version_replaces_the_old_one_and_is_there_since_then(database: Database) -> None:
    with database.begin() as connection:
        inventory.take(connection, fleet(), {}, START)
    with database.begin() as connection:
        taken = inventory.take(connection, [Host("web-1", (NEWER, RUNC))], {}, START + DAY)
    assert taken == ImportResult(changed=1)
    with database.connect() as connection:
        web = next(h for h in host_listing.hosts(connection) if h.name == "web-1")
        numbers = {c: n for n, c in inventory.components(connection).items()}
        people = inventory.populations(connection, Scope())
        since = inventory.populations(connection, Scope(), since=START)
    assert web.components == (NEWER, RUNC)
    assert people[numbers[ENGINE]].names == ("web-2",)
    assert people[numbers[NEWER]].names == ("db_1", "web-1")
    assert people[numbers[NEWER]].latest == START + DAY
    assert {n: p.names for n, p in since.items()} == {numbers[NEWER]: ("web-1",)}


def test_tags_add_up_and_the_imports_own_tags_win(database: Database) -> None:
    with database.begin() as connection:
        inventory.take(connection, [Host("web-1", (ENGINE,), {"env": "prod"})], {"site": "a"}, START)
        taken = inventory.take(connection, [Host("web-1", (ENGINE,), {"team": "web"})], {"site": "b"}, START + DAY)
        again = inventory.take(connection, [Host("web-1", (ENGINE,))], {}, START + 2 * DAY)
        (host,) = host_listing.hosts(connection)
    assert (taken, again) == (ImportResult(changed=1), ImportResult(same=1))
    assert host.tags == {"env": "prod", "team": "web", "site": "b"}


def test_hosts_that_an_import_does_not_name_stay(database: Database) -> None:
    with database.begin() as connection:
        inventory.take(connection, fleet(), {}, START)
        inventory.take(connection, [Host("new-1", (ENGINE,))], {}, START + DAY)
        assert len(host_listing.hosts(connection)) == 6


def test_a_removed_host_is_gone_and_the_others_are_not(database: Database) -> None:
    with database.begin() as connection:
        inventory.take(connection, fleet(), {}, START)
        inventory.remove(connection, "web-1")
        assert "web-1" not in listed(connection)
        assert inventory.count(connection) == 4
        names = [n for p in inventory.populations(connection, Scope()).values() for n in p.names]
        assert "web-1" not in names
        with pytest.raises(UnknownName, match="'web-1'"):
            inventory.remove(connection, "web-1")


SCOPES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["db%1", "db_1", "dbx1", "web-1", "web-2"]),
    ({"tags": {"env": "prod"}}, ["db_1", "web-1"]),
    ({"tags": {"env": "prod", "team": "web"}}, ["web-1"]),
    ({"tags": {"env": "stage"}}, []),
    ({"hosts": ("web-*",)}, ["web-1", "web-2"]),
    ({"hosts": ("WEB-*",)}, ["web-1", "web-2"]),
    ({"hosts": ("web-?",)}, ["web-1", "web-2"]),
    ({"hosts": ("web",)}, []),
    ({"hosts": ("db_1",)}, ["db_1"]),
    ({"hosts": ("db%1",)}, ["db%1"]),
    ({"hosts": ("d%",)}, []),
    ({"hosts": ("db?1",)}, ["db%1", "db_1", "dbx1"]),
    ({"hosts": ("web-1", "dbx*")}, ["dbx1", "web-1"]),
    ({"hosts": ("*",), "tags": {"team": "web", "env": "test"}}, ["web-2"]),
    ({"hosts": ("web-1\\",)}, []),
]


def test_a_scope_chooses_hosts_by_tags_and_names(database: Database) -> None:
    with database.begin() as connection:
        inventory.take(connection, fleet(), {}, START)
        for scope, hosts in SCOPES:
            assert listed(connection, **scope) == hosts, scope
            assert inventory.count(connection, Scope(**scope)) == len(hosts), scope


def test_a_scope_of_products_chooses_components(database: Database) -> None:
    with database.begin() as connection:
        inventory.take(connection, fleet(), {}, START)
        components = inventory.components(connection)
        only = inventory.populations(connection, Scope(products=("runc",)))
        of_web = inventory.populations(connection, Scope(products=("runc", "engine"), tags={"team": "web"}))
    assert [(components[n].product, p.names) for n, p in only.items()] == [("runc", ("db%1", "web-1"))]
    found = {components[n].product: p.names for n, p in of_web.items()}
    assert found == {"engine": ("web-1", "web-2"), "runc": ("web-1",)}


def test_a_component_of_many_hosts_names_five_and_counts_all(database: Database) -> None:
    with database.begin() as connection:
        inventory.take(connection, [Host(f"n-{i:04}", (ENGINE,)) for i in range(1200)], {}, START)
        again = inventory.take(connection, [Host(f"n-{i:04}", (ENGINE,)) for i in range(1200)], {}, START)
        (people,) = inventory.populations(connection, Scope()).values()
    assert again == ImportResult(same=1200)
    assert people.hosts == 1200
    assert people.names == ("n-0000", "n-0001", "n-0002", "n-0003", "n-0004")


def test_hosts_that_run_none_of_some_components_are_untouched(database: Database) -> None:
    with database.begin() as connection:
        inventory.take(connection, fleet(), {}, START)
        numbers = {c: n for n, c in inventory.components(connection).items()}
        assert inventory.untouched(connection, Scope(), [numbers[ENGINE]]) == (3, ("db%1", "db_1", "dbx1"))
        assert inventory.untouched(connection, Scope(tags={"env": "prod"}), [numbers[ENGINE]]) == (1, ("db_1",))
        assert inventory.untouched(connection, Scope(), []) == (5, ("db%1", "db_1", "dbx1", "web-1", "web-2"))


def test_very_many_hosts_can_be_named_and_left_out(database: Database) -> None:
    several = [f"Web-{n}" for n in range(3000)]
    with database.begin() as connection:
        inventory.take(connection, [Host(n, (ENGINE,)) for n in [*several, "last", "Web_1"]], {}, START)
    with database.connect() as connection:
        (number,) = inventory.components(connection)
        named = Scope(hosts=tuple(n.lower() for n in several))
        assert inventory.populations(connection, named)[number].hosts == 3000
        left = inventory.populations(connection, Scope(), without=[Scope(hosts=(n,)) for n in several])
        assert left[number].names == ("Web_1", "last")
