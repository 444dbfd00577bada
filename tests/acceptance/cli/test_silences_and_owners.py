"""The commands about what was told, what is not, and who takes care: as a process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import USUAL, Mailbox, Program, program, text_of, with_database

NAME = "CVE-2024-41110"
SOON = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"


HOSTS = "host,product,version,tags\nlab-4,engine,25.0.5,env=prod\nlab-2,engine,29.5.3,\n"


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory, polled_template: Path) -> Path:
    """The database of a program that has an inventory and was polled once."""
    made = with_database(program(tmp_path_factory.mktemp("polled") / "home"), polled_template)
    made("inventory", "import", stdin=HOSTS)
    return made.home / USUAL


@pytest.fixture
def navtex(program_with: Callable[..., Program], polled: Path, mailbox: Mailbox) -> Program:
    made = with_database(program_with(empty=True), polled)
    made("subscription", "add", "ops", "--to", mailbox.address(), "--severity", "high")
    return made


def answer(navtex: Program, subscription: str = "ops", advisory: str = NAME) -> str:
    return str(navtex.json("notification", "explain", subscription, advisory)["answer"])


def test_explain_says_why_something_was_sent_when_and_what_the_channel_answered(
    navtex: Program, mailbox: Mailbox
) -> None:
    assert answer(navtex) == "Not sent yet: the next run sends it"
    navtex("notify")
    found = navtex.json("notification", "explain", "ops", NAME.lower())
    assert found["answer"].startswith("Told once, on ")
    (telling,) = found["tellings"]
    assert telling["digest"] in found["answer"]
    (sent,) = telling["deliveries"]
    assert (sent["to"], sent["state"], sent["attempts"]) == ("ops@example.org", "sent", 1)
    assert sent["answer"] == "accepted by 127.0.0.1"
    shown = navtex("notification", "explain", "ops", NAME).stdout
    assert max(map(len, shown.splitlines())) <= 80
    joined = " ".join(shown.split())
    for words in ("lab-4", "affected", telling["digest"], "ops@example.org: sent on", "accepted by 127.0.0.1"):
        assert words in joined


def test_explain_says_what_a_channel_refused(navtex: Program, mailbox: Mailbox) -> None:
    mailbox.refuse["ops@example.org"] = "450 greylisted"
    navtex("notify", status=1)
    assert "1 pending" in answer(navtex)
    shown = " ".join(navtex("notification", "explain", "ops", NAME).stdout.split())
    assert "pending after 1 attempt; next attempt" in shown
    assert "450 greylisted" in shown


def test_explain_says_when_it_will_be_time(navtex: Program, mailbox: Mailbox) -> None:
    navtex(
        "subscription", "add", "slow", "--to", mailbox.address(), "--schedule", "0 0 1 1 *", "--break-schedule", "never"
    )
    navtex("notify")
    navtex("inventory", "import", stdin="host,product,version\nlab-9,engine,25.0.5\n")
    assert "there is news about it to send" in answer(navtex, "slow")
    assert "its schedule is 0 0 1 1 *" in navtex("subscription", "show", "slow").stdout
    assert "slow: nothing until" in navtex("notify", "--dry-run").stderr
    preview = navtex("subscription", "preview", "slow")
    assert "This digest is sent at" in preview.stderr
    assert "lab-9" in preview.stdout


def test_explain_knows_what_there_is_not(navtex: Program) -> None:
    for name, advisory in (("nobody", NAME), ("ops", "CVE-1999-0001")):
        assert "See `navtex" in navtex("notification", "explain", name, advisory, status=2).stderr


def test_a_silence_is_made_listed_obeyed_and_ended(navtex: Program, mailbox: Mailbox) -> None:
    made = navtex("silence", "add", NAME, "--reason", "no plugin", "--until", SOON, "--author", "Ann")
    assert "as number 1" in made.stderr
    (row,) = navtex.json("silence", "list")["silences"]
    assert (row["advisory"], row["state"], row["author"], row["scope"]) == (NAME, "in force", "Ann", "")
    assert max(map(len, navtex("silence", "list").stdout.splitlines())) <= 80
    assert "silenced by Ann" in answer(navtex)
    assert navtex.json("advisory", "show", NAME)["silences"][0]["reason"] == "no plugin"
    navtex("notify")
    text = text_of(mailbox.mails[0])
    assert f"silenced until {row['until'][:10]}: {NAME}, no plugin (Ann)" in " ".join(text.split())
    assert f"\n{NAME}" not in text
    navtex("silence", "remove", "1")
    assert navtex.json("silence", "list") == {"silences": []}
    assert [s["state"] for s in navtex.json("silence", "list", "--all")["silences"]] == ["ended"]
    navtex("notify")
    assert NAME in mailbox.mails[1]["Subject"]
    assert "no active silence with number 1" in navtex("silence", "remove", "1", status=2).stderr


def test_a_silence_takes_the_place_of_an_earlier_one_of_the_same_hosts_and_of_no_other(navtex: Program) -> None:
    both = ["--host", "lab-1", "--host", "web-1"]
    for options in (both, ["--host", "lab-1"]):
        navtex("silence", "add", NAME, "--reason", "not yet", "--until", SOON, *options)
    made = navtex(
        "silence", "add", NAME, "--reason", "no plugin", "--until", SOON, "--host", "WEB-1", "--host", "lab-1"
    )
    assert "as number 3, replacing 1\n" in made.stderr
    found = {s["number"]: s["reason"] for s in navtex.json("silence", "list")["silences"]}
    assert found == {3: "no plugin", 2: "not yet"}
    assert [s["state"] for s in navtex.json("silence", "list", "--all")["silences"] if s["number"] == 1] == ["ended"]
    removed = navtex("silence", "remove", "2").stderr
    assert removed == f"silence 2 of {NAME} is removed\nsilence 3 remains, for host WEB-1, host lab-1\n"
    assert navtex("silence", "remove", "3").stderr == f"{NAME} is no longer silenced\n"


def test_a_silence_needs_a_reason_and_an_end(navtex: Program) -> None:
    for options, said in (
        (["--reason", "x", "--until", "2020-01-01"], "is in the past"),
        (["--reason", " ", "--until", SOON], "the reason is empty"),
        (["--until", SOON], "--reason"),
        (["--reason", "x", "--until", SOON, "--justification", "because"], "vulnerable_code_not_present"),
    ):
        assert said in navtex("silence", "add", NAME, *options, status=2).stderr


def test_an_assignment_is_shown_and_removed(navtex: Program, mailbox: Mailbox) -> None:
    said = navtex("advisory", "assign", NAME, "--owner", "Ann", "--due", SOON, "--tag", "env=prod").stderr
    assert said == f"{NAME} is assigned to Ann for tag env=prod, due {SOON}\n"
    (hand,) = navtex.json("advisory", "show", NAME)["in_hand"]
    assert hand == {"owner": "Ann", "due": SOON, "scope": "tag env=prod", "note": ""}
    assert f"Ann, due {SOON} (tag env=prod)" in navtex("advisory", "show", NAME).stdout
    navtex("notify")
    assert f"assigned to Ann, due {SOON} (tag env=prod)" in text_of(mailbox.mails[0])
    assert "was assigned to Ann" in navtex("advisory", "unassign", NAME).stderr
    assert "is not assigned" in navtex("advisory", "unassign", NAME, status=2).stderr
    assert (
        "is in the past" in navtex("advisory", "assign", NAME, "--owner", "A", "--due", "2020-01-01", status=2).stderr
    )


# a file of subscriptions

FILE = """
[subscriptions.web]
to = ["mailto://mail.example.org?from=navtex@example.org&to=web@example.org"]
severity = "high"
tag = { team = "web" }
schedule = "daily"
zone = "Europe/Berlin"

