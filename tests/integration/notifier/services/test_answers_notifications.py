"""Subscriptions, silences and notifications: the JSON of a command is the service's value, serialised."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from feeds.advisories.records import Severity
from feeds.storage.database import Database
from notifier.domain.filters import Filters, Scope
from notifier.domain.retry import DeliveryState
from notifier.domain.schedule import Schedule
from notifier.services.catalogue.silences_and_assignments import (
    NewAssignment,
    NewSilence,
    add_silence,
    assign,
    list_silences,
    remove_silence,
)
from notifier.services.sending.notifications import Settings
from notifier.services.subscriptions.explanations import explain_notification
from notifier.services.subscriptions.notification_log import NotificationQuery, list_notifications, show_notification
from notifier.services.subscriptions.previews import preview_all
from notifier.services.subscriptions.subscriptions import list_subscriptions, show_subscription
from tests.conftest import Program
from tests.support.samples import NOW, install, publish, record, run, subscribe

NAME = "CVE-2026-1"
LATER = datetime.now(UTC)
END = datetime(2999, 12, 31, tzinfo=UTC)


@pytest.fixture
def fleet(sqlite_database: Database, tmp_path: Path) -> Database:
    install(sqlite_database, web_1="25.0.5", lab_1="29.0.0")
    publish(sqlite_database, record(NAME, below="29.0.0"), record("CVE-2026-2", below="26.0.0"))
    filters = Filters(scope=Scope(tags={}, hosts=("web-*",), products=("engine",)), severity=Severity.LOW, kev=False)
    subscribe(sqlite_database, f"file://{tmp_path}/a", f"file://{tmp_path}/b", filters=filters)
    subscribe(
        sqlite_database, "json://me:hunter2@127.0.0.1:1/x", name="web", schedule=Schedule("weekly", quiet="22-23")
    )
    subscribe(sqlite_database, "nonsense://x", name="wrong")
    run(sqlite_database)
    add_silence(sqlite_database, NewSilence(NAME, Scope(hosts=("lab-*",)), "a reason", END, "Ann"), NOW)
    over = add_silence(sqlite_database, NewSilence("CVE-2026-2", Scope(), "another", END), NOW)
    remove_silence(sqlite_database, over.value.number, NOW)
    assign(sqlite_database, NewAssignment(NAME, Scope(), "Ann", END.date(), "soon"), NOW)
    return sqlite_database


ANSWERS: list[tuple[str, Callable[[Database], msgspec.Struct]]] = [
    ("subscription list", lambda d: list_subscriptions(d).value),
    ("subscription list --limit 1", lambda d: list_subscriptions(d, 1).value),
    ("subscription show ops", lambda d: show_subscription(d, "ops", LATER).value),
    ("subscription show wrong", lambda d: show_subscription(d, "wrong", LATER).value),
    ("silence list", lambda d: list_silences(d, LATER).value),
    ("silence list --all --limit 1", lambda d: list_silences(d, LATER, ended=True, limit=1).value),
    ("notification list", lambda d: list_notifications(d, NotificationQuery()).value),
    ("notification list --limit 1", lambda d: list_notifications(d, NotificationQuery(limit=1)).value),
    (
        f"notification list --state sent --advisory {NAME} --subscription ops",
        lambda d: list_notifications(d, NotificationQuery(DeliveryState.SENT, "ops", NAME)).value,
    ),
    ("notification show 1", lambda d: show_notification(d, 1)),
    (f"notification explain ops {NAME}", lambda d: explain_notification(d, "ops", NAME, LATER, Settings())),
]


@pytest.mark.parametrize(("command", "service"), ANSWERS)
def test_the_json_of_a_command_is_the_services_value(
    fleet: Database, program_with: Callable[..., Program], command: str, service: Callable[[Database], msgspec.Struct]
) -> None:
    printed = program_with(NAVTEX_DATABASE_URL=str(fleet.url)).json(*command.split())
    value = json.loads(json.dumps(msgspec.to_builtins(service(fleet))))
    if "show" in command:
        # what is due at once is due at the moment of asking, and so is the reminder of one that is new
        for name in ("due_at", "reminder_at"):
            assert (printed.pop(name, None) is None) == (value.pop(name, None) is None)
    assert printed == value
    assert any(printed.values())
    assert "hunter2" not in json.dumps(printed)


def test_a_dry_run_of_notify_prints_what_the_service_composes(
    fleet: Database, program_with: Callable[..., Program]
) -> None:
    publish(fleet, record("CVE-2026-9", below="29.0.0"), at=LATER)
    found = list(preview_all(fleet, LATER, Settings()))
    done = program_with(NAVTEX_DATABASE_URL=str(fleet.url))("notify", "--dry-run", status=1)
    messages = [f.message for f in found if f.message]
    assert messages
    for message in messages:
        assert f"Subject: {message.subject}\n\n{message.text.rpartition('Digest ')[0]}" in done.stdout
    assert {f.subscription: "nonsense" in f.problem for f in found if f.problem} == {"wrong": True}
    assert "wrong: the digest could not be made" in done.stderr
    assert [f.subscription for f in found] == ["ops", "web", "wrong"]
