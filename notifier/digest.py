"""What a digest says: (what concerns the hosts, what was told already, now) -> Digest.  Pure.

A subscription's first digest is its welcome: everything that stands.  After that only news is
told.  News is an advisory that was never told, a version that was not affected when it was, or a
host that came since; an edited word is none.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from feeds.advisory import Advisory, Kind
from feeds.evidence import Status
from feeds.health import SourceState, State
from feeds.versions import Key, key
from notifier.filters import Filters
from notifier.matching import Match

ORDER = (Kind.VULNERABILITY, Kind.END_OF_LIFE, Kind.ANNOUNCEMENT, Kind.BENCHMARK, Kind.RELEASE, Kind.PUBLICATION)
"""The order of a digest's sections: what to do first comes first."""


class Facets(msgspec.Struct, frozen=True, omit_defaults=True):
    """What mattered of an advisory when a subscriber was told: the components that it concerned."""

    components: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """What a subscriber was told of an advisory, and when."""

    facets: Facets
    at: datetime


@dataclass(frozen=True, slots=True)
class Hosts:
    """How many hosts, and a few of their names."""

    count: int
    names: tuple[str, ...]

    @property
    def more(self) -> int:
        """How many are counted and not named."""
        return self.count - len(self.names)


@dataclass(frozen=True, slots=True)
class Group:
    """The hosts that run one component which an item concerns."""

    product: str
    version: str
    package: str
    hosts: Hosts
    status: Status
    reason: str
    fixed_in: tuple[str, ...] = ()
    upgrade_to: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One advisory in a digest, with the hosts it concerns. `change` says why it is in it."""

    advisory: Advisory
    change: str
    groups: tuple[Group, ...]
    see_also: tuple[tuple[str, str], ...] = ()

    @property
    def count(self) -> int:
        """How many hosts it concerns."""
        return sum(g.hosts.count for g in self.groups)

    @property
    def clusters(self) -> tuple[tuple[Group, ...], ...]:
        """The groups of which the same is to be said: one product, one way out, one reason."""
        found: dict[tuple[object, ...], list[Group]] = {}
        for group in self.groups:
            said = (group.product, group.upgrade_to, group.fixed_in, group.status, group.reason)
            found.setdefault(said, []).append(group)
        return tuple(tuple(groups) for groups in found.values())


@dataclass(frozen=True, slots=True)
class Foot:
    """What a reader must know to trust the digest."""

    sources: tuple[SourceState, ...]
    hosts: int
    unsaid: int = 0
    """Advisories that came with a source's first good poll, and are therefore no news."""

    @property
    def healthy(self) -> int:
        """How many sources are healthy."""
        return sum(s.state is State.HEALTHY for s in self.sources)

    @property
    def troubled(self) -> tuple[SourceState, ...]:
        """The sources that are not."""
        return tuple(s for s in self.sources if s.state is not State.HEALTHY)


@dataclass(frozen=True, slots=True)
class Digest:
    """A message to one subscriber."""

    key: str
    subscription: str
    welcome: bool
    created_at: datetime
    items: tuple[Item, ...]
    clear: Hosts
    """Hosts of the scope that nothing known affects."""
    undecided: tuple[Group, ...]
    """Components of which some verdict is unknown: a distribution's builds, mostly."""
    foot: Foot

    def of(self, *kinds: str) -> tuple[Item, ...]:
        """The items of some kinds."""
        return tuple(i for i in self.items if i.advisory.kind.value in kinds)

    @property
    def concerned(self) -> int:
        """How many vulnerabilities it tells of."""
        return len(self.of(Kind.VULNERABILITY.value))


@dataclass(slots=True)
class News:
    """What there is to tell: items, and the facets to remember, those noted in silence included."""

    items: list[Item] = field(default_factory=list)
    facets: dict[int, Facets] = field(default_factory=dict)
    silent: dict[int, Facets] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Concern:
    """A match of a component that somebody runs: its number, and the hosts that run it."""

    number: int
    match: Match
    hosts: Hosts
    latest: datetime


Arrivals = Mapping[datetime, Mapping[int, Hosts]]
"""For a moment: the hosts that came to each component after it."""


