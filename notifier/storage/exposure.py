"""Counts and lists of hosts by what they run.

Queries count by component; advisories are joined in Python, so no query reads hosts times advisories.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import Grouping

from feeds.storage import upsert
from notifier.domain.filters import Named, Scope
from notifier.domain.hosts import Holder, HostRiskCount, RiskSummary, StayHolder, TrendDay
from notifier.storage import bulk, host_patterns, tables
from notifier.storage.inventory import conditions, tagsets
from notifier.storage.stay_tables import came_from
from notifier.storage.stays import same_installation, stay_text

KEPT = timedelta(days=400)
"""How long daily numbers are kept."""

_BATCH = 2000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _RiskColumns:
    """The installations of a scope that have a risk, and the columns with it."""

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
    """Count the hosts of a scope that run each component, or each of `only`; components without hosts are left out."""
    where = conditions(connection, scope)
    running = tables.installation.c.component
    number = running if where else tables.component.c.id
    asked = [] if only is None else [bulk.in_list(connection, number, sorted(only))]
    if where:
        grouped = sa.select(running, sa.func.count()).select_from(_source(scope)).group_by(running)
        statement = grouped.where(*where, *asked)
    else:
        # One range of the index per component: .5 to .8 times a scan of the index, where GROUP BY takes 1.05 (SQLite)
        # to 1.8 times (PostgreSQL), at 100,000 hosts (benchmarks/scale.py).
        hosts = sa.select(sa.func.count()).where(running == number).scalar_subquery()
        statement = sa.select(number, hosts).where(*asked)
    return {component: hosts for component, hosts in connection.execute(statement) if hosts}


def multi_version_products(connection: Connection, scope: Scope) -> frozenset[str]:
    """The products of which some host of a scope runs more than one version."""
    host, noted = tables.host, tables.multi_version_host
    where = conditions(connection, Scope(tags=scope.tags, hosts=scope.hosts))
    source = noted.join(host, host.c.id == noted.c.host) if where else noted
    return frozenset(
        connection.execute(sa.select(noted.c.product).select_from(source).where(*where).distinct()).scalars()
    )


def distinct_hosts(connection: Connection, scope: Scope, numbers: Iterable[int]) -> int:
    """Count the hosts of a scope that run at least one of the components."""
    installation = tables.installation
    where = [*conditions(connection, scope), installation.c.component.in_(sorted(numbers))]
    hosts = sa.select(installation.c.host).select_from(_source(scope)).where(*where).distinct().subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(hosts)).scalar() or 0


def hosts_running(
    connection: Connection,
    scope: Scope,
    numbers: Iterable[int],
    patterns: Sequence[tuple[str, ...]] = (),
    *,
    since: str = "",
) -> Iterator[Holder]:
    """The hosts that run some of the components, by name, streamed; with `since`, from that name on."""
    host, installation = tables.host, tables.installation
    tags, named = tagsets(connection), host_patterns.reader(patterns)
    later = [host.c.name >= since] if since else []
    statement = (
        sa.select(host.c.name, host.c.tagset, installation.c.component, *host_patterns.columns(connection, patterns))
        .join(installation, installation.c.host == host.c.id)
        .where(*conditions(connection, scope), installation.c.component.in_(sorted(numbers)), *later)
        # An expression, not the column: ordered by the column, SQLite walks the index on names and looks up each
        # component of every host, which takes twenty times as long.
        .order_by(host.c.name.concat(""), installation.c.component)
    )
    rows = (
        (name, tagset, component, matched) for name, tagset, component, *matched in _streamed(connection, statement)
    )
    yield from _by_host(rows, tags, named)


def stays_running(
    connection: Connection,
    scope: Scope,
    numbers: Iterable[int],
    days: Mapping[int, date],
    patterns: Sequence[tuple[str, ...]] = (),
    *,
    since: str = "",
) -> Iterator[StayHolder]:
    """The hosts that run some components, by name, each with its stays at them, streamed; from the name `since` on.

    `days` are those of the imports.
    """
    host, installation = tables.host, tables.installation
    later = [host.c.name >= since] if since else []
    tags, named = tagsets(connection), host_patterns.reader(patterns)
    before = sa.func.coalesce(came_from.c.stay, 0)
    statement = (
        sa.select(
            host.c.name,
            host.c.tagset,
            installation.c.component,
            installation.c["import"],
            before,
            *host_patterns.columns(connection, patterns),
        )
        .join(installation, installation.c.host == host.c.id)
        .outerjoin(came_from, same_installation)
        .where(*conditions(connection, scope), installation.c.component.in_(sorted(numbers)), *later)
        .order_by(host.c.name.concat(""), installation.c.component)  # see above
    )
    rows = (
        (name, tagset, (component, days[run], stay), matched)
        for name, tagset, component, run, stay, *matched in _streamed(connection, statement)
    )
    yield from _by_host(rows, tags, named)


def _by_host(
    rows: Iterable[tuple[str, int, T, list[int]]],
    tags: Mapping[int, dict[str, str]],
    named: Callable[[Sequence[int]], Named],
) -> Iterator[tuple[str, dict[str, str], tuple[T, ...], Named]]:
    """What the rows of a host say, as one."""
    last: tuple[str, int, list[int]] | None = None
    held: list[T] = []
    for name, tagset, one, matched in rows:
        if last is not None and last[0] != name:
            yield last[0], tags[last[1]], tuple(held), named(last[2])
            held = []
        last = name, tagset, matched
        held.append(one)
    if last is not None:
        yield last[0], tags[last[1]], tuple(held), named(last[2])


def example_hosts(connection: Connection, scope: Scope, number: int, limit: int) -> tuple[str, ...]:
    """Up to `limit` names of hosts that run a component, sorted: those that were imported first."""
    host, installation = tables.host, tables.installation
    statement = (
        sa.select(host.c.name)
        .join(installation, installation.c.host == host.c.id)
        .where(*conditions(connection, scope), installation.c.component == number)
        .order_by(installation.c.host)
        .limit(limit)
    )
    return tuple(sorted(connection.execute(statement).scalars()))


def hosts_by_risk(
    connection: Connection,
    scope: Scope,
    marks: Mapping[int, RiskSummary],
    patterns: Sequence[tuple[str, ...]] = (),
    *,
    after: tuple[int, int, str] | None = None,
) -> Iterator[Holder]:
    """The hosts with a risk and the components that cause it, streamed.

    Hosts are ordered by their worst severity, then by their number of exposures, then by name; with `after`, only those
    behind such a place.
    """
    component = sa.cast(tables.installation.c.component, sa.Text)
    for name, tags, parts, named in _by_risk(connection, scope, marks, patterns, component, after):
        yield name, tags, tuple(sorted(int(n) for n in parts)), named


def stays_by_risk(
    connection: Connection,
    scope: Scope,
    marks: Mapping[int, RiskSummary],
    days: Mapping[int, date],
    patterns: Sequence[tuple[str, ...]] = (),
    *,
    after: tuple[int, int, str] | None = None,
) -> Iterator[StayHolder]:
    """The same, with the stays of each host at these components. `days` are those of imports."""
    for name, tags, parts, named in _by_risk(connection, scope, marks, patterns, stay_text, after):
        found = sorted(tuple(map(int, part.split(":"))) for part in parts)
        yield name, tags, tuple((component, days[run], stay) for component, run, stay in found), named


def _by_risk(
    connection: Connection,
    scope: Scope,
    marks: Mapping[int, RiskSummary],
    patterns: Sequence[tuple[str, ...]],
    part: sa.ColumnElement[str],
    after: tuple[int, int, str] | None,
) -> Iterator[tuple[str, dict[str, str], list[str], Named]]:
    host, installation = tables.host, tables.installation
    tags, named = tagsets(connection), host_patterns.reader(patterns)
    with _marked(connection, scope, marks) as marked:
        parts = sa.func.aggregate_strings(part, ",")
        source = marked.source.outerjoin(came_from, same_installation) if part is stay_text else marked.source
        per_host = (
            sa.select(
                installation.c.host.label("host"),
                sa.func.max(marked.weight).label("weight"),
                sa.func.sum(marked.exposures).label("exposures"),
                parts.label("parts"),
            )
            .select_from(source)
            .where(*marked.where, marked.weight > 0)
            .group_by(installation.c.host)
            .subquery()
        )
        statement = (
            sa.select(host.c.name, host.c.tagset, per_host.c.parts, *host_patterns.columns(connection, patterns))
            .join(per_host, per_host.c.host == host.c.id)
            .where(*_behind((per_host.c.weight, per_host.c.exposures, host.c.name), after))
            .order_by(per_host.c.weight.desc(), per_host.c.exposures.desc(), host.c.name)
        )
        for name, tagset, said, *matched in _streamed(connection, statement):
            yield name, tags[tagset], said.split(","), named(matched)


def _behind(
    columns: tuple[sa.ColumnElement[int], sa.ColumnElement[int], sa.ColumnElement[str]],
    after: tuple[int, int, str] | None,
) -> list[sa.ColumnElement[bool]]:
    if after is None:
        return []
    weight, exposures, name = columns
    fewer = sa.and_(exposures == after[1], name > after[2])
    return [sa.or_(weight < after[0], sa.and_(weight == after[0], sa.or_(exposures < after[1], fewer)))]


def risk_counts(connection: Connection, scope: Scope, marks: Mapping[int, RiskSummary]) -> list[HostRiskCount]:
    """Count hosts by their worst severity, known exploitation and unknowns; hosts without any are left out.

    A component's risk is packed into one number, so that one aggregate per host is enough: 2.2 times reading every
    host's rows, where three MAX columns take 2.9 (limit 2.5; both databases, 100,000 hosts, benchmarks/scale.py).
    """
    installation = tables.installation
    # SQLite has no aggregate OR. It adds; nine bits for each sign leave room for 511 components per host.
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
_KEV, _UNKNOWN = 5, 6  # after the five severities; seven signs of nine bits fill a signed 64-bit number


def _signs(mark: RiskSummary) -> int:
    """A component's risk as one number: nine bits for each severity, for known exploitation and for unknown."""
    found = [
        *([mark.weight - 1] if mark.weight else []),
        *([_KEV] if mark.kev else []),
        *([_UNKNOWN] if mark.unknown else []),
    ]
    return sum(1 << (_WIDTH * n) for n in found)


