"""Hosts and what is installed on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.errors import UnknownName
from feeds.packages import source_packages
from feeds.store import insert
from notifier import tables
from notifier.filters import Scope
from notifier.inventory.model import Component, Host

NAMED = 5
"""So many hosts of a group are named; the rest are counted."""
_REMEMBERED = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Stored:
    """A host as the store has it."""

    name: str
    tags: dict[str, str]
    first_seen: datetime
    last_seen: datetime
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class Population:
    """How many hosts run a component, a few of their names, and when the latest of them came."""

    hosts: int
    names: tuple[str, ...]
    latest: datetime


@dataclass(frozen=True, slots=True)
class Departure:
    """A host, the number of a component that it no longer runs, and those of that product which it runs now."""

    host: str
    component: int
    now: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What marks hosts that moved: they came after a moment, from one of some components."""

    left: frozenset[int]
    since: datetime


@dataclass(slots=True)
class Taken:
    """What an import did: hosts that are new, that changed, and that were as before."""

    added: int = 0
    changed: int = 0
    same: int = 0


def take(connection: Connection, hosts: Iterable[Host], tags: dict[str, str], at: datetime) -> Taken:
    """Store hosts. What an import says of a host's components replaces what was known; tags add up."""
    taken = Taken()
    hosts = list(hosts)
    known = {r.name: r for r in _rows(connection, [h.name for h in hosts])}
    numbers = _intern(connection, {c for h in hosts for c in h.components})
    for host in hosts:
        row = known.get(host.name)
        wanted = {numbers[c] for c in host.components}
        if row is None:
            tagset = _tagset(connection, host.tags | tags)
            number = insert(connection, tables.host, name=host.name, tagset=tagset, first_seen=at, last_seen=at)
            had: set[int] = set()
            taken.added += 1
        else:
            number = row.id
            tagset = _tagset(connection, msgspec.json.decode(row.tags, type=dict[str, str]) | host.tags | tags)
            connection.execute(
                sa.update(tables.host).where(tables.host.c.id == number).values(tagset=tagset, last_seen=at)
            )
            had = set(
                connection.execute(
                    sa.select(tables.installation.c.component).where(tables.installation.c.host == number)
                ).scalars()
            )
            same = had == wanted and tagset == row.tagset
            taken.same += same
            taken.changed += not same
        _install(connection, number, had, wanted, at)
    return taken


def _install(connection: Connection, host: int, had: set[int], wanted: set[int], at: datetime) -> None:
    installation = tables.installation
    if had - wanted:
        connection.execute(
            sa.delete(installation).where(installation.c.host == host, installation.c.component.in_(had - wanted))
        )
        depart(connection, host, had - wanted, at)
    if wanted - had:
        connection.execute(
            sa.insert(installation), [{"host": host, "component": c, "since": at} for c in sorted(wanted - had)]
        )


def depart(connection: Connection, host: int, components: set[int], at: datetime) -> None:
    """Note that a host no longer runs some components: the good news of a later digest."""
    table = tables.departure
    same = sa.and_(table.c.host == host, table.c.component.in_(sorted(components)))
    connection.execute(sa.delete(table).where(sa.or_(same, table.c.at < at - _REMEMBERED)))
    rows = [{"host": host, "component": c, "at": at} for c in sorted(components)]
    connection.execute(sa.insert(table), rows)


def _rows(connection: Connection, names: Sequence[str]) -> Iterable[Any]:
    statement = sa.select(tables.host, tables.tagset.c.tags).join(
        tables.tagset, tables.tagset.c.id == tables.host.c.tagset
    )
    for start in range(0, len(names), 500):
        yield from connection.execute(statement.where(tables.host.c.name.in_(names[start : start + 500])))


def _intern(connection: Connection, wanted: set[Component]) -> dict[Component, int]:
    numbers = {c: n for n, c in components(connection).items()}
    for component in sorted(wanted - numbers.keys()):
        numbers[component] = insert(connection, tables.component, **msgspec.structs.asdict(component))
    return numbers


def _tagset(connection: Connection, tags: dict[str, str]) -> int:
    text = msgspec.json.encode(tags, order="sorted").decode()
    number = connection.execute(sa.select(tables.tagset.c.id).where(tables.tagset.c.tags == text)).scalar()
    if number is None:
        return insert(connection, tables.tagset, tags=text)
    return int(number)


