from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from feeds.storage.database import Database
from notifier.storage import subscriptions
from tests.conftest import Mailbox, Program, program, text_of, with_database
from tests.support.samples import START, install, publish, record


@pytest.fixture
def navtex(sqlite_database: Database, program_with: Callable[..., Program], mailbox: Mailbox) -> Program:
    """Two hosts that a critical and a low vulnerability affect, and a subscription that had its welcome."""
    install(sqlite_database, web_1="25.0.5", lab_1="25.0.4")
    publish(sqlite_database, record("CVE-2026-1", below="26.0.0"), at=START)
    made = program_with(NAVTEX_DATABASE_URL=str(sqlite_database.url))
    made("subscription", "add", "ops", "--to", mailbox.address(), "--host", "web-*", "--severity", "high")
    made("notify")
    return made


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Program:
    """A program with a subscription, for edits that change nothing."""
    made = with_database(program(tmp_path_factory.mktemp("standing") / "home"), sqlite_template)
    made("subscription", "add", "ops", "--to", "file:///mails", "--host", "web-*", "--severity", "high")
    return made


def test_an_edit_changes_what_is_given_and_keeps_the_rest_the_id_and_the_history(
    navtex: Program, mailbox: Mailbox, sqlite_database: Database
) -> None:
    def number() -> int:
        with sqlite_database.connect() as connection:
            return subscriptions.named(connection, "ops").id

    before, first = navtex.json("subscription", "show", "ops"), number()
    assert (before["filters"], before["told"]) == ({"host": "web-*", "severity": "high"}, 1)
    options = (
        "--to",
        mailbox.address("new@example.org"),
        "--severity",
        "low",
        "--keyword",
        "flaw",
        "--kev",
        "--schedule",
        "daily",
    )
    said = navtex("subscription", "edit", "ops", *options, "--zone", "Europe/Berlin", "--quiet", "22:00-07:00").stderr
    assert f"{mailbox.port} without TLS, to new@example.org" in said
    assert "daily (Europe/Berlin), quiet 22:00-07:00" in said
    after = navtex.json("subscription", "show", "ops")
    assert number() == first
    assert after["filters"] == {"host": "web-*", "severity": "low", "keyword": "flaw", "kev": "yes"}
    assert (after["schedule"]["every"], after["schedule"]["zone"]) == ("daily", "Europe/Berlin")
    kept = ("started_at", "created_at", "told", "last_digest", "state")
    assert {k: after[k] for k in kept} == {k: before[k] for k in kept}
    assert [n["recipient"] for n in navtex.json("notification", "list", "--subscription", "ops")["notifications"]] == [
        "ops@example.org"
    ]

    cleared = ("schedule", "quiet", "keyword", "kev")
    navtex("subscription", "edit", "ops", *(word for name in cleared for word in ("--clear", name)))
    publish(sqlite_database, record("CVE-2026-2", below="26.0.0"))
    navtex("notify")
    assert [m["To"] for m in mailbox.mails] == ["ops@example.org", "new@example.org"]
    text = text_of(mailbox.mails[1])
    assert "CVE-2026-2" in text
    assert "Welcome" not in mailbox.mails[1]["Subject"]
    assert "\nCVE-2026-1  " not in text, "it was sent before"


def test_wider_filters_bring_what_was_left_out_and_nothing_twice(navtex: Program, mailbox: Mailbox) -> None:
    navtex("subscription", "edit", "ops", "--clear", "host")
    navtex("notify")
    (_, second) = mailbox.mails
    assert "lab-1" in text_of(second)
    navtex("notify")
    assert len(mailbox.mails) == 2


def test_messages_that_wait_for_a_former_channel_go_to_the_new_one(navtex: Program, mailbox: Mailbox) -> None:
    navtex("subscription", "edit", "ops", "--to", mailbox.address("bad@example.org"), "--to", mailbox.address())
    navtex("inventory", "import", stdin="host,product,version\nweb-2,engine,25.0.5\n")
    mailbox.refuse["bad@example.org"] = "450 later"
    navtex("notify", status=1)
    new = ("--to", mailbox.address(), "--to", mailbox.address("good@example.org"))
    said = navtex("subscription", "edit", "ops", *new).stderr
    assert "waited for former channels and now go to the new channels: 1" in said
    navtex("notify")
    assert [m["To"] for m in mailbox.mails] == ["ops@example.org", "ops@example.org", "good@example.org"]
    assert mailbox.mails[2]["Message-ID"] != mailbox.mails[0]["Message-ID"]
    assert mailbox.mails[2]["Subject"] == mailbox.mails[1]["Subject"]
    states = {n["recipient"]: n["state"] for n in navtex.json("notification", "list", "--limit", "3")["notifications"]}
    assert states == {"bad@example.org": "failed", "ops@example.org": "sent", "good@example.org": "sent"}


def test_messages_that_wait_for_a_channel_that_is_taken_away_are_not_sent(navtex: Program, mailbox: Mailbox) -> None:
    navtex("subscription", "edit", "ops", "--to", mailbox.address("bad@example.org"), "--to", mailbox.address())
    navtex("inventory", "import", stdin="host,product,version\nweb-2,engine,25.0.5\n")
    mailbox.refuse["bad@example.org"] = "450 later"
    navtex("notify", status=1)
    assert "go to no one: 1" in navtex("subscription", "edit", "ops", "--to", mailbox.address()).stderr
    mailbox.refuse.clear()
    navtex("notify")
    assert {m["To"] for m in mailbox.mails} == {"ops@example.org"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "nothing to change"),
        (["--to", "nonsense://x"], "address is not valid"),
        (["--severity", "low", "--clear", "severity"], "--clear severity"),
        (["--schedule", "often"], "five fields"),
        (["--zone", "Mars"], "unknown time zone"),
        (["--quiet", "late"], "quiet hours"),
        (["--epss", "2"], "0<=x<=1"),
        (["--clear", "to"], "Invalid value"),
    ],
)
def test_a_wrong_edit_is_refused_and_changes_nothing(standing: Program, options: list[str], said: str) -> None:
    before = standing.json("subscription", "list")
    assert said in standing("subscription", "edit", "ops", *options, status=2).stderr
    assert standing.json("subscription", "list") == before


def test_only_what_the_command_line_made_is_edited(navtex: Program) -> None:
    assert "there is no subscription" in navtex("subscription", "edit", "no", "--clear", "kev", status=2).stderr
    path = navtex.home / "subs.toml"
    path.write_text('[subscriptions.boss]\nto = ["file:///mails"]\n')
    navtex("subscription", "sync", str(path))
    said = navtex("subscription", "edit", "boss", "--severity", "high", status=2).stderr
    assert "managed by subs.toml" in said


def test_a_secret_that_is_referred_to_stays_a_reference(navtex: Program) -> None:
    said = navtex("subscription", "edit", "ops", "--to", "slack://T1/B1/${TOKEN}").stderr
    assert "is not checked" in said
    navtex("subscription", "edit", "ops", "--severity", "critical", "--kind", "vulnerability")
    row = navtex.json("subscription", "show", "ops")
    assert row["to"] == ["slack://T1/B1/${TOKEN}"]
    assert row["filters"] == {"severity": "critical", "kind": "vulnerability", "host": "web-*"}
