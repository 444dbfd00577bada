"""One run while the clock is wrong by more than a year: afterwards everything goes on, and it is told once."""

from __future__ import annotations

import pytest

from feeds import storage
from feeds.advisories.records import Severity
from feeds.storage.database import Database
from notifier.domain.schedule import Schedule
from tests.conftest import Mailbox
from tests.support.samples import DAY, NOW, install, publish, record, run, subscribe

OLD = record("CVE-2024-41110", below="25.0.6", severity=Severity.HIGH)
NEW = record("CVE-2026-41567", below="29.5.1", severity=Severity.HIGH)


def test_a_daily_subscription_is_served_again_after_a_run_in_the_future(database: Database, mailbox: Mailbox) -> None:
    install(database, lab_1="25.0.5")
    publish(database, OLD)
    subscribe(database, mailbox.address(), schedule=Schedule(every="daily"))
    run(database)
    run(database, NOW + 400 * DAY)
    del mailbox.mails[:]
    publish(database, OLD, NEW, at=NOW + DAY)
    runs = [run(database, NOW + day * DAY) for day in (1, 2, 3)]
    assert [r.ahead for r in runs] == [["ops"], [], []]
    assert all(r.ok for r in runs)
    assert len([m for m in mailbox.mails if "CVE-2026-41567" in str(m["Subject"])]) == 1


@pytest.mark.both
def test_pauses_and_states_from_the_future_are_forgotten(database: Database) -> None:
    publish(database, OLD, at=NOW)
    with database.begin() as connection:
        storage.wait(connection, {"a.example": NOW + 2 * DAY, "b.example": NOW + 407 * DAY}, NOW)
        assert storage.mend_clock(connection, NOW) == 1
        assert set(storage.waiting(connection)) == {"a.example"}
        assert storage.mend_clock(connection, NOW) == 0
        assert storage.mend_clock(connection, NOW - 30 * DAY) > 0
        assert all(s.last_attempt is None or s.last_attempt <= NOW for s in storage.sources(connection).values())
