"""How many hosts have had which component since when, and the periods that are over."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.component_periods import EndedPeriod, PeriodKey
from notifier.domain.filters import Scope, merged
from notifier.storage import bulk, tables
from notifier.storage.component_periods import Histories, counted_arrivals, days, period_text, same_installation
from notifier.storage.inventory import conditions
from notifier.storage.period_tables import came_from, ended_stay, stays_recorded


def counted(
    connection: Connection, scope: Scope, components: Collection[int], without: Iterable[Scope] = ()
) -> dict[PeriodKey, int]:
    """How many hosts of a scope have had some components since when, after which period; none of those in `without`."""
    without = tuple(without)
    chosen = bulk.in_list(connection, tables.installation.c.component, sorted(components))
    where = [*conditions(connection, scope), chosen, *_excluded(connection, without)]
    on = days(connection)
    found: Counter[PeriodKey] = Counter()
    for (component, run, before), hosts in counted_arrivals(connection, where, _source(scope, without)).items():
        found[component, on[run], before] += hosts
    return dict(found)


def distinct_hosts(
    connection: Connection, scope: Scope, asked: Sequence[tuple[Collection[PeriodKey], Sequence[Scope]]]
) -> int:
    """How many hosts of a scope have one of some periods, without those in the scopes beside them."""
    table = tables.installation
    either = [sa.and_(_at(connection, keys), *_excluded(connection, without)) for keys, without in asked]
    components = {component for keys, _ in asked for component, _, _ in keys}
    hosts = (
        sa.select(table.c.host)
        .select_from(
            _source(scope, [s for _, without in asked for s in without]).outerjoin(came_from, same_installation)
        )
        .where(*conditions(connection, scope), bulk.in_list(connection, table.c.component, sorted(components)))
        .where(sa.or_(sa.false(), *either))
        .distinct()
        .subquery()
    )
    return connection.execute(sa.select(sa.func.count()).select_from(hosts)).scalar() or 0


def example_hosts(
    connection: Connection, scope: Scope, keys: Collection[PeriodKey], without: Sequence[Scope], limit: int
) -> tuple[str, ...]:
    """Up to `limit` names of hosts of a scope with one of some periods, sorted: those that were imported first."""
    table, host = tables.installation, tables.host
    statement = (
        sa.select(host.c.name)
        .select_from(table.join(host, host.c.id == table.c.host).outerjoin(came_from, same_installation))
        .where(*conditions(connection, scope), *_excluded(connection, without), _at(connection, keys))
        .where(bulk.in_list(connection, table.c.component, sorted({component for component, _, _ in keys})))
        .order_by(table.c.host)
        .limit(limit)
    )
    return tuple(sorted(connection.execute(statement).scalars()))


def _at(connection: Connection, keys: Collection[PeriodKey]) -> sa.ColumnElement[bool]:
    """That an installation is one of some periods."""
    imports: dict[date, list[int]] = defaultdict(list)
    for number, day in days(connection).items():
        imports[day].append(number)
    wanted = [f"{component}:{run}:{before}" for component, day, before in keys for run in imports[day]]
    return bulk.in_list(connection, period_text, wanted)


def _source(scope: Scope, without: Iterable[Scope]) -> sa.FromClause:
    table = tables.installation
    named = any(s.tags or s.hosts for s in (scope, *without))
    return table.join(tables.host, tables.host.c.id == table.c.host) if named else table


def _excluded(connection: Connection, without: Iterable[Scope]) -> list[sa.ColumnElement[bool]]:
    return [sa.not_(sa.and_(sa.true(), *conditions(connection, other))) for other in merged(without)]


def ended(connection: Connection, since: date) -> list[EndedPeriod]:
    """The periods that ended on a day or after it."""
    histories = Histories(connection)
    rows = connection.execute(sa.select(ended_stay).where(ended_stay.c.day >= since).order_by(ended_stay.c.day))
    return [
        EndedPeriod(histories.period((r.component, r.since, r.before)), r.next or None, r.day, r.hosts) for r in rows
    ]


def recorded_since(connection: Connection) -> date | None:
    """The day since which ended periods are known; None before the first import."""
    migrated: date | None = connection.execute(sa.select(sa.func.min(stays_recorded.c.since))).scalar()
    if migrated:
        return migrated
    first = connection.execute(sa.select(sa.func.min(tables.inventory_import.c.at))).scalar()
    return first.date() if first else None
