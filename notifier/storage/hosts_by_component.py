"""Counts and lists of hosts by what they run.

Queries count by component; advisories are joined in Python, so no query reads hosts times advisories.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.filters import Named, Scope
from notifier.domain.hosts import Holder, PeriodHolder
from notifier.storage import bulk, host_patterns, tables
from notifier.storage.component_periods import same_installation
from notifier.storage.inventory import conditions, tagsets
from notifier.storage.period_tables import came_from

_BATCH = 2000
T = TypeVar("T")


def counts(connection: Connection, scope: Scope, only: Collection[int] | None = None) -> dict[int, int]:
    """Count the hosts of a scope that run each component, or each of `only`; components without hosts are left out."""
    where = conditions(connection, scope)
    running = tables.installation.c.component
    number = running if where else tables.component.c.id
    asked = [] if only is None else [bulk.in_list(connection, number, sorted(only))]
    if where:
        grouped = sa.select(running, sa.func.count()).select_from(source_of(scope)).group_by(running)
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
    hosts = sa.select(installation.c.host).select_from(source_of(scope)).where(*where).distinct().subquery()
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
    rows = ((name, tagset, component, matched) for name, tagset, component, *matched in streamed(connection, statement))
    yield from _by_host(rows, tags, named)


def periods_running(
    connection: Connection,
    scope: Scope,
    numbers: Iterable[int],
    days: Mapping[int, date],
    patterns: Sequence[tuple[str, ...]] = (),
    *,
    since: str = "",
) -> Iterator[PeriodHolder]:
    """The hosts that run some components, by name, each with its periods at them, streamed; from the name `since` on.

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
        (name, tagset, (component, days[run], period), matched)
        for name, tagset, component, run, period, *matched in streamed(connection, statement)
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


def source_of(scope: Scope) -> sa.FromClause:
    """The installations, joined with hosts only if the scope filters by host."""
    if scope.tags or scope.hosts:
        return tables.installation.join(tables.host, tables.host.c.id == tables.installation.c.host)
    return tables.installation


def streamed(connection: Connection, statement: sa.Select[Any]) -> Iterator[Any]:
    """Yield rows while the database finds them, a batch at a time."""
    options = {"stream_results": True, "yield_per": _BATCH}
    with connection.execute(statement, execution_options=options) as rows:
        yield from rows
