"""Attacks on the page: none gets through. Each returns what the server answered, and what it should have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec
import pytest

from feeds.storage.database import Database
from notifier.config import Config, Web, WebAuth
from notifier.domain.access import Role, TokenScope
from notifier.security.passwords import digest
from notifier.services.installation.audit_log import list_entries
from notifier.services.people.accounts import change_user, remove_user
from notifier.services.people.tokens import NewToken, add_token, list_tokens, remove_token
from notifier.services.people.tokens import user as owner_of
from notifier.storage.audit_log import add_failure
from tests.support.access import PASSWORD, SELF, signed_in, token, user
from tests.support.web import NOW, Browser, Reply, browser

FORM = "application/x-www-form-urlencoded"
PROXY = Config(
    web=Web(
        url="https://navtex.example.org",
        threads=2,
        auth=WebAuth(methods=("local", "proxy"), trusted_networks=("10.0.0.0/24",)),
    )
)


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def own_token(one: Browser, name: str, *scopes: TokenScope, days: int = 30) -> str:
    database = one.site.database
    wanted = NewToken("mine", frozenset(scopes), days)
    return add_token(database, SELF, NOW, wanted, owner_of(database, name)).secret


def posted(
    one: Browser, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"user=eve&role=admin"
) -> Reply:
    """A form that an administrator's browser sends, without what the browser says of the page it comes from."""
    return one.send("POST", path, body, {"content-type": FORM, **(headers or {})})


