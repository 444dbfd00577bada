"""What a digest is: the values that templates show.  Pure.

`notifier.alerts.news` decides what is in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from feeds.advisories.cis_editions import label
from feeds.advisories.merging import badness
from feeds.advisories.records import Advisory, Edition, Kind, Severity
from feeds.core.text import counted
from feeds.sources.health import SourceHealth, SourceState
from feeds.verdicts.weighing import Status
from notifier.alerts.image_news import ImageNews
from notifier.alerts.overdue import OverdueItem
from notifier.assessment.advice import NOTHING, Advice
from notifier.assessment.upgrade_plans import Way
from notifier.domain.hosts import Hosts

ORDER = (Kind.VULNERABILITY, Kind.END_OF_LIFE, Kind.ANNOUNCEMENT, Kind.BENCHMARK, Kind.RELEASE, Kind.PUBLICATION)
"""The order of a digest's sections: what to do first comes first."""

NEW, UPDATE, CORRECTION = "new", "update", "correction"
"""Why an item is in a digest: it is new; it has changed; an earlier report was wrong."""


_COUNTED = {
    Kind.VULNERABILITY.value: ("open vulnerability", "open vulnerabilities"),
    Kind.END_OF_LIFE.value: ("end of life", "ends of life"),
    Kind.ANNOUNCEMENT.value: ("announcement", "announcements"),
    Kind.BENCHMARK.value: ("benchmark edition", "benchmark editions"),
    Kind.RELEASE.value: ("release", "releases"),
    Kind.PUBLICATION.value: ("publication", "publications"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """The hosts that run one affected component of an item."""

    product: str
    version: str
    package: str
    hosts: Hosts
    status: Status
    reason: str
    fixed_in: tuple[str, ...] = ()
    upgrade_to: str | None = None
    advice: Advice = NOTHING
    """What is known about the upgrade's package."""


@dataclass(frozen=True, slots=True)
class DigestAssignment:
    """Who an advisory is assigned to, until when (the day included), and for which hosts ("" is all)."""

    owner: str
    due: date
    scope: str = ""
    note: str = ""
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class OlderAudit:
    """Hosts that were last audited against an older edition of the benchmark; None if it is not known which."""

    edition: Edition | None
    hosts: Hosts

    @property
    def name(self) -> str:
        """The edition in words."""
        return label(self.edition) if self.edition else "an unknown edition"


@dataclass(frozen=True, slots=True)
class AuditsDue:
    """The hosts to audit for a new edition: those audited before, the oldest edition first, and the others."""

    again: tuple[OlderAudit, ...]
    never: Hosts


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One advisory in a digest, with the hosts it concerns.

    `change` is NEW, UPDATE or CORRECTION; `changes` describes what has changed.  `thread` is the key of the digest that
    reported it first, `told_at` the time of the last report.
    """

    advisory: Advisory
    change: str
    groups: tuple[Group, ...]
    see_also: tuple[tuple[str, str], ...] = ()
    changes: tuple[str, ...] = ()
    told_at: datetime | None = None
    thread: str = ""
    assignments: tuple[DigestAssignment, ...] = ()
    audits: AuditsDue | None = None
    """Of an edition of the benchmark, if audits were imported: which hosts to audit."""

    @property
    def count(self) -> int:
        """How many hosts it concerns."""
        return sum(g.hosts.count for g in self.groups)

    @property
    def clusters(self) -> tuple[tuple[Group, ...], ...]:
        """The groups that share product, upgrade and reason. Each version is in one."""
        found: dict[tuple[object, ...], dict[str, Group]] = {}
        for group in self.groups:
            said = (group.product, group.upgrade_to, group.advice.notes, group.fixed_in, group.status, group.reason)
            versions = found.setdefault(said, {})
            twin = versions.get(group.version)
            versions[group.version] = replace(twin, hosts=twin.hosts.with_(group.hosts)) if twin else group
        return tuple(tuple(groups.values()) for groups in found.values())


@dataclass(frozen=True, slots=True)
class Action:
    """One upgrade to make: what runs where, the target, what it closes and what it leaves open.

    Advisories of the digest are named; others are counted.  `exact` is false if the counts differ between the versions:
    they are then the largest.
    """

    product: str
    versions: tuple[str, ...]
    hosts: Hosts
    upgrade_to: str
    way: Way
    closes: tuple[Advisory, ...]
    leaves: tuple[Advisory, ...]
    worst: Severity | None
    closes_more: int = 0
    leaves_more: int = 0
    exact: bool = True
    words: tuple[str, ...] = ()
    """What is known of its package, each of another of the versions where they differ."""
    regressions: tuple[str, ...] = ()
    """What the upgrade is known to break, in words, each with the release that fixes it."""


@dataclass(frozen=True, slots=True)
class Open:
    """A reported advisory that still affects hosts."""

    advisory: Advisory
    hosts: Hosts
    since: datetime
    days: int
    assignments: tuple[DigestAssignment, ...]
    upgrade_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fixed:
    """Hosts that were upgraded since the last digest, and the advisories that no longer affect them."""

    product: str
    version: str
    to: tuple[str, ...]
    hosts: Hosts
    advisories: tuple[Advisory, ...]


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A date or an edition to plan for: the title, why it matters here, and for how many hosts."""

    title: str
    reason: str
    hosts: Hosts
    url: str


@dataclass(frozen=True, slots=True)
class Silenced:
    """A silence in force: what is omitted, why, by whom, and until when."""

    advisory: str
    scope: str
    reason: str
    author: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Footer:
    """What a reader must know to trust the digest."""

    sources: tuple[SourceState, ...]
    hosts: int
    unsaid: int = 0
    """Advisories from a source's first good poll, which are not news."""
    stale: int = 0
    """Hosts that no import has named for `stale_days`."""
    stale_days: int = 14
    silences: tuple[Silenced, ...] = ()
    mirror: str = ""
    """The mirror that the sources were read from, and its age, in words; "" if there is none."""

    @property
    def healthy(self) -> int:
        """How many sources are healthy."""
        return sum(s.state is SourceHealth.HEALTHY for s in self.sources)

    @property
    def troubled(self) -> tuple[SourceState, ...]:
        """The sources that are not."""
        return tuple(s for s in self.sources if s.state is not SourceHealth.HEALTHY)

    @property
    def line(self) -> str:
        """One line: "12 of 12 sources healthy, inventory of 214 hosts, 3 not seen for 14 days"."""
        parts = [
            f"{self.healthy} of {len(self.sources)} sources healthy",
            f"inventory of {counted(self.hosts, 'host')}",
        ]
        if self.stale:
            parts.append(f"{self.stale} not seen for {self.stale_days} days")
        if self.silences:
            parts.append(counted(len(self.silences), "silence"))
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Digest:
    """A message to one subscriber."""

    key: str
    subscription: str
    welcome: bool
    created_at: datetime
    items: tuple[DigestItem, ...]
    unaffected_hosts: Hosts
    """Hosts of the scope that no known vulnerability affects; none where the subscription does not follow those."""
    undecided: tuple[Group, ...]
    """Components with an unknown verdict, mostly a distribution's builds."""
    footer: Footer
    actions: tuple[Action, ...] = ()
    """What to do first, worst first."""
    reminder: bool = False
    open: tuple[Open, ...] = ()
    """What a reminder lists: everything that was reported and is still open."""
    fixed: tuple[Fixed, ...] = ()
    upcoming: tuple[Upcoming, ...] = ()
    images: ImageNews = field(default_factory=ImageNews)
    """Bases of running images that moved, and names that run as several images."""
    overdue: tuple[OverdueItem, ...] = ()
    """What became overdue since the last digest."""
    more: int = 0
    """Number of items that did not fit; the next digest has them."""

    def of(self, *kinds: str) -> tuple[DigestItem, ...]:
        """The items of some kinds, without corrections, which have their own section."""
        return tuple(i for i in self.items if i.advisory.kind.value in kinds and i.change != CORRECTION)

    @property
    def corrections(self) -> tuple[DigestItem, ...]:
        """The items that correct earlier reports."""
        return tuple(i for i in self.items if i.change == CORRECTION)

    @property
    def unnamed(self) -> bool:
        """Whether it counts hosts that it does not name."""
        late = (g.hosts for i in self.overdue for g in i.groups)
        named = (*(g.hosts for i in self.items for g in i.groups), *(a.hosts for a in self.actions), *late)
        return any(hosts.more for hosts in named)

    @property
    def concerned(self) -> int:
        """The number of vulnerabilities in it."""
        return len(self.of(Kind.VULNERABILITY.value))

    @property
    def summary(self) -> str:
        """What a welcome lists, in a few words: "7 open vulnerabilities", "1 benchmark edition", "nothing open"."""
        for kind, (one, many) in _COUNTED.items():
            if count := len(self.of(kind)):
                return f"{count} {one if count == 1 else many}"
        if count := len(self.overdue):
            return f"{count} overdue"
        if count := len(self.images.bases):
            return f"{counted(count, 'base image')} that moved"
        return "nothing open"

    @property
    def threads(self) -> tuple[str, ...]:
        """The keys of the earlier digests that first reported its items."""
        return tuple(dict.fromkeys(i.thread for i in self.items if i.thread))


def rank(item: DigestItem) -> tuple[int, int, float, int, str]:
    """Sort key: by section, then worst first, then by number of hosts."""
    severity, cvss = badness(item.advisory)
    return ORDER.index(item.advisory.kind), -severity, -cvss, -item.count, item.advisory.name


def folded(items: list[DigestItem], wanted: list[Advisory]) -> list[DigestItem]:
    """Turn announcements that only announce vulnerabilities of the digest into links below them."""
    vulnerabilities = {name: a for a in wanted if a.kind is Kind.VULNERABILITY for name in a.names}
    links = [
        i
        for i in items
        if i.advisory.kind is Kind.ANNOUNCEMENT and i.change != CORRECTION and i.groups and _covered(i, vulnerabilities)
    ]
    kept = []
    for item in items:
        if item not in links:
            about = [f.advisory for f in links if f.advisory.mentions & set(item.advisory.names)]
            below = tuple((a.title, a.url if a.url != item.advisory.url else "") for a in about)
            kept.append(replace(item, see_also=below) if below else item)
    return kept


def _covered(item: DigestItem, vulnerabilities: Mapping[str, Advisory]) -> bool:
    """Whether each product of an announcement is covered by a vulnerability that it mentions."""
    covered = {p for name in item.advisory.mentions if name in vulnerabilities for p in vulnerabilities[name].products}
    return all(group.product in covered for group in item.groups)


def key_of(subscription: str, created_at: datetime, items: Iterable[DigestItem]) -> str:
    """The digest's key, the same in each of its messages and at every attempt."""
    told = ",".join(f"{i.advisory.name}:{i.change}" for i in items)
    return hashlib.sha256(f"{subscription}\n{created_at.isoformat()}\n{told}".encode()).hexdigest()[:16]
