"""How the page and the API are used: for metrics and `navtex doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from feeds.storage.database import Connection
from notifier.config import Config, listen_address
from notifier.schemas.doctor import CheckResult
from notifier.services.people.sessions import IDLE, LONGEST
from notifier.storage import accounts, api_tokens, audit_log

DAY = timedelta(days=1)
_MANY = 100
"""Failed sign-ins of a day after which they are reported."""
_SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class WebState:
    """Numbers of those who use the page and the API."""

    users: int
    sessions: int
    tokens: int
    """Tokens in force."""
    failures: int
    """Sign-ins that failed in the last day."""


def web_state(connection: Connection, now: datetime) -> WebState:
    """The numbers as of now."""
    return WebState(
        users=accounts.count(connection),
        sessions=accounts.open_sessions(connection, seen_after=now - IDLE, made_after=now - LONGEST),
        tokens=sum(t.expires_at > now for t in api_tokens.tokens(connection)),
        failures=audit_log.recent_failures(connection, now - DAY),
    )


def web_findings(connection: Connection, config: Config, now: datetime) -> Iterator[CheckResult]:
    """What `navtex doctor` says of the page. Nothing where it is not used."""
    state = web_state(connection, now)
    web = config.web
    if not state.users and not state.tokens and not web.url:
        return
    yield CheckResult.ok(f"the page has users: {state.users}, sessions: {state.sessions}, API tokens: {state.tokens}")
    if state.failures >= _MANY:
        yield CheckResult.note(
            f"{state.failures} sign-ins failed in the last day", "The page /audit shows the names and addresses"
        )
    if not _is_local(web.listen) and not web.url.startswith("https://"):
        yield CheckResult.note(
            f"`navtex serve` listens on {web.listen}, and `[web] url` names no https:// address",
            "Put a proxy with TLS in front, see `navtex help serve-behind-a-proxy`",
        )
    for token in api_tokens.tokens(connection):
        if now < token.expires_at <= now + _SOON:
            yield CheckResult.note(
                f"the token {token.key} ({token.name}) expires on {token.expires_at:%Y-%m-%d}",
                "Make a new one with `navtex token add`",
            )


def _is_local(listen: str) -> bool:
    host = listen_address(listen)[0]
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
