"""How much is read to count and name the hosts of a subscription: a team's share, however many others there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from feeds.storage.database import Connection, Database
from notifier.domain.components import Component, Host
from notifier.domain.filters import Scope
from notifier.storage import inventory
from tests.conftest import fresh_postgres
from tests.support.samples import START

_READ = (
    "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables WHERE relname IN ('host', 'installation')"
)


PRODUCTS = ("engine", "containerd", "runc", "buildx", "compose")


def filled(url: str, hosts: int) -> Database:
    """Ten hosts of a team, among those of five others; each host runs five of twenty components."""
    database = Database(url)
    database.upgrade()
    found = [
        Host(
            f"h-{n:04}",
            tuple(Component(p, f"20.10.{n % 4}") for p in PRODUCTS),
            {"team": "web" if n < 10 else f"t{n % 5}"},
        )
        for n in range(hosts)
    ]
    with database.begin() as connection:
        inventory.take(connection, found, {}, START)
        connection.exec_driver_sql("ANALYZE")
    return database


def work(connection: Connection, scope: Scope) -> int:
    """What the database does for a question: rows that PostgreSQL reads, instructions of SQLite's machine."""
    if connection.dialect.name == "postgresql":
        before = connection.execute(sa.text(_READ)).scalar() or 0
        assert inventory.populations(connection, scope)
        return int(connection.execute(sa.text(_READ)).scalar() or 0) - int(before)
    steps: list[None] = []
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: steps.append(None), 100)
    assert inventory.populations(connection, scope)
    driver.set_progress_handler(None, 0)
    return len(steps)


def test_the_hosts_of_a_team_are_read_without_all_others(tmp_path: Path) -> None:
    scope = Scope(tags={"team": "web"})
    costs = []
    for hosts in (300, 3000):
        database = filled(f"sqlite:///{tmp_path}/{hosts}.db", hosts)
        with database.connect() as connection:
            inventory.populations(connection, scope)  # so that the schema is known
            costs.append(work(connection, scope))
        database.close()
    assert costs[1] < 4 * costs[0], costs


def test_postgresql_reads_the_hosts_of_a_pattern_once_and_not_for_each_component(postgres: sa.URL) -> None:
    database = filled(fresh_postgres(postgres), 3000)
    with database.connect() as connection:
        cost = work(connection, Scope(hosts=("h-*1",)))
        assert cost < 5 * 3000, cost
        named = inventory.populations(connection, Scope(hosts=("h-*1",)))
        assert {p.names for p in named.values()} == {
            ("h-0001", "h-0021", "h-0041", "h-0061", "h-0081"),
            ("h-0011", "h-0031", "h-0051", "h-0071", "h-0091"),
        }
    database.close()
