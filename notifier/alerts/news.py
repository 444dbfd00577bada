"""Decide what is news for a subscription: (what affects the hosts, what was sent before, now) -> News.  Pure.

The first digest (the welcome) lists everything that is open.  Later ones report only new advisories, newly affected
versions and hosts, escalations, and corrections of earlier reports.  Edited text is not news.

The alert history keeps the worst state that was reported; `notifier.alerts.wavering` handles sources that keep
changing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from feeds.advisories.records import Advisory, Kind
from feeds.versions.upstream import Key, key
from notifier.alerts.alert_state import AffectedComponent, AlertState, escalations, facets_of, sortable, worst_of
from notifier.alerts.digest import CORRECTION, NEW, UPDATE, DigestAssignment, DigestItem, Group, folded, rank
from notifier.alerts.item_selection import fairly
from notifier.alerts.wavering import damped
from notifier.assessment.matcher import Match
from notifier.domain.filters import Filters
from notifier.domain.hosts import Hosts

_TAKEN_BACK = (Kind.VULNERABILITY, Kind.ANNOUNCEMENT, Kind.BENCHMARK, Kind.END_OF_LIFE)
"""The kinds whose withdrawal is reported. A release or a paper that leaves its page corrects nothing."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was sent about an advisory, when first and last, and in which digest ("": recorded without sending)."""

    facets: AlertState
    at: datetime
    first_at: datetime | None = None
    digest: str = ""
    thread: str = ""
    """The key of the digest that reported it first."""

    @property
    def since(self) -> datetime:
        """The moment after which arriving hosts may be new to it."""
        return self.facets.since or self.at


@dataclass(frozen=True, slots=True)
class Reopened:
    """An event that reports an advisory again: a silence that ended, or a due date that passed.

    `hosts` are the hosts it concerns, by component; None means all.
    """

    advisory: int
    at: datetime
    words: str
    hosts: Mapping[int, Hosts] | None = None


@dataclass(slots=True)
class News:
    """The items to send, and the states to store, including those recorded without sending."""

    items: list[DigestItem] = field(default_factory=list)
    facets: dict[int, AlertState] = field(default_factory=dict)
    silent: dict[int, AlertState] = field(default_factory=dict)
    """States of advisories from a source's first good poll."""
    noted: dict[int, AlertState] = field(default_factory=dict)
    """Corrected states that send nothing and keep the time of the last report."""
    unsaid: int = 0

    def only(self, wanted: Callable[[DigestItem], bool]) -> News:
        """The wanted items, with everything else of the same advisories; the rest stays news."""
        numbers = {i.advisory.id for i in self.items if wanted(i)}
        items = [i for i in self.items if i.advisory.id in numbers]
        facets = {n: f for n, f in self.facets.items() if n in numbers}
        return replace(self, items=items, facets=facets)

    def bounded(self, most: int) -> tuple[News, int]:
        """The worst items of each source in turn, up to `most`, and the number of others, which stay news."""
        chosen = {i.advisory.id for i in fairly(self.items, most)}
        left = {i.advisory.id for i in self.items} - chosen
        items = [i for i in self.items if i.advisory.id not in left]
        facets = {n: f for n, f in self.facets.items() if n not in left}
        return replace(self, items=items, facets=facets), len(self.items) - len(items)


Arrivals = Mapping[datetime, Mapping[int, Hosts]]
"""By moment: the hosts that arrived at each component after it."""


@dataclass(frozen=True, slots=True)
class NewHosts:
    """The hosts, by component, that an advisory may newly affect: all, and those that arrived since it was reported."""

    everyone: Mapping[int, Hosts]
    since: Mapping[int, Hosts]


Judge = Callable[[Advisory, int], Group | None]
"""The present verdict on a component; None if no host runs it, or if the advisory still affects it."""


