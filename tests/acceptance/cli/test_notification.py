from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from feeds.storage.database import Database
from notifier.channels import MessageSender
from notifier.domain.messages import Target
from notifier.services.sending.delivery import Deliveries, deliver
from tests.conftest import Mailbox, Program
from tests.integration.notifier.services.test_delivery import put
from tests.support.samples import START


@pytest.fixture
def navtex(sqlite_database: Database, mailbox: Mailbox, program_with: Callable[..., Program]) -> Program:
    """An outbox with one that was sent, one that was refused and a notice to the operator."""
    mailbox.refuse["gone@example.org"] = "550 no such user"
    address = mailbox.address().replace("mailto://", "mailto://me:hunter2@") + "&mode=insecure"
    put(sqlite_database, Target(mailbox.address(), "a@example.org"), Target(mailbox.address(), "gone@example.org"))
    put(sqlite_database, Target(address, "late@example.org"), key="later", name="web")
    with MessageSender() as courier:
        deliver(sqlite_database, courier, Deliveries(), START, operator=[mailbox.address("operator@example.org")])
    return program_with(NAVTEX_DATABASE_URL=sqlite_database.url.render_as_string(hide_password=False))


def test_the_list_says_what_went_where_and_what_was_answered(navtex: Program) -> None:
    notice, late, gone, sent = navtex.json("notification", "list")["notifications"]
    assert (sent["state"], sent["recipient"], sent["subscription"]) == ("sent", "a@example.org", "ops")
    assert sent["attempts"] == [{"at": "2026-04-15T12:00:00Z", "outcome": "sent", "answer": "accepted by 127.0.0.1"}]
    assert (gone["state"], gone["due_at"], gone["sent_at"]) == ("failed", None, None)
    assert "550 no such user" in gone["answer"]
    assert (notice["subscription"], notice["recipient"]) == (None, "operator@example.org")
    assert "hunter2" not in str(late)


@pytest.mark.parametrize(
    ("options", "recipients"),
    [
        (["--state", "failed"], ["gone@example.org"]),
        (["--subscription", "ops"], ["gone@example.org", "a@example.org"]),
        (["--subscription", ""], ["operator@example.org"]),
        (["--subscription", "ops", "--state", "sent"], ["a@example.org"]),
        (["--state", "sending"], []),
    ],
)
def test_the_list_can_be_narrowed(navtex: Program, options: list[str], recipients: list[str]) -> None:
    found = navtex.json("notification", "list", *options)["notifications"]
    assert [f["recipient"] for f in found] == recipients


def test_the_table_fits_80_columns_and_shows_no_password(navtex: Program) -> None:
    shown = navtex("notification", "list").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "hunter2" not in shown
    assert "No notifications." in navtex("notification", "list", "--state", "sending").stderr


def test_one_that_was_given_up_is_sent_by_the_next_notify(navtex: Program, mailbox: Mailbox) -> None:
    number = next(
        n["id"] for n in navtex.json("notification", "list")["notifications"] if n["recipient"] == "gone@example.org"
    )
    assert f"sends notification {number}" in navtex("notification", "retry", str(number)).stderr
    mailbox.refuse.clear()
    navtex("notify", status=1)  # the other one waits for a server that offers a login
    assert [m["To"] for m in mailbox.mails].count("gone@example.org") == 1
    assert "was sent" in navtex("notification", "retry", str(number), status=2).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["retry", "99"], "there is no notification 99"),
        (["retry", "x"], "is not a valid integer"),
        (["list", "--subscription", "nobody"], "there is no subscription 'nobody'"),
    ],
)
def test_wrong_use_says_what_is_wrong(navtex: Program, arguments: list[str], said: str) -> None:
    assert said in navtex("notification", *arguments, status=2).stderr


def test_the_doctor_tells_of_what_was_given_up_and_of_the_operators_channel(navtex: Program) -> None:
    config = navtex.home / "config.toml"
    config.write_text('[operator]\nto = ["json://127.0.0.1:1/x", "nonsense://x"]\n')
    config.chmod(0o600)
    shown = " ".join(navtex("doctor", status=1, NAVTEX_CONFIG=str(config)).stdout.split())
    assert "1 delivery was given up See `navtex notification list --state failed`" in shown
    assert "the operator's channel is json://127.0.0.1:1/x" in shown
    assert "the operator's channel: the nonsense:// address is not valid" in shown


def test_the_operators_channel_of_the_configuration_hears_of_what_is_given_up(
    navtex: Program, mailbox: Mailbox, sqlite_database: Database
) -> None:
    config = navtex.home / "config.toml"
    config.write_text(
        f'[operator]\nto = ["{mailbox.address("root@example.org")}"]\n'
        '[mail]\nunsubscribe = "mailto:ops@example.org?subject=unsubscribe"\n'
    )
    put(sqlite_database, Target(mailbox.address(), "gone@example.org"), key="third")
    navtex("notify", status=1, NAVTEX_CONFIG=str(config))
    mail = mailbox.mails[-1]
    assert mail["To"] == "root@example.org"
    assert mail["List-Unsubscribe"] == "<mailto:ops@example.org?subject=unsubscribe>"


def test_a_notification_is_shown_as_it_was_sent_with_all_its_recipients(navtex: Program, tmp_path: Path) -> None:
    numbers = {n["recipient"]: n["id"] for n in navtex.json("notification", "list")["notifications"]}
    number = str(numbers["a@example.org"])
    found = navtex.json("notification", "show", number)
    assert [(r["recipient"], r["state"]) for r in found["recipients"]] == [
        ("a@example.org", "sent"),
        ("gone@example.org", "failed"),
    ]
    shown = navtex("notification", "show", number).stdout
    assert f"Subject: {found['subject']}" in shown
    assert found["text"] in shown
    assert "a@example.org (sent on 2026-04-15 12:00 UTC)" in shown
    assert "gone@example.org (failed)" in shown
    page = tmp_path / "page.html"
    assert navtex("notification", "show", number, "-o", str(page)).stdout == ""
    assert page.read_text() == navtex("notification", "show", number, "--format", "html").stdout == found["html"]
    assert "For:     the operator" in navtex("notification", "show", str(numbers["operator@example.org"])).stdout
    assert "hunter2" not in navtex("notification", "show", str(numbers["late@example.org"])).stdout
    assert "there is no notification 99" in navtex("notification", "show", "99", status=2).stderr


def test_a_list_can_be_cut(navtex: Program) -> None:
    everything = navtex.json("notification", "list")["notifications"]
    done = navtex("notification", "list", "--limit", "2")
    assert "--limit" in done.stderr
    assert navtex.json("notification", "list", "--limit", "2")["notifications"] == everything[:2]
    assert "--limit" not in navtex("notification", "list", "--limit", "4").stderr
