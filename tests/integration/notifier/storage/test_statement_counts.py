"""How many statements a command sends to the database: as many for a large fleet as for a small one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from feeds.storage.database import Connection, Database
from notifier.alerts.alert_state import AlertState
from notifier.alerts.silences import Silence
from notifier.domain.components import Component, Host, Observed
from notifier.domain.filters import Scope
from notifier.services.sending.notifications import previews
from notifier.services.snapshot.assessment import Assessment
from notifier.storage import inventory, silences, subscriptions
from tests.conftest import fresh_postgres
from tests.support.depth import size
from tests.support.samples import DAY, START, publish, record, subscribe


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the statements that are sent while the block lasts."""
    found: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture
def databases(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path
) -> Iterator[tuple[Database, Database]]:
    """Two fresh, migrated databases of one kind."""
    if database.sqlite:
        url = f"sqlite:///{tmp_path}/large.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "large.db")
    else:
        url = fresh_postgres(request.getfixturevalue("postgres"))
    large = Database(url)
    yield database, large
    large.close()


def grown(database: Database, hosts: int) -> None:
    """Hosts of a version each, six advisories that affect all of them, and two subscriptions."""
    arrive(database, hosts, 0, START)
    publish(database, *(record(f"CVE-2026-{1000 + n}", below="29.0.0") for n in range(6)))
    subscribe(database, "file:///nowhere", name="a")
    subscribe(database, "file:///nowhere", name="b")


def arrive(database: Database, hosts: int, upgraded: int, at: datetime) -> None:
    found = [
        Host(f"h-{n:04}", (Component("engine", f"20.10.{n + upgraded}"),), {"of": str(n % 3)}) for n in range(hosts)
    ]
    with database.begin() as connection:
        inventory.take(connection, found, {}, at)


def moved(database: Database, hosts: int) -> None:
    """After the welcome: every host moves on, and some advisories are silenced for a third of them."""
    with database.begin() as connection:
        for subscription in subscriptions.every(connection):
            subscriptions.start(connection, subscription, START)
            subscriptions.tell(connection, subscription, facets(connection), START, None)
        for number in (1, 2, 3):
            scope = Scope(tags={"of": "1"})
            silences.add(connection, Silence(number, scope, "no plugin there", "me", START, START + 90 * DAY))
    arrive(database, hosts, 1, START + 2 * DAY)
    publish(database, record("CVE-2026-2000", below="29.0.0"), at=START + 2 * DAY)


def facets(connection: Connection) -> dict[int, AlertState]:
    assessment = Assessment.load(connection, START)
    return {a.id: assessment.alert_state(connection, a) for a in assessment.advisories}


def cost(database: Database, at: datetime) -> int:
    """The statements that previews of both subscriptions send; each has a digest."""
    with database.connect() as connection, statements(database) as sent:
        found = [compose() for _, compose in previews(connection, at)]
    assert [made.digest is not None for made in found] == [True, True]
    return len(sent)


def test_a_preview_sends_few_statements_and_no_more_for_a_large_fleet(databases: tuple[Database, Database]) -> None:
    welcomes, news = [], []
    for database, hosts in zip(databases, (13, size(1300)), strict=True):
        grown(database, hosts)
        welcomes.append(cost(database, START + DAY))
        moved(database, hosts)
        news.append(cost(database, START + 3 * DAY))
    assert max(welcomes[0], news[0]) <= 70, (welcomes, news)
    assert welcomes[1] <= welcomes[0] + 10
    assert news[1] <= news[0] + 10


def test_subscriptions_that_share_a_scope_count_its_hosts_once(database: Database) -> None:
    grown(database, 13)
    moved(database, 13)
    counts = []
    for names in ("cd", "efghij"):
        for name in names:
            subscribe(database, "file:///nowhere", name=name)
            with database.begin() as connection:
                one = subscriptions.named(connection, name)
                subscriptions.start(connection, one, START)
                subscriptions.tell(connection, one, facets(connection), START, None)
        with database.connect() as connection, statements(database) as sent:
            found = [compose() for _, compose in previews(connection, START + 3 * DAY)]
        assert all(made.digest for made in found)
        counts.append(len([one for one in sent if "count(*)" in one.lower() and "installation" in one]))
    assert counts[0] == counts[1] > 0


def test_restarts_are_read_by_one_statement(database: Database) -> None:
    for view, patch in ((Observed.RUNNING, 0), (Observed.INSTALLED, 1)):
        found = [Host(f"h-{n:02}", (Component("engine", f"20.10.{n + patch}"),), view=view) for n in range(13)]
        with database.begin() as connection:
            inventory.take(connection, found, {}, START)
    with database.connect() as connection, statements(database) as sent:
        assert len(inventory.restarts(connection, Scope())) == 13
    assert len([one for one in sent if "restart" in one]) == 1
