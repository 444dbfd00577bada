from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from feeds import storage
from feeds.advisories.records import Kind, Severity
from feeds.storage.database import Database
from notifier.channels import MessageSender
from notifier.domain.components import Component, Host
from notifier.domain.filters import Filters, Scope
from notifier.services.catalogue.silences_and_assignments import NewAssignment, NewSilence, add_silence, assign
from notifier.services.sending.notifications import Settings, preview
from notifier.services.subscriptions.previews import preview_subscription, sample
from notifier.storage import inventory, subscriptions, tables
from tests.conftest import Mailbox, html_of, text_of
from tests.support.samples import DAY, NOW, START, counted, install, publish, record, run, subscribe

OLD = record("CVE-2024-41110", below="25.0.6", severity=Severity.CRITICAL)
NEW = record("CVE-2026-41567", below="29.5.1")


@pytest.fixture
def fleet(database: Database) -> Database:
    """Two hosts, one of them affected, and a source that was read."""
    install(database, lab_1="25.0.5", lab_2="29.7.2")
    publish(database, OLD)
    return database


def test_a_preview_keeps_and_sends_nothing(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address())
    with fleet.connect() as connection:
        subscription = subscriptions.named(connection, "ops")
        shown = preview(connection, subscription, NOW).digest
    assert shown is not None
    assert [i.advisory.name for i in shown.items] == ["CVE-2024-41110"]
    assert counted(fleet) == {"digest": 0, "told": 0, "outbox": 0}
    run(fleet)
    with fleet.connect() as connection:
        assert preview(connection, subscriptions.named(connection, "ops"), NOW).digest is None


def test_the_foot_says_how_old_the_mirror_is_that_was_read(fleet: Database, mailbox: Mailbox) -> None:
    with fleet.begin() as connection:
        storage.note_mirror(connection, "http://reader:hunter22@mirror.example.org", NOW - 3 * DAY, NOW)
    subscribe(fleet, mailbox.address())
    run(fleet)
    for form in (text_of(mailbox.mails[0]), html_of(mailbox.mails[0])):
        assert "@mirror.example.org was filled 3 days ago" in " ".join(form.split())
        assert "hunter22" not in form


@pytest.mark.parametrize("dated", [True, False])
def test_without_a_mirror_that_tells_its_age_the_foot_says_nothing_of_it(fleet: Database, dated: bool) -> None:
    with fleet.begin() as connection:
        storage.note_mirror(connection, "" if dated else "http://mirror.example.org", NOW if dated else None, NOW)
    subscribe(fleet, "json://127.0.0.1:1")
    with fleet.connect() as connection:
        shown = preview(connection, subscriptions.named(connection, "ops"), NOW).digest
    assert shown is not None
    assert shown.footer.mirror == ""


def test_a_test_message_says_that_it_is_one_and_is_not_remembered(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address("a@example.org", "b@example.org"))
    with fleet.connect() as connection:
        subscription = subscriptions.named(connection, "ops")
    with MessageSender() as courier:
        answers = list(sample(courier, subscription, NOW))
    assert [a.to for a in answers if a.ok] == ["a@example.org", "b@example.org"]
    assert mailbox.mails[0]["Subject"] == "[Navtex] Test of ops"
    assert text_of(mailbox.mails[0]).startswith("This is a test of the Navtex subscription “ops”.")
    assert "CVE-2030-10001  CRITICAL 9.8" in text_of(mailbox.mails[0])
    assert counted(fleet) == {"digest": 0, "told": 0, "outbox": 0}
    with MessageSender() as courier:
        (failed,) = sample(courier, replace(subscription, targets=("json://127.0.0.1:1/http",)), NOW)
    assert (failed.ok, failed.to) == (False, "json://127.0.0.1:1/http")
    assert "cannot be reached" in failed.answer


