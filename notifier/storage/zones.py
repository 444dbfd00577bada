"""Rounds of collections from zones, and the hosts that did not answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import upsert
from notifier.storage import bulk
from notifier.storage.stage_tables import stage_mark, unanswered


class Unanswered(NamedTuple):
    """A host that did not answer: its zone, its name there, why, since when, and when that was last so."""

    zone: str
    target: str
    reason: str
    since: datetime
    at: datetime


def begin(connection: Connection, zone: str, at: datetime, targets: Collection[str]) -> None:
    """Begin a round: jobs of earlier ones are void, and hosts that no longer belong to the zone are forgotten."""
    upsert(connection, stage_mark, {"name": f"round:{zone}", "value": "", "at": at}, ["name"])
    gone = sa.not_(bulk.in_list(connection, unanswered.c.target, sorted(targets)))
    connection.execute(sa.delete(unanswered).where(unanswered.c.zone == zone, gone))


def is_current(connection: Connection, zone: str, begun: datetime) -> bool:
    """Whether a round is the last one that began."""
    last = connection.execute(sa.select(stage_mark.c.at).where(stage_mark.c.name == f"round:{zone}")).scalar()
    return last is None or last <= begun


def note(
    connection: Connection, zone: str, asked: Collection[str], missing: Iterable[tuple[str, str]], at: datetime
) -> None:
    """Store which of the hosts that were asked did not answer, with the reason."""
    these = bulk.in_list(connection, unanswered.c.target, sorted(asked))
    where = (unanswered.c.zone == zone, these)
    before = dict(connection.execute(sa.select(unanswered.c.target, unanswered.c.since).where(*where)).all())
    connection.execute(sa.delete(unanswered).where(*where))
    rows = [
        {"zone": zone, "target": target, "reason": reason, "since": before.get(target, at), "at": at}
        for target, reason in missing
    ]
    if rows:
        connection.execute(sa.insert(unanswered), rows)


def listed(connection: Connection) -> list[Unanswered]:
    """The hosts that did not answer, by zone and name."""
    rows = connection.execute(sa.select(unanswered).order_by(unanswered.c.zone, unanswered.c.target))
    return [Unanswered(r.zone, r.target, r.reason, r.since, r.at) for r in rows]
