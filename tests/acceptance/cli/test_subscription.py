from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from feeds.storage.database import Database
from notifier.domain.filters import Filters
from notifier.domain.subscriptions import Subscription
from notifier.storage import self_service, subscriptions
from tests.conftest import Mailbox, Program, World, text_of

HOSTS = "host,product,version,tags\nlab-4,engine,25.0.5,env=prod\nlab-2,engine,29.5.3,\n"


@pytest.fixture
def navtex(program_with: Callable[..., Program], world: World) -> Program:
    made = program_with(NAVTEX_MIRROR=world.url)
    made("inventory", "import", stdin=HOSTS)
    return made


@pytest.fixture
def polled(program_with: Callable[..., Program]) -> Program:
    made = program_with(polled=True)
    made("inventory", "import", stdin=HOSTS)
    return made


def test_a_subscription_is_added_tried_shown_beforehand_paused_resumed_and_removed(
    navtex: Program, mailbox: Mailbox
) -> None:
    said = navtex("subscription", "add", "ops", "--to", mailbox.address(), "--tag", "env=prod").stderr
    assert "welcome" in said
    navtex("subscription", "test", "ops")
    assert "Test of ops" in mailbox.mails[0]["Subject"]
    assert "is sent once a source has been polled" in navtex("notify").stderr
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
    assert "Nothing new" in navtex("subscription", "preview", "ops").stderr

    assert "exists" in navtex("subscription", "add", "ops", "--to", mailbox.address(), status=2).stderr
    navtex("subscription", "remove", "ops")
    assert navtex.json("subscription", "list") == {"subscriptions": []}


def test_passwords_and_tokens_are_shown_nowhere(program_with: Callable[..., Program]) -> None:
    fresh = program_with()
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


def test_the_filters_that_were_given_are_listed(program_with: Callable[..., Program]) -> None:
    fresh = program_with()
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


def test_quiet_hours_keep_the_welcome_and_are_told_in_the_zone_of_the_subscription(
    polled: Program, mailbox: Mailbox
) -> None:
    at = datetime.now(ZoneInfo("Asia/Kathmandu")).replace(second=0, microsecond=0)
    ends = at + timedelta(hours=3)
    quiet = f"{at - timedelta(hours=3):%H:%M}-{ends:%H:%M}"
    until = f"{ends:%Y-%m-%d %H:%M} Asia/Kathmandu"
    times = ("--zone", "Asia/Kathmandu", "--quiet", quiet, "--break-schedule", "never", "--schedule", "weekly")
    said = polled("subscription", "add", "calm", "--to", mailbox.address(), *times).stderr
    assert f"The welcome digest is sent after quiet hours, which end at {until}" in said.replace("\n", " ")
    polled("notify")
    assert mailbox.mails == []
    preview = polled("subscription", "preview", "calm")
    assert f"This digest is sent at {until}: {quiet} are quiet hours" in preview.stderr
    assert preview.stdout.startswith("Subject: [Navtex] Welcome")
    assert f"calm: nothing until {until}" in polled("notify", "--dry-run").stderr
    assert f"Due:          {until} ({quiet} are quiet hours)" in polled("subscription", "show", "calm").stdout
    row = polled.json("subscription", "show", "calm")
    assert (row["state"], row["due_at"]) == ("new", f"{ends.astimezone(UTC):%Y-%m-%dT%H:%M}:00Z")
    why = polled.json("notification", "explain", "calm", "CVE-2024-41110")
    assert why["answer"].startswith(f"Not sent yet: not before {until}: {quiet} are quiet hours")


