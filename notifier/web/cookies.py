"""The cookies of a session, and of signing in at an identity provider."""

from __future__ import annotations

from notifier.services.people.sessions import LONGEST
from notifier.web.handler_values import Call

Header = tuple[str, str]


def session_of(call: Call) -> str:
    """The secret of the session in the cookie; "" if there is none."""
    return cookie(call, _name(call))


def session_cookie(call: Call, secret: str) -> Header:
    """The header that gives a browser its session."""
    return set_cookie(call, _name(call), secret, int(LONGEST.total_seconds()))


def no_session(call: Call) -> Header:
    """The header that takes it away."""
    return set_cookie(call, _name(call), "", 0)


def cookie(call: Call, name: str) -> str:
    """The value of a cookie; "" if it is missing, or there twice: then a stranger may have set one of them."""
    found = [
        value
        for pair in call.headers.get("cookie", "").replace(", ", "; ").split(";")
        for key, equals, value in [pair.strip().partition("=")]
        if equals and key == name
    ]
    return found[0] if len(found) == 1 else ""


def set_cookie(call: Call, name: str, value: str, seconds: int) -> Header:
    """A header that sets a cookie for this host alone, which no script can read."""
    secure = "; Secure" if call.secure else ""
    return "set-cookie", f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def own_name(call: Call, name: str) -> str:
    """The name of a cookie: browsers keep one that begins with __Host- only if it is Secure and of this host."""
    return f"__Host-{name}" if call.secure else name


def _name(call: Call) -> str:
    return own_name(call, "navtex")
