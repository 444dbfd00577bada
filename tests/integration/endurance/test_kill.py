from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from feeds.storage.database import Database
from notifier.storage import delivery_log
from tests.conftest import Mailbox, listening, program
from tests.integration.endurance.killing import kill, killing
from tests.support.samples import install, publish, record, subscribe


@pytest.mark.long
def test_runs_that_are_killed_lose_nothing_and_repeat_only_what_is_the_same(database_url: str, tmp_path: Path) -> None:
    with killing(database_url, tmp_path / "home") as found:
        numbers = kill(found, 6)
    assert numbers["kills"] == 6
    assert numbers["messages"] >= 10


class Slow(Mailbox):
    """A mail server that takes its first mail only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.came, self.let = threading.Event(), threading.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.came.set()
        assert self.let.wait(60)
        return await super().handle_DATA(server, session, envelope)


def test_of_two_runs_at_once_one_works_and_the_other_says_so_and_nothing_goes_out_twice(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2024-41110", below="25.0.6"))
    navtex = program(tmp_path / "home", NAVTEX_DATABASE_URL=database_url)
    box = Slow()
    with listening(box):
        subscribe(database, box.address("a@example.org", "b@example.org"))
        first = threading.Thread(target=navtex, args=("notify",))
        first.start()
        assert box.came.wait(60)
        other = navtex("notify", status=4)
        assert "another Navtex run is at work" in other.stderr
        assert "another Navtex run is at work" in navtex("run", status=4).stderr
        box.let.set()
        first.join(60)
    assert sorted(m["To"] for m in box.mails) == ["a@example.org", "b@example.org"]
    with database.connect() as connection:
        assert [[a.outcome for a in e.log] for e in delivery_log.entries(connection)] == [["sent"], ["sent"]]