def test_a_pause_is_told_with_what_goes_out_after_it(polled: Program, mailbox: Mailbox) -> None:
    polled("subscription", "add", "ops", "--to", mailbox.address())
    polled("subscription", "pause", "ops")
    preview = polled("subscription", "preview", "ops")
    assert "ops is paused. This digest would be sent after it is resumed" in preview.stderr
    assert preview.stdout.startswith("Subject: [Navtex] Welcome")
    due = "Due:          paused; after it is resumed, the welcome digest: now"
    assert due in polled("subscription", "show", "ops").stdout
    polled("subscription", "resume", "ops")
    polled("notify")
    polled("subscription", "pause", "ops")
    assert "ops is paused" in polled("subscription", "preview", "ops").stderr
    assert "after it is resumed, what is new: now" in polled("subscription", "show", "ops").stdout


def test_a_scope_that_matches_no_host_is_told_and_let_pass(polled: Program, mailbox: Mailbox) -> None:
    def note(*arguments: str, status: int = 0) -> str:
        said = polled(*arguments, status=status).stderr.replace("\n", " ")
        _, found, rest = said.partition("no host in the inventory matches ")
        return rest.partition(":")[0] if found else ""

    add = ("subscription", "add", "--to", mailbox.address())
    assert note(*add, "a", "--tag", "env=prd", "--host", "nope") == "host nope, tag env=prd"
    assert note(*add, "b", "--host", "lab-*", "--host", "nope") == "host nope"
    assert note(*add, "c", "--host", "LAB-*", "--tag", "env=prod", "--product", "runc") == ""
    silence = ("silence", "add", "CVE-2024-41110", "--reason", "lab", "--until", "2999-01-01")
    assert note(*silence, "--host", "nope") == "host nope"
    hand = ("advisory", "assign", "CVE-2024-41110", "--owner", "Ann", "--due", "2999-01-01")
    assert note(*hand, "--tag", "env=prd") == "tag env=prd"
    assert note(*hand, "--tag", "env=prod") == ""
    path = polled.home / "subscriptions.toml"
    path.write_text('[subscriptions.web]\nto = ["file:///mails"]\nhost = ["nope"]\n')
    for status, more in ((1, ("--check",)), (0, ())):
        assert "subscriptions.toml, subscriptions.web: no host in the inventory matches host nope" in polled(
            "subscription", "sync", str(path), *more, status=status
        ).stderr.replace("\n", " ")


def test_a_source_that_was_never_asked_is_explained_on_the_spot(navtex: Program) -> None:
    assert "unpolled: not polled yet" in navtex("source", "list").stdout
    navtex("poll")
    rows = navtex.json("source", "list")["sources"]
    left = [r["name"] for r in rows if r["state"] == "unpolled"]
    shown = navtex("source", "list").stdout
    assert left == ["osv"], "no package of a distribution is installed"
    assert "unpolled: not polled yet" in shown
    config = navtex.home / "config.toml"
    config.write_text("[sources.osv]\nenabled = false\n")
    assert "unpolled" not in navtex("source", "list", NAVTEX_CONFIG=str(config)).stdout


def test_who_subscribed_themselves_and_who_unsubscribed_is_told(navtex: Program, mailbox: Mailbox) -> None:
    url = f"sqlite:///{navtex.home / 'own.db'}"
    database = Database(url)
    database.upgrade()
    at = datetime(2026, 4, 15, tzinfo=UTC)
    to = mailbox.address("ann@example.org", "bob@example.org")
    with database.begin() as connection:
        subscriptions.add(connection, Subscription("anns", (to,), Filters(), at, owner="ann"))
        self_service.unsubscribe(connection, 1, "Bob@example.org", at)
    database.close()
    listed = navtex("subscription", "list", "--format", "json", NAVTEX_DATABASE_URL=url).stdout
    (row,) = json.loads(listed)["subscriptions"]
    assert (row["subscribed_by"], row["unsubscribed"]) == ("ann", ["bob@example.org"])
    assert "by ann" in navtex("subscription", "list", NAVTEX_DATABASE_URL=url).stdout
    shown = navtex("subscription", "show", "anns", NAVTEX_DATABASE_URL=url).stdout
    assert "new, subscribed by ann themselves" in shown
    assert "Unsubscribed: bob@example.org" in shown
