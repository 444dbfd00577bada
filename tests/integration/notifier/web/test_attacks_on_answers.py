"""What must hold whatever is asked for: each route by each method, headers that claim another place, shared answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import quote

import pytest

from feeds.storage.database import Database
from notifier.domain.access import Permission, Role, TokenScope
from notifier.domain.components import Component, Host
from notifier.services.people.accounts import add_user, change_user, remove_user
from notifier.services.people.tokens import NewToken, add_token
from notifier.services.people.tokens import user as owner_of
from notifier.storage import inventory
from notifier.web.handler_values import Route
from notifier.web.routes import ROUTES
from tests.integration.notifier.web.test_connections import listening, opened
from tests.support.access import PASSWORD, SELF, signed_in, user
from tests.support.samples import START, publish, record
from tests.support.web import NOW, Browser, browser

CLAIMS = {
    "x_forwarded_host": "evil.example",
    "x_forwarded_proto": "gopher",
    "x_forwarded_prefix": "/evil",
    "x_forwarded_port": "666",
    "forwarded": "host=evil.example;proto=gopher",
    "x_original_url": "/audit",
    "x_rewrite_url": "/audit",
    "x_host": "evil.example",
}
KNOWN = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"}


def path_of(route: Route) -> str:
    """An address of a route."""
    return re.sub(r"\{[^}]+\}", "1", route.path)


@pytest.fixture
def fleet(sqlite_database: Database) -> Database:
    engine = Component("engine", "25.0.5")
    hosts = [Host(name, (engine,), {"team": team}) for name, team in (("alpha-1", "a"), ("bravo-1", "b"))]
    with sqlite_database.begin() as connection:
        inventory.take(connection, hosts, {}, START)
    publish(sqlite_database, record("CVE-2026-1", below="29.0.0"))
    user(sqlite_database, "ada", Role.ADMIN)
    user(sqlite_database, "al", Role.OPERATOR, {"team": "a"})
    user(sqlite_database, "bo", Role.OPERATOR, {"team": "b"})
    return sqlite_database


@pytest.fixture
def ada(fleet: Database) -> Iterator[Browser]:
    with browser(fleet) as one:
        yield signed_in(one, "ada")


def test_a_route_answers_to_its_own_methods_alone(ada: Browser) -> None:
    """OPTIONS is as safe as GET for what a page may send, so that it must lead to no handler."""
    for path in {route.path for route in ROUTES}:
        allowed = {m for r in ROUTES if r.path == path for m in r.methods}
        allowed |= {"HEAD"} if "GET" in allowed else set()
        address = re.sub(r"\{[^}]+\}", "1", path)
        others = {m for r in ROUTES for m in r.methods if r.path != path and _leads(r, address)}
        for method in KNOWN - allowed - others - {"HEAD"}:
            reply = ada.send(method, address)
            assert reply.status == 405, (method, address)
            assert "allow" in dict(reply.headers)


def _leads(route: Route, address: str) -> bool:
    """Whether an address is a route's, too: a name may have slashes."""
    pattern = re.sub(r"\{\w+:path\}", ".+", re.sub(r"\{\w+\}", "[^/]+", route.path))
    return re.fullmatch(pattern, address) is not None


def test_head_says_what_get_says_and_sends_nothing(ada: Browser) -> None:
    for route in ROUTES:
        if "GET" in route.methods and route.path not in ("/login/oidc", "/metrics"):
            got, head = ada.get(path_of(route)), ada.send("HEAD", path_of(route))
            assert head.status == got.status, route.path
            assert head.header("content-type") == got.header("content-type"), route.path


def test_every_route_that_needs_somebody_turns_away_who_did_not_sign_in(fleet: Database) -> None:
    with browser(fleet) as one:
        for route in ROUTES:
            if route.needs is Permission.PUBLIC:
                continue
            for method in (*route.methods, *(("HEAD",) if "GET" in route.methods else ())):
                reply = one.send(method, path_of(route), headers={"sec-fetch-site": "same-origin"})
                to_sign_in = reply.status == 303 and reply.header("location").startswith("/login")
                assert to_sign_in or reply.status == 401, (method, route.path, reply.status)


