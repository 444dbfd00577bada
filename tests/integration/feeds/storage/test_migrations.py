"""Migrations on both kinds of database, upward, downward, and against what the tables say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from feeds.advisories.records import Severity
from feeds.core.errors import DatabaseError
from feeds.storage import tables
from feeds.storage.database import HEAD, Database, metadata
from feeds.storage.schema import drift
from notifier.domain.components import Component, Host
from notifier.domain.filters import Scope
from notifier.security.encryption import unsealed
from notifier.storage import host_listing, inventory
from tests.support.samples import DAY, NOW, install, publish, record, run, subscribe


def downgrade(database: Database) -> None:
    move(database, "base")


def move(database: Database, down_to: str) -> None:
    config = database.alembic()
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, down_to)


def existing(database: Database) -> set[str]:
    with database.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_down_and_up_again_gives_the_tables_that_are_defined(database: Database) -> None:
    downgrade(database)
    assert database.current() is None
    assert existing(database) == {"alembic_version"}
    assert database.upgrade() is True
    assert database.current() == HEAD
    assert existing(database) == {*metadata.tables, "alembic_version"}
    assert drift(database) == []


def test_what_was_told_before_the_ledger_kept_more_is_carried_over_and_told_to_nobody_again(
    database: Database, tmp_path: Path
) -> None:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    subscribe(database, f"file://{tmp_path}/ops")
    run(database)
    move(database, "0001")
    with database.connect() as connection:
        kept = json.loads(connection.execute(sa.text("SELECT facets FROM told")).scalar_one())
        assert connection.execute(sa.text("SELECT count(*) FROM outbox")).scalar_one() == 1
    assert list(kept) == ["components"]
    assert all(isinstance(n, int) for n in kept["components"])
    assert database.upgrade() is True

    publish(database, record("CVE-2026-1", below="25.0.6", severity=Severity.CRITICAL), at=NOW + DAY)
    assert run(database, NOW + DAY).digests == [], "nobody knows what severity was told"
    publish(database, record("CVE-2026-1", below="25.0.4"), at=NOW + 2 * DAY)
    (digest,) = run(database, NOW + 2 * DAY).digests
    assert [i.change for i in digest.items] == ["correction"]
    assert digest.threads, "the digest that told it is known"


def test_an_up_to_date_database_is_left_alone(database: Database) -> None:
    assert database.upgrade() is False


def test_the_newest_migration_is_the_one_that_the_program_expects(sqlite_database: Database) -> None:
    scripts = ScriptDirectory.from_config(sqlite_database.alembic())
    assert scripts.get_heads() == [HEAD]


def test_a_schema_of_a_newer_program_is_refused_and_left_alone(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match=rf"schema \(9999\) is newer.*\({HEAD}\)\. Upgrade Navtex, or restore"):
        database.upgrade()
    assert database.current() == "9999"


@pytest.mark.every
@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER TABLE item DROP COLUMN gone_at", "add column: item, gone_at"),
        ("ALTER TABLE item ADD COLUMN colour TEXT", "remove column: item, colour"),
        ("DROP INDEX ix_document_source", "add index: ix_document_source on document"),
        ("DROP TABLE waiting", "add table: waiting"),
        ("CREATE TABLE stray (id INTEGER PRIMARY KEY)", "remove table: stray"),
    ],
)
def test_drift_is_noticed_and_named(database: Database, statement: str, told: str) -> None:
    with database.begin() as connection:
        connection.execute(sa.text(statement))
    assert drift(database) == [told]


def test_what_refers_to_a_document_goes_with_it(database: Database) -> None:
    now = sa.func.current_timestamp()
    with database.begin() as connection:
        document = {"url": "u", "source": "a", "form": "api", "etag": "", "last_modified": "", "follow": "[]"}
        connection.execute(sa.insert(tables.document).values(**document, reader="0", checked_at=now, read_at=now))
        connection.execute(sa.insert(tables.item).values(document="u", source="a", key="k", payload="{}", read_at=now))
        connection.execute(sa.delete(tables.document))
        assert connection.execute(sa.select(tables.item)).all() == []


def test_an_inventory_from_before_views_is_kept_as_what_was_declared(database: Database) -> None:
    config = database.alembic()
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        for statement in (
            "INSERT INTO tagset (id, tags) VALUES (1, '{}')",
            "INSERT INTO component (id, product, version, package, distro) VALUES (7, 'engine', '29.5.0', '', '')",
            "INSERT INTO component (id, product, version, package, distro) VALUES (8, 'runc', '1.2.5', '', '')",
            (
                "INSERT INTO host (id, name, tagset, first_seen, last_seen)"
                " VALUES (1, 'web-1', 1, '2026-01-01 00:00:00', '2026-03-01 00:00:00')"
            ),
            "INSERT INTO installation (component, host, since) VALUES (7, 1, '2026-02-01 00:00:00')",
            "INSERT INTO installation (component, host, since) VALUES (8, 1, '2026-01-01 00:00:00')",
        ):
            connection.execute(sa.text(statement))
    database.upgrade()
    with database.connect() as connection:
        (host,) = host_listing.hosts(connection)
        people = inventory.populations(connection, Scope())
    assert host.components == (Component("engine", "29.5.0"), Component("runc", "1.2.5"))
    assert (host.first_seen.month, host.last_seen.month) == (1, 3)
    assert {number: p.latest.month for number, p in people.items()} == {7: 2, 8: 1}
    with database.begin() as connection:
        assert inventory.take(connection, [Host("web-1", host.components)], {}, host.last_seen).same == 1


def test_deliveries_outlive_the_way_up_and_down(database: Database) -> None:
    config = database.alembic()
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        for statement in (
            (
                "INSERT INTO subscription (id, name, targets, filters, created_at, paused, silent_start)"
                " VALUES (1, 'ops', '[]', '{}', '2026-04-15 12:00:00', false, false)"
            ),
            (
                "INSERT INTO digest (id, key, subscription, created_at, welcome, message)"
                " VALUES (1, 'key', 1, '2026-04-15 12:00:00', false, '{}')"
            ),
            (
                "INSERT INTO outbox (id, digest, target, recipient, state, attempts, due_at, answer)"
                " VALUES (1, 1, 'json://a', '', 'pending', 2, '2026-04-15 12:00:00', '500'),"
                " (2, 1, 'json://b', '', 'failed', 13, '2026-04-15 12:00:00', '404')"
            ),
        ):
            connection.execute(sa.text(statement))
    kept = "SELECT id, digest, target, state, attempts, answer FROM outbox ORDER BY id"
    rows = [(1, 1, "json://a", "pending", 2, "500"), (2, 1, "json://b", "failed", 13, "404")]
    database.upgrade()
    with database.begin() as connection:
        now = [(*r[:2], unsealed(r.target), *r[3:]) for r in connection.execute(sa.text(kept))]
        assert now == rows
        assert [bool(r) for r in connection.execute(sa.text("SELECT reported FROM outbox ORDER BY id")).scalars()] == [
            False,
            True,
        ]
        connection.execute(sa.text("UPDATE outbox SET state = 'sending' WHERE id = 1"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        assert [tuple(r) for r in connection.execute(sa.text(kept))] == rows