def components(connection: Connection) -> dict[int, Component]:
    """Every distinct component, by its number."""
    return {
        r.id: Component(r.product, r.version, r.package, r.distro)
        for r in connection.execute(sa.select(tables.component))
    }


def packages(connection: Connection) -> frozenset[tuple[str, str]]:
    """The distributions' packages that are installed, as (ecosystem, source package) in the words of OSV."""
    return frozenset(
        (c.ecosystem, name)
        for c in components(connection).values()
        if c.package and c.rebuilt and c.ecosystem
        for name in source_packages(c.package_name)
    )


def populations(
    connection: Connection,
    scope: Scope,
    *,
    since: datetime | None = None,
    within: Scope | None = None,
    without: Iterable[Scope] = (),
    only: Collection[int] = (),
    moved: Moved | None = None,
) -> dict[int, Population]:
    """The hosts of a scope by component, or by those of the components that are named in `only`.

    With `since`, only those that came after it; with `within`, only those that are also of that
    scope; none that is of a scope in `without`, and none that `moved`.
    """
    host, installation = tables.host, tables.installation
    conditions = [*_conditions(connection, scope), *(_conditions(connection, within) if within else ())]
    conditions += [sa.not_(sa.and_(sa.true(), *_conditions(connection, other))) for other in without]
    if since is not None:
        conditions.append(installation.c.since > since)
    if only:
        conditions.append(installation.c.component.in_(sorted(only)))
    if moved:
        left = tables.departure.c.component.in_(sorted(moved.left))
        conditions.append(sa.not_(_came(moved.since).where(left).exists()))
    joined = installation.join(host, host.c.id == installation.c.host)
    component = installation.c.component
    counted = connection.execute(
        sa.select(component, sa.func.count().label("hosts"), sa.func.max(installation.c.since).label("latest"))
        .select_from(joined if conditions else installation)
        .where(*conditions)
        .group_by(component)
    ).all()
    names: dict[int, list[str]] = {}
    for row in counted:
        statement = sa.select(host.c.name).select_from(joined).where(component == row.component, *conditions)
        names[row.component] = list(connection.execute(statement.order_by(host.c.name).limit(NAMED)).scalars())
    return {r.component: Population(r.hosts, tuple(names[r.component]), r.latest) for r in counted}


def untouched(connection: Connection, scope: Scope, touched: Iterable[int]) -> tuple[int, tuple[str, ...]]:
    """How many hosts of a scope run none of the given components, and the names of a few."""
    host, installation = tables.host, tables.installation
    busy = sa.select(installation.c.host).where(installation.c.component.in_(sorted(touched)))
    conditions = [*_conditions(connection, msgspec.structs.replace(scope, products=())), host.c.id.not_in(busy)]
    count = connection.execute(sa.select(sa.func.count()).select_from(host).where(*conditions)).scalar() or 0
    names = connection.execute(sa.select(host.c.name).where(*conditions).order_by(host.c.name).limit(NAMED)).scalars()
    return count, tuple(names)


def count(
    connection: Connection,
    scope: Scope = Scope(),  # noqa: B008 - a frozen value
    *,
    unseen_since: datetime | None = None,
) -> int:
    """How many hosts a scope has; with `unseen_since`, only those that no import has named since."""
    conditions = _conditions(connection, msgspec.structs.replace(scope, products=()))
    if unseen_since is not None:
        conditions.append(tables.host.c.last_seen < unseen_since)
    return connection.execute(sa.select(sa.func.count()).select_from(tables.host).where(*conditions)).scalar() or 0


def _came(since: datetime) -> sa.Select[Any]:
    """The components that an installation's host left when it came, if that was after a moment."""
    departed, installation = tables.departure, tables.installation
    return sa.select(departed.c.component).where(
        departed.c.host == installation.c.host, departed.c.at == installation.c.since, departed.c.at > since
    )


def moves(connection: Connection, scope: Scope, since: datetime) -> dict[tuple[frozenset[int], int], int]:
    """How many hosts of a scope moved after a moment, by the components that they left and the one where they are."""
    departed, installation, host = tables.departure, tables.installation, tables.host
    rows = connection.execute(
        sa.select(installation.c.host, installation.c.component, departed.c.component)
        .join(departed, sa.and_(departed.c.host == installation.c.host, departed.c.at == installation.c.since))
        .join(host, host.c.id == installation.c.host)
        .where(departed.c.at > since, *_conditions(connection, scope))
    )
    of_host: dict[tuple[int, int], set[int]] = {}
    for number, at, left in rows:
        of_host.setdefault((number, at), set()).add(left)
    return Counter((frozenset(left), at) for (_, at), left in of_host.items())