@pytest.mark.parametrize("header", CLAIMS)
def test_no_header_moves_a_link_or_a_page(ada: Browser, header: str) -> None:
    plain = {path: ada.get(path) for path in ("/", "/hosts", "/subscribe", "/nothing", "/api/v1/hosts")}
    for path, before in plain.items():
        reply = ada.get(path, **{header: CLAIMS[header]})
        assert (reply.status, reply.body) == (before.status, before.body), path
    ada.cookies.clear()
    reply = ada.get("/audit", **{header: CLAIMS[header]})
    assert (reply.status, reply.header("location")) == (303, "/login?next=%2Faudit")


def test_an_answer_that_another_viewer_has_is_no_answer(fleet: Database) -> None:
    with browser(fleet) as al, browser(fleet) as bo:
        signed_in(al, "al")
        signed_in(bo, "bo")
        for path in ("/api/v1/hosts", "/api/v1/exposure", "/api/v1/plan"):
            held = al.get(path)
            assert al.get(path, if_none_match=held.header("etag")).status == 304
            other = bo.get(path, if_none_match=held.header("etag"))
            assert (other.status, "alpha" in other.text, "bravo" in other.text) == (200, False, True), path
            assert "Cookie" in held.header("vary")
            assert "private" in held.header("cache-control")


def test_a_cursor_of_somebody_else_leads_nowhere(fleet: Database) -> None:
    engine = Component("engine", "25.0.5")
    with fleet.begin() as connection:
        inventory.take(connection, [Host(f"alpha-{n}", (engine,), {"team": "a"}) for n in range(9)], {}, START)
    with browser(fleet) as al, browser(fleet) as bo:
        cursor = signed_in(al, "al").get("/api/v1/hosts?limit=2").json["next"]
        assert al.get(f"/api/v1/hosts?limit=2&cursor={cursor}").status == 200
        assert signed_in(bo, "bo").get(f"/api/v1/hosts?limit=2&cursor={cursor}").status == 400
        for forged in (cursor[:-1], cursor + "A", "." + cursor, cursor.partition(".")[0], "x" * 5000, "%00"):
            assert al.get(f"/api/v1/hosts?limit=2&cursor={forged}").status == 400, forged


def test_what_somebody_loses_they_lose_at_once(fleet: Database) -> None:
    secret = add_token(fleet, SELF, NOW, NewToken("t", frozenset([TokenScope.READ]), 30), owner_of(fleet, "al")).secret
    bearer = {"authorization": f"Bearer {secret}"}
    with browser(fleet) as al, browser(fleet) as program:
        signed_in(al, "al")
        assert "alpha-1" in al.get("/hosts").text
        assert "alpha-1" in program.get("/api/v1/hosts", **bearer).text
        change_user(fleet, SELF, NOW, "al", role=Role.VIEWER, tags={"team": "b"})
        for reply in (al.get("/hosts"), program.get("/api/v1/hosts", **bearer)):
            assert (reply.status, "alpha-1" in reply.text) == (200, False)
        assert al.post("/advisories/CVE-2026-1/silence", {"reason": "x", "until": "2099-01-01"}).status == 403
        remove_user(fleet, SELF, NOW, "al")
        add_user(fleet, SELF, NOW, "al", Role.ADMIN)
        assert al.get("/hosts").status == 303, "somebody else of the same name"
        assert program.get("/api/v1/hosts", **bearer).status == 401


