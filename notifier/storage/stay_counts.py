"""How many hosts are at which component since when, and the stays that are over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.filters import Scope, merged
from notifier.domain.stays import EndedStay, StayKey
from notifier.storage import bulk, tables
from notifier.storage.inventory import conditions
from notifier.storage.stay_tables import ended_stay, stays_recorded
from notifier.storage.stays import Histories, days, grouped


def counted(
    connection: Connection, scope: Scope, components: Collection[int], without: Iterable[Scope] = ()
) -> dict[StayKey, int]:
    """How many hosts of a scope are at some components since when, and after which stay; none of those in `without`."""
    table = tables.installation
    where = [*conditions(connection, scope), bulk.in_list(connection, table.c.component, sorted(components))]
    excluded = merged(without)
    where += [sa.not_(sa.and_(sa.true(), *conditions(connection, other))) for other in excluded]
    named = scope.tags or scope.hosts or any(s.tags or s.hosts for s in excluded)
    source = table.join(tables.host, tables.host.c.id == table.c.host) if named else table
    rows = connection.execute(grouped(where, source)).all()
    on = days(connection)
    found: Counter[StayKey] = Counter()
    for row in rows:
        found[row.component, on[row.run], row.before] += row.hosts
    return dict(found)


def ended(connection: Connection, since: date) -> list[EndedStay]:
    """The stays that ended on a day or after it."""
    histories = Histories(connection)
    rows = connection.execute(sa.select(ended_stay).where(ended_stay.c.day >= since).order_by(ended_stay.c.day))
    return [EndedStay(histories.stay((r.component, r.since, r.before)), r.next or None, r.day, r.hosts) for r in rows]


def recorded_since(connection: Connection) -> date | None:
    """The day since which ended stays are known; None before the first import."""
    migrated: date | None = connection.execute(sa.select(sa.func.min(stays_recorded.c.since))).scalar()
    if migrated:
        return migrated
    first = connection.execute(sa.select(sa.func.min(tables.inventory_import.c.at))).scalar()
    return first.date() if first else None
