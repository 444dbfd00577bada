"""Queueing digests for many subscriptions: the welcome, and then runs without news. Nothing is delivered.

Subscriptions share ten scopes, or with --teams each has hosts of its own. Beside each run, the floor: counting the
hosts of every subscription's scope, once each. With --workers, the same on PostgreSQL by so many workers with one job
each, beside one process. The processor time of all processes is told, too: it holds on a machine that does other work.

    subscriptions.py [--database sqlite|postgresql]... [--hosts N] [--subscriptions N] [--rounds N] [--teams]
                     [--workers N]...
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fleet
import sqlalchemy as sa
from measure import ROUNDS, Ratio, in_turn, quartiles, timed
from scale import databases, publish, settled

from feeds import storage
from feeds.sources.health import SourceHealth, SourceState
from feeds.storage.database import Database
from notifier.domain.components import Host
from notifier.domain.filters import Filters, Scope
from notifier.domain.jobs import JobState
from notifier.domain.subscriptions import Subscription
from notifier.services.pipeline.stages import queue_due
from notifier.services.sending.notifications import NotifyReport, queue_digests
from notifier.services.sending.queueing import match
from notifier.services.snapshot.settings import DEFAULTS
from notifier.storage import inventory, jobs, subscriptions, tables

SCOPES = (
    Scope(),
    Scope(tags={"env": "prod"}),
    Scope(tags={"env": "test"}),
    Scope(products=("engine",)),
    Scope(products=("containerd", "runc")),
    *(Scope(hosts=(f"host-*{n}",)) for n in range(5)),
)
_ADVISORIES = 100
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Size:
    """How many hosts and subscriptions, and whether each subscription has hosts of its own."""

    hosts: int
    subscriptions: int
    teams: bool = False

    def fleet(self) -> Iterator[Host]:
        """The hosts; those of a team have its tag."""
        for n, host in enumerate(fleet.hosts(self.hosts)):
            team = {"team": f"team-{n % self.subscriptions}"} if self.teams else {}
            yield replace(host, tags={**host.tags, **team})

    def scope(self, number: int) -> Scope:
        """The scope of a subscription."""
        return Scope(tags={"team": f"team-{number}"}) if self.teams else SCOPES[number % len(SCOPES)]

    def __str__(self) -> str:
        return f"{self.subscriptions} subscriptions{' with hosts of their own' * self.teams}, {self.hosts} hosts"


def filled(fresh: Callable[[], Database], size: Size) -> Database:
    """A database of a fleet, advisories that affect it, and subscriptions."""
    database = fresh()
    with database.begin() as connection:
        inventory.take(connection, size.fleet(), {}, fleet.AT)
    publish(database, 0, _ADVISORIES)
    with database.begin() as connection:
        state = SourceState("benchmark", SourceHealth.HEALTHY, last_attempt=fleet.AT, last_success=fleet.AT)
        storage.note(connection, state)
        for n in range(size.subscriptions):
            filters = Filters(scope=size.scope(n))
            one = Subscription(f"team-{n:05}", (f"file:///nowhere/{n}",), filters, fleet.AT)
            subscriptions.add(connection, one)
    settled(database)
    return database


def counted(database: Database) -> None:
    """The floor: the hosts of every subscription's scope by component, asked for each anew."""
    with database.connect() as connection:
        for one in subscriptions.every(connection):
            inventory.populations(connection, one.filters.scope)


def measured(kind: str, database: Database, rounds: int, size: Size) -> list[Ratio]:
    """The welcome and the runs without news, each beside the floor."""
    what = f"{kind}, {size}"
    floor = timed(lambda: counted(database))
    first: list[NotifyReport] = []
    seconds = timed(lambda: first.append(queue_digests(database, fleet.AT + _MINUTE)))
    if len(first[0].digests) != size.subscriptions or first[0].broken:
        sys.exit(f"{len(first[0].digests)} of {size.subscriptions} welcomes were made: {first[0].broken[:1]}")
    found = [quartiles(f"{what}: the welcome", [(seconds, floor)], math.inf)]

    def without_news(at: datetime) -> float:
        reports: list[NotifyReport] = []
        seconds = timed(lambda: reports.append(queue_digests(database, at)))
        if reports[0].digests or reports[0].broken:
            sys.exit(f"there was news, or trouble: {reports[0].broken[:1]}")
        return seconds

    pairs = [
        in_turn(n, lambda n=n: without_news(fleet.AT + (2 + n) * _MINUTE), lambda: timed(lambda: counted(database)))  # type: ignore[misc]
        for n in range(rounds)
    ]
    # below, a look costs as much as counting does
    limited = size.subscriptions >= 100 and size.hosts >= 20_000 and not size.teams
    return [*found, quartiles(f"{what}: a run without news", pairs, 1.0 if limited else math.inf)]


