"""A digest that arrived nowhere told nobody anything: what it said comes again, and the operators know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from feeds.advisories.records import Edition, Kind, Severity
from feeds.storage.database import Database
from notifier.alerts.image_news import BaseNews, ImageNews
from notifier.domain.filters import Filters
from notifier.domain.schedule import Schedule
from notifier.images.status import BaseEvent
from notifier.rendering.messages import render
from notifier.rendering.short_messages import shortened
from notifier.services.sending.notifications import NotifyReport, Settings
from notifier.storage import images, outbox, subscriptions
from tests.conftest import Mailbox, text_of
from tests.support.digests import digest
from tests.support.samples import NOW, install, names, publish, record, run, subscribe

HOUR = timedelta(hours=1)
OLD = record("CVE-2024-41110", below="25.0.6", severity=Severity.HIGH)
NEW = record("CVE-2026-41567", below="29.5.1", severity=Severity.CRITICAL)
THIRD = record("CVE-2026-50000", below="29.5.1", severity=Severity.LOW)
NOBODY = "550 no such user"


def told(report: NotifyReport) -> list[list[str]]:
    return [names(d.items) for d in report.digests]


def welcome(database: Database, mailbox: Mailbox, *to: str) -> None:
    install(database, lab_1="25.0.5")
    publish(database, OLD)
    subscribe(database, mailbox.address(*to))
    assert told(run(database)) == [["CVE-2024-41110"]]


def subjects(mails: list[EmailMessage]) -> str:
    return " ".join(str(m["Subject"]) for m in mails)


@pytest.mark.both
def test_what_was_in_a_refused_digest_is_told_again_as_new(database: Database, mailbox: Mailbox) -> None:
    welcome(database, mailbox)
    publish(database, OLD, NEW, at=NOW)
    mailbox.refuse["ops@example.org"] = NOBODY
    assert told(run(database, NOW + HOUR)) == [["CVE-2026-41567"]]
    mailbox.refuse.clear()
    again = run(database, NOW + 2 * HOUR)
    assert told(again) == [["CVE-2026-41567"]]
    assert [i.change for d in again.digests for i in d.items] == ["new"]
    assert "CVE-2026-41567" in text_of(mailbox.mails[-1])
    assert told(run(database, NOW + 3 * HOUR)) == [], "once"


def test_one_target_that_has_it_is_enough(database: Database, mailbox: Mailbox) -> None:
    welcome(database, mailbox, "ops@example.org", "dev@example.org")
    publish(database, OLD, NEW, at=NOW)
    mailbox.refuse["ops@example.org"] = NOBODY
    assert told(run(database, NOW + HOUR)) == [["CVE-2026-41567"]]
    assert told(run(database, NOW + 2 * HOUR)) == []


@pytest.mark.both
def test_a_lost_welcome_is_a_welcome_again(database: Database, mailbox: Mailbox) -> None:
    mailbox.refuse["ops@example.org"] = NOBODY
    welcome(database, mailbox)
    mailbox.refuse.clear()
    [made] = run(database, NOW + HOUR).digests
    assert made.welcome
    assert names(made.items) == ["CVE-2024-41110"]
    assert run(database, NOW + 2 * HOUR).digests == []


def test_a_target_that_is_never_there_is_tried_once_a_day(database: Database, mailbox: Mailbox) -> None:
    welcome(database, mailbox)
    publish(database, OLD, NEW, at=NOW)
    mailbox.refuse["ops@example.org"] = NOBODY
    tried = [1, 2, 3, 12, 25, 26, 27, 49, 50]
    made = [hours for hours in tried if told(run(database, NOW + hours * HOUR))]
    assert made == [1, 2, 26, 50], "at once, at the next run, and a day after each"
    mailbox.refuse.clear()
    assert told(run(database, NOW + 80 * HOUR)) == [["CVE-2026-41567"]]


def test_an_update_that_was_lost_is_an_update_again(database: Database, mailbox: Mailbox) -> None:
    welcome(database, mailbox)
    mailbox.refuse["ops@example.org"] = NOBODY
    install(database, at=NOW + HOUR, lab_1="25.0.5", lab_2="25.0.4")
    lost = run(database, NOW + 2 * HOUR).digests
    mailbox.refuse.clear()
    again = run(database, NOW + 3 * HOUR).digests
    for made in (lost, again):
        [[item]] = [d.items for d in made]
        assert (item.advisory.name, item.change) == ("CVE-2024-41110", "update")
        assert [g.version for g in item.groups] == ["25.0.4"]


def test_a_correction_that_was_lost_is_made_again(database: Database, mailbox: Mailbox) -> None:
    welcome(database, mailbox)
    mailbox.refuse["ops@example.org"] = NOBODY
    publish(database, record("CVE-2024-41110", below="24.0.1"), at=NOW)
    assert [i.change for d in run(database, NOW + HOUR).digests for i in d.items] == ["correction"]
    mailbox.refuse.clear()
    assert [i.change for d in run(database, NOW + 2 * HOUR).digests for i in d.items] == ["correction"]
    assert run(database, NOW + 3 * HOUR).digests == []


def test_a_benchmark_in_a_lost_digest_is_still_news(database: Database, mailbox: Mailbox) -> None:
    install(database, lab_1="25.0.5")
    publish(database, OLD)
    subscribe(database, mailbox.address(), filters=Filters(everything=True))
    run(database)
    edition = Edition("1.8.0")
    publish(database, OLD, record("cis-docker-1.8.0", kind=Kind.BENCHMARK, edition=edition), at=NOW + HOUR)
    mailbox.refuse["ops@example.org"] = NOBODY
    lost = told(run(database, NOW + 2 * HOUR))
    assert lost != []
    mailbox.refuse.clear()
    assert told(run(database, NOW + 3 * HOUR)) == lost


def test_a_lost_digest_below_a_later_one_is_told_whole(database: Database, mailbox: Mailbox) -> None:
    """The later digest waits when the first is given up, and is given up after it: each item comes once more."""
    welcome(database, mailbox)
    publish(database, OLD, NEW, at=NOW)
    mailbox.refuse["ops@example.org"] = "451 later"
    assert told(run(database, NOW + HOUR)) == [["CVE-2026-41567"]]
    publish(database, OLD, NEW, THIRD, at=NOW + HOUR)
    install(database, at=NOW + 2 * HOUR, lab_1="25.0.5", lab_2="29.5.0")
    assert told(run(database, NOW + 3 * HOUR)) == [["CVE-2026-41567", "CVE-2026-50000"]]
    hours, made = 3, []
    while hours < 24 * 6:
        hours += 6
        made += told(run(database, NOW + hours * HOUR))
    mailbox.refuse.clear()
    made += told(run(database, NOW + (hours + 48) * HOUR))
    everything = subjects(mailbox.mails) + " ".join(map(text_of, mailbox.mails))
    assert "CVE-2026-41567" in everything
    assert "CVE-2026-50000" in everything
    assert told(run(database, NOW + (hours + 72) * HOUR)) == []


def test_the_operators_are_told_and_a_removed_subscription_is_left_alone(database: Database, mailbox: Mailbox) -> None:
    welcome(database, mailbox)
    publish(database, OLD, NEW, at=NOW)
    mailbox.refuse["ops@example.org"] = NOBODY
    operators = Settings(operators=(mailbox.address("admin@example.org"),))
    run(database, NOW + HOUR, operators)
    assert "not delivered" in subjects(mailbox.mails)
    with database.begin() as connection:
        subscriptions.remove(connection, "ops", NOW + 2 * HOUR)
    assert run(database, NOW + 2 * HOUR, operators).digests == []


def test_a_retry_by_hand_comes_first(database: Database, mailbox: Mailbox) -> None:
    welcome(database, mailbox)
    publish(database, OLD, NEW, at=NOW)
    mailbox.refuse["ops@example.org"] = NOBODY
    [(lost, _)] = run(database, NOW + HOUR).failed
    mailbox.refuse.clear()
    with database.begin() as connection:
        outbox.retry(connection, lost.id, NOW + HOUR)
    assert told(run(database, NOW + 2 * HOUR)) == []
    assert "CVE-2026-41567" in text_of(mailbox.mails[-1])


def test_a_schedule_is_kept(database: Database, mailbox: Mailbox) -> None:
    start = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
    install(database, at=start, lab_1="25.0.5")
    publish(database, OLD, at=start)
    subscribe(database, mailbox.address(), schedule=Schedule(every="daily"))
    run(database, start)
    run(database, start + 24 * HOUR)
    publish(database, OLD, THIRD, at=start + 25 * HOUR)
    mailbox.refuse["ops@example.org"] = NOBODY
    assert told(run(database, start + 48 * HOUR)) == [["CVE-2026-50000"]]
    mailbox.refuse.clear()
    assert told(run(database, start + 49 * HOUR)) == []
    assert told(run(database, start + 72 * HOUR)) == [["CVE-2026-50000"]]


@pytest.mark.both
def test_images_of_a_lost_digest_are_news_again(database: Database, mailbox: Mailbox) -> None:
    welcome(database, mailbox)
    publish(database, OLD, NEW, at=NOW)
    mailbox.refuse["ops@example.org"] = NOBODY
    [made] = run(database, NOW + HOUR).digests
    with database.begin() as connection:
        number = subscriptions.named(connection, "ops").id
        images.note_told(connection, number, {("base", "shop/web"): 1}, NOW + HOUR, made.key)
        images.note_told(connection, number, {("base", "shop/api"): 1}, NOW, "another")
    run(database, NOW + 2 * HOUR)
    with database.connect() as connection:
        assert set(images.told(connection, number)) == {("base", "shop/api")}


def test_the_short_form_names_images() -> None:
    base = BaseNews("alpine:3.20", BaseEvent.MOVED, None, 3, ("shop/web", "shop/api"), 5)
    short = shortened(render(digest(images=ImageNews(bases=(base,)))))
    assert "alpine:3.20" in short.text
    assert "alpine:3.20" in short.slack