def store_trend(connection: Connection, today: date, hosts: int, levels: Mapping[str, int]) -> None:
    """Store the numbers of a day, replacing earlier ones of that day, and delete those older than `KEPT`."""
    for level, affected in levels.items():
        upsert(
            connection,
            tables.trend,
            {"day": today, "level": level, "affected": affected, "hosts": hosts},
            ["day", "level"],
        )
    connection.execute(sa.delete(tables.trend).where(tables.trend.c.day <= today - KEPT))


def trend(connection: Connection) -> tuple[TrendDay, ...]:
    """The stored days, oldest first."""
    days: dict[date, TrendDay] = {}
    for row in connection.execute(sa.select(tables.trend).order_by(tables.trend.c.day)):
        days.setdefault(row.day, TrendDay(row.day, row.hosts, {})).levels[row.level] = row.affected
    return tuple(days.values())


def _source(scope: Scope) -> sa.FromClause:
    """The installations, joined with hosts only if the scope filters by host."""
    if scope.tags or scope.hosts:
        return tables.installation.join(tables.host, tables.host.c.id == tables.installation.c.host)
    return tables.installation


def _streamed(connection: Connection, statement: sa.Select[Any]) -> Iterator[Any]:
    """Yield rows while the database finds them, a batch at a time."""
    options = {"stream_results": True, "yield_per": _BATCH}
    with connection.execute(statement, execution_options=options) as rows:
        yield from rows


