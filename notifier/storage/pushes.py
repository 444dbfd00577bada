"""Pushes: groups of them share an import, their answers are kept for a day, and they are counted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import insert, upsert
from notifier.domain.components import Host
from notifier.domain.hosts import HostOutcome
from notifier.domain.observations import mentions
from notifier.domain.pushes import PushResult
from notifier.storage import bulk, looks, tables
from notifier.storage.importing import Import
from notifier.storage.push_tables import push_answer, push_import, push_tally

SCOPE = "push"
"""The scope of all hosts that report themselves."""
ANSWERED = timedelta(hours=24)
"""So long the answer to an Idempotency-Key is kept."""
SHARED = timedelta(minutes=10)
"""So long an import by which hosts changed is shared: the changes count as of its beginning."""


_ADD = """
INSERT INTO push_tally (result, count, last_at) VALUES (:result, :more, :at)
ON CONFLICT (result) DO UPDATE SET count = push_tally.count + excluded.count, last_at = excluded.last_at
"""


class PushImport(Import):
    """An import that many groups of pushes share, because each row of imports makes every later one slower.

    What is news for a subscription goes by the time of the import. So one by which hosts changed is not shared beyond
    the next look for news. A host that reports itself again replaces what it said before.
    """

    adds_up = False

    def __init__(self, connection: Connection, at: datetime) -> None:
        self.outcomes: dict[str, HostOutcome] = {}
        self._changed = False
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
        if not self._changed and self.changed:
            self._changed = True
            runs = tables.inventory_import
            self._connection.execute(sa.update(push_import).values(changed=True))
            self._connection.execute(
                sa.update(runs).where(runs.c.id == self._run).values(at=looks.later(self._connection, self._now))
            )
        return self.outcomes

    def _begun(self, at: datetime) -> int:
        runs = tables.inventory_import
        shared = push_import.join(runs, runs.c.id == push_import.c["import"])
        row = self._connection.execute(
            sa.select(runs.c.id, runs.c.at, push_import.c.changed).select_from(shared)
        ).first()
        if row and (not row.changed or self._still_shared(row.at)):
            self._changed = row.changed
            return int(row.id)
        number = insert(self._connection, runs, scope=self._scope, at=looks.later(self._connection, self._now))
        upsert(self._connection, push_import, {"id": 1, "import": number, "changed": False}, ["id"])
        return number

    def _still_shared(self, began: datetime) -> bool:
        return timedelta() <= self._now - began < SHARED and looks.last(self._connection) < began

    def _know_mine(self, *conditions: sa.ColumnElement[bool]) -> None:
        """Nothing yet: `_met` asks for the imports that its hosts name."""

    def _met(self, known: Mapping[str, tuple[object, ...]]) -> None:
        named = {seen.by for row in known.values() for seen in mentions(str(row[3]))} | {self._run}
        super()._know_mine(bulk.in_list(self._connection, tables.inventory_import.c.id, sorted(named)))

    def _count(self, name: str, outcome: HostOutcome) -> None:
        self.outcomes[name] = outcome


def answers(connection: Connection, keys: Collection[str], now: datetime) -> dict[str, tuple[str, str]]:
    """What was answered to some keys within a day: the hash of the content, and the answer. Older ones are removed."""
    connection.execute(sa.delete(push_answer).where(push_answer.c.at < now - ANSWERED))
    if not keys:
        return {}
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
