"""Around the application: only the server's own hosts are answered for, and every answer has the security headers."""

from __future__ import annotations

from collections.abc import Collection

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
_ANY_HOST = frozenset({"/-/live", "/-/ready"})
"""What is answered under any name: probes call a server by its address."""


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app, self.hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _completed(message.get("headers", ()))
            await send(message)

        named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if scope["path"] not in _ANY_HOST and (len(named) != 1 or hostname(named[0]) not in self.hosts):
            await _wrong_host(with_headers)
            return
        await self.app(scope, receive, with_headers)


def _completed(headers: Collection[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in headers}
    more = {**HEADERS, "cache-control": PRIVATE}
    return [*headers, *((n.encode(), v.encode()) for n, v in more.items() if n.encode() not in present)]


async def _wrong_host(send: Send) -> None:
    body = b"This server does not answer for this host name. Add it to [web] allowed_hosts, or set [web] url.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": body})
