"""The state of the database that every question and every digest is answered from, loaded once a command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

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
from notifier.assessment.upgrade_plans import Plan, plan
from notifier.domain.components import Component
from notifier.domain.due import NO_DUE_DATES, DuePolicy
from notifier.domain.filters import Scope
from notifier.domain.hosts import Hosts
from notifier.services.snapshot.caching import RememberedFleet, RememberedMatcher
from notifier.services.snapshot.images import ImageAssessment, image_assessment
from notifier.services.snapshot.scopes import visible_part
from notifier.services.snapshot.settings import DEFAULTS, Settings
from notifier.storage import images as running_images
from notifier.storage import inventory, silences, verdicts


@dataclass(frozen=True, slots=True)
class Assessment:
    """Advisories, components, silences and assignments as the database has them, ready to be matched.

    Nothing in it changes after `load`. The matcher, `plans` and `fleet` remember what they were asked: the fleet is
    asked through connections that read the state that was loaded.
    """

    now: datetime
    catalogue: Catalogue
    """The advisories and releases that are known now."""
    lost: tuple[Advisory, ...]
    """Advisories that are in no source any more; subscribers may have been told of them."""
    matcher: Matcher
    components: Mapping[int, Component]
    sources: tuple[SourceState, ...]
    mirror: MirrorState | None
    """The mirror that the sources were read from; None without one."""
    silences: tuple[Silence, ...]
    assignments: tuple[Assignment, ...]
    stale_days: int
    in_force: Mapping[int, tuple[Silence, ...]]
    """The silences in force, by the number of their advisory. A silence ends early when its advisory gets worse."""
    lasting: frozenset[int]
    """The ids of the silences that have not expired and whose advisory affects some host."""
    assigned: Mapping[int, tuple[DigestAssignment, ...]]
    """The assignments, by the number of their advisory."""
    images: ImageAssessment | None = None
    """What is known of images; None if it was not asked for, or no image runs anywhere."""
    due: DuePolicy = NO_DUE_DATES
    """Which findings have a due date."""
    fleet: RememberedFleet = field(default_factory=RememberedFleet, compare=False)
    """The hosts by scope, counted once for all subscriptions that share one."""
    plans: dict[Component, Plan] = field(default_factory=dict, compare=False)
    """The plans that were asked for."""

    @classmethod
    def load(
        cls,
        connection: Connection,
        now: datetime,
        settings: Settings = DEFAULTS,
        *,
        keep: bool = False,
        only: Sequence[str] = (),
        images: bool = False,
        matchers: RememberedMatcher | None = None,
    ) -> Assessment:
        """Read the database once.

        With `keep`, verdicts that are missing or out of date are stored first. With `images`, what runs by image is
        read, too. `only` are names of advisories: no others are matched then. `matchers` has the matcher of an earlier
        assessment, which is used again where the same is to be matched. UnknownName for a name that no advisory has.
        """
        catalogue = storage.catalogue(connection)
        if keep:
            verdicts.refresh(connection, catalogue, now.date())
        lost = tuple(storage.lost(connection, {a.id for a in catalogue.advisories}))
        everything = Catalogue((*catalogue.advisories, *lost), catalogue.releases)
        numbers = frozenset(catalogue.find(name).id for name in only)
        known = verdicts.load(connection, numbers)
        states = [s for s in storage.sources(connection).values() if s.name not in settings.disabled]
        assignments = tuple(silences.hands(connection))
        loaded = cls(
            now=now,
            catalogue=catalogue,
            lost=lost,
            matcher=(matchers or RememberedMatcher()).matcher(everything, now.date(), numbers, known),
            components=MappingProxyType({number: component for component, number in known.numbers.items()}),
            sources=tuple(health.assessed(states, now)),
            mirror=storage.mirror(connection),
            silences=tuple(silences.every(connection)),
            assignments=assignments,
            stale_days=settings.stale_days,
            in_force=MappingProxyType({}),
            lasting=frozenset(),
            assigned=MappingProxyType(_assigned(assignments, everything.advisories, now)),
            images=image_assessment(connection, settings.images, now)
            if images and running_images.any_running(connection)
            else None,
            due=settings.due,
            fleet=RememberedFleet(named=settings.named),
        )
        return loaded._with_silences(connection)

    def visible(self, connection: Connection, limit: Scope) -> Assessment:
        """The same with those silences and assignments only that a viewer limited to some tags may read."""
        parts = [visible_part(connection, one.scope, limit) for one in self.silences]
        seen = tuple(
            replace(one, scope=part) for one, part in zip(self.silences, parts, strict=True) if part is not None
        )
        parts = [visible_part(connection, one.scope, limit) for one in self.assignments]
        mine = zip(self.assignments, parts, strict=True)
        assignments = tuple(replace(one, scope=part) for one, part in mine if part is not None)
        known = {one.id: one for one in seen}
        in_force = {n: tuple(known[s.id] for s in of if s.id in known) for n, of in self.in_force.items()}
        return replace(
            self,
            silences=seen,
            assignments=assignments,
            in_force=MappingProxyType({number: of for number, of in in_force.items() if of}),
            assigned=MappingProxyType(_assigned(assignments, self.advisories, self.now)),
        )

    @property
    def advisories(self) -> tuple[Advisory, ...]:
        """All advisories, the lost ones included."""
        return (*self.catalogue.advisories, *self.lost)

    def within(self, connection: Connection, scope: Scope) -> Assessment:
        """The assessment without silences and assignments that are for other hosts alone: they name those hosts."""
        if not (scope.tags or scope.hosts) or not (self.silences or self.assignments):
            return self

        def here(other: Scope) -> bool:
            return other == Scope() or bool(self.fleet.populations(connection, scope, within=other))

        held = {n: tuple(s for s in some if here(s.scope)) for n, some in self.in_force.items()}
        assignments = tuple(a for a in self.assignments if here(a.scope))
        return replace(
            self,
            silences=tuple(s for s in self.silences if here(s.scope)),
            assignments=assignments,
            in_force=MappingProxyType({n: some for n, some in held.items() if some}),
            assigned=MappingProxyType(_assigned(assignments, self.advisories, self.now)),
        )

    def find(self, name: str) -> Advisory:
        """The advisory of a name or alias, a lost one included; UnknownName if there is none."""
        lost = (a for a in self.lost if a.name.lower() == name.strip().lower())
        return next(lost, None) or self.catalogue.find(name)

    def matches(self, number: int) -> tuple[Match, ...]:
        """The matches of a component that its owner should be told of, by its number."""
        return self.matcher.concerns(self.components[number])

    def plan(self, component: Component) -> Plan:
        """What a component can be upgraded to, worked out once."""
        if component not in self.plans:
            self.plans[component] = plan(self.matcher, component, self.now.date())
        return self.plans[component]

    def exposed(self, number: int) -> dict[int, Advisory]:
        """The vulnerabilities that affect a component, or on which the evidence conflicts, by number."""
        found = (m for m in self.matches(number) if m.advisory.kind is Kind.VULNERABILITY)
        return {m.advisory.id: m.advisory for m in found if m.verdict.status in EXPOSED}

    def alert_state(self, connection: Connection, advisory: Advisory) -> alert_state.AlertState:
        """What an advisory means for the whole inventory now."""
        return alert_state.facets_of(advisory, self._affected(connection, {advisory.id}).get(advisory.id, ()))

    def _with_silences(self, connection: Connection) -> Assessment:
        lasting = {s.advisory for s in self.silences if s.lasts(self.now)}
        if not lasting:
            return self
        affected = self._affected(connection, lasting)
        concerned = {n for group in affected.values() for n in silence.about(group[0].match.advisory)}
        return replace(
            self,
            in_force=MappingProxyType(silence.in_force(self.silences, affected, self.now)),
            lasting=frozenset(s.id for s in self.silences if s.lasts(self.now) and s.advisory in concerned),
        )

    def _affected(self, connection: Connection, advisories: set[int]) -> dict[int, list[AffectedComponent]]:
        """The components of the whole inventory that some advisories affect, by the advisory's number."""
        grouped: dict[int, list[AffectedComponent]] = defaultdict(list)
        for number, people in inventory.populations(connection, Scope()).items():
            for match in self.matches(number):
                if advisories & set(silence.about(match.advisory)):
                    hosts = Hosts(people.hosts, people.names)
                    grouped[match.advisory.id].append(AffectedComponent(number, match, hosts, people.latest))
        return grouped


def _assigned(
    assignments: Iterable[Assignment], advisories: Iterable[Advisory], now: datetime
) -> dict[int, tuple[DigestAssignment, ...]]:
    """The assignments by advisory. One that was merged into another lends it its own."""
    found: dict[int, tuple[DigestAssignment, ...]] = {}
    for one in assignments:
        shown = DigestAssignment(one.owner, one.due, silence.shown(one.scope), one.note, one.overdue(now))
        found[one.advisory] = (*found.get(one.advisory, ()), shown)
    of_double = {d: a.id for a in advisories for d in a.doubles if d in found}
    for double, number in of_double.items():
        found[number] = (*found.get(number, ()), *found[double])
    return found
