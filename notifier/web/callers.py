"""Who a request comes from, and from where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network

from notifier.config import WebAuth
from notifier.domain.access import ANYBODY, Actor, Role, Viewer
from notifier.services.people import sessions
from notifier.web.answers import Refused
from notifier.web.cookies import session_of
from notifier.web.handler_values import Call

_CHALLENGE = (("www-authenticate", 'Bearer realm="navtex", error="invalid_token"'),)


def bearer_of(call: Call) -> str | None:
    """The API token that a call brings; None without one."""
    kind, _, secret = call.headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def checked(found: Viewer | None) -> Viewer:
    """Whom a token stands for. Refused if it is not valid: the call is not answered as somebody else's."""
    if found is None:
        raise Refused(401, "The API token is not valid: it is unknown, revoked or expired.", _CHALLENGE)
    return found


def viewer_of(call: Call) -> Viewer:
    """The viewer of a call without a token: by its session, else what a trusted proxy says; else ANYBODY."""
    secret = session_of(call)
    if secret and (found := sessions.of_session(call.database, secret, call.now)):
        return found
    return _of_proxy(call)


def _of_proxy(call: Call) -> Viewer:
    auth = call.config.web.auth
    name = call.headers.get(auth.user_header.lower(), "").strip()
    if "proxy" not in auth.methods or not name:
        return ANYBODY
    return sessions.of_proxy(call.database, name, default_role(auth), call.client, call.now)


def default_role(auth: WebAuth) -> Role | None:
    """The role of people who sign in elsewhere and were not added; None: they may not sign in."""
    return Role(auth.default_role) if auth.default_role else None


def role_of(auth: WebAuth, groups: Iterable[str]) -> Role | None:
    """The role of somebody with these groups: the highest that one of them has, else the default."""
    given = [Role(auth.roles[group]) for group in groups if group in auth.roles]
    return next((role for role in reversed(Role) if role in given), default_role(auth))


def actor_of(call: Call) -> Actor:
    """The viewer as the audit log has them."""
    return Actor(call.viewer.name or "-", call.viewer.way, call.client)


def sent_headers(pairs: Iterable[tuple[bytes, bytes]], peer: str, auth: WebAuth) -> dict[str, str]:
    """The headers of a request. What only a trusted proxy may say is dropped from elsewhere.

    Repeated headers are joined. Refused if a trusted proxy names two users.
    """
    found: dict[str, str] = {}
    user = auth.user_header.lower()
    trusted = is_trusted(peer, auth.trusted_networks) and "proxy" in auth.methods
    for raw, value in pairs:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        if name == user:
            if not trusted:
                continue
            if name in found:
                raise Refused(400, f"The request has {auth.user_header} twice.")
            text = _utf8(text)
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


def client_of(peer: str, forwarded: str, networks: Sequence[str]) -> str:
    """The network address of the caller: of a trusted proxy, the last one in X-Forwarded-For that is not a proxy's.

    >>> client_of("10.0.0.1", "6.6.6.6, 192.0.2.7, 10.0.0.2", ["10.0.0.0/24"])
    '192.0.2.7'
    >>> client_of("192.0.2.9", "6.6.6.6", ["10.0.0.0/24"])
    '192.0.2.9'
    """
    if not is_trusted(peer, networks):
        return peer
    for text in reversed(forwarded.split(",")):
        address = text.strip().strip("[]")
        try:
            ip_address(address)
        except ValueError:
            return peer
        if not is_trusted(address, networks):
            return address
    return peer


def is_trusted(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of some networks."""
    return any(_within(address, network) for network in networks)


@lru_cache(maxsize=1024)
def _within(address: str, network: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found) in ip_network(network)
