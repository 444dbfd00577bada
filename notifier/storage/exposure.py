"""Hosts counted: by component first, so that no query has to look at hosts and advisories at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import Grouping

from feeds.storage import upsert
from notifier.domain.filters import Scope
from notifier.domain.hosts import Holder, HostRiskCount, RiskSummary, TrendDay
from notifier.storage import bulk, host_patterns, tables
from notifier.storage.inventory import conditions, tagsets

KEPT = timedelta(days=400)
"""So long a day's numbers are kept."""

_BATCH = 2000


@dataclass(frozen=True, slots=True)
class _Marked:
    """The marked installations of a scope, and what their marks say."""

    source: sa.FromClause
    where: Sequence[sa.ColumnElement[bool]]
    weight: sa.ColumnElement[int]
    exposures: sa.ColumnElement[int]
    signs: sa.ColumnElement[int]


_marks = sa.Table(
    "mark",
    sa.MetaData(),
    sa.Column("component", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("weight", sa.BigInteger, nullable=False),
    sa.Column("exposures", sa.Integer, nullable=False),
    sa.Column("signs", sa.BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)


def counts(connection: Connection, scope: Scope, only: Collection[int] | None = None) -> dict[int, int]:
    """How many hosts of a scope run each component (`only` these) that some of them run: one pass over an index."""
    where = conditions(connection, scope)
    running = tables.installation.c.component
    number = running if where else tables.component.c.id
    asked = [] if only is None else [bulk.in_list(connection, number, sorted(only))]
    if where:
        grouped = sa.select(running, sa.func.count()).select_from(_source(scope)).group_by(running)
        statement = grouped.where(*where, *asked)
    else:
        # a stretch of the index for each, which is faster than all of it in groups
        hosts = sa.select(sa.func.count()).where(running == number).scalar_subquery()
        statement = sa.select(number, hosts).where(*asked)
    return {component: hosts for component, hosts in connection.execute(statement) if hosts}


def several(connection: Connection, scope: Scope) -> frozenset[str]:
    """The products of which some host of a scope runs more than one component."""
    host, noted = tables.host, tables.several
    where = conditions(connection, Scope(tags=scope.tags, hosts=scope.hosts))
    source = noted.join(host, host.c.id == noted.c.host) if where else noted
    return frozenset(
        connection.execute(sa.select(noted.c.product).select_from(source).where(*where).distinct()).scalars()
    )


def running(connection: Connection, scope: Scope, numbers: Iterable[int]) -> int:
    """How many hosts of a scope run at least one of the components, each host counted once."""
    installation = tables.installation
    where = [*conditions(connection, scope), installation.c.component.in_(sorted(numbers))]
    hosts = sa.select(installation.c.host).select_from(_source(scope)).where(*where).distinct().subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(hosts)).scalar() or 0


def holders(
    connection: Connection, scope: Scope, numbers: Iterable[int], patterns: Sequence[tuple[str, ...]] = ()
) -> Iterator[Holder]:
    """The hosts that run some of the components, in the order of their names, as they are read."""
    host, installation = tables.host, tables.installation
    tags, named = tagsets(connection), host_patterns.reader(patterns)
    statement = (
        sa.select(host.c.name, host.c.tagset, installation.c.component, *host_patterns.columns(connection, patterns))
        .join(installation, installation.c.host == host.c.id)
        .where(*conditions(connection, scope), installation.c.component.in_(sorted(numbers)))
        # an expression, not the column: SQLite would go through all hosts in the order of the index on their
        # names, and look each component up for each of them, which takes twenty times as long
        .order_by(host.c.name.concat(""), installation.c.component)
    )
    last: tuple[str, int, list[int]] | None = None
    held: list[int] = []
    for name, tagset, component, *matched in _streamed(connection, statement):
        if last is not None and last[0] != name:
            yield last[0], tags[last[1]], tuple(held), named(last[2])
            held = []
        last = name, tagset, matched
        held.append(component)
    if last is not None:
        yield last[0], tags[last[1]], tuple(held), named(last[2])


def some(connection: Connection, scope: Scope, number: int, limit: int) -> tuple[str, ...]:
    """The names of the first hosts that came with a component, sorted."""
    host, installation = tables.host, tables.installation
    statement = (
        sa.select(host.c.name)
        .join(installation, installation.c.host == host.c.id)
        .where(*conditions(connection, scope), installation.c.component == number)
        .order_by(installation.c.host)
        .limit(limit)
    )
    return tuple(sorted(connection.execute(statement).scalars()))


def worst(
    connection: Connection, scope: Scope, marks: Mapping[int, RiskSummary], patterns: Sequence[tuple[str, ...]] = ()
) -> Iterator[Holder]:
    """Every host that has a weight, with the marked components that it runs.

    The hosts with the worst come first, then those with the most exposures, then by name.
    """
    host, installation = tables.host, tables.installation
    tags, named = tagsets(connection), host_patterns.reader(patterns)
    with _marked(connection, scope, marks) as marked:
        parts = sa.func.aggregate_strings(sa.cast(installation.c.component, sa.Text), ",")
        per_host = (
            sa.select(
                installation.c.host.label("host"),
                sa.func.max(marked.weight).label("weight"),
                sa.func.sum(marked.exposures).label("exposures"),
                parts.label("parts"),
            )
            .select_from(marked.source)
            .where(*marked.where, marked.weight > 0)
            .group_by(installation.c.host)
            .subquery()
        )
        statement = (
            sa.select(host.c.name, host.c.tagset, per_host.c.parts, *host_patterns.columns(connection, patterns))
            .join(per_host, per_host.c.host == host.c.id)
            .order_by(per_host.c.weight.desc(), per_host.c.exposures.desc(), host.c.name)
        )
        for name, tagset, numbers, *matched in _streamed(connection, statement):
            yield name, tags[tagset], tuple(sorted(int(n) for n in numbers.split(","))), named(matched)


def standings(connection: Connection, scope: Scope, marks: Mapping[int, RiskSummary]) -> list[HostRiskCount]:
    """How many hosts have which weight at worst, each host counted once; those that nothing marks are left out."""
    installation = tables.installation
    # SQLite can only add; nine bits a sign are room for more components than a host has
    merged = sa.func.sum if connection.dialect.name == "sqlite" else sa.func.bit_or
    with _marked(connection, scope, marks) as marked:
        per_host = (
            sa.select(merged(marked.signs).label("signs"))
            .select_from(marked.source)
            .where(*marked.where)
            .group_by(installation.c.host)
            .subquery()
        )
        rows = connection.execute(sa.select(per_host.c.signs, sa.func.count()).group_by(per_host.c.signs)).all()
    hosts: dict[tuple[int, bool, bool], int] = {}
    for signs, count in rows:
        seen = [bool(int(signs) >> (_WIDTH * n) & (1 << _WIDTH) - 1) for n in range(_UNKNOWN + 1)]
        weight = max((n + 1 for n in range(_KEV) if seen[n]), default=0)
        standing = (weight, seen[_KEV], seen[_UNKNOWN])
        hosts[standing] = hosts.get(standing, 0) + count
    return [HostRiskCount(*standing, count) for standing, count in hosts.items()]


_WIDTH = 9
_KEV, _UNKNOWN = 5, 6  # below them stand the weights, from 1 on; more would not fit into a number


def _signs(mark: RiskSummary) -> int:
    """What is to be said of a component, as bits that stay apart when a host's components are added up."""
    found = [
        *([mark.weight - 1] if mark.weight else []),
        *([_KEV] if mark.kev else []),
        *([_UNKNOWN] if mark.unknown else []),
    ]
    return sum(1 << (_WIDTH * n) for n in found)


def note(connection: Connection, today: date, hosts: int, levels: Mapping[str, int]) -> None:
    """Keep a day's numbers, in place of what was kept of that day before; forget what is too old."""
    for level, affected in levels.items():
        upsert(
            connection,
            tables.trend,
            {"day": today, "level": level, "affected": affected, "hosts": hosts},
            ["day", "level"],
        )
    connection.execute(sa.delete(tables.trend).where(tables.trend.c.day <= today - KEPT))


def history(connection: Connection) -> tuple[TrendDay, ...]:
    """The days that were kept, the oldest first."""
    days: dict[date, TrendDay] = {}
    for row in connection.execute(sa.select(tables.trend).order_by(tables.trend.c.day)):
        days.setdefault(row.day, TrendDay(row.day, row.hosts, {})).levels[row.level] = row.affected
    return tuple(days.values())


def _source(scope: Scope) -> sa.FromClause:
    """The installations, with their hosts only where the scope needs to look at those."""
    if scope.tags or scope.hosts:
        return tables.installation.join(tables.host, tables.host.c.id == tables.installation.c.host)
    return tables.installation


def _streamed(connection: Connection, statement: sa.Select[Any]) -> Iterator[Any]:
    """Rows as the database finds them, a batch at a time."""
    options = {"stream_results": True, "yield_per": _BATCH}
    with connection.execute(statement, execution_options=options) as rows:
        yield from rows


@contextmanager
def _marked(connection: Connection, scope: Scope, marks: Mapping[int, RiskSummary]) -> Iterator[_Marked]:
    """The marked installations of a scope, as long as the block lasts.

    On PostgreSQL the marks are arrays, in which a component's number is the place of its own: with no join to
    make, it reads the installations in the order of their hosts and keeps one host at a time.  SQLite knows no
    arrays.  There they are a table; after an error the transaction's end drops it.
    """
    source, where = _source(scope), conditions(connection, scope)
    component = tables.installation.c.component
    rows = {number: (mark.weight, mark.exposures, _signs(mark)) for number, mark in marks.items()}
    if connection.dialect.name == "postgresql":
        blank = (0,) * 3
        values = zip(*(rows.get(number, blank) for number in range(1, max(rows, default=1) + 1)), strict=True)
        # in brackets of its own, without which the place would be read as a part of the array's type
        said = [Grouping(sa.literal(list(of), sa.ARRAY(sa.BigInteger)))[component] for of in values]
        marked = sa.any_(sa.literal(sorted(rows), sa.ARRAY(sa.Integer)))
        yield _Marked(source, [*where, component == marked], *said)
        return
    _marks.create(connection)
    names = [c.name for c in _marks.columns]
    bulk.insert_rows(connection, _marks, names, [(number, *said) for number, said in rows.items()])
    joined = source.join(_marks, _marks.c.component == component)
    yield _Marked(joined, where, _marks.c.weight, _marks.c.exposures, _marks.c.signs)
    _marks.drop(connection)