@contextmanager
def workers(database: Database, number: int, folder: Path) -> Iterator[list[int]]:
    """So many workers that make digests, one at a time each; their process numbers."""
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    environment = {**os.environ, "NAVTEX_DATABASE_URL": url, "HOME": str(folder)}
    command = [sys.executable, "-m", "notifier.cli", "worker", "--queues", "digest", "--jobs", "1"]
    with (folder / "workers.log").open("ab") as log:
        running = [subprocess.Popen(command, env=environment, stdout=log, stderr=log) for _ in range(number)]
    try:
        while _seen(database) < number:
            if any(one.poll() is not None for one in running):
                sys.exit((folder / "workers.log").read_text())
            time.sleep(0.1)
        yield [one.pid for one in running]
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait()


def _seen(database: Database) -> int:
    with database.connect() as connection:
        return len(jobs.workers(connection))


def by_workers(fresh: Callable[[], Database], number: int, size: Size) -> list[tuple[str, float, float]]:
    """The welcome and a run without news by workers: what, the seconds, and the processor seconds of the workers."""
    database = filled(fresh, size)
    match(database, datetime.now(UTC))
    found = []
    with tempfile.TemporaryDirectory() as folder, workers(database, number, Path(folder)) as running:
        for what in ("the welcome", "a run without news"):
            before = sum(map(_processor, running))
            seconds = timed(lambda: _round(database))
            found.append((what, seconds, sum(map(_processor, running)) - before))
    with database.connect() as connection:
        made = connection.execute(sa.select(sa.func.count()).select_from(tables.digest)).scalar()
        failed = jobs.counts(connection)[JobState.FAILED]
    database.close()
    if made != size.subscriptions or failed:
        sys.exit(f"{made} of {size.subscriptions} welcomes were made; {failed} jobs failed")
    return found


def _round(database: Database) -> None:
    """Let every subscription be looked at, and wait until it is done."""
    with database.begin() as connection:
        connection.execute(sa.update(tables.subscription).values(looked_at=None))
    queue_due(database, datetime.now(UTC), DEFAULTS)
    while True:
        with database.connect() as connection:
            if not jobs.waiting(connection, ["digest"]):
                return
        time.sleep(0.05)


def _processor(process: int) -> float:
    """The processor seconds of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _compared(alone: list[Ratio], number: int, parts: list[tuple[str, float, float]], size: Size) -> list[Ratio]:
    """What workers took, beside one process. One worker has a limit: what the queue and its batches cost."""
    found = []
    for ratio, (what, seconds, processor) in zip(alone, parts, strict=True):
        print(f"      {number} workers, {what}: {processor:.1f} s of processor time", flush=True)
        limit = 2.0 if number == 1 and size.subscriptions >= 100 else math.inf
        name = f"{size}, {number} workers: {what}, beside one process"
        found.append(quartiles(name, [(seconds, ratio.seconds)], limit))
    return found


def main() -> None:
    """Measure and print; exit with 1 where a limit does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--hosts", type=int, default=20_000)
    parser.add_argument("--subscriptions", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--teams", action="store_true", help="each subscription has hosts of its own")
    parser.add_argument("--workers", type=int, action="append", default=[], metavar="N", help="PostgreSQL only")
    asked = parser.parse_args()
    size = Size(asked.hosts, asked.subscriptions, asked.teams)
    held = True
    for kind in asked.database or ["sqlite", "postgresql"]:
        with databases(kind) as fresh:
            database = filled(fresh, size)
            before = time.process_time()
            alone = measured(kind, database, asked.rounds, size)
            print(f"      {kind}: {time.process_time() - before:.1f} s of this program's processor time", flush=True)
            database.close()
            found = list(alone)
            for number in asked.workers if kind == "postgresql" else ():
                found += _compared(alone, number, by_workers(fresh, number, size), size)
            for ratio in found:
                print(ratio, flush=True)
                held &= ratio.held
    print(f"peak of this program: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
