"""A run does all its stages, whatever ends one of them, and says which."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any, cast

import pytest
import sqlalchemy as sa

from feeds.core.errors import Busy
from feeds.crawl.client import Crawl
from feeds.storage.database import Database
from notifier.channels import MessageSender
from notifier.config import Config
from notifier.services.pipeline.polling import PollOptions
from notifier.services.pipeline.runs import RunReport, RunStage, RunTools, notify_once, run_once
from notifier.services.sending.notifications import queue_digests
from notifier.storage import tables
from tests.conftest import Mailbox
from tests.support.samples import DAY, NOW, install, publish, record, subscribe


class Broken:
    """A crawl that fails in a way that nobody foresaw."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no crawl today")


@pytest.fixture
def fleet(sqlite_database: Database, mailbox: Mailbox) -> Database:
    install(sqlite_database, lab_1="25.0.5")
    publish(sqlite_database, record("CVE-2026-1", below="26.0.0"))
    subscribe(sqlite_database, mailbox.address())
    return sqlite_database


def run(database: Database) -> RunReport:
    with MessageSender() as sender:
        return run_once(Config(), database, RunTools(cast(Crawl, Broken()), sender, lambda: NOW, PollOptions()))


def test_a_poll_that_breaks_stops_no_digest_and_is_named(fleet: Database, mailbox: Mailbox) -> None:
    report = run(fleet)
    assert [(p.stage, str(p.error)) for p in report.problems] == [(RunStage.POLLING, "no crawl today")]
    assert (report.polled, report.ok, report.status) == (None, False, 1)
    assert [m["To"] for m in mailbox.mails] == ["ops@example.org"]
    assert len(report.notified.digests) == len(report.notified.delivered) == 1
    with fleet.connect() as connection:
        assert connection.execute(sa.select(tables.trend.c.day).distinct()).scalars().all() == [NOW.date()]
    with pytest.raises(FrozenInstanceError):
        report.polled = None  # type: ignore[misc]


def test_digests_are_queued_apart_from_their_delivery(fleet: Database, mailbox: Mailbox) -> None:
    queued = queue_digests(fleet, NOW)
    assert (len(queued.digests), queued.delivered, mailbox.mails) == (1, [], [])
    with MessageSender() as sender:
        report = notify_once(Config(), fleet, sender, lambda: NOW)
    assert (len(report.notified.digests), len(report.notified.delivered), report.status) == (0, 1, 0)


def test_digests_that_cannot_be_queued_stop_no_delivery(fleet: Database, mailbox: Mailbox) -> None:
    queue_digests(fleet, NOW)
    with fleet.begin() as connection:
        connection.exec_driver_sql("UPDATE silence SET facets = '{'")
        connection.exec_driver_sql(
            "INSERT INTO silence (advisory, scope, reason, author, justification, created_at, until, facets) "
            "SELECT id, '{}', 'x', '', '', '2026-01-01', '2999-01-01', '{' FROM advisory LIMIT 1"
        )
    with MessageSender() as sender:
        report = notify_once(Config(), fleet, sender, lambda: NOW + DAY)
    assert [p.stage for p in report.problems] == [RunStage.QUEUEING]
    assert [m["To"] for m in mailbox.mails] == ["ops@example.org"]


def test_only_one_run_works_at_a_time(fleet: Database) -> None:
    with fleet.lock(), pytest.raises(Busy):
        run(fleet)
    with fleet.lock(), pytest.raises(Busy), MessageSender() as sender:
        notify_once(Config(), fleet, sender, lambda: NOW)
