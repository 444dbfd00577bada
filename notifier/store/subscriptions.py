"""Subscriptions, and what each was told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.errors import UnknownName, UsageProblem
from feeds.store import upsert
from notifier import tables
from notifier.digest import Facets, Told
from notifier.filters import Filters


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who wants to hear of what. `started_at` is its first run; None until then."""

    name: str
    targets: tuple[str, ...]
    filters: Filters
    created_at: datetime
    silent_start: bool = False
    paused: bool = False
    started_at: datetime | None = None
    id: int = 0


def add(connection: Connection, subscription: Subscription) -> None:
    """Store a new subscription; UsageProblem where the name is taken."""
    table = tables.subscription
    if connection.execute(sa.select(table.c.id).where(table.c.name == subscription.name)).scalar():
        raise UsageProblem(
            f"a subscription called {subscription.name!r} exists", remedy="Remove it first, or choose another name"
        )
    connection.execute(
        sa.insert(table).values(
            name=subscription.name,
            targets=msgspec.json.encode(subscription.targets).decode(),
            filters=msgspec.json.encode(subscription.filters).decode(),
            created_at=subscription.created_at,
            paused=subscription.paused,
            silent_start=subscription.silent_start,
        )
    )


def every(connection: Connection) -> list[Subscription]:
    """Every subscription, sorted by name."""
    return [
        _value(row) for row in connection.execute(sa.select(tables.subscription).order_by(tables.subscription.c.name))
    ]


def named(connection: Connection, name: str) -> Subscription:
    """The subscription of a name; UnknownName where there is none."""
    row = connection.execute(sa.select(tables.subscription).where(tables.subscription.c.name == name)).one_or_none()
    if row is None:
        raise UnknownName(f"no subscription is called {name!r}", remedy="See `navtex subscription list`")
    return _value(row)


def _value(row: Any) -> Subscription:
    return Subscription(
        name=row.name,
        targets=msgspec.json.decode(row.targets, type=tuple[str, ...]),
        filters=msgspec.json.decode(row.filters, type=Filters),
        created_at=row.created_at,
        silent_start=row.silent_start,
        paused=row.paused,
        started_at=row.started_at,
        id=row.id,
    )


def pause(connection: Connection, name: str, *, paused: bool) -> None:
    """Stop or resume a subscription. What happens meanwhile is told when it is resumed."""
    number = named(connection, name).id
    connection.execute(sa.update(tables.subscription).where(tables.subscription.c.id == number).values(paused=paused))


def remove(connection: Connection, name: str) -> None:
    """Forget a subscription, with all that was told and is still to be delivered."""
    number = named(connection, name).id
    connection.execute(sa.delete(tables.subscription).where(tables.subscription.c.id == number))


def start(connection: Connection, subscription: Subscription, at: datetime) -> None:
    """Note its first run."""
    connection.execute(
        sa.update(tables.subscription).where(tables.subscription.c.id == subscription.id).values(started_at=at)
    )


def told(connection: Connection, subscription: Subscription) -> dict[int, Told]:
    """What it was told, by the advisory's number."""
    rows = connection.execute(sa.select(tables.told).where(tables.told.c.subscription == subscription.id))
    return {r.advisory: Told(msgspec.json.decode(r.facets, type=Facets), r.at) for r in rows}


def tell(
    connection: Connection, subscription: Subscription, facets: dict[int, Facets], at: datetime, digest: int | None
) -> None:
    """Write into the ledger what a digest tells, or what is noted in silence (`digest` None)."""
    for advisory, value in facets.items():
        row = {
            "subscription": subscription.id,
            "advisory": advisory,
            "facets": msgspec.json.encode(value).decode(),
            "at": at,
            "digest": digest,
        }
        upsert(connection, tables.told, row, ["subscription", "advisory"])
