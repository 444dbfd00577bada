from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from feeds.advisories.facts import Release, Repair
from feeds.advisories.records import Severity
from feeds.core.errors import UnknownName, UsageProblem
from feeds.storage.database import Database
from notifier.domain.filters import Filters
from notifier.domain.retry import DeliveryState
from notifier.storage import delivery_log, outbox, subscriptions
from tests.conftest import Mailbox, text_of
from tests.support.samples import DAY, NOW, counted, install, publish, record, run, subscribe

OLD = record("CVE-2024-41110", below="25.0.6", severity=Severity.CRITICAL)
NEW = record("CVE-2026-41567", below="29.5.1")


@pytest.fixture
def fleet(database: Database) -> Database:
    """Two hosts, one of them affected, and a source that was read."""
    install(database, lab_1="25.0.5", lab_2="29.7.2")
    publish(database, OLD)
    return database


def test_there_is_one_welcome_and_then_only_news(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address())
    assert run(fleet).ok
    assert run(fleet, NOW + DAY).digests == []
    (welcome,) = mailbox.mails
    assert "Welcome" in welcome["Subject"]
    assert "CVE-2024-41110" in text_of(welcome)
    assert "lab-1" in text_of(welcome)

    publish(fleet, OLD, NEW, at=NOW + DAY)
    run(fleet, NOW + DAY)
    run(fleet, NOW + 2 * DAY)
    _, news = mailbox.mails
    assert "CVE-2026-41567" in news["Subject"]
    assert "29.5.1" in text_of(news)
    assert "CVE-2024-41110" not in text_of(news)
    assert welcome["Message-ID"] != news["Message-ID"]


def test_what_the_upgrade_is_known_to_break_is_told_beside_it(fleet: Database, mailbox: Mailbox) -> None:
    repair = Repair("25.0.6", "docker cp works again")
    publish(fleet, OLD, Release(product="engine", version="25.0.7", url="https://example.org/2507", repairs=(repair,)))
    subscribe(fleet, mailbox.address())
    run(fleet)
    (welcome,) = mailbox.mails
    assert "Known regression in 25.0.6, fixed in 25.0.7: docker cp works again" in " ".join(text_of(welcome).split())


def test_a_silent_start_sends_no_welcome_and_then_only_news(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address(), silent=True)
    assert run(fleet).digests == []
    publish(fleet, OLD, NEW, at=NOW + DAY)
    run(fleet, NOW + DAY)
    (news,) = mailbox.mails
    assert "CVE-2026-41567" in text_of(news)
    assert "CVE-2024-41110" not in text_of(news)


def test_edited_words_and_a_new_alias_send_nothing(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address())
    run(fleet)
    edited = record(
        "CVE-2024-41110", title="In other words", summary="More", below="25.0.6", aliases=("GHSA-v23v-6jw2-98fq",)
    )
    publish(fleet, edited, at=NOW + DAY)
    assert run(fleet, NOW + DAY).digests == []


def test_a_source_that_is_read_for_the_first_time_is_no_news(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address())
    run(fleet)
    publish(fleet, NEW, source="added-later", at=NOW + DAY)
    assert run(fleet, NOW + DAY).digests == []
    install(fleet, NOW + 2 * DAY, lab_9="29.5.0")
    run(fleet, NOW + 2 * DAY)
    assert "lab-9" in text_of(mailbox.mails[-1])
    assert "CVE-2026-41567" in text_of(mailbox.mails[-1])


def test_hosts_that_arrive_are_newly_affected_in_one_digest(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address())
    run(fleet)
    install(fleet, NOW + DAY, lab_7="25.0.5", lab_8="25.0.4", lab_9="29.7.2")
    run(fleet, NOW + DAY)
    assert len(mailbox.mails) == 2
    text = text_of(mailbox.mails[-1])
    assert "CVE-2024-41110  CRITICAL\n" in text
    assert f"changed since {NOW:%Y-%m-%d}: newly affected hosts" in text
    assert "25.0.5 on lab-7" in text
    assert "25.0.4 on lab-8" in text
    assert "lab-1" not in text
    assert run(fleet, NOW + 2 * DAY).digests == []


def test_a_withdrawn_advisory_is_not_told(fleet: Database, mailbox: Mailbox) -> None:
    withdrawn = record("CVE-2026-5", below="29.9.0")
    publish(fleet, OLD, withdrawn, at=NOW - 3 * DAY, complete=True)
    for days in (2, 1):  # an absence counts after two polls a day apart
        publish(fleet, OLD, at=NOW - days * DAY, complete=True)
    subscribe(fleet, mailbox.address(), filters=Filters(everything=True))
    run(fleet)
    assert "CVE-2026-5" not in text_of(mailbox.mails[0])


def test_the_welcome_waits_until_a_source_could_be_read(database: Database, mailbox: Mailbox) -> None:
    install(database, lab_1="25.0.5")
    subscribe(database, mailbox.address())
    report = run(database)
    assert report.held == ["ops"]
    assert mailbox.mails == []
    publish(database, OLD)
    assert run(database).held == []
    assert "CVE-2024-41110" in text_of(mailbox.mails[0])


def test_a_welcome_without_anything_to_tell_is_sent_all_the_same(database: Database, mailbox: Mailbox) -> None:
    publish(database, OLD)
    subscribe(database, mailbox.address())
    run(database)
    assert "nothing open for" in mailbox.mails[0]["Subject"]


