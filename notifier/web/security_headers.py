"""Around the application: only the server's own hosts are answered for, and every answer has the security headers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.web.origins import hostname

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer, browsers send `Origin: null` with forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
PRIVATE = "no-store"
"""What Cache-Control says where a handler says nothing."""
_MORE = tuple((n.encode(), v.encode()) for n, v in {**HEADERS, "cache-control": PRIVATE}.items())
_ANY_HOST = frozenset({"/-/live", "/-/ready"})
"""What is answered under any name: probes call a server by its address."""


_SECRET = re.compile(r"^/+(c|u|f|setup)/+.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that was answered, without its query, and without the secrets that stand in some addresses."""

    method: str
    path: str
    status: int
    seconds: float
    client: str


class Guard:
    """An ASGI application around another. `told` hears of every answer."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], told: Callable[[Answered], None] = lambda _: None) -> None:
        self.app, self.hosts, self.told = app, frozenset(hosts), told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        began = time.monotonic()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _completed(message.get("headers", ()))
                self.told(_answered(scope, message["status"], time.monotonic() - began))
            await send(message)

        named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if scope["path"] not in _ANY_HOST and (len(named) != 1 or hostname(named[0]) not in self.hosts):
            await _wrong_host(with_headers)
            return
        await self.app(scope, receive, with_headers)


def _answered(scope: Scope, status: int, seconds: float) -> Answered:
    path = _SECRET.sub(r"/\1/...", scope["path"])
    return Answered(scope["method"], path, status, seconds, scope["client"][0] if scope["client"] else "")


def _completed(headers: Collection[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in headers}
    return [*headers, *(pair for pair in _MORE if pair[0] not in present)]


async def _wrong_host(send: Send) -> None:
    body = b"This server does not answer for this host name. Add it to [web] allowed_hosts, or set [web] url.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": body})
