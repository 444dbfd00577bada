"""Digests are stored one by one, each only if nobody else changed or served its subscription meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from feeds.storage.database import Database
from notifier.domain.subscriptions import Subscription
from notifier.services.sending.queueing import _Digests, assessed, match, queue_digests
from notifier.services.snapshot.settings import Settings
from notifier.storage import subscriptions, tables
from tests.conftest import Mailbox
from tests.support.samples import DAY, NOW, install, publish, record, subscribe


@pytest.fixture
def fleet(database: Database, mailbox: Mailbox) -> Database:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="26.0.0"))
    for name in ("a", "b"):
        subscribe(database, mailbox.address(f"{name}@example.org"), name=name)
    return database


@contextmanager
def stage(database: Database) -> Iterator[_Digests]:
    """A stage that has its snapshot."""
    with database.connect() as snapshot:
        yield _Digests(database, snapshot, assessed(snapshot, NOW, Settings()), Settings())


def subscribed(database: Database, name: str) -> Subscription:
    with database.connect() as connection:
        return subscriptions.named(connection, name)


def digests(database: Database) -> list[str]:
    with database.connect() as connection:
        joined = sa.join(tables.digest, tables.subscription)
        names = sa.select(tables.subscription.c.name).select_from(joined).order_by(tables.subscription.c.name)
        return list(connection.execute(names).scalars())


@pytest.mark.both
def test_of_two_that_make_the_same_digest_at_once_one_stores_it(fleet: Database) -> None:
    match(fleet, NOW)
    one, other = subscribed(fleet, "a"), subscribed(fleet, "b")
    with stage(fleet) as first, stage(fleet) as second:
        first.make(one)
        second.make(one)
        second.make(other)
        first.make(other)
    assert digests(fleet) == ["a", "b"]
    assert (first.report.skipped, second.report.skipped) == (["b"], ["a"])
    assert first.report.ok
    assert second.report.ok


def test_what_was_edited_meanwhile_waits_for_the_next_run(fleet: Database) -> None:
    match(fleet, NOW)
    with stage(fleet) as now:
        subscription = subscribed(fleet, "a")
        with fleet.begin() as connection:
            subscriptions.pause(connection, "a", paused=True)
        now.make(subscription)
    assert digests(fleet) == []
    with fleet.begin() as connection:
        subscriptions.pause(connection, "a", paused=False)
    assert queue_digests(fleet, NOW).skipped == []
    assert digests(fleet) == ["a", "b"]


def test_only_those_that_are_named_are_served(fleet: Database) -> None:
    report = queue_digests(fleet, NOW, only={subscribed(fleet, "b").id})
    assert [d.subscription for d in report.digests] == ["b"]
    assert queue_digests(fleet, NOW + DAY).digests[0].subscription == "a"
    assert subscribed(fleet, "b").served_at == NOW + DAY, "without news, it is noted that it was looked at"
