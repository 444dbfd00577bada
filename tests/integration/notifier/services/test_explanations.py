"""Why something was not sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from feeds.advisories.records import Kind, Severity
from feeds.storage.database import Database
from notifier.alerts.silences import Silence
from notifier.domain.filters import Filters, Scope
from notifier.domain.schedule import Schedule
from notifier.services.snapshot.assessment import Assessment
from notifier.services.subscriptions.explanations import Explanation, explain
from notifier.storage import silences, subscriptions
from tests.support.samples import DAY, NOW, install, publish, record, run, subscribe

NAME = "CVE-2024-41110"


@pytest.fixture
def fleet(sqlite_database: Database) -> Database:
    install(sqlite_database, lab_1="25.0.5", lab_2="29.7.2")
    publish(sqlite_database, record(NAME, below="25.0.6", severity=Severity.HIGH))
    return sqlite_database


def why(database: Database, name: str = NAME, days: float = 0) -> Explanation:
    with database.connect() as connection:
        assessment = Assessment.load(connection, NOW + days * DAY)
        return explain(connection, assessment, subscriptions.named(connection, "ops"), assessment.find(name))


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (Filters(scope=Scope(hosts=("web-*",))), "no host in the inventory matches its scope"),
        (Filters(scope=Scope(hosts=("lab-2",))), "it affects none of the hosts in its scope"),
        (Filters(scope=Scope(products=("runc",))), "it affects none of the hosts in its scope"),
        (Filters(severity=Severity.CRITICAL), "severity: high (wanted: critical or worse)"),
        (Filters(kinds=(Kind.BENCHMARK,)), "kind: vulnerability (wanted: benchmark)"),
        (Filters(keywords=("swarm",)), "keyword: its name, title and summary do not contain swarm"),
        (Filters(kev=True), "kev: not known to be exploited"),
    ],
)
def test_the_filter_or_scope_that_left_it_out_is_named(fleet: Database, filters: Filters, said: str) -> None:
    subscribe(fleet, "file:///nowhere", filters=filters)
    assert why(fleet).answer == f"Not sent: {said}"


def test_a_host_that_is_not_affected_is_shown_with_the_reason(fleet: Database) -> None:
    subscribe(fleet, "file:///nowhere", filters=Filters(scope=Scope(hosts=("lab-2",))))
    assert any("29.7.2 on lab-2 is not_affected" in p.words for p in why(fleet).points)


def test_a_pause_a_silent_start_and_a_late_source_are_reasons(fleet: Database, tmp_path: Path) -> None:
    subscribe(fleet, f"file://{tmp_path}/x", silent=True)
    run(fleet)
    assert "recorded without a digest" in why(fleet).answer
    assert "because of a silent start" in why(fleet).answer
    publish(fleet, record("CVE-2026-2", below="25.0.6"), source="late", at=NOW + DAY)
    assert why(fleet, "CVE-2026-2", 2).answer == (
        "Not sent: it came with the first successful poll of its source, after the welcome digest"
    )
    with fleet.begin() as connection:
        subscriptions.pause(connection, "ops", paused=True)
    assert why(fleet, "CVE-2026-2").answer == "Not sent: the subscription is paused"


def test_a_welcome_that_waits_for_a_source_is_a_reason(sqlite_database: Database) -> None:
    install(sqlite_database, lab_1="25.0.5")
    publish(sqlite_database, record(NAME, below="25.0.6"))
    subscribe(sqlite_database, "file:///nowhere")
    assert why(sqlite_database).answer == "Not sent yet: the next run sends it"


def test_a_schedule_is_a_reason_until_it_is_time(fleet: Database, tmp_path: Path) -> None:
    yearly = Schedule("0 0 1 1 *", breaks="never")
    subscribe(fleet, f"file://{tmp_path}/x", schedule=yearly)
    run(fleet)
    publish(fleet, record(NAME, below="25.0.6"), record("CVE-2026-2", below="25.0.6"), at=NOW + DAY)
    assert why(fleet, "CVE-2026-2", 1).answer.startswith("Not sent yet: not before ")


NIGHT = NOW.replace(hour=2, minute=19, second=0, microsecond=0)


@pytest.mark.parametrize(
    ("breaks", "severity", "said"),
    [
        ("both", Severity.HIGH, f"Not sent yet: not before {NIGHT:%Y-%m-%d} 07:00 UTC: 00:00-07:00 are quiet hours"),
        (
            "never",
            Severity.CRITICAL,
            f"Not sent yet: not before {NIGHT:%Y-%m-%d} 07:00 UTC: 00:00-07:00 are quiet hours",
        ),
        ("both", Severity.CRITICAL, "Not sent yet: the next run sends it"),
    ],
)
@pytest.mark.parametrize("started", [False, True])
def test_quiet_hours_are_a_reason_for_the_welcome_as_for_news(
    sqlite_database: Database, tmp_path: Path, breaks: str, severity: Severity, said: str, *, started: bool
) -> None:
    install(sqlite_database, lab_1="25.0.5")
    subscribe(sqlite_database, f"file://{tmp_path}/x", schedule=Schedule(quiet="00:00-07:00", breaks=breaks))
    if started:
        publish(sqlite_database, record("CVE-2026-2", below="1.0.0"), at=NIGHT - DAY)
        run(sqlite_database, NIGHT.replace(hour=8) - DAY)
    publish(sqlite_database, record(NAME, below="25.0.6", severity=severity), at=NIGHT)
    with sqlite_database.connect() as connection:
        assessment = Assessment.load(connection, NIGHT)
        found = explain(connection, assessment, subscriptions.named(connection, "ops"), assessment.find(NAME))
    assert found.answer == said


def test_what_is_remembered_is_counted_in_words(fleet: Database, tmp_path: Path) -> None:
    subscribe(fleet, f"file://{tmp_path}/x")
    run(fleet)
    (remembered,) = (p.words for p in why(fleet).points if p.about == "ledger")
    assert remembered.endswith("severity high, 1 version, 1 with a fix")


def test_each_telling_is_there_with_its_digest_its_words_and_what_the_channel_said(
    fleet: Database, tmp_path: Path
) -> None:
    subscribe(fleet, f"file://{tmp_path}/x")
    run(fleet)
    publish(fleet, record(NAME, below="25.0.6", severity=Severity.CRITICAL), at=NOW + DAY)
    run(fleet, NOW + DAY)
    found = why(fleet, days=2)
    assert [(t.change, t.words) for t in found.tellings] == [
        ("new", ""),
        ("update", "severity raised from high to critical"),
    ]
    assert [t.tries[0].state for t in found.tellings] == ["sent", "sent"]
    assert found.tellings[-1].tries[0].answer.endswith(f"{found.tellings[-1].key}.html")
    assert found.answer.startswith("Told 2 times, last on")


def hush(database: Database, hosts: tuple[str, ...], reason: str, days: float = 10, name: str = NAME) -> None:
    with database.begin() as connection:
        assessment = Assessment.load(connection, NOW)
        found = assessment.find(name)
        standing = assessment.alert_state(connection, found)
        made = Silence(found.id, Scope(hosts=hosts), reason, "Ann", NOW, NOW + days * DAY, standing)
        silences.add(connection, made)


def effects(explanation: Explanation) -> list[tuple[str, str]]:
    """The reason of each silence that is shown, with its effect."""
    return [(p.words.rpartition(": ")[2], p.effect) for p in explanation.points if p.about == "silence"]


def test_a_silence_of_the_only_host_that_it_concerns_is_the_reason(fleet: Database) -> None:
    subscribe(fleet, "file:///nowhere")
    hush(fleet, ("lab-1",), "no plugin there")
    hush(fleet, ("lab-2",), "of another host")
    hush(fleet, ("web-*",), "of nobody")
    hush(fleet, ("lab-1",), "ended", days=0.5)
    answer = f"Not sent: silenced by Ann, until {NOW + 10 * DAY:%Y-%m-%d} (host lab-1): no plugin there"
    found = why(fleet, days=1)
    assert found.answer == answer
    assert effects(found) == [("no plugin there", "against")]


def test_silences_that_leave_a_host_over_are_no_reason_until_together_they_leave_none(fleet: Database) -> None:
    install(fleet, lab_3="25.0.4")
    subscribe(fleet, "file:///nowhere")
    hush(fleet, ("lab-1",), "one")
    assert why(fleet).answer == "Not sent yet: the next run sends it"
    assert effects(why(fleet)) == [("one", "note")]
    hush(fleet, ("lab-3",), "the other")
    assert why(fleet).answer.startswith("Not sent: silenced by Ann")
    assert effects(why(fleet)) == [("the other", "against"), ("one", "against")]


def test_a_silence_that_was_broken_is_said_to_be_and_is_no_reason(fleet: Database) -> None:
    subscribe(fleet, "file:///nowhere")
    hush(fleet, (), "no plugin")
    publish(fleet, record(NAME, below="25.0.6", severity=Severity.CRITICAL))
    assert why(fleet).answer == "Not sent yet: the next run sends it"
    assert effects(why(fleet)) == [("no plugin; broken, because the advisory got worse", "note")]
