"""What a source lists now, and what it lacks of what it listed before."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.advisories.facts import FACTS
from feeds.advisories.list_facts import contents
from feeds.advisories.records import Record
from feeds.core.limits import GONE_AFTER
from feeds.storage import tables
from feeds.storage.document_changes import decoded


def listed(connection: Connection, source: str, *, complete: bool = True) -> tuple[frozenset[str], int]:
    """The keys of the entries that a source lists now, and how many they are, counted inside lists.

    Of a source whose documents are windows (not `complete`), what they once showed counts.
    """
    item, absence = tables.item, tables.absence
    where = sa.and_(item.c.source == source, item.c.gone_at.is_(None))
    rows = connection.execute(sa.select(item.c.id, item.c.key, item.c.entries).where(where)).all()
    missed: dict[int, set[str]] = defaultdict(set)
    for row in connection.execute(sa.select(absence.c.item, absence.c.entry).join(item).where(where)):
        if complete:
            missed[row.item].add(row.entry)
    present = [r for r in rows if "" not in missed[r.id]]
    inside = sum(r.entries - len(missed[r.id]) for r in present if r.entries is not None)
    return frozenset(r.key for r in present), len({r.key for r in present if r.entries is None}) + inside


def missed_at_once(connection: Connection, source: str, at: datetime | None = None) -> int:
    """How many entries a source lacks on all its pages, since this poll or (at a time) less than a day.

    Scores are asked for anew. 0 where none is missing for the first time.
    """
    item, absence = tables.item, tables.absence
    fresh = sa.select(absence.c.item).join(item).where(item.c.source == source, absence.c.missed_at.is_(None))
    if connection.execute(fresh.limit(1)).first() is None:
        return 0
    rows = connection.execute(
        sa.select(item.c.id, item.c.key, item.c.payload, absence.c.entry, absence.c.missed_at)
        .outerjoin(absence, absence.c.item == item.c.id)
        .where(item.c.source == source, item.c.gone_at.is_(None))
    ).all()
    absent = {(r.id, r.entry) for r in rows if r.entry is not None}
    present = {
        (row.key, name)
        for row in {r.id: r for r in rows}.values()
        if (row.id, "") not in absent
        for name in ("", *(contents(decoded(row.payload)) or () if row.key.startswith(FACTS) else ()))
        if (row.id, name) not in absent
    }
    since = at - GONE_AFTER if at else None
    late = {(r.key, r.entry) for r in rows if r.missed_at is not None and since is not None and r.missed_at > since}
    missed = late | {(r.key, r.entry) for r in rows if r.entry is not None and r.missed_at is None}
    return sum(key != "epss" for key, _ in missed - present)


def newest_missing(connection: Connection, source: str) -> int:
    """How many entries a source misses, where these are its newest, and more than one: it serves an older copy."""
    item, absence = tables.item, tables.absence
    rows = connection.execute(
        sa.select(item.c.key, item.c.payload, absence.c.entry)
        .outerjoin(absence, absence.c.item == item.c.id)
        .where(item.c.source == source, item.c.gone_at.is_(None))
    ).all()
    ages: dict[bool, list[tuple[Any, ...]]] = {True: [], False: []}
    here = {r.key for r in rows if r.entry is None}
    for row in rows:
        if row.entry is None or (row.entry == "" and row.key not in here):
            value = decoded(row.payload)
            if isinstance(value, Record) and value.published:
                ages[row.entry is None].append((value.published,))
    missing, left = ages[False], ages[True]
    return len(missing) if len(missing) > 1 and left and min(missing) > max(left) else 0
