"""Signing in at a provider of our own on loopback, which lies where a test says so."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from feeds.storage.database import Database
from notifier.config import Config, Web, WebAuth
from notifier.domain.access import Role
from notifier.services.installation.audit_log import list_entries
from notifier.services.people.accounts import list_users
from tests.support.access import user
from tests.support.loopback import _Quiet, served
from tests.support.web import NOW, Browser, Reply, browser

pytest.importorskip("joserfc")
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

BASE = "https://navtex.example.org"
KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})


@dataclass
class Idp:
    """A provider. `claims` replaces claims of its ID tokens, `sign` how they are signed."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] = lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)

    def code(self, address: str) -> tuple[str, str]:
        """What somebody brings back who signed in at an address: code and state."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return code, asked["state"]

    def answer(self, path: str, form: dict[str, str], signed: str) -> tuple[int, dict[str, Any]]:
        """The answer to a request."""
        if path == "/.well-known/openid-configuration":
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            return 200, {"issuer": self.url, **{n: f"{self.url}/{p}" for n, p in places.items()}, **self.published}
        if path == "/keys":
            return 200, {"keys": [KEY.as_dict(private=False)]}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        client = base64.b64encode(b"navtex:the-secret").decode()
        if asked is None or proof != asked["code_challenge"] or signed != f"Basic {client}":
            return 400, {"error": "invalid_grant"}
        at = int(NOW.timestamp())
        claims = {"iss": self.url, "aud": "navtex", "sub": "7", "iat": at, "exp": at + 300, "nonce": asked["nonce"]}
        token = self.sign({**claims, "preferred_username": "Ada", **self.claims})
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": token}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """A handler that answers for it."""
        idp = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("content-length", 0))
                form = {n: v[0] for n, v in parse_qs(self.rfile.read(length).decode()).items()}
                status, found = idp.answer(self.path, form, self.headers.get("authorization", ""))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            do_POST = do_GET  # noqa: N815 - the base class's name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                """Say nothing."""

        return Handler


@contextmanager
def provider() -> Iterator[Idp]:
    made = Idp()
    server = _Quiet(("127.0.0.1", 0), made.handler())
    made.url = f"http://127.0.0.1:{server.server_port}"
    with served(server):
        yield made


def config(idp: Idp, **auth: Any) -> Config:
    settings: dict[str, Any] = {"issuer": idp.url, "client_id": "navtex", "client_secret": "the-secret", **auth}
    return Config(web=Web(url=BASE, threads=2, auth=WebAuth(methods=("oidc",), **settings)))


def back(one: Browser, idp: Idp) -> Reply:
    """Go to the provider and come back."""
    away = one.get("/login/oidc?next=/audit%3Fbefore%3D7")
    code, state = idp.code(away.header("location"))
    return one.get(f"/login/oidc/callback?code={code}&state={state}", sec_fetch_site="cross-site")


def test_somebody_signs_in_at_the_provider(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    with provider() as idp, browser(sqlite_database, config(idp)) as one:
        reply = back(one, idp)
        assert (reply.status, reply.header("location")) == (303, "/audit?before=7")
        assert set(one.cookies) == {"__Host-navtex"}
        assert one.get("/audit").status == 200
        assert one.post("/login", {"name": "ada", "password": "x"}).status == 403, "passwords are not used"


def test_somebody_unknown_gets_the_default_role_or_stays_outside(sqlite_database: Database) -> None:
    with provider() as idp:
        with browser(sqlite_database, config(idp)) as one:
            assert "no account here" in back(one, idp).text
            assert one.get("/tokens").status == 303
        with browser(sqlite_database, config(idp, default_role="viewer")) as one:
            assert back(one, idp).status == 303
            assert (one.get("/tokens").status, one.get("/audit").status) == (200, 403)


ROLES = {"docker-admins": "admin", "docker-ops": "operator", "staff": "viewer"}


def role(database: Database, name: str) -> str:
    return next((one.role for one in list_users(database).users if one.user == name), "")


def test_groups_give_the_highest_of_their_roles_and_lose_it_again(sqlite_database: Database) -> None:
    with provider() as idp, browser(sqlite_database, config(idp, roles=ROLES)) as one:
        idp.claims = {"groups": ["staff", "docker-admins", "unknown", 7]}
        assert back(one, idp).status == 303
        assert (one.get("/audit").status, role(sqlite_database, "ada")) == (200, "admin")
        idp.claims = {"groups": ["staff"]}
        one.cookies.clear()
        assert back(one, idp).status == 303
        assert (one.get("/audit").status, role(sqlite_database, "ada")) == (403, "viewer")
        held = dict(one.cookies)
        idp.claims = {"groups": ["unknown"]}
        assert "no account here" in back(one, idp).text
        assert one.get("/hosts", cookie=f"__Host-navtex={held['__Host-navtex']}").status == 303, "it is signed out"
    changes = [e for e in list_entries(sqlite_database) if e.action == "user.change"]
    assert [(e.target, e.before, e.after) for e in changes] == [
        ("ada", '{"role": "admin", "tags": {}}', '{"role": "viewer", "tags": {}}')
    ]


def test_groups_raise_nobody_who_is_limited_to_some_hosts_to_an_administrator(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.VIEWER, {"team": "a"})
    with provider() as idp, browser(sqlite_database, config(idp, roles=ROLES)) as one:
        idp.claims = {"groups": ["docker-admins"]}
        assert back(one, idp).status == 303
        assert (one.get("/audit").status, role(sqlite_database, "ada")) == (403, "operator")


def test_who_is_in_no_group_has_the_default_role(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    with provider() as idp, browser(sqlite_database, config(idp, roles=ROLES, default_role="viewer")) as one:
        assert back(one, idp).status == 303
        assert role(sqlite_database, "ada") == "viewer"


def test_groups_may_lie_deep_and_need_a_scope_of_their_own(sqlite_database: Database) -> None:
    scopes = ("openid", "profile", "groups")
    with provider() as idp:
        settings = config(idp, roles=ROLES, roles_claim="realm_access.roles", scopes=scopes)
        with browser(sqlite_database, settings) as one:
            idp.claims = {"realm_access": {"roles": ["docker-ops"]}}
            asked = parse_qs(urlsplit(one.get("/login/oidc").header("location")).query)
            assert asked["scope"] == ["openid profile groups"]
            assert back(one, idp).status == 303
    assert role(sqlite_database, "ada") == "operator"


def _hmac(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(KEY.as_pem(private=False)))


def _unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."


LIES: dict[str, Callable[[Idp], None]] = {
    "a nonce of somebody else": lambda idp: idp.claims.update(nonce="other"),
    "another audience": lambda idp: idp.claims.update(aud="another-client"),
    "several audiences, for another party": lambda idp: idp.claims.update(aud=["navtex", "x"], azp="x"),
    "another issuer": lambda idp: idp.claims.update(iss="https://evil.example"),
    "a token that has expired": lambda idp: idp.claims.update(exp=int(NOW.timestamp()) - 61),
    "a token of the future": lambda idp: idp.claims.update(nbf=int(NOW.timestamp()) + 3600),
    "no name": lambda idp: idp.claims.update(preferred_username=""),
    "no signature": lambda idp: setattr(idp, "sign", _unsigned),
    "the public key as a secret": lambda idp: setattr(idp, "sign", _hmac),
    "another key": lambda idp: setattr(
        idp, "sign", lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, OTHER)
    ),
    "no token": lambda idp: setattr(idp, "sign", lambda _: ""),
}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_false_id_token_signs_nobody_in(sqlite_database: Database, lie: Callable[[Idp], None]) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    with provider() as idp, browser(sqlite_database, config(idp)) as one:
        lie(idp)
        reply = back(one, idp)
        assert reply.status == 403, reply.text
        assert "Signing in failed" in reply.text
        assert one.cookies == {}


def test_a_code_that_was_not_asked_for_here_signs_nobody_in(sqlite_database: Database) -> None:
    user(sqlite_database, "ada", Role.ADMIN)
    with provider() as idp, browser(sqlite_database, config(idp)) as one, browser(sqlite_database, config(idp)) as eve:
        code, state = idp.code(eve.get("/login/oidc").header("location"))
        planted = f"/login/oidc/callback?code={code}&state={state}"
        assert one.get(planted).status == 400, "a browser that began nothing"
        one.get("/login/oidc")
        assert one.get(planted).status == 400, "another attempt's state"
        away = one.get("/login/oidc").header("location")
        mine = idp.code(away)[1]
        assert one.get(f"/login/oidc/callback?code={code}&state={mine}").status == 403, "another attempt's code"
        assert one.cookies == {}
        assert one.get("/login/oidc/callback?error=access_denied&state=x").status == 400


def test_a_provider_that_is_not_the_configured_one_is_not_believed(sqlite_database: Database) -> None:
    with provider() as idp, browser(sqlite_database, config(idp)) as one:
        idp.published = {"issuer": "https://evil.example"}
        assert "calls itself" in one.get("/login/oidc").text
    with provider() as idp, browser(sqlite_database, config(idp)) as one:
        idp.published = {"token_endpoint": "http://evil.example/token"}
        assert "no token_endpoint" in one.get("/login/oidc").text


def test_without_the_method_there_is_no_such_address(sqlite_database: Database) -> None:
    with browser(sqlite_database) as one:
        assert [one.get(p).status for p in ("/login/oidc", "/login/oidc/callback?code=x&state=")] == [404, 404]
