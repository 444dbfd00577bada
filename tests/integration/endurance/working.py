"""Workers that are killed, stopped and cut off from PostgreSQL, and what must hold after it.

    working.py [--subscriptions N] [--kills N] [--pauses N] [--seconds N]

Three workers serve every queue. Hosts come all the time, so that there is always something new to tell, by mail to a
real server. Workers are killed (-9) and started again, others are stopped for a time (SIGSTOP) and go on, and
PostgreSQL is stopped and started once. At the end everything must have arrived, no copy may differ from the first, no
job may be left at work, and no worker may have ended with 0.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import sqlalchemy as sa

from feeds.core.errors import DatabaseError
from feeds.storage.database import Database
from notifier.domain.components import Component, Host
from notifier.domain.jobs import JobState
from notifier.services.hosts.host_storing import ImportOptions, store
from notifier.services.upkeep import jobs
from notifier.services.upkeep.jobs import JobQuery
from notifier.storage import delivery_log, stage_statistics
from tests.conftest import ROOT, Program, fresh_postgres, listening, program, running_postgres
from tests.integration.endurance.killing import Targets, _Box
from tests.support.postgresql import restart
from tests.support.samples import publish, record, subscribe

WORKERS = 3


@dataclass
class Working:
    """A fleet, its subscribers, and the workers."""

    database: Database
    navtex: Program
    targets: Targets
    chance: random.Random
    log: Path
    names: list[str]
    """The recipients of mail."""
    hasty: bool = False
    """Whether dead workers are known after seconds instead of a minute."""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    """The exit statuses of workers that nobody killed."""
    killed: int = 0
    hosts: int = 0

    def host_comes(self) -> None:
        """Something new to tell everybody: a host with a version of its own."""
        self.hosts += 1
        try:
            store(
                self.database,
                [Host(f"host-{self.hosts:04d}", (Component("engine", f"20.10.{self.hosts}"),))],
                ImportOptions("hosts"),
                datetime.now(UTC),
            )
        except DatabaseError:
            self.hosts -= 1

    def start(self) -> subprocess.Popen[bytes]:
        """A worker that serves every queue."""
        with self.log.open("ab") as log:
            way = ("tests.support.hasty_worker",) if self.hasty else ("notifier.cli", "worker", "--log-level", "info")
            environment = {**self.navtex.environment, "PYTHONPATH": str(ROOT)}
            return subprocess.Popen(
                [sys.executable, "-m", *way], env=environment, cwd=self.navtex.home, stdout=log, stderr=log
            )

    def keep(self) -> None:
        """Start workers as a service manager does, where one is missing."""
        for worker in [w for w in self.workers if w.poll() is not None]:
            self.ended.append(worker.returncode)
            self.workers.remove(worker)
        while len(self.workers) < WORKERS:
            self.workers.append(self.start())

    def kill(self) -> None:
        """Kill a worker."""
        worker = self.workers.pop(self.chance.randrange(len(self.workers)))
        if worker.poll() is None:
            worker.kill()
            self.killed += 1
        else:
            self.ended.append(worker.returncode)
        worker.wait()

    def pause(self, seconds: float) -> None:
        """Stop a worker for a time; hosts go on to come."""
        worker = self.chance.choice(self.workers)
        worker.send_signal(signal.SIGSTOP)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.host_comes()
            time.sleep(min(5.0, max(0.0, end - time.monotonic())))
        worker.send_signal(signal.SIGCONT)

    def settled(self, seconds: float) -> float:
        """Wait until nothing waits and everybody was told of every host; how long that took."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            self.keep()
            if self._at_rest():
                return time.monotonic() - began
            time.sleep(0.5)
        left = jobs.list_jobs(self.database, JobQuery((JobState.WAITING, JobState.RUNNING))).jobs
        raise AssertionError(f"after {seconds:.0f} seconds there are {left}; see {self.log}")

    def _at_rest(self) -> bool:
        with self.database.connect() as connection:
            pending = {e.state.value for e in delivery_log.entries(connection)} - {"sent"}
            busy = {j.task for j in jobs.list_jobs(self.database, JobQuery((JobState.RUNNING,))).jobs}
        return not pending and not busy and not self.missing()

    def missing(self) -> list[str]:
        """The subscribers that have not heard of some host."""
        wanted = [f"host-{n:04d}".encode() for n in range(1, self.hosts + 1)]
        heard = dict.fromkeys(self.names, b"")
        with self.targets.came:
            for (target, _), copies in self.targets.copies.items():
                heard[target] += copies[0].replace(b"=\r\n", b"")
        return [target for target, text in heard.items() if any(w not in text for w in wanted)]

    def check(self) -> dict[str, int]:
        """What must hold in the end; a few numbers come back."""
        assert self.missing() == []
        for (target, key), copies in self.targets.copies.items():
            assert len(set(copies)) == 1, f"{target} got different copies of {key}"
        assert all(len(ids) == 1 for ids in self.targets.ids.values())
        with self.database.connect() as connection:
            rows = [(e.target.recipient, e.key) for e in delivery_log.entries(connection)]
            counted = {t.stage: t.runs for t in stage_statistics.tallies(connection)}
        assert sorted(rows) == sorted(self.targets.copies), "what the outbox has and what arrived differ"
        assert 0 not in self.ended, f"workers ended with {self.ended}"
        counts = [len(c) for c in self.targets.copies.values()]
        return {
            "kills": self.killed,
            "messages": len(counts),
            "repeats": sum(counts) - len(counts),
            "hosts": self.hosts,
            "ended": len(self.ended),
            "rescued": counted.get("rescued", 0),
            "superseded": counted.get("superseded", 0),
        }

    def end(self) -> list[int]:
        """Ask the workers to stop; their exit statuses."""
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.terminate()
        return [worker.wait(timeout=90) for worker in self.workers]


