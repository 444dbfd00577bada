"""Hosts that report themselves: pushes over HTTP, beside the floor in the same run.

    push.py [--database sqlite|postgresql] [--pushes N] [--connections N] [--processes N] [--rounds N]

Each host pushes what the probe prints, over connections that stay open; then every host reports itself a second time,
with the same content. The floor is a bare Starlette handler under the same server that puts the content into a table of
the same kind of database, one insert a group of 50 ms. Both servers run all the time; rounds of pushes go to
each in turn. With several processes they share the database, and the connections part among them.

Limits hold for the processor time of a push, which is the server's own (a server of PostgreSQL is not counted), for the
time of all pushes, and for the time in which 99 of 100 were answered, each as a ratio to the floor's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from measure import Ratio, in_turn, lower_quartile, quartiles
from scale import databases

from feeds.storage.database import Database
from notifier.domain.access import Actor, TokenScope
from notifier.services.people.tokens import NewToken, add_token

_CPU, _TIME, _P99 = 4.0, 4.0, 6.0
"""The most times of the floor's processor time, time and 99th percentile that pushes may take."""


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


@dataclass(frozen=True)
class Round:
    """One round of pushes to one side: what came back, and the milliseconds of processor time of a push."""

    load: Load
    cpu: float


def summary(name: str, rounds: Sequence[Round]) -> str:
    """The rounds of one side in a line."""
    statuses = Counter[int]()
    for one in rounds:
        statuses.update(one.load.statuses)
    latencies = sorted(t for one in rounds for t in one.load.latencies)
    said = ", ".join(f"{n} x {status}" for status, n in sorted(statuses.items()))
    rate = len(latencies) / sum(one.load.seconds for one in rounds)
    middle, most = (latencies[int(len(latencies) * part) - 1] * 1000 for part in (0.5, 0.99))
    cpu = lower_quartile([one.cpu for one in rounds])
    return f"{name:<15} {rate:5.0f}/s  median {middle:.0f} ms  p99 {most:.0f} ms  {cpu:.2f} ms CPU a push  ({said})"


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


