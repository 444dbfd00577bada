"""Hosts as counted and named, and how they moved between components."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from notifier.domain.component_periods import PeriodKey
from notifier.domain.components import Component
from notifier.domain.filters import Named

NAMED: Final = 5
"""How many hosts are named of those that are counted together, if nothing else is configured."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """How many hosts, and a few of their names."""

    count: int
    names: tuple[str, ...]

    @property
    def more(self) -> int:
        """How many are counted and not named."""
        return self.count - len(self.names)

    def with_(self, other: Hosts) -> Hosts:
        """These and others; of the names no more than the longer of the two has."""
        most = max(len(self.names), len(other.names))
        names = tuple(sorted({*self.names, *other.names}))
        count = self.count + other.count
        return Hosts(count, names if len(names) == count else names[:most])


class HostOutcome(StrEnum):
    """What an import did with a host."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Departure:
    """A host, the number of a component that it no longer runs, and those of that product which it runs now."""

    host: str
    component: int
    now: tuple[int, ...]


Holder = tuple[str, dict[str, str], tuple[int, ...], Named]
"""A host, its tags, which of the components that were asked for it runs, and which of the patterns its name matches."""


PeriodHolder = tuple[str, dict[str, str], tuple[PeriodKey, ...], Named]
"""The same with the host's periods at these components."""


@dataclass(frozen=True, slots=True)
class RiskSummary:
    """What is to be said of a component: how bad the worst is (0: nothing), how much there is, and of what sort."""

    weight: int = 0
    exposures: int = 0
    kev: bool = False
    unknown: bool = False


class HostOrder(StrEnum):
    """The order of a list of hosts."""

    NAME = "name"
    SEEN = "seen"
    """Those that were imported last come last."""


@dataclass(frozen=True, slots=True)
class HostRiskCount:
    """How many hosts have this weight at worst."""

    weight: int
    kev: bool
    unknown: bool
    hosts: int


@dataclass(frozen=True, slots=True)
class TrendDay:
    """One day's numbers: hosts by the worst level that affected them, and all hosts."""

    day: date
    hosts: int
    levels: dict[str, int]


@dataclass(slots=True)
class ImportResult:
    """What an import did: hosts that are new, that changed, that were as before, and that are gone."""

    added: int = 0
    changed: int = 0
    same: int = 0
    gone: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """By product, on how many hosts it is no longer, nor any other version of it."""


@dataclass(frozen=True, slots=True)
class StoredHost:
    """A host as the store has it."""

    name: str
    tags: dict[str, str]
    first_seen: datetime
    last_seen: datetime
    components: tuple[Component, ...]
    seen_by: str = ""
    """The scope of the import that saw it last."""
    restarts: tuple[tuple[Component, Component], ...] = ()
    """(what runs, what is installed) where the two differ."""


@dataclass(frozen=True, slots=True)
class Population:
    """How many hosts run a component, a few of their names, and when the latest of them came."""

    hosts: int
    names: tuple[str, ...]
    latest: datetime


@dataclass(frozen=True, slots=True)
class MovedHosts:
    """What marks hosts that moved: they came after a moment, from one of some components."""

    left: frozenset[int]
    since: datetime
