"""Imports that many groups of hosts share, because each row of imports makes every later import slower."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import upsert
from notifier.domain.components import Host
from notifier.domain.observations import mentions
from notifier.storage import bulk, tables, watermarks
from notifier.storage.importing import Import
from notifier.storage.push_tables import push_import

SHARED = timedelta(minutes=10)
"""So long an import by which hosts changed is shared: the changes count as of its beginning."""
_NUMBERS = {"push": 1, "collect": 2}
"""The scopes that share imports, each with its row of `push_import`."""


class SharedImport(Import):
    """An import that goes on with the last one of its scope, if nobody has looked for news since hosts changed by it.

    What is news for a subscription goes by the time of the import. So one by which hosts changed is not shared beyond
    the next look for news. A host that is met again replaces what was said of it before.
    """

    adds_up = False

    def __init__(
        self, connection: Connection, at: datetime, *, scope: str = "push", tags: Mapping[str, str] | None = None
    ) -> None:
        self._changed = False
        self._number = _NUMBERS[scope]
        super().__init__(connection, at, scope=scope, tags=tags)

    @property
    def changed(self) -> bool:
        """Whether some host changed by what was stored."""
        return bool(self.taken.added or self.taken.changed)

    def add(self, hosts: Iterable[Host]) -> Iterator[int]:
        """Store hosts; after each chunk, how many were stored so far comes back."""
        yield from super().add(hosts)
        if not self._changed and self.changed:
            self._changed = True
            runs, at = tables.inventory_import, watermarks.later(self._connection, self._now)
            shared = sa.update(push_import).where(push_import.c.id == self._number)
            self._connection.execute(shared.values(changed=True))
            self._connection.execute(sa.update(runs).where(runs.c.id == self._run).values(at=at))

    def _begun(self, at: datetime) -> int:
        runs = tables.inventory_import
        shared = push_import.join(runs, runs.c.id == push_import.c["import"])
        row = self._connection.execute(
            sa.select(runs.c.id, runs.c.at, push_import.c.changed)
            .select_from(shared)
            .where(push_import.c.id == self._number)
        ).first()
        if row and (not row.changed or self._still_shared(row.at)):
            self._changed = row.changed
            return int(row.id)
        number = self._new(at)
        upsert(self._connection, push_import, {"id": self._number, "import": number, "changed": False}, ["id"])
        return number

    def _still_shared(self, began: datetime) -> bool:
        return timedelta() <= self._now - began < SHARED and watermarks.last(self._connection) < began

    def _know_mine(self, *conditions: sa.ColumnElement[bool]) -> None:
        """Nothing yet: `_met` asks for the imports that its hosts name."""

    def _met(self, known: Mapping[str, tuple[object, ...]]) -> None:
        named = {seen.by for row in known.values() for seen in mentions(str(row[3]))} | {self._run}
        super()._know_mine(bulk.in_list(self._connection, tables.inventory_import.c.id, sorted(named)))
