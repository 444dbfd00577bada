"""Which engine, machine or node each host is, so that two of one name stay two hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.domain.components import Host, Note
from notifier.storage import tables

_T = TypeVar("_T")
_ASKED = 400
"""Names that one query asks for."""


class Identities:
    """The identities of hosts during one import.

    `resolve` gives a host whose name belongs to another identity a name of its own; `store` keeps what was
    learnt about hosts that are stored by then.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._learnt: dict[tuple[str, str], str] = {}

    def resolve(self, hosts: Iterable[Host], *, given: str = "") -> Iterator[tuple[Host, Note | None]]:
        """Yield each host under the name it is stored as, with a warning where that differs from its own.

        The name `given` by the operator is kept: whatever its identity was before, it is now this one.
        """
        waiting = list(hosts)
        asked = [h for h in waiting if h.identity and h.name != given]
        known = self._stored({name for h in asked for name in (h.name, variant(h))})
        known.update(self._learnt)
        for host in waiting:
            if not host.identity:
                yield host, None
                continue
            kind, _, value = host.identity.partition(":")
            name, own = host.name, variant(host)
            other = known.get((name, kind), value) != value or known.get((own, kind)) == value
            if other and host.name != given:
                name = own
            known[name, kind] = self._learnt[name, kind] = value
            yield (
                (host, None)
                if name == host.name
                else (
                    replace(host, name=name),
                    Note(
                        f"another {kind} was already imported as {host.name}, so this one is imported as {name}; "
                        "use --host NAME to name it"
                    ),
                )
            )

    def store(self) -> None:
        """Keep what was learnt."""
        host, identity = tables.host, tables.host_identity
        for chunk in _batches(self._learnt.items()):
            names = {name for (name, _), _ in chunk}
            ids = {
                r.name: r.id
                for r in self._connection.execute(sa.select(host.c.id, host.c.name).where(host.c.name.in_(names)))
            }
            rows = [{"host": ids[name], "kind": kind, "value": value} for (name, kind), value in chunk if name in ids]
            for kind in {r["kind"] for r in rows}:
                held = [r["host"] for r in rows if r["kind"] == kind]
                self._connection.execute(sa.delete(identity).where(identity.c.kind == kind, identity.c.host.in_(held)))
            if rows:
                self._connection.execute(sa.insert(identity), rows)
        self._learnt.clear()

    def _stored(self, names: set[str]) -> dict[tuple[str, str], str]:
        host, identity = tables.host, tables.host_identity
        found: dict[tuple[str, str], str] = {}
        for chunk in _batches(sorted(names)):
            query = (
                sa.select(host.c.name, identity.c.kind, identity.c.value)
                .join(identity, identity.c.host == host.c.id)
                .where(host.c.name.in_(chunk))
            )
            found.update({(r.name, r.kind): r.value for r in self._connection.execute(query)})
        return found


def _batches(values: Iterable[_T]) -> Iterator[list[_T]]:
    source = iter(values)
    while batch := list(islice(source, _ASKED)):
        yield batch


def variant(host: Host) -> str:
    """Return the name of a host whose own name is taken: with the beginning of its identity.

    >>> variant(Host("docker-desktop", (), identity="engine:9be621c5-d023-4617"))
    'docker-desktop~9be621c5d023'
    """
    return f"{host.name[:230]}~{re.sub(r'[^A-Za-z0-9]', '', host.identity.partition(':')[2])[:12].lower()}"
