"""The rows of an import: hosts as they are stored, the numbers of components and tags, and what a chunk leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import insert
from notifier.domain.components import Component, Observed
from notifier.storage import bulk, tables

CHUNK = 10_000
"""How many hosts are read and written at a time."""


class HostRow(NamedTuple):
    """A host as it is stored."""

    id: int
    name: str
    tagset: int
    views: str


class ComponentNumbers(dict[Component, int]):
    """The number of each component; one that is asked for and new gets the next, and waits in `new` to be stored."""

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(sa.select(tables.component))
        super().__init__({Component(r.product, r.version, r.package, r.distro): r.id for r in rows})
        self.components = {number: component for component, number in self.items()}
        self.products = {number: component.product for component, number in self.items()}
        self.last = max(self.components, default=0)
        self.new: list[bulk.Row] = []

    def __missing__(self, component: Component) -> int:
        self.last = number = self.last + 1
        self.new.append((number, *msgspec.structs.astuple(component)))
        self[component] = number
        self.components[number] = component
        self.products[number] = component.product
        return number


@dataclass(slots=True)
class ChunkWrites:
    """The rows that a chunk leads to."""

    hosts: list[bulk.Row] = field(default_factory=list)
    updates: list[bulk.Row] = field(default_factory=list)
    same: dict[Observed, list[int]] = field(default_factory=lambda: {view: [] for view in Observed})
    """Hosts of which only who said it, and when, is new."""
    seen: list[int] = field(default_factory=list)
    """Hosts of which only when it was said is new."""
    added: list[bulk.Row] = field(default_factory=list)
    removed: list[bulk.Row] = field(default_factory=list)
    several: list[bulk.Row] = field(default_factory=list)
    single: list[int] = field(default_factory=list)
    """Hosts of which it must be said anew what they have several of."""
    restarts: list[bulk.Row] = field(default_factory=list)
    restarted: list[bulk.Row] = field(default_factory=list)


class Tagsets:
    """The numbers of sets of tags. What was asked is remembered: the hosts of an import share a few sets."""

    def __init__(self, connection: Connection, tags: Mapping[str, str]) -> None:
        """`tags` are the import's own, which every host gets."""
        self._connection = connection
        self._tags = dict(tags)
        self._numbers = {r.tags: r.id for r in connection.execute(sa.select(tables.tagset))}
        self._tags_of = {n: msgspec.json.decode(text, type=dict[str, str]) for text, n in self._numbers.items()}
        self._asked: dict[tuple[object, ...], int] = {}

    def number(self, had: int | None, tags: Mapping[str, str]) -> int:
        """The number of the tags of a host: those that it had, those that its rows give, and the import's own."""
        if had is not None and not tags and not self._tags:
            return had
        asked = (had, *tags.items())
        number = self._asked.get(asked)
        if number is None:
            if len(self._asked) > CHUNK:
                self._asked.clear()
            number = self._asked[asked] = self._stored(had, tags)
        return number

    def _stored(self, had: int | None, tags: Mapping[str, str]) -> int:
        before = self._tags_of[had] if had is not None else {}
        text = msgspec.json.encode({**before, **tags, **self._tags}, order="sorted").decode()
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = insert(self._connection, tables.tagset, tags=text)
            self._tags_of[number] = msgspec.json.decode(text, type=dict[str, str])
        return number
