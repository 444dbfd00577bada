"""A web server that misbehaves where a test says so, and elsewhere answers as a mirror does."""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from types import TracebackType
from typing import Self

from feeds.crawl.protocol import CrawlJob, FetchResult, Validators
from feeds.mirror.server import Mirror
from tests.support import forked

Behaviour = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Reply:
    """An answer: text and bytes as they are, anything else as JSON."""

    body: str | bytes | object = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        content = self.body if isinstance(self.body, str | bytes) else json.dumps(self.body)
        data = content.encode() if isinstance(content, str) else content
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        if self.status != 304:
            handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Take the question, and say nothing until the other side gives up."""
    handler.connection.recv(1)
    handler.close_connection = True


def hang_in_the_middle(handler: BaseHTTPRequestHandler) -> None:
    """Begin an answer, and never go on."""
    _begin(handler)
    hang(handler)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Answer with a byte now and then, until the other side gives up."""
    _begin(handler)
    while not select.select([handler.connection], [], [], 0.1)[0]:
        handler.wfile.write(b" ")
        handler.wfile.flush()
    handler.close_connection = True


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Begin an answer, and break the connection."""
    _begin(handler)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def end_early(handler: BaseHTTPRequestHandler) -> None:
    """Begin an answer, and end before it is whole."""
    _begin(handler)
    handler.close_connection = True


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Answer in chunks that do not end, until the other side gives up."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    _pour(handler, b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def endless_headers(handler: BaseHTTPRequestHandler) -> None:
    """Answer with headers that do not end, until the other side gives up."""
    handler.send_response(200)
    _pour(handler, b"X-Filler: " + b"x" * 1000 + b"\r\n")


def claim_too_much(handler: BaseHTTPRequestHandler) -> None:
    """Say that a body of ten gigabytes follows."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(10 << 30))
    handler.end_headers()
    _pour(handler, b" " * 0x10000)


def no_http(handler: BaseHTTPRequestHandler) -> None:
    """Answer in a language of one's own."""
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n" * 3)
    handler.close_connection = True


def _pour(handler: BaseHTTPRequestHandler, piece: bytes) -> None:
    with suppress(OSError):
        handler.flush_headers()
        while True:
            handler.wfile.write(piece)
    handler.close_connection = True


def _begin(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"[")
    handler.wfile.flush()


@dataclass(frozen=True)
class Asked:
    """A request that came in: its path, its headers by names in lower case, and when (monotonic)."""

    path: str
    headers: dict[str, str]
    at: float


class Unruly:
    """The server. A place that has replies gives them one after the other, the last one again and again.

    A place is a path with its query, a path without one, or a host ("www.docker.com").
    """

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror
        self.asked: list[Asked] = []
        self._replies: dict[str, list[Behaviour]] = {}
        self._came = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def over_tls(self, context: ssl.SSLContext) -> str:
        """Speak TLS from now on; where it listens comes back."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        return f"https://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, place: str, *replies: Behaviour) -> None:
        """Reply so from now on; none at all means as the mirror does."""
        self._replies[place] = list(replies)

    def to(self, place: str) -> list[Asked]:
        """What was asked of a place."""
        return [a for a in self.asked if place in _places(a.path)]

    def await_question(self, place: str) -> None:
        """Wait until something is asked of a place."""
        with self._came:
            assert self._came.wait_for(lambda: self.to(place), timeout=30), f"nobody asked {place}"

    def behaviour(self, path: str, headers: dict[str, str]) -> Behaviour:
        """What a request is to be answered with."""
        with self._came:
            self.asked.append(Asked(path, headers, monotonic()))
            self._came.notify_all()
            replies = next((r for place in _places(path) if (r := self._replies.get(place))), None)
            if replies:
                return replies.pop(0) if len(replies) > 1 else replies[0]
        at = self.mirror.find(path.partition("?")[0])
        return Reply(at.read_bytes()) if at else Reply("not here", 404)


def _places(path: str) -> tuple[str, str, str]:
    whole = path.removeprefix("/")
    plain = whole.partition("?")[0]
    return whole, plain, plain.partition("/")[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that gives up is what some tests are about."""


def _handler(unruly: Unruly) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            unruly.behaviour(self.path, headers)(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Say nothing: what was asked is kept in `asked`."""

    return Handler


def crawled(job: CrawlJob, **variables: str) -> dict[str, FetchResult]:
    """What a crawl brings, by address; it must come to its end."""
    with forked.crawl(**variables) as crawl:
        found = {outcome.url: outcome for outcome in crawl.run(job)}
    assert crawl.complete, crawl.problem
    return found


def remembered(outcomes: dict[str, FetchResult]) -> dict[str, Validators]:
    """What a poll would know of these documents the next time."""
    return {
        url: Validators(etag=o.etag, last_modified=o.last_modified, follow=o.follow)
        for url, o in outcomes.items()
        if o.result == "read"
    }
