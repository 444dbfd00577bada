"""How a source does by its own history, and what its operators hear of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from feeds import storage
from feeds.sources.health import Polled, SourceHealth, SourceState, assessed, changes, floor, shortfalls
from feeds.storage.database import Database
from notifier.services.sending.notifications import Settings
from tests.conftest import Mailbox, World, text_of
from tests.support.polling import MOBY, Poller, entries
from tests.support.samples import DAY, NOW, START, publish, record, run
from tests.support.unruly import Unruly

GOOD = SourceState("kev", SourceHealth.HEALTHY, items=40, last_attempt=NOW, last_success=NOW)


def history(*items: int, failed: int = 0) -> list[Polled]:
    return [Polled(START + n * DAY, 3, failed, i) for n, i in enumerate(items)]


@pytest.mark.parametrize(
    ("past", "items", "said"),
    [
        (history(40, 41, 40, 42, 40), 40, []),
        (history(40, 41, 40, 42, 40), 31, []),
        (history(40, 41, 40, 42, 40), 29, ["never had fewer than 40 in its last 5 polls"]),
        (history(40, 41, 40, 42, 40), 0, ["it lists 0 entries"]),
        (history(40, 41, 40, 42), 0, []),
        (history(40, 41, 40, 42, 40, failed=1), 0, []),
        (history(0, 0, 0, 0, 0), 0, []),
    ],
)
def test_a_source_is_measured_by_the_floor_of_its_own_history(past: list[Polled], items: int, said: list[str]) -> None:
    found = list(shortfalls("kev", items, past, ()))
    assert len(found) == len(said)
    assert all(s in f for s, f in zip(said, found, strict=True))
    assert floor(past) in (0, 40)


def test_entries_that_must_be_there_are_named() -> None:
    assert "CVE-1, CVE-2" in " ".join(shortfalls("kev", 1, (), ("CVE-1", "CVE-2")))


@pytest.mark.parametrize("state", [SourceHealth.HEALTHY, SourceHealth.DEGRADED, SourceHealth.FAILING])
def test_what_could_not_be_read_for_three_days_is_silent_whatever_its_last_poll_said(state: SourceHealth) -> None:
    old = replace(GOOD, state=state, message="HTTP 503", last_success=NOW - 4 * DAY)
    (found,) = assessed([old], NOW)
    assert found.state is SourceHealth.SILENT
    assert "HTTP 503" in found.message
    assert [s.state for s in assessed([replace(old, last_success=NOW - 2 * DAY)], NOW)] == [state]


def test_a_source_that_is_not_asked_any_more_is_no_part_of_it() -> None:
    old = replace(GOOD, name="osv", last_attempt=NOW - 9 * DAY, last_success=NOW - 9 * DAY)
    assert [s.name for s in assessed([GOOD, old], NOW)] == ["kev"]
    assert [s.state for s in assessed([old], NOW)] == [SourceHealth.SILENT], "where nothing is asked, all are silent"


@pytest.mark.parametrize(
    ("state", "told", "expected"),
    [
        (SourceHealth.HEALTHY, "", []),
        (SourceHealth.FAILING, "", [False]),
        (SourceHealth.FAILING, "failing", []),
        (SourceHealth.SILENT, "failing", [False]),
        (SourceHealth.HEALTHY, "silent", [True]),
        (SourceHealth.DEGRADED, "failing", [True]),
        (SourceHealth.UNPOLLED, "", []),
    ],
)
def test_a_change_of_state_is_a_change_since_the_operators_were_told(
    state: SourceHealth, told: str, expected: list[bool]
) -> None:
    assert [c.better for c in changes([replace(GOOD, state=state, told=told)])] == expected


def test_operators_hear_once_of_each_change_on_their_own_channel(database: Database, mailbox: Mailbox) -> None:
    publish(database, record("CVE-2026-1"), at=NOW)
    settings = Settings(operators=(mailbox.address("oncall@example.org"),))

    def polled(state: SourceHealth, day: int, good: int) -> list[str]:
        with database.begin() as connection:
            failing = SourceState("example", state, "HTTP 503", 1, 0, NOW + day * DAY, NOW + good * DAY)
            storage.note(connection, failing)
        before = len(mailbox.mails)
        run(database, NOW + day * DAY + timedelta(hours=1), settings)
        return [str(m["Subject"]) for m in mailbox.mails[before:]]

    assert polled(SourceHealth.HEALTHY, 0, 0) == []
    assert polled(SourceHealth.FAILING, 1, 0) == ["[Navtex] Source example is failing"]
    assert "HTTP 503" in text_of(mailbox.mails[-1])
    assert polled(SourceHealth.FAILING, 2, 0) == []
    assert polled(SourceHealth.FAILING, 4, 0) == ["[Navtex] Source example is silent"]
    assert [polled(SourceHealth.FAILING, day, 0) for day in range(5, 16)] == [[]] * 11
    assert polled(SourceHealth.HEALTHY, 16, 16) == ["[Navtex] Source example is healthy"]
    assert {m["To"] for m in mailbox.mails} == {"oncall@example.org"}


def test_who_sets_the_channel_later_hears_how_it_stands_then(database: Database, tmp_path: Path) -> None:
    publish(database, record("CVE-2026-1"), at=NOW)
    with database.begin() as connection:
        storage.note(connection, SourceState("example", SourceHealth.FAILING, "x", 1, 0, NOW, NOW))
    run(database, NOW)
    settings = Settings(operators=(f"file://{tmp_path}/oncall",))
    run(database, NOW, settings)
    run(database, NOW, settings)
    assert len(list((tmp_path / "oncall").glob("*.txt"))) == 1


def test_sources_that_are_disabled_are_nobodys_trouble(database: Database, tmp_path: Path) -> None:
    publish(database, record("CVE-2026-1"), at=NOW)
    with database.begin() as connection:
        storage.note(connection, SourceState("example", SourceHealth.FAILING, "x", 1, 0, NOW, NOW))
    run(database, NOW, Settings(operators=(f"file://{tmp_path}/oncall",), disabled=frozenset({"example"})))
    assert not (tmp_path / "oncall").exists()


def test_a_source_that_loses_many_of_its_entries_fails_and_keeps_them_until_that_is_accepted(
    sqlite_database: Database, site: Unruly, world: World
) -> None:
    poller = Poller(sqlite_database, site)
    world.put(MOBY, entries(8))
    assert poller("moby-advisories").ok
    world.put(MOBY, entries(5))
    for _ in range(2):
        assert poller.a_day_later("moby-advisories").failed[0].state is SourceHealth.FAILING
        assert "lacks 3 of the 8 it had" in poller.source("moby-advisories").message
    assert not poller.find(entries(8)[-1]["cve_id"]).withdrawn
    accepted = poller("moby-advisories", accept="moby-advisories")
    assert accepted.ok
    assert accepted.changes.withdrawn == [e["cve_id"] for e in entries(8)[5:]]
    assert poller("moby-advisories").ok
