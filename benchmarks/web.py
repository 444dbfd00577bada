"""The page: its start beside a bare Starlette application, its answer beside the service's, and its memory.

    web.py [--database sqlite|postgresql]... [--hosts N] [--requests N]

The bare application has the same imports and the same server. The exposure page is asked for through the whole
application, with a session, as a browser does; its floor is the call of the service from which it is rendered.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import fleet
import msgspec
from measure import Ratio, compare
from scale import databases, publish, rematch, settled, take

from feeds.storage.database import Database
from notifier.config import Config
from notifier.domain.access import Actor, Role, TokenScope
from notifier.services.findings.exposure import ExposureQuery, assessed
from notifier.services.findings.overview import RowPart, overview
from notifier.services.people.accounts import add_user
from notifier.services.people.sessions import SignedIn, sign_in_elsewhere
from notifier.services.people.tokens import NewToken, add_token
from notifier.web.app import application
from notifier.web.security_headers import Guard
from notifier.web.server import site_of


class Occupied(Ratio):
    """Memory beside memory, in MiB instead of seconds."""

    def __str__(self) -> str:
        mark = "ok  " if self.held else "OVER"
        return (
            f"{mark}  {self.name}: {self.ratio:.2f} times that after a fifth of them (at most {self.limit:g});"
            f" {self.seconds:.0f} MiB against {self.floor:.0f} MiB"
        )


_ME = Actor("benchmark")
_AT = fleet.AT + timedelta(hours=1)
_BARE = """
import socket, sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
import notifier.cli.serve, notifier.web.server, notifier.services.installation.databases
async def live(request): return PlainTextResponse("live")
made = socket.socket(); made.bind(("127.0.0.1", int(sys.argv[1]))); made.listen(100)
app = Starlette(routes=[Route("/-/live", live)])
uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, http="h11", ws="none")).run(sockets=[made])
"""


def free_port() -> int:
    """A port that nothing listens on."""
    with closing(socket.socket()) as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, environment: dict[str, str] | None = None) -> Iterator[int]:
    """A server that answers, as long as the block lasts; its process id."""
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{command} does not answer")
            time.sleep(0.005)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def answers(port: int) -> bool:
    """Whether a server answers on a port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/-/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def start(folder: Path) -> Ratio:
    """How long it takes until the server answers."""
    url = f"sqlite:///{folder / 'start.db'}"
    made = Database(url)
    made.upgrade()
    made.close()

    def ours() -> None:
        port = free_port()
        command = [sys.executable, "-m", "notifier.cli", "serve", "--listen", f"127.0.0.1:{port}"]
        with running(command, port, {"NAVTEX_DATABASE_URL": url}):
            pass

    def bare() -> None:
        port = free_port()
        with running([sys.executable, "-c", _BARE, str(port)], port):
            pass

    return compare("start of navtex serve", ours, bare, limit=1.5)


def filled(made: Database, hosts: int) -> Database:
    """A database with that many hosts and a hundred advisories, and an administrator."""
    take(made, list(fleet.hosts(hosts)))
    publish(made, 0, 100)
    rematch(made)
    settled(made)
    add_user(made, _ME, _AT, "ada", Role.ADMIN)
    return made


def page(database: Database, name: str) -> Ratio:
    """The exposure page, beside the service."""
    web = msgspec.structs.replace(Config().web, url="https://navtex.example.org")
    site = site_of(database, msgspec.structs.replace(Config(), web=web))
    site.clock = lambda: _AT
    app = application(site)
    opened = sign_in_elsewhere(database, "ada", None, "", _AT)
    assert isinstance(opened, SignedIn)
    headers = [(b"host", b"navtex.example.org"), (b"cookie", f"__Host-navtex={opened.secret}".encode())]

    def service() -> None:
        with assessed(database, ExposureQuery(), _AT) as (connection, found):
            overview(connection, found, RowPart())

    return compare(
        f"exposure page, {name} and 100 advisories, beside the service",
        lambda: asyncio.run(answered(app, headers)),
        service,
        limit=1.5,
    )


def of_page(kind: str, hosts: int) -> Ratio:
    """The exposure page of a fresh database."""
    with databases(kind) as fresh:
        database = filled(fresh(), hosts)
        try:
            return page(database, f"{kind}, {hosts:,} hosts")
        finally:
            database.close()


async def answered(app: Guard, headers: list[tuple[bytes, bytes]]) -> None:
    """Ask for the page."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": headers,
        "client": ("192.0.2.1", 1),
        "server": ("127.0.0.1", 8420),
        "scheme": "http",
        "root_path": "",
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200, sent[0]["status"]


def memory(folder: Path, requests: int) -> Ratio:
    """What the server occupies after all requests, beside what it did after a fifth of them, in MB."""
    database = Database(f"sqlite:///{folder / '300.db'}")
    database.upgrade()
    filled(database, 300)
    wanted = NewToken("benchmark", frozenset({TokenScope.READ}))
    secret = add_token(database, _ME, _now(), wanted, None).secret
    database.close()
    port = free_port()
    command = [sys.executable, "-m", "notifier.cli", "serve", "--listen", f"127.0.0.1:{port}"]
    # what takes long to compute is asked for now and then
    paths = ["/hosts", "/sources", "/login", "/nothing", "/api/v1/hosts?limit=50", "/-/style.css"] * 20 + ["/", "/plan"]
    held = []
    with running(command, port, {"NAVTEX_DATABASE_URL": f"sqlite:///{folder / '300.db'}"}) as number:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        began = time.perf_counter()
        for n in range(requests):
            connection.request("GET", paths[n % len(paths)], headers={"authorization": f"Bearer {secret}"})
            reply = connection.getresponse()
            reply.read()
            assert reply.status in (200, 303, 404), (paths[n % len(paths)], reply.status)
            if n >= requests // 5 and n % (requests // 50) == 0:
                held.append(resident(number))
        print(f"      {requests / (time.perf_counter() - began):.0f} requests a second over one connection")
    few = len(held) // 4
    first, last = statistics.median(held[:few]), statistics.median(held[-few:])
    return Occupied("memory after all requests", last / 1024, first / 1024, last / first, 1.1)


def resident(number: int) -> int:
    """KiB that a process occupies."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{number}/status").read_text(encoding="utf-8"))
    assert found is not None
    return int(found[1])


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """Measure, and exit with 1 when a limit does not hold."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--hosts", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = []
        for measure in (
            partial(start, folder),
            *(partial(of_page, kind, asked.hosts) for kind in asked.database or ["sqlite", "postgresql"]),
            partial(memory, folder, asked.requests),
        ):
            found.append(measure())
            print(found[-1], flush=True)
    sys.exit(0 if all(r.held for r in found) else 1)


if __name__ == "__main__":
    main()
