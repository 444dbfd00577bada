"""Pushes: groups of them share an import, their answers are kept for a day, and they are counted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.components import Host
from notifier.domain.hosts import HostOutcome
from notifier.domain.pushes import PushResult
from notifier.storage import bulk
from notifier.storage.push_tables import push_answer, push_tally
from notifier.storage.shared_imports import SharedImport

SCOPE = "push"
"""The scope of all hosts that report themselves."""
ANSWERED = timedelta(hours=24)
"""So long the answer to an Idempotency-Key is kept."""


_ADD = """
INSERT INTO push_tally (result, count, last_at) VALUES (:result, :more, :at)
ON CONFLICT (result) DO UPDATE SET count = push_tally.count + excluded.count, last_at = excluded.last_at
"""


class PushImport(SharedImport):
    """An import that many groups of pushes share."""

    def __init__(self, connection: Connection, at: datetime) -> None:
        self.outcomes: dict[str, HostOutcome] = {}
        super().__init__(connection, at, scope=SCOPE)

    @property
    def changed(self) -> bool:
        """Whether some host changed by what was stored last."""
        return any(outcome is not HostOutcome.SAME for outcome in self.outcomes.values())

    def store(self, hosts: Iterable[Host]) -> dict[str, HostOutcome]:
        """Store hosts, each once for each view; what became of each."""
        self.outcomes = {}
        for _ in self.add(hosts):
            pass
        return self.outcomes

    def _count(self, name: str, outcome: HostOutcome) -> None:
        self.outcomes[name] = outcome


def answers(connection: Connection, keys: Collection[str], now: datetime) -> dict[str, tuple[str, str]]:
    """What was answered to some keys within a day: the hash of the content, and the answer. Older ones are removed."""
    if not keys:
        return {}
    connection.execute(sa.delete(push_answer).where(push_answer.c.at < now - ANSWERED))
    found = bulk.select_in(connection, push_answer, ("key", "body", "answer"), "key", sorted(keys))
    return {key: (body, answer) for key, body, answer in found}


def keep_answers(connection: Connection, rows: Iterable[tuple[str, str, str]], now: datetime) -> None:
    """Keep answers: key, hash of the content, answer."""
    at = bulk.moment(connection, now)
    bulk.insert_rows(connection, push_answer, ("key", "body", "answer", "at"), [(*row, at) for row in rows])


def count(connection: Connection, results: Mapping[PushResult, int], now: datetime) -> None:
    """Add to the numbers of pushes."""
    statement = sa.text(_ADD).bindparams(sa.bindparam("at", type_=push_tally.c.last_at.type))
    for result, more in results.items():
        connection.execute(statement, {"result": result.value, "more": more, "at": now})


def counts(connection: Connection) -> Iterator[tuple[PushResult, int, datetime]]:
    """How many pushes there were of each result, and when the last one was."""
    known = {r.value: r for r in PushResult}
    for result, held, at in connection.execute(sa.select(push_tally).order_by(push_tally.c.result)):
        if result in known:
            yield known[result], held, at
