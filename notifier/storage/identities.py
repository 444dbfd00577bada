"""Which engine, machine or node each host is, so that two of one name stay two hosts."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.components import Host, Note
from notifier.storage import tables

_SIZES = (12, 24, 48, 200)
"""How much of an identity is in a name: more where several identities begin alike."""
_Key = tuple[str, str]
"""A host's name, and the kind of an identity."""
_OF_NAMES = """
SELECT host.name, host_identity.kind, host_identity.value
FROM host JOIN host_identity ON host_identity.host = host.id WHERE host.name {among}
"""
_KEEP = {
    "sqlite": """
INSERT INTO host_identity (host, kind, value)
SELECT host.id, json_extract(learnt.value, '$[0]'), json_extract(learnt.value, '$[1]') FROM json_each(?) AS learnt
CROSS JOIN host ON host.name = json_extract(learnt.value, '$[2]') WHERE true
ON CONFLICT (host, kind) DO UPDATE SET value = excluded.value
""",
    "postgresql": """
INSERT INTO host_identity (host, kind, value)
SELECT host.id, learnt.kind, learnt.value
FROM unnest(%s::text[], %s::text[], %s::text[]) AS learnt(kind, value, name) JOIN host ON host.name = learnt.name
ON CONFLICT (host, kind) DO UPDATE SET value = excluded.value
""",
}


class Identities:
    """The identities of hosts during one import.

    `resolve` gives a host whose name belongs to another identity a name of its own; `store` keeps what was
    learnt about hosts that are stored by then.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._learnt: dict[_Key, str] = {}
        self._variants: dict[_Key, str] | None = None

    def resolve(self, hosts: Iterable[Host], *, given: Collection[str] = ()) -> Iterator[tuple[Host, Note | None]]:
        """Yield each host under the name it is stored as, with a warning where that differs from its own.

        Names `given` by the operator are kept: whatever their identity was before, it is now this one.
        """
        waiting = list(hosts)
        known = self._stored({h.name for h in waiting if h.identity and h.name not in given})
        known.update(self._learnt)
        for host in waiting:
            if not host.identity:
                yield host, None
                continue
            kind, _, value = host.identity.partition(":")
            name = host.name
            if host.name not in given:
                name = self._name(host, kind, value, known.get((name, kind), value))
            if known.get((name, kind)) != value:
                known[name, kind] = self._learnt[name, kind] = value
            if name == host.name:
                yield host, None
                continue
            warning = (
                f"another {kind} was already imported as {host.name}, so this one is imported as {name}; "
                "use --host NAME to name it"
            )
            yield replace(host, name=name), Note(warning)

    def store(self) -> None:
        """Keep what was learnt."""
        rows = [(kind, value, name) for (name, kind), value in self._learnt.items()]
        dialect = self._connection.dialect.name
        if rows:
            values = (json.dumps(rows),) if dialect == "sqlite" else tuple(map(list, zip(*rows, strict=True)))
            self._connection.exec_driver_sql(_KEEP[dialect], values)
        self._learnt.clear()

    def _name(self, host: Host, kind: str, value: str, known: str) -> str:
        """The host's name; one of its own where that is another's, or where it was given one before."""
        for size in _SIZES if known != value or self._own_names else ():
            name = variant(host, size)
            held = self._own_names.get((name, kind))
            if held == value or (held is None and known != value):
                self._own_names[name, kind] = value
                return name
        return host.name

    @property
    def _own_names(self) -> dict[_Key, str]:
        """The few hosts that have a name with a part of their identity."""
        if self._variants is None:
            host, identity = tables.host, tables.host_identity
            query = (
                sa.select(host.c.name, identity.c.kind, identity.c.value)
                .join(identity, identity.c.host == host.c.id)
                .where(host.c.name.contains("~"))
            )
            self._variants = {(r.name, r.kind): r.value for r in self._connection.execute(query)}
        return self._variants

    def _stored(self, names: set[str]) -> dict[_Key, str]:
        if not names:
            return {}
        sqlite = self._connection.dialect.name == "sqlite"
        query = _OF_NAMES.format(among="IN (SELECT value FROM json_each(?))" if sqlite else "= ANY(%s)")
        parameter: Any = json.dumps(list(names)) if sqlite else list(names)
        rows = self._connection.exec_driver_sql(query, (parameter,)).cursor.fetchall()
        return {(name, kind): value for name, kind, value in rows}


def variant(host: Host, size: int = 12) -> str:
    """Return the name of a host whose own name is taken: with the beginning of its identity.

    >>> variant(Host("docker-desktop", (), identity="engine:9be621c5-d023-4617"))
    'docker-desktop~9be621c5d023'
    """
    return f"{host.name[: 242 - size]}~{re.sub(r'[^A-Za-z0-9]', '', host.identity.partition(':')[2])[:size].lower()}"
