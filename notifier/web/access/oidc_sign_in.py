"""Signing in at an OpenID Connect provider: the code flow with PKCE, state and nonce."""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict

import msgspec

from feeds.core.errors import ConfigError, NavtexError, UsageProblem
from notifier.security.passwords import new_secret, same
from notifier.services.people.sessions import SignInProblem, sign_in_elsewhere
from notifier.web.access.signing_in import refused, signed_in
from notifier.web.answers import failed
from notifier.web.callers import role_of
from notifier.web.cookies import cookie, own_name, set_cookie
from notifier.web.handler_values import Answer, Call, Permission, Route, redirect
from notifier.web.openid import Attempt, Provider
from notifier.web.origins import local_path

_CALLBACK = "/login/oidc/callback"
_SECONDS = 600
"""So long somebody may take at the provider."""
_PROVIDERS: dict[tuple[bytes, str], Provider] = {}


def begin(call: Call) -> Answer:
    """Send the browser to the provider."""
    provider = _provider(call)
    if provider is None:
        return failed(call, 404, "There is nothing at this address.")
    attempt = Attempt(new_secret(), new_secret(), new_secret() + new_secret(), local_path(call.asked("next")))
    try:
        address = provider.address(attempt, call.base + _CALLBACK)
    except ConfigError:
        raise
    except NavtexError as error:
        return failed(call, 503, f"Signing in failed: {error}.")
    held = base64.urlsafe_b64encode(msgspec.json.encode(asdict(attempt))).decode().rstrip("=")
    return redirect(address, (set_cookie(call, _cookie(call), held, _SECONDS),))


def callback(call: Call) -> Answer:
    """Come back from the provider."""
    provider, attempt = _provider(call), _attempt(call)
    if provider is None:
        return failed(call, 404, "There is nothing at this address.")
    gone = set_cookie(call, _cookie(call), "", 0)
    if attempt is None or not same(attempt.state, call.asked("state")):
        return failed(call, 400, "This sign-in was not begun here, or took too long.", (gone,), "Sign in again.")
    if call.asked("error"):
        return failed(call, 403, f"The provider refused: {call.asked('error')[:100]}.", (gone,))
    try:
        person = provider.person(attempt, call.asked("code"), call.base + _CALLBACK, call.now)
        auth = call.config.web.auth
        role, decides = role_of(auth, person.groups), bool(auth.roles)
        found = sign_in_elsewhere(call.database, person.name, role, call.client, call.now, decides=decides)
    except (ConfigError, UsageProblem):
        raise
    except NavtexError as error:
        return failed(call, 403, f"Signing in failed: {error}.", (gone,))
    answer = (
        refused(call, found, attempt.to) if isinstance(found, SignInProblem) else signed_in(call, found, attempt.to)
    )
    return Answer(answer.status, answer.body, answer.media_type, (*answer.headers, gone))


def _attempt(call: Call) -> Attempt | None:
    text = cookie(call, _cookie(call))
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Attempt)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        return None


def _provider(call: Call) -> Provider | None:
    """The configured provider. What it publishes is kept between calls."""
    auth, bundle = call.config.web.auth, call.config.ca_bundle
    if "oidc" not in auth.methods:
        return None
    return _PROVIDERS.setdefault((msgspec.json.encode(auth), bundle), Provider(auth, bundle))


def _cookie(call: Call) -> str:
    return own_name(call, "navtex-oidc")


ROUTES = (
    Route("/login/oidc", begin, needs=Permission.PUBLIC, name="oidc"),
    Route(_CALLBACK, callback, needs=Permission.PUBLIC, name="oidc_callback"),
)
