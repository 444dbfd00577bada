"""What a handler gets and gives back. Knows nothing of a web framework, so that handlers are tested with values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import msgspec

from feeds.core.text import json_text
from feeds.storage.database import Database
from notifier.config import Config
from notifier.domain.access import ANYBODY, Permission, Role, TokenScope, Viewer, Way

__all__ = [
    "ANYBODY",
    "Answer",
    "Call",
    "Permission",
    "Renderer",
    "Role",
    "Route",
    "TokenScope",
    "Viewer",
    "Way",
    "json",
    "page",
    "problem",
    "redirect",
]

HTML = "text/html; charset=utf-8"
JSON = "application/json"
PROBLEM = "application/problem+json"
TEXT = "text/plain; charset=utf-8"


class Renderer(Protocol):
    """Renders the templates of templates/web, see notifier/rendering/pages.py."""

    style: bytes
    icon: bytes

    def render(self, name: str, /, **values: Any) -> str:
        """The page `name` ("login.html") with these values."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose viewer is known and permitted."""

    database: Database
    config: Config
    now: datetime
    templates: Renderer
    viewer: Viewer = ANYBODY
    method: str = "GET"
    url: str = "/"
    """The path that was asked for, decoded, without its query."""
    path: Mapping[str, str] = field(default_factory=dict)
    """The parameters of the path."""
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    base: str = ""
    """The address under which people reach this server, without a slash at its end."""
    client: str = ""
    """The caller's network address."""
    forwarded: bool = False
    """Whether a proxy passed the call on."""
    secure: bool = True
    """Whether cookies are Secure."""
    setup: str = ""
    """The hash of the secret in the address that makes the first administrator; "" if there is none."""

    def asked(self, name: str, default: str = "") -> str:
        """The last value of a parameter of the query."""
        return self.query.get(name, (default,))[-1]

    def filled(self, name: str, default: str = "") -> str:
        """The last value of a field of the form."""
        return self.form.get(name, (default,))[-1]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. A body that is an iterator is sent while it is read, in the thread pool."""

    status: int = 200
    body: bytes | Iterator[bytes] = b""
    media_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()
    after: Callable[[], None] | None = None
    """What is done in the thread pool once the answer is sent, so that nobody waits for it."""


Answered = Answer | Future[Answer]
"""What a handler gives back. A Future frees its thread until somebody else has the answer (grouped commits)."""

LARGEST = 64 * 1024
"""Bytes that a body may have where a route says nothing else."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path and what answers there. Handlers are plain functions; they run in the thread pool."""

    path: str
    """As Starlette writes it: "/hosts/{name:path}"."""
    handler: Callable[[Call], Answered]
    methods: tuple[str, ...] = ("GET",)
    """GET brings HEAD along."""
    needs: Permission = Permission.READ
    name: str = ""
    limit: int = LARGEST
    """Bytes that the body may have."""
    token: TokenScope | None = None
    """What an API token must be for; None: what `needs` implies, see `notifier.web.permissions`."""
    csrf: bool = True
    """Whether an unsafe method must come from a page of this server. Only one-click unsubscribing goes without."""
    quick: bool = False
    """Whether the handler waits for nothing, and needs no thread: it hands on what the call holds."""


def page(html: str, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """A page."""
    return Answer(status, html.encode(), HTML, headers)


def redirect(to: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Send the browser to another page of this server, with GET."""
    return Answer(303, b"", TEXT, (("location", to), *headers))


def json(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """A JSON document."""
    return Answer(status, json_text(msgspec.to_builtins(value, str_keys=True)).encode(), JSON, headers)


def problem(
    status: int, title: str, detail: str = "", headers: tuple[tuple[str, str], ...] = (), **more: Any
) -> Answer:
    """An error by RFC 9457."""
    said = {"type": "about:blank", "title": title, "status": status, **({"detail": detail} if detail else {}), **more}
    return Answer(status, json_text(said).encode(), PROBLEM, headers)
