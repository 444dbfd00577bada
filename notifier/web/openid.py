"""An OpenID Connect provider: what it publishes, and whom its code stands for. The only import of authlib and httpx."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from feeds.core.errors import ChannelError, ConfigError, NavtexError
from notifier.config import WebAuth
from notifier.security.references import resolved

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Of signatures: those with a public key. With the others a client's secret, or nothing, would sign."""
_KEPT = 600.0
"""Seconds for which what the provider publishes is not asked for again."""
_SECONDS = 10.0
_LARGEST = 1 << 20
_LEEWAY = 60


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is remembered of somebody who is at the provider: random values, and where they go afterwards."""

    state: str
    nonce: str
    verifier: str
    to: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a code stands for: the name, and the groups, both by the configured claims."""

    name: str
    groups: tuple[str, ...] = ()


@dataclass
class Provider:
    """A provider, and what it publishes."""

    auth: WebAuth
    ca_bundle: str = ""
    _held: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def address(self, attempt: Attempt, back: str) -> str:
        """Where the browser signs in. NavtexError if the provider does not answer."""
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        query = {
            "response_type": "code",
            "client_id": self.auth.client_id,
            "redirect_uri": back,
            "scope": " ".join(self.auth.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        where = str(self._published()["authorization_endpoint"])
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"

    def person(self, attempt: Attempt, code: str, back: str, now: datetime) -> Person:
        """Whom a code stands for. NavtexError if anything of it is wrong."""
        answer = self._exchanged(attempt, code, back)
        claims = self._verified(answer, attempt, now)
        name = claims.get(self.auth.claim)
        if self.auth.claim == "email" and claims.get("email_verified") is False:
            raise self._wrong("the mail address is not verified")
        if not isinstance(name, str) or not name.strip():
            raise self._wrong(f"the ID token has no claim {self.auth.claim!r}")
        return Person(name, listed(claims, self.auth.roles_claim))

    def _exchanged(self, attempt: Attempt, code: str, back: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self.auth.client_id,
            "code_verifier": attempt.verifier,
        }
        try:
            secret = resolved(self.auth.client_secret) if self.auth.client_secret else ""
        except ChannelError as error:
            raise ConfigError(error.what, where="[web.auth] client_secret") from None
        signed = (self.auth.client_id, secret) if secret else None
        return self._asked("POST", str(self._published()["token_endpoint"]), form, signed)

    def _verified(self, answer: Mapping[str, Any], attempt: Attempt, now: datetime) -> Mapping[str, Any]:
        """The claims of an ID token, whose signature, issuer, audience, time and nonce are right."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        published = self._published()
        keys = self._kept(str(published["jwks_uri"]))
        try:
            read = jwt.decode(str(answer["id_token"]), KeySet.import_key_set(keys), algorithms=list(ALGORITHMS))  # type: ignore[arg-type]
            wanted = {
                "iss": {"essential": True, "value": str(published["issuer"])},
                "aud": {"essential": True, "value": self.auth.client_id},
                "nonce": {"essential": True, "value": attempt.nonce},
            }
            params = {
                "nonce": attempt.nonce,
                "client_id": self.auth.client_id,
                "access_token": answer.get("access_token"),
            }
            claims = CodeIDToken(read.claims, read.header, wanted, params)
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            self._held.clear()  # its keys may have changed
            raise self._wrong(f"the ID token is not valid ({type(error).__name__}: {error})") from error
        return dict(claims)

    def _published(self) -> dict[str, Any]:
        issuer = self.auth.issuer.rstrip("/")
        found = self._kept(f"{issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != issuer:
            raise self._wrong(f"it calls itself {str(found.get('issuer'))[:200]!r}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not str(found.get(name, "")).startswith(("https://", issuer)):
                raise self._wrong(f"it publishes no {name} with an https:// address")
        return found

    def _kept(self, address: str) -> dict[str, Any]:
        """A document of the provider, asked for now and then."""
        with self._lock:
            held = self._held.get(address)
        if held and time.monotonic() - held[0] < _KEPT:
            return held[1]
        found = self._asked("GET", address)
        with self._lock:
            self._held[address] = time.monotonic(), found
        return found

    def _asked(
        self, method: str, address: str, form: Mapping[str, str] | None = None, signed: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        import httpx

        try:
            with (
                httpx.Client(timeout=_SECONDS, follow_redirects=False, verify=self._trust()) as client,
                client.stream(method, address, data=form, auth=signed, headers={"accept": "application/json"}) as said,
            ):
                body = bytearray()
                for chunk in said.iter_bytes():
                    body += chunk
                    if len(body) > _LARGEST:
                        raise self._wrong("its answer is too large")
                status = said.status_code
        except httpx.HTTPError as error:
            raise self._wrong(f"it does not answer ({error})") from error
        return self._read(bytes(body), status, address)

    def _read(self, body: bytes, status: int, address: str) -> dict[str, Any]:
        import json

        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if status != 200 or not isinstance(found, dict):
            why = f": {str(found.get('error'))[:100]}" if isinstance(found, dict) and found.get("error") else ""
            raise self._wrong(f"{address.partition('?')[0]} answered with status {status}{why}")
        return found

    def _trust(self) -> Any:
        import ssl

        return ssl.create_default_context(cafile=self.ca_bundle or None)

    def _wrong(self, what: str) -> NavtexError:
        return NavtexError(what, where=self.auth.issuer)


def listed(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The words of a claim: a list or one word; none if it is missing. A dot leads into an object.

    >>> listed({"groups": ["a", "b", 3]}, "groups"), listed({"realm_access": {"roles": "a"}}, "realm_access.roles")
    (('a', 'b'), ('a',))
    >>> listed({"https://example.org/groups": ["a"]}, "https://example.org/groups"), listed({}, "groups.x")
    (('a',), ())
    """
    first, dot, rest = name.partition(".")
    inner = claims.get(first)
    if name not in claims and dot:
        return listed(inner, rest) if isinstance(inner, Mapping) else ()
    found = claims.get(name)
    return tuple(one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str))
