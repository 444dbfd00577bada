"""The pages: what each answers first, links that lead somewhere, lists in parts, and what operators do with forms."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest

from feeds.advisories.records import Edition, Kind, Severity
from feeds.storage.database import Database
from notifier.config import Config, DueSettings
from notifier.domain.access import Role
from notifier.domain.components import Component, Host
from notifier.domain.filters import Filters, Scope
from notifier.domain.subscriptions import Subscription
from notifier.services.catalogue.silences_and_assignments import NewSilence, add_silence
from notifier.services.installation.audit_log import list_entries
from notifier.services.sending.notifications import queue_digests
from notifier.storage import inventory, subscriptions
from notifier.web.pages.routes import PAGES
from tests.support.access import signed_in, user
from tests.support.depth import is_long
from tests.support.html import Html, parsed
from tests.support.samples import DAY, NOW, START, publish, record
from tests.support.web import Browser, browser

OLD = Component("engine", "25.0.5", "docker-ce 5:25.0.5-1", "debian-12")
NAME, OTHER = "CVE-2026-1", "CVE-2026-2"
EDITION = "cis-docker-benchmark-1.8.0"
MOST = 120 if is_long() else 60
"""Pages that one walk reads."""


def fill(database: Database, hosts: int = 3) -> Database:
    """A fleet of two teams, with advisories, silences, subscriptions and a digest that waits."""
    found = (
        *(Host(f"a-{n:03}", (OLD, Component("runc", "1.1.11")), {"team": "a"}) for n in range(hosts)),
        Host("b-1", (Component("engine", "26.1.3"),), {"team": "b", "odd": 'x"><script>'}),
    )
    with database.begin() as connection:
        inventory.take(connection, found, {}, START)
        for team in ("a", "b"):
            wanted = Filters(scope=Scope(tags={"team": team}))
            subscriptions.add(connection, Subscription(f"team {team}/ü", (f"file:///tmp/{team}",), wanted, START))
    publish(
        database,
        record(NAME, below="29.0.0", products=("engine", "runc")),
        record(OTHER, below="25.0.6", severity=Severity.LOW),
        record(
            EDITION, kind=Kind.BENCHMARK, severity=None, products=(), edition=Edition("1.8.0", "", ("25.0",), "2025-07")
        ),
    )
    add_silence(database, NewSilence(OTHER, Scope(hosts=("b-1",)), "<b>not reachable</b>", NOW + DAY, "Ann"), NOW)
    queue_digests(database, NOW)
    return database


@pytest.fixture
def operator(sqlite_database: Database) -> Iterator[Browser]:
    fill(sqlite_database)
    user(sqlite_database, "ann", Role.OPERATOR)
    with browser(sqlite_database, Config(due=DueSettings(critical="1d", high="2d"))) as one:
        yield signed_in(replace(one, now=NOW + DAY / 24), "ann")


def page(one: Browser, address: str, status: int = 200) -> Html:
    """A page, which must be free of faults."""
    reply = one.get(address)
    assert reply.status == status, f"{address}: {reply.status}"
    made = parsed(reply.text, address)
    assert not made.faults, f"{address}: {made.faults}"
    return made


def test_every_link_leads_to_a_page_without_script_or_inline_style(operator: Browser) -> None:
    waiting, seen = deque(["/"]), {"/"}
    while waiting and len(seen) < MOST:
        for link in page(operator, waiting.popleft()).links:
            if link not in seen and len(seen) < MOST:
                seen.add(link)
                waiting.append(link)
    while waiting:
        page(operator, waiting.popleft())
    places = {link.partition("?")[0] for link in seen}
    named = {
        route.path: route.path.replace("{name:path}", "").replace("{number}", "")
        for route in PAGES
        if "GET" in route.methods and not route.path.endswith("/edit") and not route.path.startswith("/images/")
        # which is linked where there are workers: see test_jobs.py
        if route.path != "/jobs"
    }
    for route, start in named.items():
        assert any(p == route or (p.startswith(start) and "{" in route and p != start) for p in places), route


def test_the_first_screen_says_what_to_upgrade_first(operator: Browser) -> None:
    made = page(operator, "/")
    assert made.first[:2] == ["4 hosts are affected", "First: upgrade engine 25.0.5 → 29.0.0"]
    assert "on 3 hosts: a-000, a-001, a-002, overdue since 2026-04-" in made.text
    assert made.text.index("apt-get install") < made.text.index("affected of 4 hosts")


def test_filters_are_in_the_address_and_stay_in_its_links(operator: Browser) -> None:
    made = page(operator, "/?tag=team%3Db&group=advisory&severity=high")
    assert made.first[0] == "1 host is affected"
    assert "/?tag=team%3Db&group=advisory&severity=high&sort=name" in made.links
    assert "/?group=advisory&severity=high" in made.links
    assert "a-000" not in made.text


def test_the_parts_of_a_list_make_up_the_whole(database: Database) -> None:
    fill(database, 120)
    user(database, "ann")
    wanted = sorted([*(f"a-{n:03}" for n in range(120)), "b-1"])
    with browser(database) as made:
        one = signed_in(made, "ann")
        for start in ("/?group=host", "/hosts", "/hosts?sort=seen"):
            address, found = start, []
            while address:
                links = page(one, address).links
                names = [link.removeprefix("/hosts/") for link in links if link.startswith("/hosts/")]
                found += list(dict.fromkeys(names))[-50 if "group" in address else None :]
                address = next((link for link in links if "after=" in link), "")
            assert sorted(set(found)) == wanted, start


def test_an_operator_silences_assigns_and_ends_both(operator: Browser) -> None:
    address, until = f"/advisories/{NAME}", (NOW + 9 * DAY).date().isoformat()
    done = operator.post(f"{address}/silence", {"reason": "<i>lab</i>", "until": until, "hosts": "a-*", "tags": ""})
    assert (done.status, done.header("location")) == (303, f"{address}?done=silenced")
    made = page(operator, done.header("location"))
    assert made.text.count("Silenced. Digests leave the advisory out") == 1
    assert "for host a-*: <i>lab</i>" in made.text
    operator.post(f"{address}/assign", {"owner": "Bo", "due": until, "note": "", "assigned-hosts": ""})
    made = page(operator, address)
    assert f"Assigned to Bo, due {until}" in made.text
    forms = {action for _, action in (*made.forms, *page(operator, "/silences").forms)}
    for action in sorted(a for a in forms if a.endswith(("/remove", "/expire"))):
        assert operator.post(action).status == 303, action
    made = page(operator, address)
    assert "Assigned to" not in made.text
    assert "Silenced until" not in made.text
    actions = [one.action for one in list_entries(operator.site.database) if one.who == "ann"]
    assert set(actions) >= {"silence.add", "silence.remove", "assignment.add", "assignment.remove"}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"reason": "x", "until": "soon"}, "'soon' is not a date"),
        ({"reason": " ", "until": "2027-01-01"}, "The reason is empty."),
        ({"reason": "x", "until": "2027-01-01", "tags": "team"}, "'team' is not of the form NAME=VALUE"),
    ],
)
def test_a_form_that_is_refused_says_why_and_keeps_what_was_typed(
    operator: Browser, form: dict[str, str], said: str
) -> None:
    reply = operator.post(f"/advisories/{NAME}/silence", {"hosts": "typed-*", **form})
    made = parsed(reply.text)
    assert reply.status == 400
    assert said in made.text
    assert 'value="typed-*"' in reply.text


def test_a_subscription_is_paused_resumed_and_edited(operator: Browser) -> None:
    address = f"/subscriptions/{quote('team a/ü', safe='')}"
    assert operator.post(f"{address}/pause").status == 303
    assert "paused" in page(operator, address).text
    assert operator.post(f"{address}/resume").status == 303
    form = {"tags": "team=a", "every": "daily", "zone": "Europe/Berlin", "breaks": "both", "remind": "never"}
    assert operator.post(f"{address}/edit", {**form, "severity": "high"}).status == 303
    made = page(operator, address)
    assert "severity: high, tag: team=a" in made.text
    assert "daily (Europe/Berlin)" in made.text
    refused = operator.post(f"{address}/edit", {**form, "zone": "Nowhere"})
    assert refused.status == 400
    assert "nknown time zone" in parsed(refused.text).text


def test_the_page_says_why_a_subscription_was_not_told(operator: Browser) -> None:
    made = page(operator, f"/notifications?subscription={quote('team a/ü')}&advisory={OTHER}")
    assert made.first[0] == f"{OTHER} and team a/ü"
    assert "Not sent" in made.text or "Told once" in made.text


def test_a_viewer_sees_no_form_and_may_change_nothing(sqlite_database: Database) -> None:
    fill(sqlite_database)
    user(sqlite_database, "bo", Role.VIEWER, {"team": "b"})
    with browser(sqlite_database) as made:
        one = signed_in(replace(made, now=NOW), "bo")
        addresses = ("/", f"/advisories/{NAME}", "/silences", f"/subscriptions/{quote('team b/ü', safe='')}")
        forms = [form for a in addresses for form in page(one, a).forms if form != ("post", "/logout")]
        assert {method for method, _ in forms} == {"get"}
        assert one.post(f"/advisories/{NAME}/silence", {"reason": "x", "until": "2027-01-01"}).status == 403
        assert page(one, "/hosts/a-000", 404).first == ["Not found"]
        assert one.get(f"/subscriptions/{quote('team a/ü', safe='')}").status == 404


def test_a_limited_operator_changes_only_their_own_hosts(sqlite_database: Database) -> None:
    fill(sqlite_database)
    add_silence(sqlite_database, NewSilence(NAME, Scope(), "everywhere", NOW + DAY, "Ann"), NOW)
    user(sqlite_database, "bo", Role.OPERATOR, {"team": "b"})
    with browser(sqlite_database) as made:
        one = signed_in(replace(made, now=NOW + DAY / 24), "bo")
        assert one.post("/silences/2/expire").status == 404
        until = (NOW + 9 * DAY).date().isoformat()
        one.post(f"/advisories/{NAME}/silence", {"reason": "mine", "until": until})
        assert "tag team=b mine by bo" in page(one, "/silences").text
        refused = one.post(f"/advisories/{NAME}/silence", {"reason": "x", "until": until, "tags": "team=a"})
        assert refused.status == 400


def test_an_empty_database_says_on_every_page_what_to_do(sqlite_database: Database) -> None:
    user(sqlite_database, "ann", Role.ADMIN)
    wanted = {
        "/": "navtex inventory import",
        "/hosts": "navtex inventory import",
        "/advisories": "navtex poll",
        "/benchmarks": "navtex poll",
        "/images": "navtex inventory collect",
        "/sources": "navtex poll",
        "/notifications": "navtex subscription add",
        "/subscriptions": "navtex subscription add",
        "/silences": "Open an advisory to silence it",
        "/trend": "navtex run",
        "/jobs": "Workers need PostgreSQL, and the database is SQLite",
    }
    with browser(sqlite_database) as made:
        one = signed_in(made, "ann")
        for address, words in wanted.items():
            assert words in page(one, address).text, address
        page(one, "/plan")
        assert "domains" in page(one, "/subscribe").text, "an administrator learns how to permit it"


def test_whoever_sees_some_hosts_sees_how_old_is_what_is_open_on_them(sqlite_database: Database) -> None:
    fill(sqlite_database, hosts=4)
    for name, tags in (("bo", {"team": "b"}), ("al", {"team": "a"}), ("no", {"team": "c"})):
        user(sqlite_database, name, Role.VIEWER, tags)
    said = {}
    with browser(sqlite_database, Config(due=DueSettings(critical="1d", high="2d"))) as made:
        for name in ("bo", "al", "no"):
            made.cookies.clear()
            one = signed_in(replace(made, now=NOW + 5 * DAY), name)
            reply = one.get("/trend")
            assert reply.status == 200
            said[name] = parsed(reply.text, "/trend")
            assert not said[name].faults
            assert "whole inventory" in said[name].text
    firsts = {name: page.first[0] for name, page in said.items()}
    assert firsts == {
        "bo": "1 of 1 open finding is overdue",
        "al": "8 of 12 open findings are overdue",
        "no": "Nothing is open",
    }


def test_a_view_begins_at_its_list(operator: Browser) -> None:
    """A telephone shows the answer first: who asks for another list would see no difference."""
    for group in ("version", "advisory", "host", "matrix"):
        reply = operator.get(f"/?group={group}")
        assert reply.text.count('id="list"') == 1
        assert f"group={group}#list" in reply.text or group == "version"


def test_wrong_filters_are_answered_with_a_page_that_says_what_is_right(operator: Browser) -> None:
    for address, said in (
        ("/?severity=worst", "is not one of"),
        ("/?tag=team", "NAME=VALUE"),
        ("/hosts?runs=engine", "PRODUCT@VERSION"),
        ("/trend?days=1", "is not one of"),
    ):
        made = page(operator, address, 400)
        assert said in made.text
        assert "/plan" in made.links
    assert page(operator, "/?host=nobody", 404).text.count("There is no host 'nobody'.") == 1
