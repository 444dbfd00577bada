"""Servers of our own, on loopback, that answer as a test says and keep what they were asked."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What a server answers."""

    status: int = 200
    body: str = "ok"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


@dataclass
class Receiver:
    """An HTTP server. It gives the answers in turn; the last one stands."""

    answers: list[Answer] = field(default_factory=lambda: [Answer()])
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    """By names in lower case."""
    clients: set[Any] = field(default_factory=set)
    bodies: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """What each of them was answered."""
    url: str = ""
    tls: ssl.SSLContext | None = None
    """What it answers with to CONNECT, where it is a proxy that plays the servers behind it, too."""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """A handler that answers for this receiver."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def do_CONNECT(self) -> None:
                assert receiver.tls is not None
                receiver.paths.append(self.path)
                receiver.headers.append({n.lower(): v for n, v in self.headers.items()})
                self.send_response(200)
                self.end_headers()
                self.connection = receiver.tls.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                self.close_connection = False

            def finish(self) -> None:
                super().finish()
                self.connection.close()

            def _answer(self) -> None:
                receiver.clients.add(self.client_address)
                receiver.paths.append(self.path)
                receiver.headers.append({n.lower(): v for n, v in self.headers.items()})
                receiver.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
                answer = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                receiver.statuses.append(answer.status)
                body = answer.body.encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                """Say nothing."""

        return Handler


@contextmanager
def served(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve as long as the block lasts."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def over_http(*answers: Answer, tls: Path | None = None, proxy: Path | None = None) -> Iterator[Receiver]:
    """A receiver on a port: with a certificate over TLS, or as a proxy that has one for the servers behind it."""
    receiver = Receiver(list(answers) or [Answer()])
    server = _Quiet(("127.0.0.1", 0), receiver.handler())
    server.daemon_threads = True
    receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    if tls:
        server.socket = _context(tls).wrap_socket(server.socket, server_side=True)
    if proxy:
        receiver.tls = _context(proxy)
    with served(server):
        yield receiver


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that gives up is what some tests are about."""


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def hanging(says: bytes = b"", drips: bytes = b"") -> Iterator[int]:
    """The port of a server that takes a connection, says this and no more, or then something now and then."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []
        ended = threading.Event()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    held.append(connection)
                    connection.sendall(says)
                    while drips and not ended.wait(0.05):
                        connection.sendall(drips)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


@dataclass
class Routes:
    """A server that answers each path with its own JSON (404 where it has none), and keeps what it was asked."""

    answers: dict[str, Any]
    url: str = ""
    paths: list[str] = field(default_factory=list)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """A handler that answers for it. A version of Docker's API before the path does not count."""
        routes = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = re.sub(r"^/v1[.][0-9]+|[?].*", "", self.path)
                routes.paths.append(path)
                answer = routes.answers.get(path)
                said = (
                    answer if isinstance(answer, Answer) else Answer(404 if answer is None else 200, json.dumps(answer))
                )
                self.send_response(said.status)
                self.send_header("Api-Version", "1.50")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said.body.encode())))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(said.body.encode())

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                """Say nothing."""

        return Handler


@contextmanager
def over_routes(answers: dict[str, Any]) -> Iterator[Routes]:
    """A server on a port that answers by the path."""
    routes = Routes(answers)
    server = _Quiet(("127.0.0.1", 0), routes.handler())
    server.daemon_threads = True
    routes.url = f"tcp://127.0.0.1:{server.server_port}"
    with served(server):
        yield routes


@contextmanager
def over_tls(context: ssl.SSLContext, *answers: Answer) -> Iterator[Receiver]:
    """A receiver on a port that speaks TLS."""
    receiver = Receiver(list(answers) or [Answer()])
    server = _Quiet(("127.0.0.1", 0), receiver.handler())
    server.daemon_threads = True
    # a handshake in the thread that accepts would let one client hold up all
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver.url = f"https://127.0.0.1:{server.server_port}"
    with served(server):
        yield receiver


@contextmanager
def over_socket(path: Path, *answers: Answer) -> Iterator[Receiver]:
    """A receiver on a unix socket."""
    receiver = Receiver(list(answers) or [Answer()])
    server = socketserver.ThreadingUnixStreamServer(str(path), receiver.handler())
    server.daemon_threads = True
    receiver.url = f"unix://{path}"
    with served(server):
        yield receiver


class Script(socketserver.ThreadingTCPServer):
    """A mail server that takes one mail a connection, says `farewell` if there is one, and hangs up."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, farewell: bytes = b"", data_answer: bytes = b"250 taken") -> None:
        self.mails: list[bytes] = []
        self.connections = 0
        self.hung_up = threading.Semaphore(0)
        self.farewell = farewell
        self.data_answer = data_answer
        super().__init__(("127.0.0.1", 0), _Talk)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Talk(socketserver.StreamRequestHandler):
    server: Script

    def handle(self) -> None:
        self.server.connections += 1
        self._say(b"220 here")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self._say(b"354 go on")
                self.server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                self._say(self.server.data_answer)
                if self.server.farewell:
                    self._say(self.server.farewell)
                break
            self._say(b"221 bye" if verb == b"QUIT" else b"250 ok")
            if verb == b"QUIT":
                break

    def finish(self) -> None:
        super().finish()
        self.request.close()
        self.server.hung_up.release()

    def _say(self, text: bytes) -> Any:
        self.wfile.write(text + b"\r\n")