@dataclass(frozen=True, slots=True)
class NewsInput:
    """What was sent to a subscription, and what happened since. `started_at` is None at the first run."""

    told: Mapping[int, Told]
    started_at: datetime | None
    now: datetime
    arrivals: Arrivals = field(default_factory=dict)
    strangers: Mapping[int, NewHosts] = field(default_factory=dict)
    """For advisories with silenced hosts, or hosts that moved between affected versions."""
    returns: tuple[Reopened, ...] = ()
    assignments: Mapping[int, tuple[DigestAssignment, ...]] = field(default_factory=dict)
    judge: Judge = lambda *_: None
    looked_at: datetime | None = None
    """When the subscription's news were last computed; None at the first run."""

    def before(self, advisory: Advisory) -> Told | None:
        """What was sent about an advisory, under any number it had."""
        return next((self.told[n] for n in (advisory.id, *advisory.doubles) if n in self.told), None)


def news(concerns: Iterable[AffectedComponent], known: Iterable[Advisory], books: NewsInput, filters: Filters) -> News:
    """Return what was not sent yet; at the first run, everything.

    `known` are all advisories; with the filter `everything`, those that affect no host are reported, too.  Corrections
    ignore the filters.
    """
    found = News()
    known = list(known)
    grouped: dict[int, list[AffectedComponent]] = defaultdict(list)
    advisories: dict[int, Advisory] = {}
    for concern in concerns:
        advisories[concern.match.advisory.id] = concern.match.advisory
        grouped[concern.match.advisory.id].append(concern)
    seen = max((c.latest for group in grouped.values() for c in group), default=None)
    for number, group in grouped.items():
        group.sort(key=_by_version)
        now = facets_of(advisories[number], group, seen)
        _consider(found, advisories[number], group, now, books, wanted=filters.wants(advisories[number]))
    wanted = [a for a in known if not a.withdrawn and filters.wants(a)]
    if filters.everything:
        for advisory in wanted:
            if advisory.id not in grouped:
                _consider(found, advisory, [], facets_of(advisory, [], seen), books, wanted=True)
    for advisory in known:
        _correct(found, advisory, grouped.get(advisory.id, []), books)
    about = [(a, b.facets, grouped.get(a.id, [])) for a in known if (b := books.before(a)) is not None and b.digest]
    sent = damped(found.items, found.facets, found.noted, about, books.now)
    found.items = folded(sorted(sent, key=rank), wanted)
    return found


def _consider(
    found: News, advisory: Advisory, group: list[AffectedComponent], now: AlertState, books: NewsInput, *, wanted: bool
) -> None:
    before = books.before(advisory)
    if before is None or before.facets.lost:
        if before is None and _late(advisory, books.started_at):
            # recorded even if the filters reject it: passing them later is news
            found.silent[advisory.id] = now
            found.unsaid += wanted
        elif before is None and _passed(advisory, books.looked_at):
            found.silent[advisory.id] = now
        elif wanted:
            groups = tuple(_group(c, c.hosts) for c in group)
            found.items.append(DigestItem(advisory, NEW, groups, assignments=books.assignments.get(advisory.id, ())))
            found.facets[advisory.id] = now
        return
    after = worst_of(before.facets, now)
    if not wanted:
        return
    item = _update(advisory, group, before, books)
    if item is not None:
        found.items.append(item)
        found.facets[advisory.id] = after
    elif before.facets.partial or any(_to_be_seen(c, before) for c in group):
        found.noted[advisory.id] = after


def _to_be_seen(concern: AffectedComponent, before: Told) -> bool:
    """Whether a component, or a host of it, was not reported yet."""
    return concern.number not in before.facets.components or concern.latest > before.since


def _late(advisory: Advisory, started_at: datetime | None) -> bool:
    """Whether it is from the first good poll of a source that was added after the welcome."""
    seen = advisory.first_seen
    return advisory.baseline and started_at is not None and seen is not None and seen > started_at


def _passed(advisory: Advisory, looked_at: datetime | None) -> bool:
    """Whether a benchmark edition was known before: it is news when published, not when a host changes."""
    seen = advisory.first_seen
    return advisory.kind is Kind.BENCHMARK and looked_at is not None and seen is not None and seen <= looked_at


