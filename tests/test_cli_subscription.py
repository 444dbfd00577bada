from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Mailbox, Program, World, program, text_of


@pytest.fixture
def navtex(program_with: Callable[..., Program], world: World) -> Program:
    made = program_with(NAVTEX_MIRROR=world.url)
    made("inventory", "import", stdin="host,product,version,tags\nlab-4,engine,25.0.5,env=prod\nlab-2,engine,29.7.2,\n")
    return made


def test_a_subscription_is_added_tried_shown_beforehand_paused_resumed_and_removed(
    navtex: Program, mailbox: Mailbox
) -> None:
    said = navtex("subscription", "add", "ops", "--to", mailbox.address(), "--tag", "env=prod").stderr
    assert "welcome" in said
    navtex("subscription", "test", "ops")
    assert "Test of ops" in mailbox.mails[0]["Subject"]
    assert "waits until a source could be read" in navtex("notify").stderr
    navtex("poll")

    shown = navtex("subscription", "preview", "ops").stdout
    assert shown.startswith("Subject: [Navtex] Welcome")
    assert "lab-4" in shown
    assert "lab-2" not in shown
    assert navtex("subscription", "preview", "ops", "--format", "html").stdout.startswith("<!doctype html>")
    dry = navtex("notify", "--dry-run")
    assert "Subject: [Navtex] Welcome" in dry.stdout
    assert "ops: one digest" in dry.stderr
    assert len(mailbox.mails) == 1

    navtex("subscription", "pause", "ops")
    assert navtex.json("subscription", "list")["subscriptions"][0]["state"] == "paused"
    navtex("notify")
    assert len(mailbox.mails) == 1
    navtex("subscription", "pause", "ops", "--resume")
    navtex("notify")
    # but for its key and moment it is what was shown
    assert text_of(mailbox.mails[1]).rpartition("Digest ")[0] in dry.stdout
    assert "Nothing is new" in navtex("subscription", "preview", "ops").stderr

    assert "exists" in navtex("subscription", "add", "ops", "--to", mailbox.address(), status=2).stderr
    navtex("subscription", "remove", "ops")
    assert navtex.json("subscription", "list") == {"subscriptions": []}


def test_passwords_and_tokens_are_shown_nowhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    fresh = program(tmp_path_factory.mktemp("secrets") / "home")
    targets = (
        "mailto://me:hunter2@127.0.0.1:1?from=a@example.org&to=b@example.org",
        "json://me:hunter2@127.0.0.1:1/",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    )
    added = fresh("subscription", "add", "ops", *(w for t in targets for w in ("--to", t)))
    listed = fresh("subscription", "list")
    as_json = fresh("subscription", "list", "--format", "json")
    tried = fresh("subscription", "test", "ops", status=1)
    everything = "".join(d.stdout + d.stderr for d in (added, listed, as_json, tried))
    assert "hunter2" not in everything
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in everything
    assert "127.0.0.1" in tried.stderr
    assert "b@example.org" in as_json.stdout or "b%40example.org" in as_json.stdout


def test_the_filters_that_were_given_are_listed(tmp_path_factory: pytest.TempPathFactory) -> None:
    fresh = program(tmp_path_factory.mktemp("filters") / "home")
    given = {
        "severity": "high",
        "kind": "benchmark",
        "product": "engine",
        "tag": "env=prod",
        "host": "web-*",
        "keyword": "runc",
    }
    fresh("subscription", "add", "ops", "--to", "file:///mails", *(w for k, v in given.items() for w in (f"--{k}", v)))
    (row,) = fresh.json("subscription", "list")["subscriptions"]
    assert row["filters"] == given
    assert (row["name"], row["state"], row["to"], row["started_at"]) == ("ops", "new", ["file:///mails"], None)
    assert max(map(len, fresh("subscription", "list").stdout.splitlines())) <= 80
