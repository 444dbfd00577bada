"""Silences and assignments. What they mean is decided in `notifier.alerts.silences`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.core.errors import UnknownName
from feeds.storage import insert
from feeds.storage import tables as feeds_tables
from notifier.alerts.alert_state import AlertState
from notifier.alerts.silences import Assignment, Silence
from notifier.domain.filters import Scope
from notifier.storage import tables


def add(connection: Connection, silence: Silence) -> int:
    """Store a silence; return its number."""
    return insert(
        connection,
        tables.silence,
        advisory=silence.advisory,
        scope=_encoded(silence.scope),
        reason=silence.reason,
        author=silence.author,
        justification=silence.justification,
        created_at=silence.created_at,
        until=silence.until,
        facets=msgspec.json.encode(silence.facets).decode(),
    )


def renew(connection: Connection, silence: Silence, advisories: Collection[int]) -> tuple[int, tuple[int, ...]]:
    """Store a silence in place of those of its scope that last; its number and theirs come back.

    `advisories` are the numbers under which its advisory may be noted.
    """
    lasting = (s for s in every(connection) if s.until > silence.created_at and s.advisory in advisories)
    ended = tuple(sorted(s.id for s in lasting if s.scope.alike(silence.scope)))
    table = tables.silence
    connection.execute(sa.update(table).where(table.c.id.in_(ended)).values(until=silence.created_at))
    return add(connection, silence), ended


def every(connection: Connection) -> list[Silence]:
    """Every silence there ever was, newest first."""
    table, advisory = tables.silence, feeds_tables.advisory
    rows = connection.execute(
        sa.select(table, advisory.c.name)
        .join(advisory, advisory.c.id == table.c.advisory)
        .order_by(table.c.created_at.desc(), table.c.id.desc())
    )
    return [
        Silence(
            advisory=r.advisory,
            scope=_decoded(r.scope),
            reason=r.reason,
            author=r.author,
            created_at=r.created_at,
            until=r.until,
            facets=msgspec.json.decode(r.facets, type=AlertState),
            justification=r.justification,
            name=r.name,
            id=r.id,
        )
        for r in rows
    ]


def unknown(number: int) -> UnknownName:
    """The error for a silence that does not last."""
    return UnknownName(f"there is no active silence with number {number}", remedy="See `navtex silence list`")


def expire(connection: Connection, number: int, at: datetime) -> Silence:
    """End a silence now; UnknownName if none of that number lasts."""
    found = next((s for s in every(connection) if s.id == number and s.lasts(at)), None)
    if found is None:
        raise unknown(number)
    connection.execute(sa.update(tables.silence).where(tables.silence.c.id == number).values(until=at))
    return found


def take(connection: Connection, hand: Assignment) -> int:
    """Store an assignment. It ends an earlier one of the same scope."""
    table = tables.hand
    same = [h.id for h in hands(connection) if h.advisory == hand.advisory and h.scope.alike(hand.scope)]
    connection.execute(sa.update(table).where(table.c.id.in_(same)).values(released_at=hand.created_at))
    return insert(
        connection,
        table,
        advisory=hand.advisory,
        scope=_encoded(hand.scope),
        owner=hand.owner,
        due=hand.due,
        note=hand.note,
        created_at=hand.created_at,
    )


def release(connection: Connection, advisories: tuple[int, ...], scope: Scope | None, at: datetime) -> list[Assignment]:
    """End the assignments of a scope or (None) all of them; return them."""
    mine = [h for h in hands(connection) if h.advisory in advisories]
    released = [h for h in mine if scope is None or h.scope.alike(scope)]
    numbers = [h.id for h in released]
    connection.execute(sa.update(tables.hand).where(tables.hand.c.id.in_(numbers)).values(released_at=at))
    return released


def hands(connection: Connection) -> list[Assignment]:
    """The assignments that were not removed, the first due first."""
    table, advisory = tables.hand, feeds_tables.advisory
    rows = connection.execute(
        sa.select(table, advisory.c.name)
        .join(advisory, advisory.c.id == table.c.advisory)
        .where(table.c.released_at.is_(None))
        .order_by(table.c.due, table.c.id)
    )
    return [
        Assignment(r.advisory, _decoded(r.scope), r.owner, r.due, r.created_at, r.note, r.released_at, r.name, r.id)
        for r in rows
    ]


def _encoded(scope: Scope) -> str:
    return msgspec.json.encode(scope, order="sorted").decode()


def _decoded(text: str) -> Scope:
    return msgspec.json.decode(text, type=Scope)