@pytest.mark.parametrize("refusal", ["450 greylisted, come again", "421 too busy"])
def test_a_failed_delivery_waits_and_is_sent_by_a_later_run_with_the_same_id(
    fleet: Database, mailbox: Mailbox, refusal: str
) -> None:
    subscribe(fleet, mailbox.address("a@example.org", "b@example.org"))
    mailbox.refuse["b@example.org"] = refusal
    report = run(fleet)
    assert not report.ok
    assert refusal in report.failed[0][1]
    with fleet.connect() as connection:
        assert outbox.pending(connection) == 1
        assert outbox.due(connection, NOW) == []
        assert len(outbox.due(connection, NOW + timedelta(hours=1))) == 1
        (later,) = delivery_log.entries(connection, state=DeliveryState.PENDING)
    assert (later.target.recipient, later.attempts) == ("b@example.org", 1)

    assert run(fleet, NOW).delivered == []
    mailbox.refuse.clear()
    assert len(run(fleet, NOW + timedelta(hours=1)).delivered) == 1
    assert [m["To"] for m in mailbox.mails] == ["a@example.org", "b@example.org"]
    assert len({m["X-Navtex-Digest"] for m in mailbox.mails}) == 1
    assert run(fleet, NOW + DAY).delivered == []


def test_a_recipient_who_does_not_exist_is_given_up_and_the_others_get_theirs(
    fleet: Database, mailbox: Mailbox
) -> None:
    subscribe(fleet, mailbox.address("gone@example.org", "b@example.org"))
    mailbox.refuse["gone@example.org"] = "550 no such user"
    assert not run(fleet).ok
    mailbox.refuse.clear()
    assert run(fleet, NOW + 10 * DAY).ok
    assert [m["To"] for m in mailbox.mails] == ["b@example.org"]


def test_every_target_gets_the_digest_and_one_that_fails_delays_no_other(
    fleet: Database, mailbox: Mailbox, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    subscribe(fleet, f"file://{tmp_path}/file/in-the-way", f"file://{tmp_path}/mails", mailbox.address())
    report = run(fleet)
    assert len(report.delivered) == 2
    assert len(report.failed) == 1
    assert len(list((tmp_path / "mails").glob("*.html"))) == len(mailbox.mails) == 1


def test_a_paused_subscription_gets_nothing_and_hears_on_resume_what_happened(
    fleet: Database, mailbox: Mailbox
) -> None:
    subscribe(fleet, mailbox.address())
    run(fleet)
    with fleet.begin() as connection:
        subscriptions.pause(connection, "ops", paused=True)
    publish(fleet, OLD, NEW, at=NOW + DAY)
    assert run(fleet, NOW + DAY).digests == []
    assert len(mailbox.mails) == 1
    with fleet.begin() as connection:
        subscriptions.pause(connection, "ops", paused=False)
    run(fleet, NOW + 2 * DAY)
    assert "CVE-2026-41567" in text_of(mailbox.mails[1])


def test_what_waits_for_delivery_is_not_sent_while_paused(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address())
    mailbox.refuse["ops@example.org"] = "450 later"
    run(fleet)
    mailbox.refuse.clear()
    with fleet.begin() as connection:
        subscriptions.pause(connection, "ops", paused=True)
    assert run(fleet, NOW + DAY).delivered == []
    with fleet.begin() as connection:
        subscriptions.pause(connection, "ops", paused=False)
    assert len(run(fleet, NOW + DAY).delivered) == 1


def test_a_digest_that_cannot_be_made_is_told_and_stops_no_other(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address(), name="a-good-one")
    subscribe(fleet, "nonsense://host", name="broken")
    report = run(fleet)
    assert not report.ok
    assert [name for name, reason in report.broken if "nonsense" in reason] == ["broken"]
    assert ["Welcome" in mail["Subject"] for mail in mailbox.mails] == [True]
    assert counted(fleet) | {"told": 0} == {"digest": 1, "told": 0, "outbox": 1}
    with fleet.begin() as connection:
        found = {s.name: s.started_at for s in subscriptions.every(connection)}
    assert found["broken"] is None, "its welcome is still to come"


def test_a_removed_subscription_gets_nothing_more_and_its_history_stays(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address())
    mailbox.refuse["ops@example.org"] = "450 later"
    run(fleet)
    with fleet.begin() as connection:
        subscriptions.remove(connection, "ops", NOW)
        with pytest.raises(UnknownName, match="'ops'"):
            subscriptions.remove(connection, "ops", NOW)
        assert subscriptions.every(connection) == []
    mailbox.refuse.clear()
    assert run(fleet, NOW + DAY).delivered == []
    assert counted(fleet) == {"digest": 1, "told": 1, "outbox": 1}
    subscribe(fleet, mailbox.address())  # another one of that name begins anew
    assert [d.welcome for d in run(fleet, NOW + 2 * DAY).digests] == [True]
    with fleet.connect() as connection:
        told = delivery_log.entries(connection, subscription="ops")
        (number,) = {t for s in subscriptions.every(connection) for t in subscriptions.told(connection, s)}
        assert [e.id for e in delivery_log.entries(connection, advisories=[number])] == [e.id for e in told]
    assert [(e.subscription, e.state.value) for e in told] == [("ops", "sent"), ("ops", "failed")]
    assert told[1].answer == "the subscription was removed"


def test_a_name_is_taken_once(fleet: Database, mailbox: Mailbox) -> None:
    subscribe(fleet, mailbox.address())
    with pytest.raises(UsageProblem, match="'ops' already exists"):
        subscribe(fleet, mailbox.address())