def test_a_session_that_was_planted_is_not_the_one_that_signs_in(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.ADMIN, password=PASSWORD)
    user(sqlite_database, "eve")
    with browser(sqlite_database) as eve, browser(sqlite_database) as one:
        planted = signed_in(eve, "eve").cookies["__Host-navtex"]
        for cookie in (planted, "a" * 43):
            one.cookies["__Host-navtex"] = cookie
            assert one.post("/login", {"name": "ada", "password": PASSWORD}).status == 303
            assert one.cookies["__Host-navtex"] != cookie
        assert eve.get("/hosts").status == 303, "the planted one has ended"
        held = dict(one.cookies)
        assert one.post("/logout").status == 303
        assert one.cookies == {}
        assert one.get("/audit", cookie=f"__Host-navtex={held['__Host-navtex']}").status == 303
        assert one.get("/logout").status == 405, "a link signs nobody out"


@pytest.mark.parametrize(
    "name", ["a\r\nset-cookie: x=1", "a\nlocation: //evil", "//evil.example", "\\evil", "ü/../x?y#z"]
)
def test_no_name_gets_into_a_header(ada: Browser, name: str) -> None:
    for form in ({"user": name, "role": "viewer"}, {"name": name, "scope": "read", "days": "30"}):
        for path in (
            "/users",
            "/tokens",
            f"/subscriptions/{quote(name, safe='')}/pause",
            f"/hosts/{quote(name, safe='')}",
        ):
            reply = ada.post(path, form)
            assert all("\r" not in v and "\n" not in v for _, v in reply.headers)
            location = reply.header("location")
            assert not location or re.match(r"/(?![/\\])", location), location
            assert [n for n, _ in reply.headers].count("set-cookie") == 0


def test_a_cookie_over_plain_http_is_set_only_where_somebody_said_so(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", password=PASSWORD)
    for secure in (True, False):
        with browser(sqlite_database, secure=secure) as one:
            said = one.post("/login", {"name": "ada", "password": PASSWORD}).header("set-cookie")
        assert ("; Secure" in said, said.startswith("__Host-")) == (secure, secure)
        assert "HttpOnly; SameSite=Lax" in said
        assert "Path=/;" in said
        assert "Domain" not in said


# Requests that two servers might read as different ones.
SMUGGLED = {
    "two lengths": b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n",
    "a length and chunks": b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "odd chunks": b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "a space before the colon": b"GET /login HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
    "a folded header": b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b\r\n c\r\nX-Remote-User\r\n\r\n",
    "another host in the line": b"GET http://evil.example/login HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "no host": b"GET /login HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
    "a NUL": b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\0b\r\n\r\n",
    "endless headers": b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
}


def test_what_two_servers_might_read_differently_is_refused(sqlite_database: Database) -> None:
    follows = b"GET /-/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with listening(sqlite_database) as port, ExitStack() as stack:
        # all at once, as some end by a deadline
        asked = {name: opened(stack, port, b"") for name in SMUGGLED}
        for name, one in asked.items():
            with suppress(ConnectionError):
                one.sendall(SMUGGLED[name] + follows)
        for name, one in asked.items():
            got = b""
            try:
                while some := one.recv(65536):
                    got += some
            except ConnectionError:
                continue
            status = int(got.split(b" ", 2)[1])
            assert status in (400, 403, 413, 421), (name, got[:200])
            assert status != 400 or got.count(b"HTTP/1.1 ") == 1, f"{name}: what follows is no request of its own"


def test_a_new_route_says_who_may_call_it() -> None:
    """What is public is listed here by hand: a route that forgets to say what it needs is not."""
    public = {route.path for route in ROUTES if route.needs is Permission.PUBLIC}
    machines = {"/-/live", "/-/ready", "/-/style.css", "/-/icon.svg", "/api/v1/openapi.json"}
    signing_in = {"/login", "/login/oidc", "/login/oidc/callback", "/logout", "/setup/{secret}"}
    assert public == {*machines, *signing_in, "/subscribe", "/c/{token}", "/u/{token}", "/f/{token}.atom"}
