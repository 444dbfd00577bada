"""Hosts by the worst of what affects them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import Grouping

from notifier.domain.filters import Named, Scope
from notifier.domain.hosts import Holder, HostRiskCount, PeriodHolder, RiskSummary
from notifier.storage import bulk, host_patterns, tables
from notifier.storage.component_periods import period_text, same_installation
from notifier.storage.hosts_by_component import source_of, streamed
from notifier.storage.inventory import conditions, tagsets
from notifier.storage.period_tables import came_from


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
    for name, tags, parts, named in _by_risk(connection, scope, marks, patterns, part=component, after=after):
        yield name, tags, tuple(sorted(int(n) for n in parts)), named


def periods_by_risk(
    connection: Connection,
    scope: Scope,
    marks: Mapping[int, RiskSummary],
    days: Mapping[int, date],
    patterns: Sequence[tuple[str, ...]] = (),
    *,
    after: tuple[int, int, str] | None = None,
) -> Iterator[PeriodHolder]:
    """The same, with the periods of each host at these components. `days` are those of imports."""
    for name, tags, parts, named in _by_risk(connection, scope, marks, patterns, part=period_text, after=after):
        found = sorted(tuple(map(int, part.split(":"))) for part in parts)
        yield name, tags, tuple((component, days[run], period) for component, run, period in found), named


def _by_risk(
    connection: Connection,
    scope: Scope,
    marks: Mapping[int, RiskSummary],
    patterns: Sequence[tuple[str, ...]],
    *,
    part: sa.ColumnElement[str],
    after: tuple[int, int, str] | None,
) -> Iterator[tuple[str, dict[str, str], list[str], Named]]:
    host, installation = tables.host, tables.installation
    tags, named = tagsets(connection), host_patterns.reader(patterns)
    with _marked(connection, scope, marks) as marked:
        parts = sa.func.aggregate_strings(part, ",")
        source = marked.source.outerjoin(came_from, same_installation) if part is period_text else marked.source
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
        for name, tagset, said, *matched in streamed(connection, statement):
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


@contextmanager
def _marked(connection: Connection, scope: Scope, marks: Mapping[int, RiskSummary]) -> Iterator[_RiskColumns]:
    """The installations of a scope that have a risk, while the block lasts.

    SQLite joins a temporary table, which the end of the transaction drops after an error. On PostgreSQL the risks
    are arrays indexed by component: without a join it groups in the order of the index (2.1 times reading every
    host's rows; 2.4 with the temporary table; 100,000 hosts, benchmarks/scale.py).
    """
    source, where = source_of(scope), conditions(connection, scope)
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
