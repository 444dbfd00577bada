"""A client for the application of `navtex serve`, without a network: it sends exactly what a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from feeds.storage.database import Database
from notifier.config import Config
from notifier.web.app import application
from notifier.web.server import site_of
from notifier.web.shared_state import Site

NOW = datetime(2026, 6, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """The values of a header, joined; "" if it is missing."""
        return ", ".join(v for n, v in self.headers if n == name.lower())


@dataclass
class Browser:
    """Sends requests to an application, and keeps its cookies."""

    site: Site
    app: Any
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    client: str = "192.0.2.7"
    errors: list[BaseException] = field(default_factory=list)
    host: str = "navtex.example.org"
    now: datetime = NOW

    def get(self, path: str, **headers: str) -> Reply:
        """GET a path, which may have a query."""
        return self.send("GET", path, headers=headers)

    def post(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Reply:
        """POST a form as a page of this server does."""
        kind = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
        return self.send("POST", path, urlencode(form or {}).encode(), {**kind, **headers})

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """Send a request. Names of headers may be written with _ for -."""
        given = {"host": self.host, **self.headers, **(headers or {})}
        if self.cookies and "cookie" not in given:
            given["cookie"] = "; ".join(f"{n}={v}" for n, v in self.cookies.items())
        if body or method not in ("GET", "HEAD"):
            given.setdefault("content-length", str(len(body)))
        raw = [(n.replace("_", "-").lower().encode(), v.encode("latin-1")) for n, v in given.items()]
        return self.raw(method, path, [body], raw)

    def raw(self, method: str, path: str, body: Iterable[bytes], headers: list[tuple[bytes, bytes]]) -> Reply:
        """Send a request as it is."""
        self.site.clock = lambda: self.now
        reply = asyncio.run(_call(self.app, _scope(method, path, headers, self.client), list(body)))
        for name, value in reply.headers:
            if name == "set-cookie":
                cookie, _, rest = value.partition(";")
                key, _, text = cookie.partition("=")
                if "max-age=0" in rest.lower():
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = text
        return reply


def _scope(method: str, path: str, headers: list[tuple[bytes, bytes]], client: str) -> dict[str, Any]:
    place, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_to_bytes(place).decode("utf-8", "replace"),
        "raw_path": place.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": (client, 50000),
        "server": ("127.0.0.1", 8420),
    }


async def _call(app: Any, scope: dict[str, Any], body: list[bytes]) -> Reply:
    waiting = [
        {"type": "http.request", "body": part, "more_body": place + 1 < len(body)} for place, part in enumerate(body)
    ]
    sent: list[dict[str, Any]] = []
    idle = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await idle.wait()  # a connection that stays open
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(m for m in sent if m["type"] == "http.response.start")
    headers = [(n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in start["headers"]]
    content = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    return Reply(start["status"], headers, content)


@contextmanager
def browser(database: Database, config: Config | None = None, **settings: Any) -> Iterator[Browser]:
    """A browser in front of an application over a database. An error that no handler expects fails the test."""
    import msgspec

    config = config or Config()
    web = config.web
    if not web.url:
        web = msgspec.structs.replace(web, url="https://navtex.example.org", threads=2)
    site = site_of(database, msgspec.structs.replace(config, web=web), **settings)
    made = Browser(site, application(site))
    site.report = made.errors.append
    try:
        yield made
    finally:
        site.pool.shutdown()
    if made.errors:
        raise made.errors[0]