# What a stranger's page can make the browser of an administrator send.
CSRF: dict[str, dict[str, str]] = {
    "a form of another site": {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    "a form of another site that claims our origin": {
        "sec-fetch-site": "cross-site",
        "origin": "https://navtex.example.org",
    },
    "a form of a neighbour's subdomain": {"sec-fetch-site": "same-site", "origin": "https://evil.example.org"},
    "a form of a sandboxed frame": {"origin": "null"},
    "a request without a word of where it comes from": {},
    "a form of an old browser": {"origin": "https://evil.example"},
    "a form over plain HTTP": {"origin": "http://evil.navtex.example.org"},
    "an origin that begins with ours": {"origin": "https://navtex.example.org.evil.example"},
    "an origin that hides ours in its user": {"origin": "https://navtex.example.org@evil.example"},
    "our origin at another port": {"origin": "https://navtex.example.org:8443"},
}

# Hosts that are none of ours: none is answered, so none gets into a link or a cache.
HOSTS = (
    "evil.example",
    "navtex.example.org.evil.example",
    "navtex.example.org@evil.example",
    "navtex.example.org/evil",
    "evil.example:443#navtex.example.org",
    "",
)

# Paths that mean something else to some servers.
PATHS = (
    "//evil.example/",
    "/-/../audit",
    "/-/%2e%2e/audit",
    "/audit/",
    "/AUDIT",
    "/audit;x=.css",
    "/audit%00",
    "/-/style.css/../../notifier/config.py",
    "/-/..%2f..%2fetc%2fpasswd",
)


@pytest.mark.parametrize("headers", CSRF.values(), ids=CSRF.keys())
def test_no_other_page_can_act_for_an_administrator(sqlite_database: Database, headers: dict[str, str]) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    with browser(sqlite_database) as one:
        signed_in(one, "ada")
        assert posted(one, "/users", headers).status == 403
        good = {"origin": "https://navtex.example.org"}
        assert posted(one, "/users", good).status == 303, "an old browser on our own page may"


@pytest.mark.parametrize("host", HOSTS)
def test_no_other_host_is_answered_for(sqlite_database: Database, host: str) -> None:
    with browser(sqlite_database) as one:
        reply = one.get("/login", host=host)
        twice = [(b"host", b"navtex.example.org"), (b"host", host.encode())]
        assert one.raw("GET", "/login", [], twice).status == 421
    assert (reply.status, "evil" in reply.text) == (421, False)


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_around_signing_in(sqlite_database: Database, path: str) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    with browser(sqlite_database) as one:
        reply = one.get(path)
    location = reply.header("location")
    assert reply.status in (303, 400, 404)
    assert not location or location.startswith("/login?next=%2F"), location
    assert "Audit log" not in reply.text
    assert "root:" not in reply.text


@pytest.mark.parametrize(
    "to",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nset-cookie: x=1", "/\t/evil.example", "evil"],
)
def test_signing_in_leads_nowhere_else(sqlite_database: Database, to: str) -> None:
    user(sqlite_database, "ada", password=PASSWORD)
    with browser(sqlite_database) as one:
        reply = one.post("/login", {"name": "ada", "password": PASSWORD, "next": to})
    assert (reply.status, reply.header("location")) == (303, "/")
    assert len([1 for name, _ in reply.headers if name == "set-cookie"]) == 1


def _read_posts_a_user(one: Browser) -> tuple[Reply, int]:
    return one.post("/users", {"user": "eve", "role": "admin"}, **bearer(own_token(one, "ada", TokenScope.READ))), 403


def _read_makes_a_token(one: Browser) -> tuple[Reply, int]:
    form = {"name": "more", "scope": "admin"}
    return one.post("/tokens", form, **bearer(own_token(one, "ada", TokenScope.READ))), 403


def _push_reads(one: Browser) -> tuple[Reply, int]:
    return one.get("/api/v1/hosts", **bearer(token(one.site.database, TokenScope.PUSH))), 403


def _read_pushes(one: Browser) -> tuple[Reply, int]:
    secret = token(one.site.database, TokenScope.READ)
    return one.send("POST", "/api/v1/inventory", b"host,product,version\nx,engine,25.0.5", bearer(secret)), 403


def _session_pushes(one: Browser) -> tuple[Reply, int]:
    signed_in(one, "ada")
    return one.post("/api/v1/inventory"), 403


def _push_elsewhere(one: Browser) -> tuple[Reply, int]:
    secret = token(one.site.database, TokenScope.PUSH, hosts="web-*")
    content = b"host,product,version\ndb-1,engine,25.0.5\n"
    return one.send("POST", "/api/v1/inventory", content, {**bearer(secret), "content-type": "text/csv"}), 403


def _expired(one: Browser) -> tuple[Reply, int]:
    secret = own_token(one, "ada", TokenScope.READ, days=1)
    assert one.get("/api/v1/hosts", **bearer(secret)).status == 200
    one.now = NOW + timedelta(days=1)
    return one.get("/api/v1/hosts", **bearer(secret)), 401


def _revoked(one: Browser) -> tuple[Reply, int]:
    secret = own_token(one, "ada", TokenScope.READ)
    remove_token(one.site.database, SELF, NOW, list_tokens(one.site.database, NOW).tokens[0].token)
    return one.get("/api/v1/hosts", **bearer(secret)), 401


def _guessed(one: Browser) -> tuple[Reply, int]:
    secret = own_token(one, "ada", TokenScope.READ)
    return one.get("/api/v1/hosts", **bearer(f"{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}")), 401


def _hash_as_token(one: Browser) -> tuple[Reply, int]:
    secret = own_token(one, "ada", TokenScope.READ)
    return one.get("/api/v1/hosts", **bearer(digest(secret))), 401


def _bad_token_beside_a_session(one: Browser) -> tuple[Reply, int]:
    signed_in(one, "ada")
    return one.get("/audit", **bearer("nvx_aaaaaaaaaa_" + "A" * 43)), 401


def _demoted_owner(one: Browser) -> tuple[Reply, int]:
    secret = own_token(one, "ada", TokenScope.ADMIN)
    assert one.get("/audit", **bearer(secret)).status == 200
    change_user(one.site.database, SELF, NOW, "ada", role=Role.VIEWER, tags={})
    return one.get("/audit", **bearer(secret)), 403


def _removed_owner(one: Browser) -> tuple[Reply, int]:
    secret = own_token(one, "ada", TokenScope.READ)
    remove_user(one.site.database, SELF, NOW, "ada")
    return one.get("/api/v1/hosts", **bearer(secret)), 401


def _removed_user(one: Browser) -> tuple[Reply, int]:
    signed_in(one, "ada")
    remove_user(one.site.database, SELF, NOW, "ada")
    return one.get("/audit"), 303


def _viewer_administers(one: Browser) -> tuple[Reply, int]:
    signed_in(one, "bob")
    return one.post("/users", {"user": "eve", "role": "admin"}), 403


def _viewer_makes_an_administrators_token(one: Browser) -> tuple[Reply, int]:
    signed_in(one, "bob")
    return one.post("/tokens", {"name": "more", "scope": "admin", "days": "30"}), 400


def _limited_makes_a_wider_token(one: Browser) -> tuple[Reply, int]:
    signed_in(one, "bob")
    one.post("/tokens", {"name": "wider", "scope": "read", "tags": "team=b", "days": "30"})
    tags = [t.tags for t in list_tokens(one.site.database, NOW).tokens]
    assert tags in ([], [{"team": "a"}]), "one's own limit stays"
    return one.post("/tokens", {"name": "push", "scope": "inventory:push", "days": "30"}), 400


def _another_users_token(one: Browser) -> tuple[Reply, int]:
    own_token(one, "ada", TokenScope.READ)
    signed_in(one, "bob")
    return one.post("/tokens/revoke", {"token": list_tokens(one.site.database, NOW).tokens[0].token}), 404


def _proxy_header_from_elsewhere(one: Browser) -> tuple[Reply, int]:
    return one.get("/audit", x_remote_user="ada"), 303


def _two_cookies(one: Browser) -> tuple[Reply, int]:
    secret = signed_in(one, "ada").cookies["__Host-navtex"]
    return one.get("/audit", cookie=f"__Host-navtex={secret}; __Host-navtex=planted"), 303


def _insecure_cookie(one: Browser) -> tuple[Reply, int]:
    secret = signed_in(one, "ada").cookies["__Host-navtex"]
    return one.get("/audit", cookie=f"navtex={secret}"), 303


def _huge_form(one: Browser) -> tuple[Reply, int]:
    return one.post("/login", {"name": "ada", "password": "x" * 70_000}), 413


def _huge_chunks(one: Browser) -> tuple[Reply, int]:
    headers = [(b"host", b"navtex.example.org"), (b"sec-fetch-site", b"same-origin"), (b"content-type", FORM.encode())]
    return one.raw("POST", "/login", [b"x" * 30_000] * 3, headers), 413


def _many_fields(one: Browser) -> tuple[Reply, int]:
    return posted(one, "/login", {"sec-fetch-site": "same-origin"}, b"&".join([b"a=1"] * 5000)), 400


def _many_parameters(one: Browser) -> tuple[Reply, int]:
    return one.get("/login?" + "&".join(["a=1"] * 5000)), 400


def _nul(one: Browser) -> tuple[Reply, int]:
    return one.post("/login", {"name": "ada\0", "password": "x"}), 400


def _long_length(one: Browser) -> tuple[Reply, int]:
    return posted(one, "/login", {"sec-fetch-site": "same-origin", "content-length": "9" * 40}, b""), 413


def _method_override(one: Browser) -> tuple[Reply, int]:
    signed_in(one, "ada")
    return one.get("/users/remove", x_http_method_override="POST"), 405


def _trace(one: Browser) -> tuple[Reply, int]:
    return one.send("TRACE", "/login"), 405


def _metrics_from_elsewhere(one: Browser) -> tuple[Reply, int]:
    return one.get("/metrics"), 401


def _metrics_by_a_limited_token(one: Browser) -> tuple[Reply, int]:
    return one.get("/metrics", **bearer(token(one.site.database, TokenScope.READ, tags={"team": "a"}))), 403


def _metrics_through_a_local_proxy(one: Browser) -> tuple[Reply, int]:
    one.client = "127.0.0.1"
    assert one.get("/metrics").status == 200
    return one.get("/metrics", x_forwarded_for="198.51.100.1"), 401


def _setup_with_users(one: Browser) -> tuple[Reply, int]:
    one.site.setup = digest("known")
    return one.post("/setup/known", {"name": "eve", "password": PASSWORD, "again": PASSWORD}), 404


def _unknown_name(one: Browser) -> tuple[Reply, int]:
    wrong = one.post("/login", {"name": "bob", "password": PASSWORD})
    unknown = one.post("/login", {"name": "nobody", "password": PASSWORD})
    assert unknown.text.replace("nobody", "bob") == wrong.text
    return unknown, 401


def _sql(one: Browser) -> tuple[Reply, int]:
    return one.post("/login", {"name": "' OR 1=1 --", "password": "' OR 1=1 --"}), 401


def _markup(one: Browser) -> tuple[Reply, int]:
    reply = one.post("/login", {"name": '"><img src=x>', "password": "x"})
    assert "<img" not in reply.text
    return reply, 401


ATTACKS = [attack for name, attack in list(globals().items()) if name.startswith("_") and callable(attack)]


@pytest.mark.every
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.__name__[1:].replace("_", " "))
def test_no_attack_gets_through(sqlite_database: Database, attack: Callable[[Browser], tuple[Reply, int]]) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    user(sqlite_database, "bob", Role.OPERATOR if "push" in attack.__name__ else Role.VIEWER, {"team": "a"})
    with browser(sqlite_database) as one:
        reply, expected = attack(one)
    assert reply.status == expected, reply.text
    assert "eve" not in [e.target for e in list_entries(sqlite_database) if e.action == "user.add"]