def departures(connection: Connection, scope: Scope, since: datetime) -> Iterable[Departure]:
    """What the hosts of a scope stopped running after a moment, and what they run now of the same product."""
    departed, host, installation = tables.departure, tables.host, tables.installation
    hosts = _conditions(connection, msgspec.structs.replace(scope, products=()))
    rows = connection.execute(
        sa.select(departed.c.host, departed.c.component, host.c.name)
        .join(host, host.c.id == departed.c.host)
        .where(departed.c.at > since, *hosts)
        .order_by(host.c.name)
    ).all()
    known = components(connection)
    for start in range(0, len(rows), 500):
        part = rows[start : start + 500]
        now: dict[int, list[int]] = {}
        at = installation.c.host.in_({r.host for r in part})
        for number, component in connection.execute(sa.select(installation.c.host, installation.c.component).where(at)):
            now.setdefault(number, []).append(component)
        for row in part:
            product = known[row.component].product
            same = tuple(n for n in now.get(row.host, ()) if known[n].product == product)
            if not scope.products or product in scope.products:
                yield Departure(row.name, row.component, same)


def installed(connection: Connection, scope: Scope) -> Iterable[tuple[str, dict[str, str], int]]:
    """(host, tags, component) of everything in a scope, in the order of the hosts' names."""
    host, installation = tables.host, tables.installation
    tagsets = _tagsets(connection)
    statement = (
        sa.select(host.c.name, host.c.tagset, installation.c.component)
        .join(installation, installation.c.host == host.c.id)
        .where(*_conditions(connection, scope))
        .order_by(host.c.name, installation.c.component)
    )
    for row in connection.execute(statement):
        yield row.name, tagsets[row.tagset], row.component


def hosts(connection: Connection, scope: Scope = Scope()) -> list[Stored]:  # noqa: B008 - a frozen value
    """The hosts of a scope with their components (of the scope's products), sorted by name."""
    tagsets, known = _tagsets(connection), components(connection)
    statement = sa.select(tables.host).where(*_conditions(connection, msgspec.structs.replace(scope, products=())))
    rows = connection.execute(statement.order_by(tables.host.c.name)).all()
    held: dict[str, list[Component]] = {}
    for name, _, component in installed(connection, scope):
        held.setdefault(name, []).append(known[component])
    return [
        Stored(r.name, tagsets[r.tagset], r.first_seen, r.last_seen, tuple(sorted(held.get(r.name, []))))
        for r in rows
        if r.name in held or not scope.products
    ]


def remove(connection: Connection, name: str) -> None:
    """Forget a host; UnknownName where there is none."""
    if not connection.execute(sa.delete(tables.host).where(tables.host.c.name == name)).rowcount:
        raise unknown_host(name)


def unknown_host(name: str) -> UnknownName:
    """The error for a host that is not in the inventory."""
    return UnknownName(f"no host is called {name!r}", remedy="See `navtex inventory list`")


def _tagsets(connection: Connection) -> dict[int, dict[str, str]]:
    rows = connection.execute(sa.select(tables.tagset))
    return {r.id: msgspec.json.decode(r.tags, type=dict[str, str]) for r in rows}


def _conditions(connection: Connection, scope: Scope) -> list[sa.ColumnElement[bool]]:
    """WHERE for a scope. Tags and components are few distinct values, matched here and named by number."""
    found: list[sa.ColumnElement[bool]] = []
    if scope.tags:
        wanted = scope.tags.items()
        found.append(
            tables.host.c.tagset.in_([n for n, tags in _tagsets(connection).items() if wanted <= tags.items()])
        )
    if scope.hosts:
        found.append(sa.or_(*(tables.host.c.name.ilike(_like(p), escape="\\") for p in scope.hosts)))
    if scope.products:
        held = [n for n, c in components(connection).items() if c.product in scope.products]
        found.append(tables.installation.c.component.in_(held))
    return found


def _like(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")
