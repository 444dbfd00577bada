"""What the adapter does around every handler."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

import pytest

from feeds.storage.database import Database
from notifier.domain.access import Actor, Role, TokenScope
from notifier.services.people.tokens import remove_token
from notifier.web.security_headers import HEADERS
from tests.support.access import signed_in, token, user
from tests.support.web import NOW, browser


@pytest.mark.parametrize(
    ("path", "status"), [("/-/live", 200), ("/-/ready", 200), ("/-/style.css", 200), ("/nothing/here", 404)]
)
def test_every_answer_has_the_security_headers(sqlite_database: Database, path: str, status: int) -> None:
    with browser(sqlite_database) as one:
        reply = one.get(path)
    assert reply.status == status
    assert {n: reply.header(n) for n in HEADERS} == HEADERS
    assert reply.header("cache-control")


def test_only_the_configured_host_is_answered_for(sqlite_database: Database) -> None:
    with browser(sqlite_database) as one:
        replies = {host: one.get("/-/style.css", host=host) for host in ("navtex.example.org:443", "evil.example")}
    assert {host: r.status for host, r in replies.items()} == {"navtex.example.org:443": 200, "evil.example": 421}
    assert replies["evil.example"].header("content-security-policy")


def test_the_log_of_requests_holds_no_secret_of_an_address(sqlite_database: Database) -> None:
    with browser(sqlite_database) as one:
        told: list[str] = []
        one.app.told = lambda answered: told.append(f"{answered.method} {answered.path} {answered.status}")
        for path in ("/c/secret", "//u//secret", "/f/secret.atom", "/setup/secret", "/login?next=/secret"):
            one.get(path)
    assert [line.rpartition(" ")[0] for line in told] == [
        *("GET /c/...", "GET /u/...", "GET /f/...", "GET /setup/...", "GET /login"),
    ]


def test_pages_are_answered_while_an_import_writes(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    secret = token(sqlite_database, TokenScope.READ)
    with browser(sqlite_database) as one:
        signed_in(one, "ada")
        one.now = NOW + timedelta(hours=1)  # so that the last use of both is to be noted
        began = monotonic()
        with sqlite_database.begin():
            assert one.get("/audit").status == 200
            assert one.get("/api/v1/hosts", authorization=f"Bearer {secret}").status == 200
        assert monotonic() - began < 25, "a writer waits for half a minute, and each of these wrote"
        one.get("/audit")
        one.now = NOW + timedelta(hours=12, minutes=30)
        assert one.get("/audit").status == 200, "a use after that was noted"


def test_a_token_that_is_revoked_is_refused_from_the_next_request_on(sqlite_database: Database) -> None:
    secret = token(sqlite_database, TokenScope.READ)
    with browser(sqlite_database) as one:
        assert one.get("/api/v1/hosts", authorization=f"Bearer {secret}").status == 200
        remove_token(sqlite_database, Actor("test"), NOW, secret)
        assert one.get("/api/v1/hosts", authorization=f"Bearer {secret}").status == 401
