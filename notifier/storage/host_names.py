"""A few names of the hosts that are counted together, by one statement, however many components there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.hosts import NAMED
from notifier.storage import bulk, tables

_FEW = 5000
"""Installations that SQLite reads in order to name some of their hosts; of more it looks for the first ones."""

Where = Collection[sa.ColumnElement[bool]]


def first_hosts(
    connection: Connection, where: Where, counted: Mapping[int, int], limit: int, *, part: bool
) -> dict[int, tuple[str, ...]]:
    """The first hosts, by number, of each component that was counted; `part` says that they are a part of all hosts.

    There are two ways. To look for the first hosts of each component is quick where many hosts are of the part. Else
    every host is looked at, and PostgreSQL does that again for each component. To read the part once is always as slow
    as the part is large.
    """
    few = bool(where) and sum(counted.values()) <= _FEW
    if few or (part and connection.dialect.name == "postgresql"):
        return _read_once(connection, where, limit)
    return _searched(connection, where, counted, limit)


def _read_once(connection: Connection, where: Where, limit: int) -> dict[int, tuple[str, ...]]:
    host, installation = tables.host, tables.installation
    place = sa.func.row_number().over(partition_by=installation.c.component, order_by=installation.c.host)
    mine = (
        sa.select(installation.c.component, host.c.name, place.label("place"))
        .join(host, host.c.id == installation.c.host)
        .where(*where)
        .subquery()
    )
    found: dict[int, list[str]] = {}
    for component, name in connection.execute(sa.select(mine.c.component, mine.c.name).where(mine.c.place <= limit)):
        found.setdefault(component, []).append(name)
    return {number: tuple(sorted(names)) for number, names in found.items()}


def _searched(
    connection: Connection, where: Where, counted: Mapping[int, int], limit: int
) -> dict[int, tuple[str, ...]]:
    """By number, since the index has hosts in that order: the first by name would sort every host."""
    host, installation, component = tables.host, tables.installation, tables.component
    names = few(
        sa.select(host.c.name)
        .join(installation, host.c.id == installation.c.host)
        .where(installation.c.component == component.c.id, *where)
        .order_by(installation.c.host),
        component,
        limit,
    )
    these = bulk.in_list(connection, component.c.id, list(counted))
    return {number: read(said) for number, said in connection.execute(sa.select(component.c.id, names).where(these))}


def few(names: sa.Select[tuple[str]], outer: sa.FromClause, limit: int | None = NAMED) -> sa.ScalarSelect[str]:
    """The first of some names as one column of each row of `outer`; `read` reads it."""
    some = names.limit(limit).correlate(outer).subquery()
    return sa.select(sa.func.aggregate_strings(some.c.name, "\n")).correlate(outer).scalar_subquery()


def read(said: str) -> tuple[str, ...]:
    """The names in a column of `few`, sorted."""
    return tuple(sorted(said.split("\n")))
