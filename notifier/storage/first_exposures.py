"""Since when an advisory is known to affect a component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.advisories.records import Advisory
from notifier.storage import bulk, tables
from notifier.storage.period_tables import known_exposure

Pair = tuple[int, int]
"""The numbers of an advisory and of a component that it affects."""


@dataclass(frozen=True, slots=True)
class KnownExposures:
    """What is stored, and how to date what is not stored yet."""

    days: Mapping[Pair, date]
    judged: Mapping[int, int]
    """By advisory, the last component that was matched with it before."""
    today: date

    def since(self, advisory: Advisory, component: int) -> date:
        """The day since which an advisory is known to affect a component, which it does now.

        A pair that is not stored: today if it was judged otherwise before; else the day on which the advisory was
        first read, since the component was not looked at before.
        """
        stored = [self.days[n, component] for n in (advisory.id, *advisory.doubles) if (n, component) in self.days]
        if stored:
            return min(stored)
        if self.judged.get(advisory.id, 0) >= component or advisory.first_seen is None:
            return self.today
        return min(advisory.first_seen.date(), self.today)


def load(connection: Connection, today: date) -> KnownExposures:
    """What is known."""
    rows = connection.execute(sa.select(known_exposure))
    matched = connection.execute(sa.select(tables.matched.c.advisory, tables.matched.c.through))
    judged = {r.advisory: r.through for r in matched}
    return KnownExposures({(r.advisory, r.component): r.day for r in rows}, judged, today)


def note(connection: Connection, known: KnownExposures, pairs: Iterable[tuple[Advisory, int]]) -> None:
    """Store pairs that are new."""
    new = {
        (advisory.id, component): bulk.day(connection, known.since(advisory, component))
        for advisory, component in pairs
        if (advisory.id, component) not in known.days
    }
    bulk.insert_rows(
        connection, known_exposure, ("advisory", "component", "day"), [(*pair, day) for pair, day in new.items()]
    )
