"""Hosts that report themselves: pushes over HTTP, beside the floor in the same run.

    push.py [--database sqlite|postgresql] [--pushes N] [--connections N] [--processes N] [--again]

Each host pushes what the probe prints, over connections that stay open. The floor is a bare Starlette handler under the
same server that puts the content into a table, one insert a group of 50 ms. With --again every host reports itself a
second time, with the same content. With several processes they share the database, and the connections part among them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scale import databases

from feeds.storage.database import Database
from notifier.domain.access import Actor, TokenScope
from notifier.services.people.tokens import NewToken, add_token

_RATIO = 8.0
"""The most times that the floor may be faster."""
_P99 = 2.0
"""The most seconds that 99 of 100 pushes may take."""


@dataclass(frozen=True)
class Load:
    """What came back of a load."""

    statuses: dict[int, int]
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Pushes a second."""
        return len(self.latencies) / self.seconds

    @property
    def p99(self) -> float:
        """The seconds in which 99 of 100 were answered."""
        return sorted(self.latencies)[int(len(self.latencies) * 0.99) - 1]

    def __str__(self) -> str:
        middle = sorted(self.latencies)[len(self.latencies) // 2]
        said = ", ".join(f"{n} x {status}" for status, n in sorted(self.statuses.items()))
        return f"{self.rate:7.0f}/s  median {middle * 1000:.0f} ms  p99 {self.p99 * 1000:.0f} ms  ({said})"


def content(number: int) -> bytes:
    """What the probe prints on a host."""
    version = f"29.{number % 7}.{number % 3}"
    server = {
        "Platform": {"Name": "Docker Engine - Community"},
        "Version": version,
        "ApiVersion": "1.52",
        "Components": [{"Name": "Engine", "Version": version}, {"Name": "runc", "Version": "1.3.0"}],
    }
    engine = {"Client": {"Version": version}, "Server": server}
    parts = {
        "begin": f"host-{number:06}",
        "os-release": 'ID=debian\nVERSION_ID="12"',
        "dpkg": f"docker-ce\t5:{version}-1~debian.12~bookworm\tinstall ok installed\n"
        f"docker-ce-cli\t5:{version}-1~debian.12~bookworm\tinstall ok installed\n"
        "containerd.io\t1.7.27-1\tinstall ok installed",
        "program": f"Docker version {version}, build 1234567",
        "docker": json.dumps(engine),
        "end": "",
    }
    return "".join(f"\n=== navtex probe: {name} ===\n{text}\n" for name, text in parts.items()).encode()


def load(ports: Sequence[int], bodies: Sequence[bytes], secret: str, connections: int) -> Load:
    """Send every body, each connection one after the other."""
    return asyncio.run(_load(ports, iter(bodies), secret, connections))


async def _load(ports: Sequence[int], bodies: Iterator[bytes], secret: str, connections: int) -> Load:
    statuses: dict[int, int] = {}
    latencies: list[float] = []

    async def one(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        front = (
            f"POST /api/v1/inventory HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {secret}\r\n"
            "Content-Type: text/plain\r\nContent-Length: "
        ).encode()
        for body in bodies:
            began = time.perf_counter()
            writer.write(front + b"%d\r\n\r\n" % len(body) + body)
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(size)
            latencies.append(time.perf_counter() - began)
            status = int(head[9:12])
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(ports[n % len(ports)]) for n in range(connections)))
    return Load(statuses, time.perf_counter() - began, latencies)