@pytest.fixture
def told(database: Database, tmp_path: Path) -> Callable[[Filters], str]:
    """The text of the welcome that a subscription with some filters gets."""
    install(database, web_1="25.0.5", web_2="29.5.0", lab_1="25.0.5", lab_2="29.7.2")
    with database.begin() as connection:
        inventory.take(
            connection, [Host("lab-3", (Component("runc", "1.1.11"), Component("engine", "29.7.2")))], {}, START
        )
    publish(
        database,
        OLD,
        NEW,
        record("CVE-2024-21626", products=("runc",), below="1.1.12"),
        record("unscored-1", below="29.6.0", severity=None, title="A rare word"),
        record("paper", kind=Kind.PUBLICATION, products=(), title="On hardening"),
    )

    def text(filters: Filters) -> str:
        subscribe(database, f"file://{tmp_path}/mails", filters=filters)
        run(database)
        (path,) = (tmp_path / "mails").glob("*.txt")
        return path.read_text(encoding="utf-8")

    return text


@pytest.mark.parametrize(
    ("filters", "there", "absent"),
    [
        (Filters(), ["CVE-2024-41110", "CVE-2026-41567", "CVE-2024-21626", "unscored-1"], ["paper"]),
        (Filters(severity=Severity.CRITICAL), ["CVE-2024-41110", "unscored-1"], ["CVE-2026-41567"]),
        (Filters(scope=Scope(tags={"of": "web"})), ["web-1", "web-2"], ["lab-1", "CVE-2024-21626"]),
        (Filters(scope=Scope(hosts=("lab-*",))), ["lab-1", "lab-3"], ["web-1"]),
        (Filters(scope=Scope(products=("runc",))), ["CVE-2024-21626", "lab-3"], ["CVE-2024-41110"]),
        (Filters(keywords=("rare",)), ["unscored-1"], ["CVE-2024-41110"]),
        (Filters(kinds=(Kind.PUBLICATION,), everything=True), ["On hardening"], ["CVE-2024-41110"]),
    ],
)
def test_a_subscription_hears_of_what_its_filters_want(
    told: Callable[[Filters], str], filters: Filters, there: list[str], absent: list[str]
) -> None:
    items = told(filters).partition("No matching vulnerabilities")[0]
    assert [w for w in there if w not in items] == []
    assert [w for w in absent if w in items] == []


@pytest.mark.parametrize("filters", [Filters(), Filters(scope=Scope(products=("runc",))), Filters(keywords=("rare",))])
def test_only_hosts_that_nothing_affects_are_called_so_whatever_the_filters(
    told: Callable[[Filters], str], filters: Filters
) -> None:
    _, _, clear = told(filters).partition("No matching vulnerabilities")
    assert clear.split("--\n")[1].strip() == "lab-2"


def test_silences_and_owners_of_other_hosts_alone_are_not_in_a_digest(sqlite_database: Database) -> None:
    install(sqlite_database, lab_1="25.0.5", web_1="25.0.5")
    publish(sqlite_database, OLD)
    subscribe(sqlite_database, "file:///tmp/digests", filters=Filters(scope=Scope(tags={"of": "lab"})))
    for host in ("web-1", "lab-*"):
        scope = Scope(hosts=(host,))
        add_silence(sqlite_database, NewSilence("CVE-2024-41110", scope, "known", NOW + DAY), NOW)
        assign(sqlite_database, NewAssignment("CVE-2024-41110", scope, f"owner of {host}", NOW.date()), NOW)
    found = preview_subscription(sqlite_database, "ops", NOW, Settings()).message
    assert found is not None
    assert "host lab-*" in found.text
    assert "web-1" not in found.text + found.html + found.slack + found.data


def test_a_digest_names_as_many_hosts_as_are_configured(sqlite_database: Database) -> None:
    install(sqlite_database, START, **{f"lab_{n}": "25.0.5" for n in range(9)})
    publish(sqlite_database, OLD)
    subscribe(sqlite_database, "file:///tmp/digests")
    for named, words in ((2, "lab-0, lab-1 and 7 more"), (9, "lab-7, lab-8"), (5, "lab-4 and 4 more")):
        found = preview_subscription(sqlite_database, "ops", NOW, Settings(named=named)).message
        assert found is not None
        first = " ".join(found.text.split()).partition("At a glance")[0]
        assert words in first
        assert (" more" in first) is (named < 9)


def test_a_digests_message_is_kept_as_it_was_rendered(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address())
    run(fleet)
    with fleet.connect() as connection:
        row = connection.execute(sa.select(tables.digest)).one()
    kept = json.loads(row.message)
    assert kept["key"] == row.key
    assert kept["text"] == text_of(mailbox.mails[0])
