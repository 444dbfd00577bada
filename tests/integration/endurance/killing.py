"""`kill -9` of `navtex run` at random moments, and what must hold after it: `killing.py [KILLS]`.

Each run has something new to tell: a host came. It goes by mail to three recipients and to two JSON
webhooks. Half of the kills come at any moment of a run, half while messages arrive. At the end a run
is let through, and then everything must have arrived, and no copy may differ from the first.
"""

from __future__ import annotations

import email
import email.policy
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import sqlalchemy as sa

from feeds.mirror.server import Mirror
from feeds.sources.all_sources import SOURCES
from feeds.storage.database import Database, metadata
from notifier.storage import delivery_log, inventory, tables
from tests.conftest import DEMO, Mailbox, Program, fresh_postgres, listening, program, running_postgres
from tests.support.samples import install, subscribe

_POLLED = "moby-advisories"


@dataclass
class Targets:
    """What arrived: the bytes of every copy, by target and digest. `arrival` is told of each."""

    copies: dict[tuple[str, str], list[bytes]] = field(default_factory=lambda: defaultdict(list))
    ids: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    count: int = 0
    came: threading.Condition = field(default_factory=threading.Condition)

    def take(self, target: str, key: str, name: str, content: bytes) -> None:
        """One message has arrived."""
        with self.came:
            self.copies[target, key].append(content)
            self.ids[target, key].add(name)
            self.count += 1
            self.came.notify_all()


class _Box(Mailbox):
    def __init__(self, targets: Targets) -> None:
        super().__init__()
        self.targets = targets

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        (to,) = envelope.rcpt_tos
        self.targets.take(to, str(mail["X-Navtex-Digest"]), str(mail["Message-ID"]), envelope.content)
        return "250 taken"


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that are killed are what this is about."""


@contextmanager
def _hook(targets: Targets) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # its sender was killed in the middle of it: to a server that is not a request
            key = self.headers["Idempotency-Key"]
            targets.take(self.path, key, key, body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Say nothing."""

    server = _Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"json://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Killing:
    """A fleet, its targets, and the program that is killed."""

    database: Database
    navtex: Program
    targets: Targets
    chance: random.Random
    hosts: int = 0
    seconds: float = 2.0

    def host_comes(self) -> None:
        """Something new to tell: a host with a version of its own, so that a digest names it."""
        self.hosts += 1
        install(self.database, datetime.now(UTC), **{f"host_{self.hosts:04d}": f"20.10.{self.hosts}"})

    def start(self) -> subprocess.Popen[bytes]:
        """`navtex run`."""
        command = [sys.executable, "-m", "notifier.cli", "run"]
        return subprocess.Popen(
            command,
            env=self.navtex.environment,
            cwd=self.navtex.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def through(self) -> None:
        """A run that nobody kills; it must succeed."""
        began = time.monotonic()
        process = self.start()
        status = process.wait(timeout=120)
        assert status == 0, f"navtex run: {status}"
        self.seconds = time.monotonic() - began

    def killed(self, while_delivering: bool) -> bool:
        """A run that is killed at a random moment; whether it was still there."""
        before = self.targets.count
        process = self.start()
        if while_delivering:
            wanted = before + self.chance.randint(1, 6)
            with self.targets.came:
                while self.targets.count < wanted and process.poll() is None:
                    self.targets.came.wait(0.05)
            time.sleep(self.chance.random() * 0.004)
        else:
            time.sleep(self.chance.random() * self.seconds)
        there = process.poll() is None
        process.kill()
        process.wait()
        return there

    def check(self) -> dict[str, int]:
        """What must hold in the end; a few numbers come back."""
        with self.database.connect() as connection:
            entries = delivery_log.entries(connection)
            assert {e.state.value for e in entries} == {"sent"}
            rows = {(e.target.recipient or e.target.address.partition("?")[0][-2:], e.key) for e in entries}
            arrived = self.targets.copies.keys()
            assert {(t, k) for t, k in arrived} == rows, "what the outbox has and what arrived differ"
            interrupted = sum(a.outcome.value == "interrupted" for e in entries for a in e.log)
            told = connection.execute(sa.select(sa.func.count()).select_from(tables.told)).scalar_one()
            assert told
            assert inventory.count(connection) == self.hosts
        for (target, key), copies in self.targets.copies.items():
            assert len(set(copies)) == 1, f"{target} got different copies of {key}: {[len(c) for c in copies]} bytes"
        assert all(len(ids) == 1 for ids in self.targets.ids.values())
        for target in {t for t, _ in arrived}:
            text = b"".join(c[0] for (t, _), c in self.targets.copies.items() if t == target)
            missing = [
                n for n in range(1, self.hosts + 1) if f"host-{n:04d}".encode() not in text.replace(b"=\r\n", b"")
            ]
            assert not missing, f"{target} never heard of {missing}"
        self.sound()
        counts = [len(c) for c in self.targets.copies.values()]
        return {"messages": len(counts), "repeats": sum(counts) - len(counts), "interrupted": interrupted}

    def sound(self) -> None:
        """The database passes its own integrity check."""
        if self.database.sqlite:
            with self.database.connect() as connection:
                assert connection.execute(sa.text("PRAGMA integrity_check")).scalars().all() == ["ok"]
                assert not connection.execute(sa.text("PRAGMA foreign_key_check")).all()
            return
        with self.database.begin() as connection:
            connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS amcheck"))
            # every index against its table, row by row
            trees = "SELECT c.oid FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree'"
            found = connection.execute(sa.text(f"{trees} AND c.relkind = 'i'")).scalars().all()
            for tree in found:
                connection.execute(sa.text("SELECT bt_index_check(:tree, true)"), {"tree": tree})
            for name in metadata.tables:
                assert not connection.execute(sa.text("SELECT * FROM verify_heapam(:name)"), {"name": name}).all()


@contextmanager
def killing(database_url: str, home: Path, seed: int = 1) -> Iterator[Killing]:
    """A fleet of one host whose welcome was told."""
    home.mkdir(parents=True, exist_ok=True)
    config = home / "config.toml"
    config.write_text("\n".join(f"[sources.{s.name}]\nenabled = false" for s in SOURCES if s.name != _POLLED))
    targets = Targets()
    box = _Box(targets)
    with ExitStack() as stack:
        stack.enter_context(listening(box))
        hook = stack.enter_context(_hook(targets))
        mirror = stack.enter_context(Mirror(DEMO / "day-1"))
        database = Database(database_url)
        stack.callback(database.close)
        database.upgrade()
        navtex = program(home, NAVTEX_DATABASE_URL=database_url, NAVTEX_MIRROR=mirror.url, NAVTEX_CONFIG=str(config))
        found = Killing(database, navtex, targets, random.Random(seed))  # noqa: S311 - not for secrets
        subscribe(database, box.address("a@example.org", "b@example.org", "c@example.org"), f"{hook}/x", f"{hook}/y")
        found.host_comes()
        found.through()
        yield found


def kill(found: Killing, times: int) -> dict[str, int]:
    """Kill so many runs, let one through, and check."""
    hit = runs = 0
    while hit < times:
        found.host_comes()
        hit += found.killed(while_delivering=runs % 2 == 0)
        runs += 1
    found.host_comes()
    found.through()
    return {"kills": hit, **found.check()}


def main() -> None:
    """Both kinds of database."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        for kind in ("sqlite", "postgresql"):
            url = f"sqlite:///{folder}/navtex.db" if kind == "sqlite" else fresh_postgres(server)
            with killing(url, Path(folder, kind)) as found:
                print(kind, kill(found, times))  # noqa: T201 - a script


if __name__ == "__main__":
    main()
