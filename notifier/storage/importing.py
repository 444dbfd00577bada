"""Store imported hosts in chunks, in memory that does not grow with the fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import insert
from notifier.domain.components import Component, Host, Observed
from notifier.domain.hosts import HostOutcome, ImportResult
from notifier.domain.observations import (
    Effective,
    Observation,
    behind,
    decode,
    effective,
    encode,
    encode_one,
    replayed,
    said,
    same,
    set_aside,
    stated,
)
from notifier.domain.package_names import FOLLOWED
from notifier.storage import bulk, component_periods, tables, watermarks
from notifier.storage.import_rows import CHUNK, ChunkWrites, ComponentNumbers, HostRow, Tagsets

REMEMBERED = timedelta(days=400)
"""So long it is known what a host no longer runs."""


# SQLite reads the components out of the text of the hosts' views: a first import takes .98 times its floor, and 1.36
# if the rows are handed over one by one (limit 1.3; 100,000 hosts, CPU time, benchmarks/scale.py).
_SPREAD = """
INSERT INTO installation (component, host, "import")
SELECT held.value, host.id, host."import"
FROM host, json_each('[' || substr(host.views, instr(host.views, ':') + 1) || ']') AS held
WHERE host.id BETWEEN ? AND ? AND instr(host.views, ';') = 0
"""


class Import:
    """One import at work: `add` hosts as they are read, `prune` at the end, `taken` says what it did.

    What it says of a host in one view (declared, installed, running) replaces what that view was; what
    it says of the same host more than once adds up; tags add up.  A newer declaration replaces the
    other views of the products it names, and is itself replaced by what a package list or a daemon
    says of them.  That no package is installed any more takes away what was; of a host that is unknown it
    says nothing.
    """

    adds_up = True
    """Whether what this import says of a host in several chunks adds up."""

    def __init__(
        self, connection: Connection, at: datetime, *, scope: str = "", tags: Mapping[str, str] | None = None
    ) -> None:
        self.taken = ImportResult()
        self._connection = connection
        self._spreads = connection.dialect.name == "sqlite"
        self._now, self._at = at, bulk.moment(connection, at)
        if connection.dialect.name == "postgresql":
            # numbers are given here: nobody else may add hosts or components meanwhile; SQLite has one writer anyway
            connection.exec_driver_sql("LOCK TABLE host, component IN SHARE ROW EXCLUSIVE MODE")
        self._scope = _numbered(connection, tables.inventory_scope, scope)
        self._run = self._begun(at)
        self._mine: frozenset[int] = frozenset()
        self._heads: dict[Observed, frozenset[str]] = {}
        self._know_mine()
        self._numbers = ComponentNumbers(connection)
        self._components = self._numbers.components
        self._periods = component_periods.Periods(
            connection, self._run, at.astimezone(UTC).date(), self._numbers.products
        )
        self._tagsets = Tagsets(connection, tags or {})
        self._last = connection.execute(sa.select(sa.func.max(tables.host.c.id))).scalar() or 0
        self._given = (self._last, self._numbers.last)
        self._known: dict[str, tuple[frozenset[int], frozenset[tuple[int, int]]]] = {}

    def _begun(self, at: datetime) -> int:
        """The number of this import."""
        return self._new(at)

    def _new(self, at: datetime) -> int:
        """The number of a new import. What hosts ran long ago is forgotten when one begins."""
        runs, departed = tables.inventory_import, tables.departure
        old = sa.select(runs.c.id).where(runs.c.at < at - REMEMBERED)
        self._connection.execute(sa.delete(departed).where(departed.c["import"].in_(old)))
        return insert(self._connection, runs, scope=self._scope, at=watermarks.later(self._connection, at))

    def _know_mine(self, *conditions: sa.ColumnElement[bool]) -> None:
        """Learn which imports are of this scope, of all or of those that are asked for."""
        runs = tables.inventory_import
        found = self._connection.execute(sa.select(runs.c.id).where(runs.c.scope == self._scope, *conditions))
        self._mine = frozenset(found.scalars())
        self._heads = {view: frozenset(encode_one(view, run, ()) for run in self._mine) for view in Observed}

    def _met(self, known: Mapping[str, HostRow]) -> None:
        """Called with the stored rows of each chunk before anything of it is written."""

    def _count(self, name: str, outcome: HostOutcome) -> None:
        if outcome is HostOutcome.NEW:
            self.taken.added += 1
        elif outcome is HostOutcome.CHANGED:
            self.taken.changed += 1
        else:
            self.taken.same += 1

    def add(self, hosts: Iterable[Host]) -> Iterator[int]:
        """Store hosts; after each chunk, how many were stored so far comes back, for a progress bar."""
        source = iter(hosts)
        done = 0
        while chunk := list(islice(source, CHUNK)):
            self._chunk(chunk)
            done += len(chunk)
            yield done
        given = (self._last, self._numbers.last)
        if self._connection.dialect.name == "postgresql" and given != self._given:
            self._given = given
            for table, last in zip(("host", "component"), given, strict=True):
                sequence = sa.func.pg_get_serial_sequence(table, "id")
                self._connection.execute(sa.select(sa.func.setval(sequence, max(last, 1))))

    def prune(self) -> int:
        """Forget what earlier imports of this scope saw and this one did not; how many hosts that concerns."""
        host, earlier = tables.host, self._mine - {self._run}
        left = self._connection.execute(sa.select(host.c.id, host.c.views).where(host.c["import"] != self._run)).all()
        gone, writes = [], ChunkWrites()
        for row in left:
            before = decode(row.views)
            statements = said(row.views)
            others = [one for one in statements if one[1].by not in earlier]
            if len(others) == len(statements):
                continue
            after = replayed(others, self._numbers.products)
            if not after:
                self.taken.gone += 1
                gone.append(row.id)
                continue
            if not same(before, after):
                self.taken.gone += 1
                self._differ(writes, row.id, before, after)
            text = encode(after, [one for one in others if one[1] != after.get(one[0])])
            self._connection.execute(sa.update(host).where(host.c.id == row.id).values(views=text))
        self._write(writes)
        for start in range(0, len(gone), CHUNK):
            some = gone[start : start + CHUNK]
            self._periods.left(some)
            self._connection.execute(sa.delete(host).where(bulk.in_list(self._connection, host.c.id, some)))
        return self.taken.gone

    @property
    def first_of_its_scope(self) -> bool:
        """Whether nothing was imported under this scope before."""
        runs = tables.inventory_import
        earlier = sa.select(runs.c.id).where(runs.c.scope == self._scope, runs.c.id != self._run).limit(1)
        return self._connection.execute(earlier).first() is None

    def _chunk(self, hosts: list[Host]) -> None:
        names = [h.name for h in hosts]
        known = self._rows(names)
        self._met(known)
        repeated: dict[str, list[Host]] = {}
        if len(set(names)) < len(names):
            repeated = {name: [] for name, times in Counter(names).items() if times > 1}
        writes = ChunkWrites()
        for host in hosts:
            if host.name in repeated:
                repeated[host.name].append(host)
            elif (row := known.get(host.name)) is not None:
                views = {host.view: self._in_order(host)}
                self._again(writes, row, host.tags, views if host.components else self._stated(row, views))
            elif host.components or host.view is not Observed.INSTALLED:
                self._fresh(writes, host)
        for name, several in repeated.items():
            self._several(writes, name, known.get(name), several)
        self._write(writes)

    def _in_order(self, host: Host) -> list[int]:
        return sorted({*map(self._numbers.__getitem__, host.components)})

    def _stated(self, row: HostRow, views: dict[Observed, list[int]]) -> dict[Observed, list[int]]:
        """What is said of a host; not that no package is installed where some of what it has came in none."""
        if views.get(Observed.INSTALLED) != []:
            return views
        seen = decode(row.views).get(Observed.INSTALLED)
        if seen and all(self._components[n].package_name in FOLLOWED for n in seen.components):
            return views
        return {view: numbers for view, numbers in views.items() if view is not Observed.INSTALLED}

    def _several(self, writes: ChunkWrites, name: str, row: HostRow | None, hosts: list[Host]) -> None:
        """What one chunk says of a host more than once: in several views, or in rows that stand apart."""
        tags: dict[str, str] = {}
        views: dict[Observed, list[int]] = {}
        for host in hosts:
            tags |= host.tags
            views[host.view] = sorted({*views.get(host.view, ()), *self._in_order(host)})
        if row is not None:
            self._again(writes, row, tags, self._stated(row, views))
            return
        if views == {Observed.INSTALLED: []}:
            return
        self._last = number = self._last + 1
        after = stated({}, views, self._run, self._numbers.products)
        if len(after) > 1 or not self._spreads:
            self._differ(writes, number, {}, after)
        else:
            self._count_products(writes, number, views.popitem()[1])
        self._enter(writes, number, name, tags, encode(after))

    def _rows(self, names: list[str]) -> dict[str, HostRow]:
        if self._last == 0:
            return {}
        found = bulk.select_in(self._connection, tables.host, HostRow._fields, "name", names)
        return {row[1]: HostRow._make(row) for row in found}

    def _fresh(self, writes: ChunkWrites, host: Host) -> None:
        self._last = number = self._last + 1
        run, components = self._run, self._in_order(host)
        if not self._spreads:
            writes.added += [(c, number, run) for c in components]
        self._count_products(writes, number, components)
        self._enter(writes, number, host.name, host.tags, encode_one(host.view, run, components))

    def _enter(self, writes: ChunkWrites, number: int, name: str, tags: dict[str, str], views: str) -> None:
        writes.hosts.append((number, name, self._tagsets.number(None, tags), self._at, self._at, self._run, views))
        self._count(name, HostOutcome.NEW)

    def _again(
        self, writes: ChunkWrites, row: HostRow, tags: dict[str, str], views: Mapping[Observed, list[int]]
    ) -> None:
        tagset = self._tagsets.number(row.tagset, tags)
        if tagset == row.tagset and (view := self._said_again(row.views, views)):
            writes.same[view].append(row.id)
            self._count(row.name, HostOutcome.SAME)
            return
        if tagset == row.tagset and (text := self._all_said_again(row.views, views)):
            if text == row.views:
                writes.seen.append(row.id)
            else:
                writes.updates.append((tagset, self._at, self._run, text, row.id))
            self._count(row.name, HostOutcome.SAME)
            return
        before = decode(row.views)
        after = stated(before, views, self._run, self._numbers.products, adds_up=self.adds_up)
        text = encode(after, set_aside(behind(row.views), before, after, views, self._mine))
        unchanged = same(before, after)
        if not unchanged:
            self._differ(writes, row.id, before, after)
        writes.updates.append((tagset, self._at, self._run, text, row.id))
        self._count(row.name, HostOutcome.SAME if unchanged and tagset == row.tagset else HostOutcome.CHANGED)

    def _said_again(self, text: str, views: Mapping[Observed, list[int]]) -> Observed | None:
        """The only view of a host where it says what an import of this scope said before; None otherwise."""
        if len(views) != 1:
            return None
        ((view, numbers),) = views.items()
        front = text.partition("|")[0]
        start = front.index(":") + 1
        again = front[start:] == ",".join(map(str, numbers)) and front[:start] in self._heads[view]
        return view if again else None

    def _all_said_again(self, text: str, views: Mapping[Observed, list[int]]) -> str:
        """The views of a host as of this import, if one of its scope said the same in each before; "" otherwise."""
        parts = text.split(";")
        if len(parts) != len(views) or "|" in text:
            return ""
        for part, (view, numbers) in zip(parts, sorted(views.items()), strict=True):
            head, colon, held = part.partition(":")
            if held != ",".join(map(str, numbers)) or head + colon not in self._heads[view]:
                return ""
        return ";".join(encode_one(view, self._run, numbers) for view, numbers in sorted(views.items()))

    def _differ(
        self,
        writes: ChunkWrites,
        host: int,
        before: Mapping[Observed, Observation],
        after: Mapping[Observed, Observation],
    ) -> None:
        had, waited = self._effective(before)
        counts, waits = self._effective(after)
        writes.removed.extend([(c, host) for c in had - counts])
        writes.added.extend([(c, host, self._run) for c in counts - had])
        if before:
            writes.single.append(host)
            self._note_lost(before, had, counts)
        self._count_products(writes, host, counts)
        if waits != waited:
            # all anew: two that run may wait for the same that is installed
            writes.restarted.extend([(installed, host) for _, installed in waited])
            writes.restarts.extend([(runs, installed, host) for runs, installed in waits])

    def _note_lost(self, before: Mapping[Observed, Observation], had: frozenset[int], counts: frozenset[int]) -> None:
        products = self._numbers.products
        were, are = {products[c] for c in had}, {products[c] for c in counts}
        self.taken.lost.update(were - are)
        if self.adds_up and any(seen.by == self._run for seen in before.values()):
            # the rest of a host whose rows stand apart
            self.taken.lost -= Counter(are - were)

    def _count_products(self, writes: ChunkWrites, host: int, components: Collection[int]) -> None:
        products = self._numbers.products
        if len({products[c] for c in components}) < len(components):
            times = Counter(products[c] for c in components)
            writes.several.extend([(host, product) for product, n in times.items() if n > 1])

    def _effective(self, views: Mapping[Observed, Observation]) -> tuple[frozenset[int], frozenset[tuple[int, int]]]:
        """What counts of some views, and what waits for a restart, by numbers; a fleet has few distinct ones."""
        if len(views) == 1:
            return next(iter(views.values())).components, frozenset()
        text = encode({view: Observation(0, seen.components) for view, seen in views.items()})
        found = self._known.get(text)
        if found is None:
            counts: Effective = effective({v: [self._components[n] for n in s.components] for v, s in views.items()})
            numbers = self._numbers
            found = (
                frozenset(numbers[c] for c in counts.components),
                frozenset((numbers[a], numbers[b]) for a, b in counts.restarts),
            )
            if len(self._known) > CHUNK:
                self._known.clear()
            self._known[text] = found
        return found

    def _write(self, writes: ChunkWrites) -> None:
        connection = self._connection
        bulk.insert_rows(connection, tables.component, ("id", *Component.__struct_fields__), self._numbers.new)
        self._numbers.new.clear()
        columns = ("id", "name", "tagset", "first_seen", "last_seen", "import", "views")
        bulk.insert_rows(connection, tables.host, columns, writes.hosts)
        if self._spreads and writes.hosts:
            connection.exec_driver_sql(_SPREAD, (writes.hosts[0][0], writes.hosts[-1][0]))
        for view, numbers in writes.same.items():
            self._renew(view, numbers)
        if writes.seen:
            here = bulk.in_list(connection, tables.host.c.id, writes.seen)
            connection.execute(sa.update(tables.host).where(here).values(last_seen=self._now))
        bulk.update_rows(connection, tables.host, ("tagset", "last_seen", "import", "views"), writes.updates)
        self._periods.moved(writes.removed, writes.added)
        bulk.delete_pairs(connection, tables.installation, ("component", "host"), writes.removed)
        bulk.delete_pairs(connection, tables.departure, ("component", "host"), writes.removed)
        departed = [(component, host, self._run) for component, host in writes.removed]
        bulk.insert_rows(connection, tables.departure, ("component", "host", "import"), departed)
        bulk.insert_rows(connection, tables.installation, ("component", "host", "import"), writes.added)
        gone = bulk.in_list(connection, tables.multi_version_host.c.host, writes.single)
        if writes.single:
            connection.execute(sa.delete(tables.multi_version_host).where(gone))
        bulk.insert_rows(connection, tables.multi_version_host, ("host", "product"), writes.several)
        bulk.delete_pairs(connection, tables.restart, ("installed", "host"), writes.restarted)
        bulk.insert_rows(connection, tables.restart, ("runs", "installed", "host"), writes.restarts)

    def _renew(self, view: Observed, numbers: list[int]) -> None:
        """Let hosts have been seen by this import in the one view that they have."""
        if not numbers:
            return
        host = tables.host
        place = sa.func.instr if self._spreads else sa.func.strpos
        held = sa.func.substr(host.c.views, place(host.c.views, ":") + 1)
        self._connection.execute(
            sa.update(host)
            .where(bulk.in_list(self._connection, host.c.id, numbers))
            .values({"last_seen": self._now, "import": self._run, "views": encode_one(view, self._run, ()) + held})
        )


def take(
    connection: Connection, hosts: Iterable[Host], tags: Mapping[str, str], at: datetime, *, scope: str = ""
) -> ImportResult:
    """Store hosts in one go."""
    work = Import(connection, at, scope=scope, tags=tags)
    for _ in work.add(hosts):
        pass
    return work.taken


def _numbered(connection: Connection, table: sa.Table, name: str) -> int:
    number = connection.execute(sa.select(table.c.id).where(table.c.name == name)).scalar()
    return insert(connection, table, name=name) if number is None else int(number)