@contextmanager
def _marked(connection: Connection, scope: Scope, marks: Mapping[int, RiskSummary]) -> Iterator[_RiskColumns]:
    """The installations of a scope that have a risk, while the block lasts.

    SQLite joins a temporary table, which the end of the transaction drops after an error. On PostgreSQL the risks
    are arrays indexed by component: without a join it groups in the order of the index (2.1 times reading every
    host's rows; 2.4 with the temporary table; 100,000 hosts).
    """
    source, where = _source(scope), conditions(connection, scope)
    component = tables.installation.c.component
    rows = {number: (mark.weight, mark.exposures, _signs(mark)) for number, mark in marks.items()}
    if connection.dialect.name == "postgresql":
        blank = (0,) * 3
        values = zip(*(rows.get(number, blank) for number in range(1, max(rows, default=1) + 1)), strict=True)
        # Grouping: without the parentheses PostgreSQL parses the index as part of the array type.
        said = [Grouping(sa.literal(list(of), sa.ARRAY(sa.BigInteger)))[component] for of in values]
        marked = sa.any_(sa.literal(sorted(rows), sa.ARRAY(sa.Integer)))
        yield _RiskColumns(source, [*where, component == marked], *said)
        return
    _marks.create(connection)
    names = [c.name for c in _marks.columns]
    bulk.insert_rows(connection, _marks, names, [(number, *said) for number, said in rows.items()])
    joined = source.join(_marks, _marks.c.component == component)
    yield _RiskColumns(joined, where, _marks.c.weight, _marks.c.exposures, _marks.c.signs)
    _marks.drop(connection)