[subscriptions.boss]
to = ["file:///var/lib/navtex", "slack://T1JJ3T3L2/A1BRTD4JD/${SLACK_TOKEN}"]
schedule = "weekly"
"""


def test_a_file_makes_changes_and_removes_its_own_subscriptions(navtex: Program) -> None:
    path = navtex.home / "subscriptions.toml"
    path.write_text(FILE)
    checked = navtex("subscription", "sync", str(path), "--check", status=1)
    assert "would create web" in checked.stderr
    assert "boss: slack://T1JJ3T3L2/A1BRTD4JD/${SLACK_TOKEN} is not checked" in checked.stderr.replace("\n", " ")
    assert [s["name"] for s in navtex.json("subscription", "list")["subscriptions"]] == ["ops"]
    navtex("subscription", "sync", str(path))
    rows = {s["name"]: s for s in navtex.json("subscription", "list")["subscriptions"]}
    assert rows["boss"]["to"][1] == "slack://T1JJ3T3L2/A1BRTD4JD/${SLACK_TOKEN}"
    assert (rows["web"]["made_by"], rows["ops"]["made_by"]) == ("subscriptions.toml", None)
    assert rows["web"]["schedule"]["zone"] == "Europe/Berlin"
    assert "Nothing to do" in navtex("subscription", "sync", str(path), "--check").stderr

    path.write_text(FILE.partition("[subscriptions.boss]")[0].replace('"high"', '"critical"'))
    said = navtex("subscription", "sync", str(path)).stderr
    assert "changed web (filters)" in said
    assert "removed boss" in said
    rows = {s["name"]: s for s in navtex.json("subscription", "list")["subscriptions"]}
    assert rows.keys() == {"ops", "web"}
    assert rows["web"]["filters"]["severity"] == "critical"


def test_a_file_that_is_wrong_changes_nothing(navtex: Program) -> None:
    path = navtex.home / "subscriptions.toml"
    for text, said in (("x = ['nonsense://x']", "subscriptions.bad"), ("to = ['nonsense://x']", "subscriptions.bad")):
        path.write_text(f"[subscriptions.good]\nto = ['file:///good']\n[subscriptions.bad]\n{text}")
        assert said in navtex("subscription", "sync", str(path), status=2).stderr
    assert [s["name"] for s in navtex.json("subscription", "list")["subscriptions"]] == ["ops"]


def test_secrets_are_looked_up_when_something_is_sent_and_kept_nowhere(navtex: Program, mailbox: Mailbox) -> None:
    secret = navtex.home / "secret"
    secret.write_text("carol@example.org\n")
    target = mailbox.address().replace("ops@example.org", f"${{file:{secret}}}")
    navtex("subscription", "add", "files", "--to", target)
    navtex("subscription", "add", "whole", "--to", "${WHERE}")
    navtex("notify", status=1)
    assert {str(m["To"]) for m in mailbox.mails} == {"ops@example.org", "carol@example.org"}
    navtex("notify", WHERE=mailbox.address("dave@example.org"))
    assert mailbox.mails[-1]["To"] == "dave@example.org"
    assert (
        mailbox.address("dave@example.org").encode() not in (navtex.home / ".local/share/navtex/navtex.db").read_bytes()
    )


def test_a_subscription_is_shown_whole_and_resumed(navtex: Program) -> None:
    navtex("subscription", "pause", "ops")
    assert navtex.json("subscription", "show", "ops")["state"] == "paused"
    navtex("subscription", "resume", "ops")
    navtex("notify")
    row = navtex.json("subscription", "show", "ops")
    assert (row["state"], row["filters"], row["told"] > 0) == ("active", {"severity": "high"}, True)
    shown = navtex("subscription", "show", "ops").stdout
    assert "Last digest:" in shown
    assert max(map(len, shown.splitlines())) <= 80


# templates of one's own


def test_templates_of_ones_own_replace_navtexs_and_doctor_looks_at_them(navtex: Program, mailbox: Mailbox) -> None:
    folder = navtex.home / ".config" / "navtex" / "templates"
    (folder / "digest").mkdir(parents=True)
    (folder / "digest" / "subject.txt").write_text("{{ digest.subscription|upper }}: mine\n")
    (folder / "digest" / "notes.md").write_text("a note")
    found = {f["what"]: f["level"] for f in navtex.json("doctor")["findings"]}
    assert [level for what, level in found.items() if "1 of your own templates render a sample" in what] == ["ok"]
    assert [level for what, level in found.items() if "notes.md does not replace a template" in what] == ["note"]
    navtex("notify")
    assert mailbox.mails[0]["Subject"] == "OPS: mine"


def test_a_template_that_is_wrong_stops_only_the_message(navtex: Program) -> None:
    path = navtex.home / "own" / "digest" / "body.txt"
    path.parent.mkdir(parents=True)
    path.write_text("{% if %}")
    config = navtex.home / "config.toml"
    config.write_text(f'templates = "{navtex.home}/own"\n')
    doctor = navtex("doctor", status=1, NAVTEX_CONFIG=str(config)).stdout
    assert "body.txt, line 1" in " ".join(doctor.split()).replace("- ", "-")
    assert "could not be made" in navtex("notify", status=1, NAVTEX_CONFIG=str(config)).stderr
    navtex("notify")


# old names


def test_the_old_names_of_commands_still_work_and_are_not_listed(navtex: Program) -> None:
    navtex("advisory", "acknowledge", NAME, "--owner", "Ann", "--due", SOON)
    assert "was assigned to Ann" in navtex("advisory", "release", NAME).stderr
    navtex("silence", "add", NAME, "--reason", "x", "--until", SOON)
    assert "no longer silenced" in navtex("silence", "expire", "1").stderr
    navtex("subscription", "pause", "ops")
    assert "ops is active" in navtex("subscription", "pause", "ops", "--resume").stderr
    for group, old, new in (("advisory", "acknowledge", "assign"), ("silence", "expire", "remove")):
        listed = navtex(group, "--help").stdout
        assert f"\n  {new} " in listed
        assert old not in listed


def test_an_assignment_of_the_same_hosts_in_another_order_is_removed(navtex: Program) -> None:
    hosts = ("--host", "lab-4", "--host", "lab-2")
    navtex("advisory", "assign", NAME, "--owner", "Ann", "--due", SOON, *hosts)
    assert "not assigned" in navtex("advisory", "unassign", NAME, "--host", "lab-4", status=2).stderr
    assert "Ann" in navtex("advisory", "unassign", NAME, "--host", "LAB-2", "--host", "lab-4").stderr
    assert navtex.json("advisory", "show", NAME)["in_hand"] == []
