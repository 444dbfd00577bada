"""Audits are stored once, the latest of each edition counts, and old ones that were replaced are removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from feeds.advisories.records import Edition
from feeds.core.errors import UnknownName
from feeds.storage.database import Database
from notifier.domain.audits import Audit, AuditTool, CheckList, FailedCheck
from notifier.domain.components import Component, Host
from notifier.domain.filters import Scope
from notifier.storage import audits, inventory, retention
from tests.support.samples import DAY, NOW, START, install

CHECKS = (FailedCheck("1.1.10", "Auditing of runc"), FailedCheck("2.2", ""))


def audit(host: str = "web-1", version: str = "1.6.0", days: int = 0, **values: object) -> Audit:
    made = Audit(
        host=host, tool=AuditTool.DOCKER_BENCH, at=START + days * DAY, edition=Edition(version) if version else None,
        score=-1.0, passed=1, failed=2, other=1, failures=CHECKS,
    )  # fmt: skip
    return replace(made, **values)  # type: ignore[arg-type]


def newest(database: Database) -> dict[str, list[Audit]]:
    with database.connect() as connection:
        return audits.newest(connection, checks=True)


def store(database: Database, *values: Audit) -> tuple[int, int]:
    with database.begin() as connection:
        done = audits.store(connection, values, NOW)
    return done.new, done.same


def test_an_audit_is_stored_as_it_is_and_once(database: Database) -> None:
    made = audit(doubt="why", policy="p", score=None)
    assert store(database, made) == (1, 0)
    assert store(database, made) == (0, 1)
    assert newest(database) == {"web-1": [made]}


def test_the_latest_audit_of_each_edition_counts(database: Database) -> None:
    kept = [audit(days=5), audit(version="1.7.0"), audit(version=""), audit(host="db-1", days=1)]
    assert store(database, audit(), *kept, audit(days=2))[0] == 6
    assert newest(database) == {"web-1": kept[:3], "db-1": kept[3:]}
    with database.connect() as connection:
        assert audits.newest(connection, ["db-1", "gone"]) == {"db-1": [replace(kept[3], failures=())]}


def test_a_summary_that_comes_again_does_not_take_the_checks_away(database: Database) -> None:
    summary = audit(tool=AuditTool.WAZUH, policy="cis_docker", failures=(), listed=False)
    store(database, summary, replace(summary, at=START - DAY))
    checks = CheckList(where="", host="web-1", policy="cis_docker", passed=1, failed=2, other=0, failures=CHECKS)
    with database.begin() as connection:
        assert audits.attach(connection, checks)
        assert not audits.attach(connection, replace(checks, policy="another"))
        assert not audits.attach(connection, replace(checks, host="web-2"))
    complete = replace(summary, failures=CHECKS, listed=True)
    assert newest(database) == {"web-1": [complete]}
    store(database, summary)
    assert newest(database) == {"web-1": [complete]}


def test_a_host_is_found_in_other_letters_unless_two_are_alike(database: Database) -> None:
    install(database, Web_1="29.5.0", DB_1="29.5.0", db_1="29.5.0")
    with database.connect() as connection:
        found = [audits.inventory_name(connection, n) for n in ("WEB-1", "Web-1", "Db-1", "db-1", "gone", "web_1")]
    assert found == ["Web-1", "Web-1", "Db-1", "db-1", "gone", "web_1"]


@pytest.mark.parametrize(
    ("versions", "upgraded"),
    [
        (("23.0.6",), None),
        (("23.0.6", "29.7.2"), 1),
        (("23.0.6", "25.0.5", "29.7.2"), 2),
        (("29.7.2", "23.0.6"), None),
        (("23.0.6", "29.7.2", "29.7.2"), 1),
        (("23.0.6", "29.7.2", "25.0.5"), 1),
    ],
)
def test_an_upgrade_is_known_by_the_import_that_saw_a_newer_engine(
    database: Database, versions: tuple[str, ...], upgraded: int | None
) -> None:
    for day, version in enumerate(versions):
        install(database, START + day * DAY, web_1=version, web_2="28.0.0")
    with database.connect() as connection:
        found = audits.upgrades(connection, Scope())
        assert found == ({"web-1": START + upgraded * DAY} if upgraded is not None else {})
        assert audits.upgrades(connection, Scope(hosts=("web-2",))) == {}


def test_another_package_of_the_same_version_and_other_products_are_no_upgrade(database: Database) -> None:
    before = Component("engine", "29.5.0", "docker-ce 5:29.5.0-1"), Component("runc", "1.1.12")
    after = Component("engine", "29.5.0", "docker-ce 5:29.5.0-2"), Component("runc", "1.3.3")
    for day, held in enumerate((before, after)):
        with database.begin() as connection:
            inventory.take(connection, [Host("web-1", held)], {}, START + day * DAY)
    with database.connect() as connection:
        assert audits.upgrades(connection, Scope()) == {}


def test_old_audits_are_removed_where_a_newer_one_replaces_them_or_the_host_is_gone(database: Database) -> None:
    install(database, web_1="29.5.0", db_1="29.5.0")
    kept = [audit(days=-900, version="1.5.0"), audit(days=-700), audit(host="db-1", days=-900)]
    store(database, audit(days=-900), audit(days=-800), *kept, audit(host="gone", days=-900))
    with database.begin() as connection:
        assert retention.audits(connection, NOW, 5) == 0, "what was imported lately stays"
        assert retention.audits(connection, NOW + timedelta(days=1), 1) == 1
        assert retention.audits(connection, NOW + timedelta(days=1), 5) == 2
        assert retention.audits(connection, NOW + timedelta(days=1), 5) == 0
    assert newest(database) == {"web-1": kept[:2], "db-1": kept[2:]}


def test_a_host_that_is_removed_takes_its_audits_with_it(database: Database) -> None:
    install(database, web_1="29.5.0", web_2="29.5.0")
    store(database, audit(), audit("web-2"), audit("gone"))
    with database.begin() as connection:
        inventory.remove(connection, "web-1")
        inventory.remove(connection, "gone")
        with pytest.raises(UnknownName, match="no host"):
            inventory.remove(connection, "gone")
    assert newest(database).keys() == {"web-2"}