@contextmanager
def working(server: sa.URL, home: Path, subscriptions: int, *, hasty: bool = False) -> Iterator[Working]:
    """A fleet of one host, subscribers by mail, and workers."""
    targets = Targets()
    names = [f"team-{n:03}@example.org" for n in range(subscriptions)]
    box = _Box(targets)
    database_url = fresh_postgres(server)
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text('[worker]\npoll = "0 0 29 2 *"\n')
    database = Database(database_url)
    with listening(box):
        publish(database, record("CVE-2026-1", below="26.0.0"), at=datetime.now(UTC))
        for n in range(subscriptions):
            subscribe(database, box.address(names[n]), name=f"team-{n:03}")
        config = str(home / "config.toml")
        navtex = program(home, NAVTEX_DATABASE_URL=database_url, NAVTEX_CONFIG=config)
        chance = random.Random(1)  # noqa: S311 - not for secrets
        found = Working(database, navtex, targets, chance, home / "workers.log", names, hasty)
        try:
            found.host_comes()
            yield found
        finally:
            for worker in found.workers:
                worker.kill()
                worker.wait()
            database.close()


def trouble(found: Working, kills: int, pauses: int, seconds: float, *, database: bool) -> dict[str, float]:
    """Kill, pause and cut off workers, let them settle, and check what came of it."""
    found.settled(300)
    events = ["kill"] * kills + ["pause"] * pauses + ["database"] * database
    found.chance.shuffle(events)
    for event in events:
        found.host_comes()
        time.sleep(found.chance.random() * 3)
        if event == "kill":
            found.kill()
        elif event == "pause":
            found.pause(seconds)
        else:
            restart(found.database, 5.0)
        found.keep()
    found.host_comes()
    return {"settled": found.settled(600)}


def main() -> None:
    """The whole of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscriptions", type=int, default=300)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pauses", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=90.0)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_postgres("workers-") as server,
        working(server, Path(folder, "home"), asked.subscriptions) as found,
    ):
        numbers = trouble(found, asked.kills, asked.pauses, asked.seconds, database=True)
        print(found.check(), numbers)  # noqa: T201 - a script
        print("asked to stop:", found.end())  # noqa: T201


if __name__ == "__main__":
    main()