@contextmanager
def serving(arguments: Iterable[str], port: int, environment: dict[str, str]) -> Iterator[int]:
    """A server process that listens; its port."""
    process = subprocess.Popen(
        [sys.executable, *arguments], env={**os.environ, **environment}, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"the server ended with status {process.returncode}") from None
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Floor:
    """Puts contents into a table, one insert a group."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._waiting: list[tuple[str, asyncio.Future[None], asyncio.AbstractEventLoop]] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def put(self, text: str) -> asyncio.Future[None]:
        """Let a content wait for its group."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._changed:
            self._waiting.append((text, future, loop))
            self._changed.notify()
        return future

    def _run(self) -> None:
        connection = sqlite3.connect(self._path)
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE post (text TEXT)")
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
            time.sleep(0.05)
            with self._changed:
                group, self._waiting = self._waiting[:500], self._waiting[500:]
            with connection:
                connection.executemany("INSERT INTO post VALUES (?)", [(text,) for text, _, _ in group])
            for _, future, loop in group:
                loop.call_soon_threadsafe(future.set_result, None)


def serve_floor(port: int, path: str) -> None:
    """Serve the floor."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    floor = Floor(path)

    async def handler(request: Request) -> Response:
        await floor.put((await request.body()).decode())
        return Response(b'{"hosts":1}', media_type="application/json")

    app = Starlette(routes=[Route("/api/v1/inventory", handler, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False, loop="asyncio", http="h11")


def navtex(stack: ExitStack, database: Database, folder: str, processes: int) -> list[int]:
    """Processes of `navtex serve` over a database; their ports."""
    url = database.url.set(drivername=database.url.get_backend_name()).render_as_string(hide_password=False)
    environment = {"NAVTEX_DATABASE_URL": url, "HOME": folder, "XDG_CONFIG_HOME": folder}
    ports = [free_port() for _ in range(processes)]
    for port in ports:
        arguments = ["-m", "notifier.cli", "serve", "--listen", f"127.0.0.1:{port}"]
        stack.enter_context(serving(arguments, port, environment))
    return ports


def _spent() -> float:
    """The seconds of processor time of the servers that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(database: Database, folder: str, options: argparse.Namespace) -> list[Load]:
    """The loads: the floor, Navtex, and Navtex again with the same contents. Prints the processor time of a push."""
    wanted = NewToken("bench", frozenset({TokenScope.PUSH}))
    secret = add_token(database, Actor("bench"), datetime.now(UTC), wanted, None).secret
    bodies = [content(n) for n in range(options.pushes)]

    def send(ports: Sequence[int]) -> Load:
        return load(ports, bodies, secret, options.connections)

    port = free_port()
    with serving([__file__, "--floor", str(port), f"{folder}/floor.db"], port, {}):
        loads = [send([port])]
    floor = _spent()
    with ExitStack() as stack:
        ports = navtex(stack, database, folder, options.processes)
        loads += [send(ports) for _ in range(2 if options.again else 1)]
    each = (_spent() - floor) / (len(loads) - 1)
    each, floor = (1000 * seconds / options.pushes for seconds in (each, floor))
    print(f"processor time of a push: {each:.2f} ms, floor {floor:.2f} ms")
    return loads


def main() -> int:
    """Print the loads; 1 if a push failed or a limit is exceeded."""
    if sys.argv[1:2] == ["--floor"]:
        serve_floor(int(sys.argv[2]), sys.argv[3])
        return 0
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    for name, default in (("--pushes", 20_000), ("--connections", 64), ("--processes", 1)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, databases(options.database) as fresh:
        database = fresh()
        floor, *loads = measured(database, folder, options)
        hosts: Any = _hosts(database)
        database.close()
    print(f"floor              {floor}")
    for name, one in zip(("new hosts", "the same again"), loads, strict=False):
        print(f"{name:<18} {one}  {floor.rate / one.rate:.1f} times the floor's time")
    failed = [s for one in loads for s in one.statuses if s != 200]
    slow = [one for one in loads if floor.rate / one.rate > _RATIO or one.p99 > _P99]
    print(f"{hosts} hosts of {options.pushes} are in the inventory")
    return int(bool(failed or slow) or hosts != options.pushes)


def _hosts(database: Database) -> int:
    from notifier.storage import inventory

    with database.connect() as connection:
        return inventory.count(connection)


if __name__ == "__main__":
    sys.exit(main())
