"""Hosts as they are listed: each with its components, its tags and the restarts that are due."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.components import Component, Observed
from notifier.domain.filters import Scope
from notifier.domain.hosts import HostOrder, StoredHost
from notifier.domain.observations import decode
from notifier.storage import tables
from notifier.storage.inventory import components, conditions, tagsets

_Conditions = list[sa.ColumnElement[bool]]
Runs = tuple[()] | tuple[str, str]
"""A product and its version; () for any."""


def hosts(
    connection: Connection,
    scope: Scope = Scope(),  # noqa: B008 - a frozen value
    *,
    unseen_since: datetime | None = None,
    limit: int | None = None,
    after: str = "",
    order: HostOrder = HostOrder.NAME,
    runs: Runs = (),
) -> list[StoredHost]:
    """The first `limit` hosts of a scope with their components (of the scope's products), sorted by name.

    With `unseen_since`, only hosts that no import has named since; with `after`, only those that come after the host of
    that name in the `order`; with `runs`, only those that run this version of a product.
    """
    tags_of, known, host = tagsets(connection), components(connection), tables.host
    scopes, imports = tables.inventory_scope, tables.inventory_import
    where = [*_matching(connection, scope, unseen_since, "", runs), *_behind(connection, order, after)]
    rows = connection.execute(
        sa.select(host, scopes.c.name.label("seen_by"))
        .join(imports, imports.c.id == host.c["import"])
        .join(scopes, scopes.c.id == imports.c.scope)
        .where(*where)
        .order_by(*_ORDERS[order])
        .limit(limit)
    ).all()
    first = sa.select(host.c.id).where(*where).order_by(*_ORDERS[order]).limit(limit).subquery()
    held, due = _held(connection, scope, first), _due(connection, first)
    return [
        StoredHost(
            r.name,
            tags_of[r.tagset],
            r.first_seen,
            r.last_seen,
            tuple(sorted(known[n] for n in held.get(r.id, ()))),
            r.seen_by,
            tuple(sorted((known[a], known[b]) for a, b in due.get(r.id, ()))),
        )
        for r in rows
    ]


def count_matching(
    connection: Connection,
    scope: Scope,
    *,
    unseen_since: datetime | None = None,
    after: str = "",
    runs: Runs = (),
) -> int:
    """How many hosts `hosts` would list by name without a limit."""
    where = _matching(connection, scope, unseen_since, after, runs)
    return connection.execute(sa.select(sa.func.count()).select_from(tables.host).where(*where)).scalar() or 0


def _matching(
    connection: Connection, scope: Scope, unseen_since: datetime | None, after: str, runs: Runs
) -> _Conditions:
    """WHERE for the hosts of a scope; if it has products, those with one of them."""
    host, installation = tables.host, tables.installation
    where = conditions(connection, msgspec.structs.replace(scope, products=()))
    if unseen_since is not None:
        where.append(host.c.last_seen < unseen_since)
    if after:
        where.append(host.c.name > after)
    if scope.products:
        of_products = conditions(connection, Scope(products=scope.products))
        where.append(sa.exists().where(installation.c.host == host.c.id, *of_products))
    if runs:
        numbers = [n for n, c in components(connection).items() if (c.product, c.version) == runs]
        where.append(sa.exists().where(installation.c.host == host.c.id, installation.c.component.in_(numbers)))
    return where


_ORDERS = {
    HostOrder.NAME: (tables.host.c.name,),
    HostOrder.SEEN: (tables.host.c.last_seen, tables.host.c.name),
}


def _behind(connection: Connection, order: HostOrder, after: str) -> _Conditions:
    """WHERE for the hosts behind one. By import, the list begins anew where that one is gone."""
    host = tables.host
    if not after:
        return []
    if order is HostOrder.NAME:
        return [host.c.name > after]
    seen = connection.execute(sa.select(host.c.last_seen).where(host.c.name == after)).scalar()
    return [sa.or_(host.c.last_seen > seen, sa.and_(host.c.last_seen == seen, host.c.name > after))] if seen else []


def _held(connection: Connection, scope: Scope, first: sa.Subquery) -> dict[int, list[int]]:
    """The numbers of the components (of the scope's products) of each of the first hosts."""
    installation, found = tables.installation, dict[int, list[int]]()
    of_products = conditions(connection, Scope(products=scope.products))
    rows = connection.execute(
        sa.select(installation.c.host, installation.c.component)
        .join(first, first.c.id == installation.c.host)
        .where(*of_products)
    )
    for host, component in rows:
        found.setdefault(host, []).append(component)
    return found


def _due(connection: Connection, first: sa.Subquery) -> dict[int, list[tuple[int, int]]]:
    """(what runs, what is installed) of each of the first hosts on which a restart is due."""
    restart, found = tables.restart, dict[int, list[tuple[int, int]]]()
    for row in connection.execute(sa.select(restart).join(first, first.c.id == restart.c.host)):
        found.setdefault(row.host, []).append((row.runs, row.installed))
    return found


def declared(connection: Connection, name: str) -> tuple[Component, ...]:
    """The components of a host that a person declared, in CSV or rows of their own."""
    host = tables.host
    views = connection.execute(sa.select(host.c.views).where(host.c.name == name)).scalar()
    seen = decode(views).get(Observed.DECLARED) if views else None
    known = components(connection) if seen else {}
    return tuple(sorted(known[n] for n in seen.components)) if seen else ()
