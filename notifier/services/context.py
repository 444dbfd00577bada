"""What a run needs to know of the database, read once for all subscriptions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from feeds import storage
from feeds.advisories.merging import Catalogue
from feeds.advisories.records import Advisory, Kind
from feeds.sources import health
from feeds.sources.health import MirrorState, SourceState
from feeds.storage.database import Connection
from notifier.alerts import alert_state
from notifier.alerts import silences as silence
from notifier.alerts.alert_state import AffectedComponent
from notifier.alerts.digest import DigestAssignment
from notifier.alerts.silences import Assignment, Silence
from notifier.assessment.matcher import EXPOSED, Match, Matcher
from notifier.domain.components import Component
from notifier.domain.filters import Scope
from notifier.domain.hosts import Hosts
from notifier.storage import inventory, silences, verdicts


@dataclass(frozen=True, slots=True)
class World:
    """What a run needs to know of the database, read once."""

    catalogue: Catalogue
    matcher: Matcher
    sources: tuple[SourceState, ...]
    now: datetime
    components: Mapping[int, Component]
    silences: tuple[Silence, ...]
    hands: tuple[Assignment, ...]
    stale_days: int = 14
    mirror: MirrorState | None = None
    """The mirror that the sources were read from."""
    held: dict[int, tuple[Silence, ...]] = field(default_factory=dict)
    """The silences in force, by the number of their advisory."""
    _matches: dict[int, list[Match]] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        connection: Connection,
        now: datetime,
        *,
        stale_days: int = 14,
        disabled: frozenset[str] = frozenset(),
        keep: bool = False,
    ) -> World:
        """The world as the database has it. Sources that are `disabled` are no longer part of it.

        With `keep`, verdicts that were not made yet are made and kept.
        """
        catalogue = storage.catalogue(connection)
        if keep:
            verdicts.refresh(connection, catalogue, now.date())
        lost = storage.lost(connection, {a.id for a in catalogue.advisories})
        everything = _with_lost(catalogue, lost)
        states = [s for s in storage.sources(connection).values() if s.name not in disabled]
        world = cls(
            everything,
            Matcher(everything, now.date(), known=verdicts.load(connection)),
            tuple(health.assessed(states, now)),
            now,
            inventory.components(connection),
            tuple(silences.every(connection)),
            tuple(silences.hands(connection)),
            stale_days,
            storage.mirror(connection),
        )
        world.held.update(world._in_force(connection))
        return world

    def matches(self, number: int) -> list[Match]:
        """Everything that the owner of a component should hear of."""
        if number not in self._matches:
            self._matches[number] = self.matcher.concerns(self.components[number])
        return self._matches[number]

    def exposed(self, number: int) -> dict[int, Advisory]:
        """The vulnerabilities that affect a component (or may), by number."""
        found = (m for m in self.matches(number) if m.advisory.kind is Kind.VULNERABILITY)
        return {m.advisory.id: m.advisory for m in found if m.verdict.status in EXPOSED}

    def _in_force(self, connection: Connection) -> dict[int, tuple[Silence, ...]]:
        lasting = {s.advisory for s in self.silences if s.lasts(self.now)}
        if not lasting:
            return {}
        return silence.in_force(self.silences, self._everywhere(connection, lasting), self.now)

    def _everywhere(self, connection: Connection, advisories: set[int]) -> dict[int, list[AffectedComponent]]:
        """What some advisories concern in the whole inventory, by their number."""
        grouped: dict[int, list[AffectedComponent]] = defaultdict(list)
        for number, people in inventory.populations(connection, Scope()).items():
            for match in self.matches(number):
                if advisories & set(silence.about(match.advisory)):
                    hosts = Hosts(people.hosts, people.names)
                    grouped[match.advisory.id].append(AffectedComponent(number, match, hosts, people.latest))
        return grouped

    def standing(self, connection: Connection, advisory: Advisory) -> alert_state.AlertState:
        """What matters of an advisory now, for all hosts."""
        return alert_state.facets_of(advisory, self._everywhere(connection, {advisory.id}).get(advisory.id, ()))

    @property
    def lasting(self) -> set[int]:
        """The numbers of the silences whose end is still to come, of advisories that concern anybody."""
        concerned = {n for m in self._matches.values() for one in m for n in silence.about(one.advisory)}
        return {s.id for s in self.silences if s.lasts(self.now) and s.advisory in concerned}

    @property
    def in_hand(self) -> dict[int, tuple[DigestAssignment, ...]]:
        """Who has which advisory in hand."""
        found: dict[int, tuple[DigestAssignment, ...]] = {}
        for hand in self.hands:
            shown = DigestAssignment(hand.owner, hand.due, silence.shown(hand.scope), hand.note, hand.overdue(self.now))
            found[hand.advisory] = (*found.get(hand.advisory, ()), shown)
        of_double = {d: a.id for a in self.catalogue.advisories for d in a.doubles if d in found}
        for double, number in of_double.items():
            found[number] = (*found.get(number, ()), *found[double])
        return found


def _with_lost(catalogue: Catalogue, lost: Iterable[Advisory]) -> Catalogue:
    """The catalogue, and what is no longer in it: somebody may have been told of that."""
    return Catalogue((*catalogue.advisories, *lost), catalogue.releases)
