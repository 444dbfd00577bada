"""Clients that are slow on purpose: they end by a deadline, and others are answered meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import pytest
import uvicorn

from feeds.storage.database import Database
from notifier.config import Config
from notifier.web.connections import TimedConnection
from notifier.web.server import settings, site_of

ASKED = b"GET /-/style.css HTTP/1.1\r\nHost: 127.0.0.1\r\n"


class Quick(TimedConnection):
    """A connection whose deadlines a test can wait for."""

    request_seconds = 1.0
    reading_seconds = 0.5
    most = 220


@contextmanager
def listening(database: Database, connection: type[TimedConnection] = Quick) -> Iterator[int]:
    """The port of a server in this process."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=1024)) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # connections have it from here
        port = made.getsockname()[1]
        site = site_of(database, Config(), address=f"127.0.0.1:{port}")
        server = uvicorn.Server(settings(site, connection))
        running = threading.Thread(target=server.run, kwargs={"sockets": [made]})
        running.start()
        try:
            yield port
        finally:
            server.should_exit = True
            running.join(30)


@pytest.fixture
def port(sqlite_database: Database) -> Iterator[int]:
    with listening(sqlite_database) as found:
        yield found


def opened(stack: ExitStack, port: int, said: bytes) -> socket.socket:
    """A connection on which something was said."""
    made = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=20)))
    made.sendall(said)
    return made


def status(port: int) -> bytes:
    """The first line of the answer to a request as it should be."""
    with ExitStack() as stack:
        made = opened(stack, port, ASKED + b"Connection: close\r\n\r\n")
        return made.makefile("rb").readline()


def ended(one: socket.socket, within: float = 20) -> bool:
    """Whether the server ends a connection in time, whatever it sends until then."""
    one.settimeout(within)
    try:
        while one.recv(1 << 16):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def test_two_hundred_clients_that_never_finish_a_request_end_and_another_is_answered(port: int) -> None:
    with ExitStack() as stack:
        slow = [opened(stack, port, ASKED if n % 2 else b"") for n in range(200)]
        assert status(port) == b"HTTP/1.1 200 OK\r\n"
        assert all(ended(one) for one in slow)
        assert status(port) == b"HTTP/1.1 200 OK\r\n"


def dribbled(one: socket.socket, text: bytes, every: float = 0.1) -> bool:
    """Whether the server ends a connection on which a byte comes now and then."""
    began = time.monotonic()
    one.settimeout(60)
    while time.monotonic() - began < 60:  # it ends much sooner, but where the machine is busy
        try:
            one.sendall(text)
        except ConnectionError:
            return True
        time.sleep(every)
    return False


SLOW = {
    "a header": ASKED + b"X-Slow: ",
    "a body that nobody reads": ASKED + b"Content-Length: 1000000\r\n\r\n",
    "a second request": ASKED + b"\r\n" + ASKED + b"X-Slow: ",
}


def test_a_byte_now_and_then_prolongs_nothing(port: int) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(len(SLOW)) as threads:
        slow = [opened(stack, port, said) for said in SLOW.values()]
        assert dict(zip(SLOW, threads.map(lambda one: dribbled(one, b"x"), slow), strict=True)) == dict.fromkeys(
            SLOW, True
        )


def test_a_client_that_does_not_read_its_answers_ends(port: int) -> None:
    with ExitStack() as stack:
        made = opened(stack, port, b"")
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.settimeout(0.2)
        try:
            for _ in range(5000):
                made.sendall(ASKED + b"\r\n")
        except TimeoutError:
            pass  # the server does not read on until its answers are read
        except ConnectionError:
            return
        made.settimeout(20)
        assert dribbled(made, b"x")


def test_a_client_that_is_refused_and_does_not_read_that_ends(sqlite_database: Database) -> None:
    over = threading.Event()

    class Watched(Quick):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            over.set()

    with listening(sqlite_database, Watched) as port, closing(socket.socket()) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.connect(("127.0.0.1", port))
        made.sendall(ASKED + b"\r\n")  # the answer is longer than what the buffers take
        assert made.recv(1) == b"H"
        made.sendall(b"this is no request\r\n\r\n")
        assert over.wait(20)


def test_a_client_that_reads_slowly_gets_its_answer(port: int) -> None:
    with ExitStack() as stack:
        made = opened(stack, port, b"")
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        made.sendall((ASKED + b"\r\n") * 40 + ASKED + b"Connection: close\r\n\r\n")
        began, got = time.monotonic(), b""
        while some := made.recv(16384):
            got += some
            time.sleep(0.02)
        assert time.monotonic() - began > Quick.reading_seconds
        assert got.count(b"HTTP/1.1 200 OK\r\n") == 41


class Patient(TimedConnection):
    """A connection without hurry, of which there may be few."""

    request_seconds = 60.0
    most = 20


def test_one_connection_too_many_ends_the_one_that_waits_longest(sqlite_database: Database) -> None:
    with listening(sqlite_database, Patient) as port, ExitStack() as stack:
        waiting = [opened(stack, port, ASKED) for _ in range(20)]
        assert status(port) == b"HTTP/1.1 200 OK\r\n"
        assert ended(waiting[0])
        assert not ended(waiting[1], 0.2)
        waiting[19].sendall(b"\r\n")
        assert waiting[19].recv(100).startswith(b"HTTP/1.1 200 OK")
