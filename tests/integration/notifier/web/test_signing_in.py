"""Signing in and out, with sessions and their limits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from feeds.storage.database import Database
from notifier.domain.access import Role
from notifier.security.passwords import digest
from notifier.services.installation.audit_log import list_entries
from notifier.services.people import sessions
from notifier.services.people.accounts import list_users
from notifier.web.handler_values import Permission, Route
from notifier.web.routes import ROUTES
from tests.support.access import PASSWORD, signed_in, user
from tests.support.web import NOW, browser

COOKIE = "__Host-navtex"


def test_a_password_opens_a_session_that_ends_on_signing_out(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.ADMIN, password=PASSWORD)
    with browser(sqlite_database) as one:
        away = one.get("/audit?before=7")
        assert (away.status, away.header("location")) == (303, "/login?next=%2Faudit%3Fbefore%3D7")
        assert "Sign in" in one.get(away.header("location")).text
        reply = one.post("/login", {"name": "Ada ", "password": PASSWORD, "next": "/audit"})
        assert (reply.status, reply.header("location")) == (303, "/audit")
        secret = one.cookies[COOKIE]
        words = "Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"
        assert reply.header("set-cookie") == f"{COOKIE}={secret}; {words}"
        assert "sign_in" in one.get("/audit").text
        assert one.post("/logout").header("location") == "/login"
        assert COOKIE not in one.cookies
        one.cookies[COOKIE] = secret  # as somebody who copied it
        assert one.get("/audit").status == 303


def test_a_session_ends_after_twelve_idle_hours_and_after_seven_days(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    with browser(sqlite_database) as one:
        signed_in(one, "ada")
        for hours in range(11, 24 * 7, 11):  # somebody who comes back again and again
            one.now = NOW + timedelta(hours=hours)
            assert one.get("/audit").status == 200, hours
        one.now = NOW + timedelta(days=7)
        assert one.get("/audit").status == 303
        one.now = NOW
        signed_in(one, "ada")
        one.now = NOW + timedelta(hours=12)
        assert one.get("/audit").status == 303


def test_signing_in_ends_the_session_that_the_browser_had(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", password=PASSWORD)
    user(sqlite_database, "mallory")
    with browser(sqlite_database) as one:
        planted = signed_in(one, "mallory").cookies[COOKIE]
        one.post("/login", {"name": "ada", "password": PASSWORD})
        assert one.cookies[COOKIE] != planted
    assert sessions.of_session(sqlite_database, planted, NOW) is None


@pytest.mark.both
def test_five_failures_of_a_name_refuse_the_right_password_until_a_quarter_of_an_hour_has_passed(
    database: Database,
) -> None:
    user(database, "ada", password=PASSWORD)
    with browser(database) as one:
        statuses = [one.post("/login", {"name": "ada", "password": "wrong"}).status for _ in range(5)]
        assert statuses == [401] * 5
        one.client = "198.51.100.9"  # another address does not help
        refused = one.post("/login", {"name": "ada", "password": PASSWORD})
        assert (refused.status, refused.header("retry-after")) == (429, "900")
        one.now = NOW + timedelta(minutes=15)
        assert one.post("/login", {"name": "ada", "password": PASSWORD}).status == 303
    assert [e.action for e in list_entries(database)].count("sign_in.failed") == 5


def test_twenty_failures_of_an_address_refuse_it_whatever_the_name(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", password=PASSWORD)
    with sqlite_database.begin() as connection:
        from notifier.storage.audit_log import add_failure

        for number in range(20):
            add_failure(connection, f"name-{number}", "2001:db8:1:2::/64", NOW)
    right = "ada", PASSWORD
    assert sessions.sign_in(sqlite_database, *right, "2001:db8:1:2::99", NOW) is sessions.SignInProblem.TOO_MANY
    assert isinstance(sessions.sign_in(sqlite_database, *right, "2001:db8:1:3::99", NOW), sessions.SignedIn)


def test_the_first_administrator_is_made_once_at_the_printed_address(sqlite_database: Database) -> None:
    form = {"name": "Ada", "password": PASSWORD, "again": PASSWORD}
    with browser(sqlite_database, setup=digest("printed")) as one:
        assert one.get("/setup/guessed").status == 404
        assert one.post("/setup/guessed", form).status == 404
        assert one.get("/setup/printed").status == 200
        assert "two passwords differ" in one.post("/setup/printed", {**form, "again": "x"}).text
        assert "needs 12" in one.post("/setup/printed", {**form, "password": "short", "again": "short"}).text
        assert one.post("/setup/printed", form).status == 303
        assert one.get("/users").status == 200
        assert one.get("/setup/printed").status == 404
        assert one.post("/setup/printed", {**form, "name": "eve"}).status == 404
    assert [(u.user, u.role) for u in list_users(sqlite_database).users] == [("ada", "admin")]


def test_who_cannot_sign_in_yet_learns_how_to(sqlite_database: Database) -> None:
    with browser(sqlite_database, setup=digest("printed")) as one:
        assert "navtex serve</code> printed" in one.get("/login").text
    with browser(sqlite_database) as one:
        assert "navtex user add NAME" in one.get("/login").text
        assert "printed" not in one.get("/login").text
        user(sqlite_database, "ada", Role.ADMIN)
        assert "navtex user add" not in one.get("/login").text


def test_everybody_with_a_password_finds_where_to_change_it(sqlite_database: Database) -> None:
    user(sqlite_database, "bob", password=PASSWORD)
    with browser(sqlite_database) as one:
        one.post("/login", {"name": "bob", "password": PASSWORD})
        assert 'href="/password"' in one.get("/").text


def test_a_changed_password_ends_other_sessions(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.ADMIN, password=PASSWORD)
    new = {"password": "another long one", "again": "another long one"}
    with browser(sqlite_database) as one, browser(sqlite_database) as other:
        signed_in(one, "ada")
        signed_in(other, "ada")
        assert one.post("/password", {"old": "wrong", **new}).status == 401
        assert one.post("/password", {"old": PASSWORD, **new}).status == 303
        assert (one.get("/audit").status, other.get("/audit").status) == (200, 303)
        assert other.post("/login", {"name": "ada", "password": PASSWORD}).status == 401


def test_administrators_add_change_and_remove_users_but_not_themselves(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    with browser(sqlite_database) as one:
        signed_in(one, "ada")
        made = {"user": "Bob", "role": "viewer", "tags": "team=a", "password": ""}
        assert one.post("/users", made).status == 303
        assert "already" in one.post("/users", made).text
        assert one.post("/users/change", {"user": "bob", "role": "operator", "tags": ""}).status == 303
        bob = list_users(sqlite_database).users[1]
        assert (bob.user, bob.role, bob.tags) == ("bob", "operator", {})
        assert one.post("/users/change", {"user": "ada", "role": "viewer", "tags": ""}).status == 400
        assert one.post("/users/remove", {"user": "ada"}).status == 400
        assert one.post("/users/remove", {"user": "bob"}).status == 303
        changed = [row for row in one.get("/audit").text.split("<tr>") if "user.change" in row]
        assert len(changed) == 1
        assert "viewer → operator" in changed[0]
    assert [u.user for u in list_users(sqlite_database).users] == ["ada"]


def test_only_one_click_unsubscribing_takes_posts_from_elsewhere() -> None:
    assert {r.path for r in ROUTES if not r.csrf} <= {"/u/{token}"}


def test_what_a_token_may_not_do_is_said_by_each_route_that_changes_something() -> None:
    silent = [r for r in ROUTES if r.needs is Permission.OPERATE and r.token is None and "GET" not in r.methods]
    assert [r.path for r in silent if _for_programs(r)] == []


def _for_programs(route: Route) -> bool:
    return route.path.startswith("/api/")
