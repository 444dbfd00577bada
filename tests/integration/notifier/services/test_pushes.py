"""Hosts that report themselves: groups of pushes on both databases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from feeds.core.errors import InventoryError
from feeds.storage.database import Database
from notifier.domain.components import Host
from notifier.domain.filters import Filters, Scope
from notifier.domain.pushes import Push, PushResult
from notifier.domain.subscriptions import Subscription
from notifier.inventory import InputOptions
from notifier.schemas.push import PushSummary
from notifier.services.hosts import host_storing, pushes
from notifier.services.hosts.inventory import HostQuery, host, hosts
from notifier.storage import inventory, subscriptions
from notifier.storage import pushes as store
from notifier.storage.tables import inventory_import

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def rows(*said: tuple[str, str]) -> bytes:
    return json.dumps([{"host": name, "product": "engine", "version": version} for name, version in said]).encode()


def push(name: str, version: str, **given: Any) -> Push:
    return pushes.read_push(rows((name, version)), InputOptions(), **given)


def stored(database: Database, group: Sequence[Push], now: datetime = NOW) -> list[tuple[int, int, int] | PushResult]:
    return [
        (a.new, a.changed, a.same) if isinstance(a, PushSummary) else a
        for a in pushes.store_pushes(database, group, now)
    ]


def running(database: Database) -> dict[str, list[str]]:
    found = hosts(database, HostQuery(), NOW).value.hosts
    return {h.host: [c.version for c in h.components] for h in found}


def imports(database: Database) -> int:
    with database.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(inventory_import)).scalar() or 0


@pytest.mark.both
def test_a_host_in_a_group_twice_has_what_it_said_last_and_each_post_its_own_answer(database: Database) -> None:
    group = [push("a", "28.0.0"), push("b", "28.0.0"), push("a", "29.0.0"), push("a", "29.0.0")]
    assert stored(database, group) == [(1, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert running(database) == {"a": ["29.0.0"], "b": ["28.0.0"]}


def test_the_same_again_moves_last_seen_alone_and_makes_no_import(database: Database) -> None:
    stored(database, [push("a", "28.0.0")])
    before = host(database, "a")
    for minutes in (1, 60):
        assert stored(database, [push("a", "28.0.0")], NOW + timedelta(minutes=minutes)) == [(0, 0, 1)]
    after = host(database, "a")
    assert after.last_seen == before.last_seen + timedelta(hours=1)
    assert (after.first_seen, after.components, after.seen_by) == (before.first_seen, before.components, "push")
    assert imports(database) == 2  # by the first a host was new; the second one changes nothing, and is shared


PROBED = """
=== navtex probe: begin ===
{}
=== navtex probe: os-release ===
ID=debian
VERSION_ID="12"
=== navtex probe: dpkg ===
docker-ce	5:29.1.3-1~debian.12~bookworm	install ok installed
=== navtex probe: docker ===
{{"Server": {{"Platform": {{"Name": "Docker Engine - Community"}}, "Version": "{}", "ApiVersion": "1.52",
"Components": [{{"Name": "Engine", "Version": "{}"}}]}}}}
=== navtex probe: end ===
"""


def probed(name: str, version: str = "29.1.3") -> Push:
    return pushes.read_push(PROBED.format(name, version, version).encode(), InputOptions())


@pytest.mark.both
def test_hosts_that_say_the_same_of_what_is_installed_and_runs_are_one_update(database: Database) -> None:
    group = [probed(f"h{n}") for n in range(20)]
    stored(database, group)
    stored(database, group, NOW + timedelta(hours=1))  # as of the import that is shared from now on
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE host "):
            written.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    assert stored(database, group, NOW + timedelta(hours=2)) == [(0, 0, 1)] * 20
    assert len(written) == 1
    assert "views" not in written[0]
    assert host(database, "h3").last_seen == NOW + timedelta(hours=2)


def test_hosts_that_say_the_same_as_of_an_earlier_import_are_the_same_and_keep_what_they_said(
    database: Database,
) -> None:
    group = [probed(f"h{n}") for n in range(3)]
    stored(database, group)
    before = [c.version for c in host(database, "h1").components]
    later = NOW + timedelta(days=1)
    assert stored(database, [probed("h0", "29.1.4")], later) == [(0, 1, 0)]  # a new import
    assert stored(database, group[1:], later) == [(0, 0, 1)] * 2
    assert stored(database, group[1:], later) == [(0, 0, 1)] * 2
    assert [c.version for c in host(database, "h1").components] == before
    assert stored(database, [probed("h1", "29.1.4")], later) == [(0, 1, 0)]
    assert stored(database, [probed("h1", "29.1.4")], later) == [(0, 0, 1)]


@pytest.mark.both
def test_the_same_push_ten_times_at_once_is_one_change(database: Database) -> None:
    stored(database, [push("a", "28.0.0")])
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: stored(database, [push("a", "29.0.0")]), range(10)))
    assert sorted(a[0] for a in answers) == [(0, 0, 1)] * 9 + [(0, 1, 0)]
    assert running(database) == {"a": ["29.0.0"]}


def test_a_host_that_changes_after_a_look_for_news_is_news(database: Database) -> None:
    stored(database, [push("a", "28.0.0")], NOW)
    with database.begin() as connection:
        subscriptions.add(connection, Subscription("ops", ("file:///x",), Filters(), NOW))
        subscriptions.start(connection, subscriptions.named(connection, "ops"), NOW + timedelta(seconds=2))
    stored(database, [push("b", "28.0.0")], NOW + timedelta(seconds=1))  # the clock of another machine is behind
    stored(database, [push("c", "29.0.0")], NOW + timedelta(seconds=3))
    with database.connect() as connection:
        arrived = inventory.populations(connection, Scope(), since=NOW + timedelta(seconds=2))
    assert sorted(name for people in arrived.values() for name in people.names) == ["b", "c"]


def test_an_import_of_the_same_host_and_a_push_replace_each_other(database: Database) -> None:
    stored(database, [push("a", "28.0.0")])
    options = host_storing.ImportOptions("hosts.csv")
    found = push("a", "29.0.0").hosts
    assert host_storing.store(database, found, options, NOW).taken.changed == 1
    assert stored(database, [push("a", "29.0.0")]) == [(0, 0, 1)]
    assert running(database) == {"a": ["29.0.0"]}


@pytest.mark.both
def test_an_idempotency_key_gives_the_first_answer_for_a_day(database: Database) -> None:
    first, other = push("a", "28.0.0", key="k"), push("a", "29.0.0", key="k")
    assert stored(database, [first, first, other]) == [(1, 0, 0), (1, 0, 0), PushResult.KEY_REUSED]
    assert stored(database, [first], NOW + timedelta(hours=23)) == [(1, 0, 0)]
    assert running(database) == {"a": ["28.0.0"]}
    assert stored(database, [other], NOW + timedelta(hours=25)) == [(0, 1, 0)]


@pytest.mark.both
def test_what_the_database_refuses_stops_no_other(database: Database) -> None:
    bad = Push((Host("\ud800", push("bad", "28.0.0").hosts[0].components),))
    assert stored(database, [push("a", "28.0.0"), bad, push("c", "28.0.0")]) == [
        (1, 0, 0),
        PushResult.FAILED,
        (1, 0, 0),
    ]
    assert sorted(running(database)) == ["a", "c"]
    with database.connect() as connection:
        assert {r: n for r, n, _ in store.counts(connection)} == {PushResult.STORED: 2, PushResult.FAILED: 1}


def test_a_foreign_host_refuses_the_whole_push_and_names_it() -> None:
    with pytest.raises(pushes.HostNotAllowed, match="'db-1'"):
        pushes.read_push(rows(("web-1", "28.0.0"), ("db-1", "28.0.0")), InputOptions(), may=lambda n: n[:3] == "web")
    with pytest.raises(InventoryError, match="no host"):
        pushes.read_push(b'[{"host": "", "product": "engine", "version": "1"}]', InputOptions())


def test_images_come_with_a_push_and_without_components_they_make_a_host(database: Database) -> None:
    digest = "sha256:" + "a" * 64
    body = f"host,image,digest\nweb-1,nginx:1.27,{digest}\n".encode()
    assert stored(database, [pushes.read_push(body, InputOptions()), push("web-2", "28.0.0")]) == [(1, 0, 0)] * 2
    assert stored(database, [pushes.read_push(body, InputOptions())]) == [(0, 0, 1)]
    with database.connect() as connection:
        named = connection.execute(sa.text("SELECT name, digest FROM image_use")).all()
    assert [tuple(row) for row in named] == [("docker.io/library/nginx:1.27", digest)]
