"""Hosts and what is installed on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.advisories.records import ENGINE
from feeds.core.errors import UnknownName
from feeds.sources.base import RequestContext
from feeds.versions.package_channels import STATIC
from feeds.versions.package_versions import source_packages
from notifier.domain.components import Component
from notifier.domain.filters import Scope, merged
from notifier.domain.hosts import NAMED, MovedHosts, Population
from notifier.storage import bulk, host_names, tables
from notifier.storage.component_changes import came, runs
from notifier.storage.importing import Import, take

__all__ = [
    "NAMED",
    "Import",
    "components",
    "count",
    "installed",
    "packages",
    "populations",
    "remove",
    "restarts",
    "stale",
    "take",
    "unknown_host",
    "untouched",
    "wanted",
]


_WRITTEN = 5000
"""Numbers that are written out in a statement, at most."""


def components(connection: Connection) -> dict[int, Component]:
    """Every distinct component, by its number."""
    table = tables.component.c
    rows = connection.execute(sa.select(table.id, table.product, table.version, table.package, table.distro))
    return {number: Component(*said) for number, *said in rows}


def packages(connection: Connection) -> frozenset[tuple[str, str]]:
    """The distributions' packages that are installed, as (ecosystem, source package) in the terms of OSV."""
    return frozenset(
        (c.ecosystem, name)
        for c in components(connection).values()
        if c.package and c.rebuilt and c.ecosystem and not c.other_numbers
        for name in source_packages(c.package_name)
    )


def channels(connection: Connection) -> frozenset[str]:
    """The channels of download.docker.com that serve the distributions of hosts with Docker's own builds."""
    found = (c.channel for c in components(connection).values())
    return frozenset(name for name in found if name and name != STATIC)


def wanted(connection: Connection) -> RequestContext:
    """What sources must ask because of the inventory."""
    known = components(connection).values()
    engines = (c.version for c in known if c.product == ENGINE and not c.other_numbers)
    return RequestContext(
        packages=packages(connection),
        channels=channels(connection),
        engines=frozenset(engines),
        products=frozenset(c.product for c in known),
    )


def populations(  # noqa: PLR0913 - conditions, each named at the call
    connection: Connection,
    scope: Scope,
    *,
    since: datetime | None = None,
    within: Scope | None = None,
    without: Iterable[Scope] = (),
    only: Collection[int] = (),
    moved: MovedHosts | None = None,
    named: int = NAMED,
) -> dict[int, Population]:
    """The hosts of a scope by component, or by those of the components that are named in `only`.

    With `since`, only those that came after it; with `within`, only those that are also of that
    scope; none that is of a scope in `without`, and none that `moved`. `named` hosts of each come with their names.
    """
    host, installation = tables.host, tables.installation
    moments = runs(connection)
    where = [*_conditions(connection, scope), *(_conditions(connection, within) if within else ())]
    others = merged(without)
    where += [sa.not_(sa.and_(sa.true(), *_conditions(connection, other))) for other in others]
    if since is not None:
        where.append(bulk.in_list(connection, installation.c["import"], [n for n, at in moments.items() if at > since]))
    if only:
        where.append(installation.c.component.in_(sorted(only)))
    if moved:
        left = tables.departure.c.component.in_(sorted(moved.left))
        where.append(sa.not_(came(connection, moments, moved.since).where(left).exists()))
    joined = installation.join(host, host.c.id == installation.c.host)
    component, latest = installation.c.component, sa.func.max(installation.c["import"]).label("latest")
    counted = connection.execute(
        sa.select(component, sa.func.count().label("hosts"), latest)
        .select_from(joined if where else installation)
        .where(*where)
        .group_by(component)
    ).all()
    part = bool(scope.tags or scope.hosts or within or others)
    names = host_names.first_hosts(connection, where, {r.component: r.hosts for r in counted}, named, part=part)
    return {r.component: Population(r.hosts, names[r.component], moments[r.latest]) for r in counted}


def restarts(
    connection: Connection, scope: Scope, limit: int | None = NAMED
) -> list[tuple[int, int, int, tuple[str, ...]]]:
    """(what runs, what is installed, on how many hosts, the names of the first `limit`) where a restart is due."""
    host, restart = tables.host, tables.restart
    of = restart.alias()
    conditions = _conditions(connection, msgspec.structs.replace(scope, products=()))
    pairs = (
        sa.select(restart.c.runs, restart.c.installed, sa.func.count().label("hosts"))
        .join(host, host.c.id == restart.c.host)
        .where(*conditions)
        .group_by(restart.c.runs, restart.c.installed)
        .subquery()
    )
    names = host_names.few(
        sa.select(host.c.name)
        .join(of, host.c.id == of.c.host)
        .where(of.c.runs == pairs.c.runs, of.c.installed == pairs.c.installed, *conditions)
        .order_by(host.c.name),
        pairs,
        limit,
    )
    return [(*row, host_names.read(said)) for *row, said in connection.execute(sa.select(*pairs.c, names))]