def test_only_a_trusted_proxy_says_who_calls_and_from_where(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    with browser(sqlite_database, PROXY) as one:
        assert one.get("/audit", x_remote_user="ada").status == 303
        one.client = "10.0.0.9"
        assert one.get("/audit", x_remote_user="ada").status == 200
        assert one.get("/audit").status == 303
        assert one.get("/audit", x_remote_user="unknown").status == 403
        twice = [(b"host", b"navtex.example.org"), (b"x-remote-user", b"bob"), (b"x-remote-user", b"ada")]
        assert one.raw("GET", "/audit", [], twice).status == 400
        # what the proxy vouches for needs the same protection from other pages as a cookie
        assert posted(one, "/users", {"x-remote-user": "ada"}).status == 403
        with sqlite_database.begin() as connection:
            for number in range(18):
                add_failure(connection, f"n{number}", "192.0.2.1", NOW)
        for number in range(2):
            one.post("/login", {"name": "x", "password": "x"}, x_forwarded_for=f"6.6.6.{number}, 192.0.2.1")
        assert one.post("/login", {"name": "x", "password": "x"}, x_forwarded_for="1.1.1.1, 192.0.2.1").status == 429
        assert one.post("/login", {"name": "x", "password": "x"}, x_forwarded_for="192.0.2.1, 1.1.1.1").status == 401


def test_people_whom_a_proxy_knows_get_the_default_role_at_their_first_visit(sqlite_database: Database) -> None:
    auth = msgspec.structs.replace(PROXY.web.auth, default_role="viewer")
    config = msgspec.structs.replace(PROXY, web=msgspec.structs.replace(PROXY.web, auth=auth))
    with browser(sqlite_database, config) as one:
        one.client = "10.0.0.9"
        assert one.get("/tokens", x_remote_user="Zoë".encode().decode("latin-1")).status == 200
        assert one.get("/audit", x_remote_user="Zoë".encode().decode("latin-1")).status == 403
    assert [(e.action, e.target, e.way) for e in list_entries(sqlite_database)] == [("user.add", "zoë", "proxy")]