def _update(advisory: Advisory, group: list[AffectedComponent], before: Told, books: NewsInput) -> DigestItem | None:
    """The item with the changes since the last report; None if nothing relevant changed."""
    changes = list(escalations(before.facets, advisory, group))
    came = _arrived(group, before, books.arrivals.get(before.since, {}), books.strangers.get(advisory.id))
    if advisory.kind is Kind.BENCHMARK:
        came = {}
    groups: dict[int, Group] = {c.number: _group(c, c.hosts) for c in group} if changes else dict(came)
    if came and not before.facets.withdrawn:
        changes.append("newly affected hosts")
    for back in books.returns:
        if back.advisory in (advisory.id, *advisory.doubles) and before.at < back.at <= books.now:
            about = _of_return(back, group)
            if about or not group:
                changes.append(back.words)
                groups = about | groups
    if not changes:
        return None
    ordered = tuple(groups[c.number] for c in group if c.number in groups)
    hands = books.assignments.get(advisory.id, ())
    told_at = before.at if before.digest else None
    return DigestItem(advisory, UPDATE, ordered, (), tuple(changes), told_at, before.thread, hands)


def _of_return(back: Reopened, group: list[AffectedComponent]) -> dict[int, Group]:
    if back.hosts is None:
        return {c.number: _group(c, c.hosts) for c in group}
    return {c.number: _group(c, back.hosts[c.number]) for c in group if c.number in back.hosts}


def _correct(found: News, advisory: Advisory, group: list[AffectedComponent], books: NewsInput) -> None:
    """Correct what was reported and no longer holds because the verdict changed, not the hosts."""
    before = books.before(advisory)
    if before is None or before.facets.lost or (before.facets.withdrawn and not group):
        return
    gone = {n: g for n in before.facets.components if (g := books.judge(advisory, n)) is not None}
    withdrawn = advisory.withdrawn is not None and not before.facets.withdrawn
    if not gone and not withdrawn:
        return
    kept = found.facets.get(advisory.id, before.facets)
    left = {n: s for n, s in kept.components.items() if n not in gone and not withdrawn}
    after = msgspec.structs.replace(
        kept,
        components=left,
        fixed=kept.fixed & left.keys(),
        withdrawn=withdrawn,
        taken=kept.taken | (kept.components.keys() - left.keys()),
    )
    if not before.digest or advisory.kind not in _TAKEN_BACK:
        found.noted[advisory.id] = after
        return
    changes = ("withdrawn",) if withdrawn else ()
    groups = tuple(sorted(gone.values(), key=lambda g: (g.product, sortable(g.version), g.package)))
    found.items.append(DigestItem(advisory, CORRECTION, groups, (), changes, before.at, before.thread))
    found.facets[advisory.id] = after


def _arrived(
    group: list[AffectedComponent], before: Told, since: Mapping[int, Hosts], strangers: NewHosts | None
) -> dict[int, Group]:
    """The groups that are new since the last report: new versions, and hosts that arrived.

    A host that moved from one reported version to another is not new.
    """
    came = {}
    for concern in group:
        if concern.number not in before.facets.components:
            hosts = strangers.everyone.get(concern.number) if strangers else concern.hosts
        elif concern.latest > before.since:
            hosts = (strangers.since if strangers else since).get(concern.number)
        else:
            continue
        if hosts:
            came[concern.number] = _group(concern, hosts)
    return came


def _by_version(concern: AffectedComponent) -> tuple[str, Key, str]:
    component = concern.match.component
    return component.product, key(component.version), component.package


def _group(concern: AffectedComponent, hosts: Hosts) -> Group:
    return group_of(concern.match, hosts)


def group_of(match: Match, hosts: Hosts) -> Group:
    """The hosts that run a component, with its verdict and upgrade."""
    component, verdict = match.component, match.verdict
    return Group(
        component.product,
        component.version,
        component.package,
        hosts,
        verdict.status,
        verdict.reason,
        verdict.fixed_in,
        verdict.upgrade_to,
        match.advice,
    )


def moments(concerns: Iterable[AffectedComponent], told: Mapping[int, Told]) -> set[datetime]:
    """The moments for which `news` needs arrivals: last reports of advisories whose components gained hosts."""
    found = set()
    for concern in concerns:
        advisory = concern.match.advisory
        for number in (advisory.id, *advisory.doubles):
            if number in told and concern.latest > told[number].since:
                found.add(told[number].since)
    return found
