"""Queueing digests for many subscriptions that share scopes: the welcome, and then runs without news.

Beside each run without news, the floor: counting the hosts of every subscription's scope, once each. The welcome is
told beside the same floor. Nothing is delivered.

    subscriptions.py [--database sqlite|postgresql] [--hosts N] [--subscriptions N] [--rounds N]
"""

from __future__ import annotations

import argparse
import math
import resource
import sys
import time
from collections.abc import Callable
from datetime import timedelta

import fleet
from measure import Ratio, median_pair
from scale import databases, publish, settled

from feeds import storage
from feeds.sources.health import SourceHealth, SourceState
from feeds.storage.database import Database
from notifier.domain.filters import Filters, Scope
from notifier.domain.subscriptions import Subscription
from notifier.services.notifications import NotifyReport, queue_digests
from notifier.storage import inventory, subscriptions

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


def filled(fresh: Callable[[], Database], hosts: int, number: int) -> Database:
    """A database of a fleet, advisories that affect it, and subscriptions that share a few scopes."""
    database = fresh()
    with database.begin() as connection:
        inventory.take(connection, fleet.hosts(hosts), {}, fleet.AT)
    publish(database, 0, _ADVISORIES)
    with database.begin() as connection:
        state = SourceState("benchmark", SourceHealth.HEALTHY, last_attempt=fleet.AT, last_success=fleet.AT)
        storage.note(connection, state)
        for n in range(number):
            filters = Filters(scope=SCOPES[n % len(SCOPES)])
            one = Subscription(f"team-{n:05}", (f"file:///nowhere/{n}",), filters, fleet.AT)
            subscriptions.add(connection, one)
    settled(database)
    return database


def counted(database: Database) -> None:
    """The floor: the hosts of every subscription's scope by component, asked for each anew."""
    with database.connect() as connection:
        for one in subscriptions.every(connection):
            inventory.populations(connection, one.filters.scope)


def measured(kind: str, database: Database, rounds: int, number: int) -> list[Ratio]:
    """The welcome and the runs without news, each beside the floor."""
    what = f"{kind}, {number} subscriptions"
    floor = _timed(lambda: counted(database))
    first: list[NotifyReport] = []
    seconds = _timed(lambda: first.append(queue_digests(database, fleet.AT + _MINUTE)))
    if len(first[0].digests) != number or first[0].broken:
        sys.exit(f"{len(first[0].digests)} of {number} welcomes were made: {first[0].broken[:1]}")
    found = [median_pair(f"{what}: the welcome", [(seconds, floor)], math.inf)]
    pairs = []
    for n in range(rounds):
        at = fleet.AT + (2 + n) * _MINUTE
        reports: list[NotifyReport] = []
        seconds = _timed(lambda at=at, reports=reports: reports.append(queue_digests(database, at)))  # type: ignore[misc]
        if reports[0].digests or reports[0].broken:
            sys.exit(f"there was news, or trouble: {reports[0].broken[:1]}")
        pairs.append((seconds, _timed(lambda: counted(database))))
    return [*found, median_pair(f"{what}: a run without news", pairs, 1.0 if number >= 100 else math.inf)]


def _timed(thing: Callable[[], object]) -> float:
    start = time.perf_counter()
    thing()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print; exit with 1 where a limit does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--hosts", type=int, default=20_000)
    parser.add_argument("--subscriptions", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    held = True
    for kind in asked.database or ["sqlite", "postgresql"]:
        with databases(kind) as fresh:
            database = filled(fresh, asked.hosts, asked.subscriptions)
            for ratio in measured(f"{kind}, {asked.hosts} hosts", database, asked.rounds, asked.subscriptions):
                print(ratio, flush=True)
                held &= ratio.held
            database.close()
    print(f"peak of this program: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