class Served(NamedTuple):
    """A server process, and where it listens."""

    port: int
    pid: int

    @property
    def cpu(self) -> float:
        """The seconds of processor time that it has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(arguments: Iterable[str], port: int, environment: dict[str, str]) -> Iterator[Served]:
    """A server process that listens."""
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
        yield Served(port, process.pid)
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

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url)
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
        insert = self._inserter()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
            time.sleep(0.05)
            with self._changed:
                group, self._waiting = self._waiting[:500], self._waiting[500:]
            insert([(text,) for text, _, _ in group])
            for _, future, loop in group:
                loop.call_soon_threadsafe(future.set_result, None)

    def _inserter(self) -> Callable[[list[tuple[str]]], None]:
        """What inserts rows in a transaction, with nothing but the driver."""
        if self._url.get_backend_name() == "sqlite":
            file = sqlite3.connect(str(self._url.database))
            file.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE post (text TEXT)")

            def to_file(rows: list[tuple[str]]) -> None:
                with file:
                    file.executemany("INSERT INTO post VALUES (?)", rows)

            return to_file
        import psycopg

        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        server = psycopg.connect(address)
        server.execute("CREATE TABLE post (text TEXT)")
        server.commit()

        def to_server(rows: list[tuple[str]]) -> None:
            with server.cursor() as cursor:
                cursor.execute("INSERT INTO post SELECT unnest(%s::text[])", ([text for (text,) in rows],))
            server.commit()

        return to_server


def serve_floor(port: int, url: str) -> None:
    """Serve the floor."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    floor = Floor(url)

    async def handler(request: Request) -> Response:
        await floor.put((await request.body()).decode())
        return Response(b'{"hosts":1}', media_type="application/json")

    app = Starlette(routes=[Route("/api/v1/inventory", handler, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False, loop="asyncio", http="h11")


def address(database: Database) -> str:
    """The address of a database, with its password."""
    return database.url.set(drivername=database.url.get_backend_name()).render_as_string(hide_password=False)


def navtex(stack: ExitStack, database: Database, folder: str, processes: int) -> list[Served]:
    """Processes of `navtex serve` over a database."""
    environment = {"NAVTEX_DATABASE_URL": address(database), "HOME": folder, "XDG_CONFIG_HOME": folder}
    found = []
    for _ in range(processes):
        port = free_port()
        arguments = ["-m", "notifier.cli", "serve", "--listen", f"127.0.0.1:{port}"]
        found.append(stack.enter_context(serving(arguments, port, environment)))
    return found


def bare(stack: ExitStack, database: Database, folder: str) -> list[Served]:
    """The process of the floor over a database of its own."""
    url = f"sqlite:///{folder}/floor.db" if database.sqlite else address(database)
    port = free_port()
    return [stack.enter_context(serving([__file__, "--floor", str(port), url], port, {}))]


def measured(
    database: Database, folder: str, other: Database, options: argparse.Namespace
) -> list[tuple[list[Round], list[Round]]]:
    """The rounds of new hosts and of the same contents again, each beside the rounds of the floor."""
    wanted = NewToken("bench", frozenset({TokenScope.PUSH}))
    secret = add_token(database, Actor("bench"), datetime.now(UTC), wanted, None).secret
    size = options.pushes // options.rounds

    def send(servers: Sequence[Served], first: int) -> Round:
        bodies = [content(n) for n in range(first, first + size)]
        before = sum(one.cpu for one in servers)
        done = load([one.port for one in servers], bodies, secret, options.connections)
        return Round(done, 1000 * (sum(one.cpu for one in servers) - before) / size)

    found = []
    with ExitStack() as stack:
        floor = bare(stack, other, folder)
        ours = navtex(stack, database, folder, options.processes)
        send(floor, 10**6)  # what is loaded with the first request does not count
        send(ours, 0)
        for _ in ("new", "again"):
            pairs = [
                in_turn(n, lambda n=n: send(ours, n * size), lambda n=n: send(floor, n * size))  # type: ignore[misc]
                for n in range(1, options.rounds)
            ]
            found.append(([one for one, _ in pairs], [two for _, two in pairs]))
    return found


def ratios(name: str, ours: Sequence[Round], floor: Sequence[Round]) -> list[Ratio]:
    """What is limited."""
    each: tuple[tuple[str, float, Callable[[Round], float]], ...] = (
        ("processor time of a push", _CPU, lambda one: one.cpu / 1000),
        ("time of all pushes", _TIME, lambda one: one.load.seconds),
        ("99 of 100 answered", _P99, lambda one: one.load.p99),
    )
    return [
        quartiles(f"{name}: {what}", [(of(a), of(b)) for a, b in zip(ours, floor, strict=True)], limit)
        for what, limit, of in each
    ]


def main() -> int:
    """Print the rounds; 1 if a push failed or a limit is exceeded."""
    if sys.argv[1:2] == ["--floor"]:
        serve_floor(int(sys.argv[2]), sys.argv[3])
        return 0
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    for name, default in (("--pushes", 20_000), ("--connections", 64), ("--processes", 1), ("--rounds", 10)):
        parser.add_argument(name, type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, databases(options.database) as fresh:
        database, other = fresh(), fresh()
        found = measured(database, folder, other, options)
        hosts = _hosts(database)
        database.close()
        other.close()
    held = True
    for name, (ours, floor) in zip(("new hosts", "the same again"), found, strict=True):
        print(summary("floor", floor))
        print(summary(name, ours))
        for ratio in ratios(name, ours, floor):
            print(ratio)
            held &= ratio.held
        held &= {status for one in ours for status in one.load.statuses} == {200}
    wanted = options.pushes // options.rounds * options.rounds
    print(f"{hosts} hosts of {wanted} are in the inventory")
    return int(not held or hosts != wanted)


def _hosts(database: Database) -> int:
    from notifier.storage import inventory

    with database.connect() as connection:
        return inventory.count(connection)


if __name__ == "__main__":
    sys.exit(main())