def stale(connection: Connection, scope: Scope, before: datetime) -> tuple[int, tuple[str, ...], datetime | None]:
    """How many hosts of a scope were last seen before a moment, the names of a few, and when the oldest was."""
    host = tables.host
    mine = [*_conditions(connection, msgspec.structs.replace(scope, products=())), host.c.last_seen < before]
    count, oldest = connection.execute(sa.select(sa.func.count(), sa.func.min(host.c.last_seen)).where(*mine)).one()
    names = sa.select(host.c.name).where(*mine).order_by(host.c.last_seen, host.c.name).limit(NAMED)
    return count, tuple(connection.execute(names).scalars()), oldest


def untouched(
    connection: Connection, scope: Scope, touched: Iterable[int], named: int = NAMED
) -> tuple[int, tuple[str, ...]]:
    """How many hosts of a scope run none of the given components, and the names of a few."""
    host, installation = tables.host, tables.installation
    busy = sa.exists().where(installation.c.host == host.c.id, installation.c.component.in_(sorted(touched)))
    conditions = [*_conditions(connection, msgspec.structs.replace(scope, products=())), ~busy]
    count = connection.execute(sa.select(sa.func.count()).select_from(host).where(*conditions)).scalar() or 0
    names = connection.execute(sa.select(host.c.name).where(*conditions).order_by(host.c.name).limit(named)).scalars()
    return count, tuple(names)


def count(
    connection: Connection,
    scope: Scope = Scope(),  # noqa: B008 - a frozen value
    *,
    unseen_since: datetime | None = None,
) -> int:
    """How many hosts a scope has; with `unseen_since`, only those that no import has named since."""
    where = _conditions(connection, msgspec.structs.replace(scope, products=()))
    if unseen_since is not None:
        where.append(tables.host.c.last_seen < unseen_since)
    return connection.execute(sa.select(sa.func.count()).select_from(tables.host).where(*where)).scalar() or 0


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


def remove(connection: Connection, name: str) -> None:
    """Remove a host and its audits; UnknownName if there is neither."""
    hosts = connection.execute(sa.delete(tables.host).where(tables.host.c.name == name)).rowcount
    audits = connection.execute(sa.delete(tables.audit).where(tables.audit.c.host == name)).rowcount
    if not hosts and not audits:
        raise unknown_host(name)


def unknown_host(name: str) -> UnknownName:
    """The error for a host that is not in the inventory."""
    return UnknownName(f"there is no host {name!r}", remedy="See `navtex inventory list`")


def _tagsets(connection: Connection) -> dict[int, dict[str, str]]:
    rows = connection.execute(sa.select(tables.tagset))
    return {r.id: msgspec.json.decode(r.tags, type=dict[str, str]) for r in rows}


def _tagged(connection: Connection, scope: Scope) -> list[int]:
    """The sets of tags that have all of a scope's. Of many sets, the database reads those with their text."""
    pairs = [msgspec.json.encode({name: value}).decode()[1:-1] for name, value in scope.tags.items()]
    table = tables.tagset
    rows = connection.execute(sa.select(table).where(*(table.c.tags.contains(pair, autoescape=True) for pair in pairs)))
    return [r.id for r in rows if scope.tagged(msgspec.json.decode(r.tags, type=dict[str, str]))]


def _conditions(connection: Connection, scope: Scope) -> list[sa.ColumnElement[bool]]:
    """WHERE for a scope. Tags and components are few distinct values, matched here and named by number."""
    found: list[sa.ColumnElement[bool]] = []
    if scope.tags:
        found.append(_among(connection, tables.host.c.tagset, _tagged(connection, scope)))
    if scope.hosts:
        found.append(_named(scope.hosts))
    if scope.products:
        about = sa.select(tables.component.c.id).where(tables.component.c.product.in_(scope.products))
        held = connection.execute(about).scalars().all()
        found.append(_among(connection, tables.installation.c.component, held))
    return found


def _among(connection: Connection, column: sa.ColumnElement[int], numbers: Sequence[int]) -> sa.ColumnElement[bool]:
    """Whether a number is one of some. SQLite searches a written list faster, and no driver takes very many."""
    return column.in_(numbers) if len(numbers) <= _WRITTEN else bulk.in_list(connection, column, numbers)


def _named(patterns: Collection[str]) -> sa.ColumnElement[bool]:
    """Whether a host's name matches a pattern, in any case. Whole names are a list: SQLite takes a thousand ORs."""
    name = tables.host.c.name
    whole = [p for p in patterns if not _is_pattern(p)]
    found = [name.ilike(_like(p), escape="\\") for p in patterns if _is_pattern(p)]
    if whole:
        found.append(sa.func.lower(name).in_([sa.func.lower(p) for p in whole]))
    return sa.or_(*found)


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _like(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


conditions, tagsets = _conditions, _tagsets  # for the other stores of hosts


def outside(connection: Connection, names: Iterable[str], limit: Scope) -> list[str]:
    """The hosts of some names that the inventory has and that lack a tag of a limit."""
    tags = _tagsets(connection)
    rows = bulk.select_in(connection, tables.host, ("name", "tagset"), "name", sorted(names))
    return sorted(name for name, number in rows if not limit.tagged(tags[number]))


def host_numbers(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The numbers of the hosts that the inventory has, of some names."""
    rows = bulk.select_in(connection, tables.host, ("name", "id"), "name", sorted(names))
    return {row[0]: int(row[1]) for row in rows}
