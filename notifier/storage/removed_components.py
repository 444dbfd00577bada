"""What hosts no longer run: the good news of a later digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.filters import Scope
from notifier.domain.hosts import Departure
from notifier.storage import tables
from notifier.storage.component_changes import after, runs
from notifier.storage.inventory import components, conditions


def moves(connection: Connection, scope: Scope, since: datetime) -> dict[tuple[frozenset[int], int], int]:
    """How many hosts of a scope moved after a moment, by the components that they left and the one where they are."""
    departed, installation, host = tables.departure, tables.installation, tables.host
    at_once = sa.and_(departed.c.host == installation.c.host, departed.c["import"] == installation.c["import"])
    rows = connection.execute(
        sa.select(installation.c.host, installation.c.component, departed.c.component)
        .join(departed, at_once)
        .join(host, host.c.id == installation.c.host)
        .where(after(connection, runs(connection), since), *conditions(connection, scope))
    )
    of_host: dict[tuple[int, int], set[int]] = {}
    for number, at, left in rows:
        of_host.setdefault((number, at), set()).add(left)
    return Counter((frozenset(left), at) for (_, at), left in of_host.items())


def departures(connection: Connection, scope: Scope, since: datetime) -> Iterable[Departure]:
    """What the hosts of a scope stopped running after a moment, and what they run now of the same product."""
    departed, host, installation = tables.departure, tables.host, tables.installation
    rows = connection.execute(
        sa.select(departed.c.host, departed.c.component, host.c.name)
        .join(host, host.c.id == departed.c.host)
        .where(
            after(connection, runs(connection), since),
            *conditions(connection, msgspec.structs.replace(scope, products=())),
        )
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
