"""Since when hosts have had their components, noted when hosts change. `notifier.storage.period_counts` reads them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from importlib import import_module

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import insert
from notifier.domain.component_periods import ComponentPeriod, PeriodKey
from notifier.storage import bulk, tables
from notifier.storage.period_tables import came_from, earlier_stay, ended_stay

_Ended = tuple[int, date, int, int, date]
"""Component, since, the period before, what replaced it (0: nothing), and the day."""


same_installation = sa.and_(
    came_from.c.component == tables.installation.c.component, came_from.c.host == tables.installation.c.host
)
"""That a row says where a host came from to an installation."""
period_text: sa.ColumnElement[str] = (
    sa.cast(tables.installation.c.component, sa.Text)
    .concat(":")
    .concat(sa.cast(tables.installation.c["import"], sa.Text))
    .concat(":")
    .concat(sa.cast(sa.func.coalesce(came_from.c.stay, 0), sa.Text))
)
"""The component, the import, and the period before of an installation, in one text."""


class Histories:
    """The earlier periods that hosts share, by their numbers."""

    def __init__(self, connection: Connection) -> None:
        self._periods: dict[int, ComponentPeriod] = {}
        for row in connection.execute(sa.select(earlier_stay).order_by(earlier_stay.c.id)):
            # one before it has a lower number
            self._periods[row.id] = ComponentPeriod(row.component, row.since, self._periods.get(row.before))

    def period(self, key: PeriodKey) -> ComponentPeriod:
        """The period of a key, with those before it."""
        component, since, before = key
        return ComponentPeriod(component, since, self._periods.get(before))


def numbered(connection: Connection, keys: Collection[PeriodKey]) -> dict[PeriodKey, int]:
    """The numbers of periods; those that no host had before are stored."""
    chosen = bulk.in_list(connection, earlier_stay.c.component, sorted({component for component, _, _ in keys}))
    rows = connection.execute(sa.select(earlier_stay).where(chosen)) if keys else ()
    known = {(row.component, row.since, row.before): row.id for row in rows}
    for component, since, before in sorted(set(keys) - known.keys()):
        number = insert(connection, earlier_stay, component=component, since=since, before=before)
        known[component, since, before] = number
    return known


class Periods:
    """Notes, for one import, what hosts leave and where they come from."""

    def __init__(self, connection: Connection, run: int, today: date, products: Mapping[int, str]) -> None:
        self._connection, self._run, self._today, self._products = connection, run, today, products
        self._days: dict[int, date] = {run: today}

    def moved(self, removed: Sequence[bulk.Row], added: Iterable[bulk.Row]) -> None:
        """Note that (component, host) are removed, and (component, host, ...) added. Called before either is stored."""
        if not removed:
            return
        table, hosts = tables.installation, sorted({host for _, host in removed})
        held: dict[int, dict[int, int]] = defaultdict(dict)
        for host, component, run in bulk.select_in(
            self._connection, table, ("host", "component", "import"), "host", hosts
        ):
            held[host][component] = run
        past = {
            (component, host): period
            for component, host, period in bulk.select_in(
                self._connection, came_from, ("component", "host", "stay"), "host", hosts
            )
        }
        new: dict[int, list[int]] = defaultdict(list)
        for component, host, *_ in added:
            new[host].append(component)
        gone: dict[int, set[int]] = defaultdict(set)
        for component, host in removed:
            gone[host].add(component)
        self._days_of({run for of in held.values() for run in of.values()})
        self._note(held, gone, new, past)

    def left(self, hosts: Collection[int]) -> None:
        """Note that hosts leave the inventory. Called before they are deleted."""
        note_removed(self._connection, hosts, self._today)

    def _note(
        self,
        held: Mapping[int, Mapping[int, int]],
        gone: Mapping[int, set[int]],
        new: Mapping[int, list[int]],
        past: Mapping[tuple[int, int], int],
    ) -> None:
        ended: Counter[_Ended] = Counter()
        came: dict[tuple[int, int], PeriodKey] = {}
        for host, left in gone.items():
            had = held.get(host, {})
            for component in left & had.keys():
                key = component, self._days[had[component]], past.get((component, host), 0)
                following = self._next(component, new.get(host, ()), had.keys() - left)
                ended[(*key, following, self._today)] += 1
                place = following, host
                if following in new.get(host, ()) and (place not in came or key[1] < came[place][1]):
                    came[place] = key
        bulk.delete_pairs(
            self._connection, came_from, ("component", "host"), [(c, host) for host, left in gone.items() for c in left]
        )
        numbers = numbered(self._connection, frozenset(came.values()))
        rows = [(component, host, numbers[key]) for (component, host), key in sorted(came.items())]
        bulk.delete_pairs(self._connection, came_from, ("component", "host"), [row[:2] for row in rows])
        bulk.insert_rows(self._connection, came_from, ("component", "host", "stay"), rows)
        _count(self._connection, ended)

    def _next(self, component: int, new: Collection[int], kept: Collection[int]) -> int:
        """What a host runs instead: what came, else what stays, of the same product; 0 if there is none."""
        product = self._products[component]
        for candidates in (new, kept):
            same = [c for c in candidates if self._products[c] == product]
            if same:
                return min(same)
        return 0

    def _days_of(self, imports: set[int]) -> None:
        self._days |= days(self._connection, imports - self._days.keys())


def days(connection: Connection, imports: Collection[int] | None = None) -> dict[int, date]:
    """The day of each import, or of some."""
    table = tables.inventory_import
    if imports is not None and not imports:
        return {}
    asked = [] if imports is None else [bulk.in_list(connection, table.c.id, sorted(imports))]
    return {r.id: r.at.date() for r in connection.execute(sa.select(table.c.id, table.c.at).where(*asked))}


def note_removed(connection: Connection, hosts: Collection[int], today: date) -> None:
    """Note that hosts leave the inventory. Called before they are deleted."""
    installation = tables.installation
    found = counted_arrivals(connection, [bulk.in_list(connection, installation.c.host, sorted(hosts))], installation)
    on = days(connection, {run for _, run, _ in found})
    ended: Counter[_Ended] = Counter()
    for (component, run, before), count in found.items():
        ended[component, on[run], before, 0, today] += count
    _count(connection, ended)


def _count(connection: Connection, ended: Mapping[_Ended, int]) -> None:
    dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    statement = dialect.insert(ended_stay)
    names = ("component", "since", "before", "next", "day")
    statement = statement.on_conflict_do_update(
        index_elements=names, set_={"hosts": ended_stay.c.hosts + statement.excluded.hosts}
    )
    if ended:
        rows = [{**dict(zip(names, key, strict=True)), "hosts": hosts} for key, hosts in ended.items()]
        connection.execute(statement, rows)


def counted_arrivals(
    connection: Connection, where: Collection[sa.ColumnElement[bool]], source: sa.FromClause
) -> Counter[tuple[int, int, int]]:
    """How many hosts came to a component with an import, after an earlier period (0: none).

    Hosts that moved are counted apart: to look for the period before of every host takes twice as long.
    """
    table = tables.installation
    here = (table.c.component, table.c["import"])
    everyone = sa.select(*here, sa.func.count()).select_from(source).where(*where).group_by(*here)
    moved = (
        sa.select(*here, came_from.c.stay, sa.func.count())
        .select_from(source.join(came_from, same_installation))
        .where(*where)
        .group_by(*here, came_from.c.stay)
    )
    found = Counter({(component, run, 0): hosts for component, run, hosts in connection.execute(everyone)})
    for component, run, period, hosts in connection.execute(moved):
        found[component, run, period] += hosts
        found[component, run, 0] -= hosts
    return +found


def forget(connection: Connection, before: date) -> int:
    """Delete periods that ended before a day, and earlier ones that no host and no other period came from."""
    gone = connection.execute(sa.delete(ended_stay).where(ended_stay.c.day < before)).rowcount
    rows = {r.id: r.before for r in connection.execute(sa.select(earlier_stay.c.id, earlier_stay.c.before))}
    if not rows:
        return gone
    used: set[int] = set()
    for column in (came_from.c.stay, ended_stay.c.before):
        left = list(connection.execute(sa.select(column).distinct()).scalars())
        while left:
            number = left.pop()
            if number and number not in used:
                used.add(number)
                left.append(rows.get(number, 0))
    unused = bulk.in_list(connection, earlier_stay.c.id, sorted(rows.keys() - used))
    connection.execute(sa.delete(earlier_stay).where(unused))
    return gone