def news(
    concerns: Iterable[Concern],
    known: Iterable[Advisory],
    told: Mapping[int, Told],
    arrivals: Arrivals,
    filters: Filters,
    started_at: datetime | None,
) -> News:
    """What a subscriber has not been told yet. `started_at` is None at the first run: then it is everything.

    `known` are all advisories; where the filters want everything, those are told, too, that concern
    no host.
    """
    found = News()
    grouped: dict[int, list[Concern]] = defaultdict(list)
    advisories: dict[int, Advisory] = {}
    for concern in concerns:
        advisory = concern.match.advisory
        if filters.wants(advisory):
            advisories[advisory.id] = advisory
            grouped[advisory.id].append(concern)
    for number, group in grouped.items():
        group.sort(key=_by_version)
        _consider(found, advisories[number], group, told, arrivals, started_at)
    wanted = [a for a in known if filters.wants(a)]
    if filters.everything:
        for advisory in wanted:
            if advisory.id not in grouped:
                _consider(found, advisory, [], told, arrivals, started_at)
    found.items = _folded(sorted(found.items, key=_rank), wanted)
    return found


def _consider(
    found: News,
    advisory: Advisory,
    group: list[Concern],
    told: Mapping[int, Told],
    arrivals: Arrivals,
    started_at: datetime | None,
) -> None:
    before = next((told[n] for n in (advisory.id, *advisory.doubles) if n in told), None)
    facets = Facets(frozenset(c.number for c in group))
    if before is None:
        late = (
            advisory.baseline
            and started_at is not None
            and advisory.first_seen is not None
            and advisory.first_seen > started_at
        )
        if late:
            found.silent[advisory.id] = facets
            return
        found.items.append(Item(advisory, "new", tuple(_group(c, c.hosts) for c in group)))
        found.facets[advisory.id] = facets
        return
    came = _arrived(group, before, arrivals)
    if came:
        found.items.append(Item(advisory, "newly affected", tuple(came)))
        found.facets[advisory.id] = Facets(facets.components | before.facets.components)


def _arrived(group: list[Concern], before: Told, arrivals: Arrivals) -> list[Group]:
    """The groups that are new to somebody who was told before: new versions, and hosts that came since."""
    came = []
    for concern in group:
        if concern.number not in before.facets.components:
            came.append(_group(concern, concern.hosts))
        elif concern.latest > before.at:
            hosts = arrivals.get(before.at, {}).get(concern.number)
            if hosts:
                came.append(_group(concern, hosts))
    return came


def _by_version(concern: Concern) -> tuple[str, Key, str]:
    component = concern.match.component
    return component.product, key(component.version), component.package


def _group(concern: Concern, hosts: Hosts) -> Group:
    component, verdict = concern.match.component, concern.match.verdict
    return Group(
        component.product,
        component.version,
        component.package,
        hosts,
        verdict.status,
        verdict.reason,
        verdict.fixed_in,
        verdict.upgrade_to,
    )


def moments(concerns: Iterable[Concern], told: Mapping[int, Told]) -> set[datetime]:
    """The moments for which `news` needs arrivals: when advisories were told whose components got hosts since."""
    found = set()
    for concern in concerns:
        advisory = concern.match.advisory
        for number in (advisory.id, *advisory.doubles):
            if number in told and concern.latest > told[number].at:
                found.add(told[number].at)
    return found


def _rank(item: Item) -> tuple[int, float, int, str]:
    """Worst first. Unscored stands between high and medium: it may be anything."""
    severity = item.advisory.severity
    return ORDER.index(item.advisory.kind), -(severity.rank if severity else 2.5), -item.count, item.advisory.name


def _folded(items: list[Item], wanted: list[Advisory]) -> list[Item]:
    """Announcements that only announce vulnerabilities which are told as such become links below those."""
    vulnerabilities = {name: a for a in wanted if a.kind is Kind.VULNERABILITY for name in a.names}
    folded = [i for i in items if i.advisory.kind is Kind.ANNOUNCEMENT and i.groups and _covered(i, vulnerabilities)]
    kept = []
    for item in items:
        if item not in folded:
            about = [f.advisory for f in folded if f.advisory.mentions & set(item.advisory.names)]
            links = tuple((a.title, a.url if a.url != item.advisory.url else "") for a in about)
            kept.append(replace(item, see_also=links) if links else item)
    return kept


def _covered(item: Item, vulnerabilities: Mapping[str, Advisory]) -> bool:
    """Whether each product that an announcement concerns has a vulnerability of its own among those it speaks of."""
    covered = {p for name in item.advisory.mentions if name in vulnerabilities for p in vulnerabilities[name].products}
    return all(group.product in covered for group in item.groups)


def key_of(subscription: str, created_at: datetime, items: Iterable[Item]) -> str:
    """The digest's key: stands in each of its messages, and is the same for each try to deliver it."""
    told = ",".join(f"{i.advisory.name}:{i.change}" for i in items)
    return hashlib.sha256(f"{subscription}\n{created_at.isoformat()}\n{told}".encode()).hexdigest()[:16]
