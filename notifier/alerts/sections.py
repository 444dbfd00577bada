"""The sections of a digest beside its news: first actions, still open, fixed, upcoming.  Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Protocol

from feeds.advisories.facts import line_of
from feeds.advisories.merging import badness
from feeds.advisories.records import Advisory, Kind, severity_rank
from feeds.core.text import few
from feeds.verdicts.weighing import Status
from feeds.versions.upstream import key
from notifier.alerts.alert_state import AffectedComponent, sortable
from notifier.alerts.digest import CORRECTION, Action, DigestItem, Fixed, Group, Open, Upcoming
from notifier.alerts.news import NewsInput, Told
from notifier.assessment.findings import worst_rank
from notifier.assessment.matcher import EXPOSED, Match, Matcher
from notifier.assessment.upgrade_plans import Plan
from notifier.domain.components import Component
from notifier.domain.hosts import NAMED, Hosts

FIRST = 8
"""Maximum number of upgrades listed as what to do first; `navtex plan` has the rest."""
_COMING = 5
"""The most ends of life and editions that a digest lists as coming."""


class Gone(Protocol):
    """A host that no longer runs a component, and what it runs now of that product."""

    @property
    def host(self) -> str:
        """Its name."""

    @property
    def component(self) -> int:
        """The component's number."""

    @property
    def now(self) -> tuple[int, ...]:
        """The numbers of what it runs now."""


class People(Protocol):
    """How many hosts run a component, and the names of a few."""

    @property
    def hosts(self) -> int:
        """Their number."""

    @property
    def names(self) -> tuple[str, ...]:
        """A few of their names."""


def actions(
    plan: Callable[[Component], Plan],
    items: Iterable[DigestItem],
    concerns: Iterable[AffectedComponent],
    named: int = NAMED,
) -> list[Action]:
    """The upgrades for the news of a digest, worst first, by the plans of components. Others are only counted."""
    told = {i.advisory.id: i for i in items if i.change != CORRECTION and i.advisory.kind is Kind.VULNERABILITY}
    of_component: dict[int, list[tuple[Match, Hosts]]] = defaultdict(list)
    for concern in concerns:
        match = concern.match
        hosts = _in_item(told.get(match.advisory.id), match.component)
        if hosts is not None and match.verdict.status in EXPOSED:
            of_component[concern.number].append((match, hosts))
    found: dict[tuple[object, ...], Action] = {}
    for matches in sorted(of_component.values(), key=_first_to_do):
        action = _action(plan, matches, told.keys())
        if action is None:
            continue
        same = (action.product, action.upgrade_to, action.way, action.closes, action.leaves)
        if same in found:
            found[same] = _joined(found[same], action, named)
        elif len(found) < FIRST:
            found[same] = action
    return list(found.values())


def _first_to_do(matches: list[tuple[Match, Hosts]]) -> tuple[object, ...]:
    component = matches[0][0].component
    place = component.product, key(component.version), component.package, component.distro
    return -worst_rank(m for m, _ in matches), -len(matches), -_most(matches).count, place


def _joined(one: Action, other: Action, named: int) -> Action:
    """The same upgrade for two versions. What else it closes may differ: then it is "up to" the larger number."""
    return replace(
        one,
        versions=tuple(dict.fromkeys((*one.versions, *other.versions))),
        hosts=_together(one.hosts, other.hosts, named),
        worst=max((one.worst, other.worst), key=severity_rank),
        words=tuple(dict.fromkeys((*one.words, *other.words))),
        closes_more=max(one.closes_more, other.closes_more),
        leaves_more=max(one.leaves_more, other.leaves_more),
        exact=one.exact
        and other.exact
        and (one.closes_more, one.leaves_more) == (other.closes_more, other.leaves_more),
    )


def _in_item(item: DigestItem | None, component: Component) -> Hosts | None:
    """The hosts of a component in an item."""
    what = (component.product, component.version, component.package)
    groups = item.groups if item else ()
    return next((g.hosts for g in groups if (g.product, g.version, g.package) == what), None)


def _most(matches: Iterable[tuple[Match, Hosts]]) -> Hosts:
    return max((hosts for _, hosts in matches), key=lambda h: h.count)


def _action(
    plan: Callable[[Component], Plan], matches: list[tuple[Match, Hosts]], told: Collection[int]
) -> Action | None:
    component = matches[0][0].component
    options = [o for o in plan(component).options if any(a.id in told for a in o.closes)]
    # the advised upgrade, unless it leaves everything in the digest open
    option = next((o for o in options if o.advised), None) or next(iter(options), None)
    if option is None:
        return None
    closes, leaves = ([a for a in some if a.id in told] for some in (option.closes, option.leaves))
    return Action(
        component.product,
        (component.version,),
        _most(matches),
        option.to,
        option.way,
        tuple(sorted(closes, key=_worst_first)),
        tuple(sorted(leaves, key=_worst_first)),
        max((m.advisory.severity for m, _ in matches), key=severity_rank),
        len(option.closes) - len(closes),
        len(option.leaves) - len(leaves),
        words=option.words,
        regressions=tuple(map(str, option.regressions)),
    )


def _worst_first(advisory: Advisory) -> tuple[int, float, str]:
    severity, cvss = badness(advisory)
    return -severity, -cvss, advisory.name


def _together(one: Hosts, other: Hosts, named: int) -> Hosts:
    return Hosts(one.count + other.count, tuple(sorted({*one.names, *other.names}))[:named])


def still_open(
    concerns: Iterable[AffectedComponent], books: NewsInput, besides: set[int], named: int = NAMED
) -> list[Open]:
    """Reported vulnerabilities that still affect hosts, worst first, without those in `besides`."""
    grouped: dict[int, list[AffectedComponent]] = defaultdict(list)
    for concern in concerns:
        advisory = concern.match.advisory
        if advisory.kind is Kind.VULNERABILITY and advisory.id not in besides and books.before(advisory):
            grouped[advisory.id].append(concern)
    found = []
    for group in grouped.values():
        advisory = group[0].match.advisory
        told = books.before(advisory)
        assert told is not None
        since = told.first_at or told.at
        ways = sorted({c.match.verdict.upgrade_to for c in group if c.match.verdict.upgrade_to}, key=sortable)
        hosts = Hosts(0, ())
        for concern in group:
            hosts = _together(hosts, concern.hosts, named)
        hands = books.assignments.get(advisory.id, ())
        found.append(Open(advisory, hosts, since, (books.now - since).days, hands, tuple(ways)))
    return sorted(found, key=lambda o: (*_worst_first(o.advisory)[:2], o.since, o.advisory.name))


def fixed(
    gone: Iterable[Gone],
    components: Mapping[int, Component],
    told: Mapping[int, Told],
    exposed: Callable[[int], Mapping[int, Advisory]],
    named: int = NAMED,
) -> list[Fixed]:
    """The hosts that left a component that was reported as affected, and are no longer affected.

    `exposed` gives the vulnerabilities of a component.  Corrected ones do not count.
    """
    of_component: dict[int, set[int]] = defaultdict(set)
    for advisory, one in told.items():
        for number in one.facets.components if one.digest else ():
            of_component[number].add(advisory)
    names: dict[tuple[int, tuple[int, ...], tuple[int, ...]], list[str]] = defaultdict(list)
    for departure in gone:
        if departure.component in departure.now:
            continue
        was = exposed(departure.component)
        still = {a for n in departure.now for a in exposed(n)}
        closed = tuple(sorted((of_component[departure.component] & was.keys()) - still))
        if closed:
            names[departure.component, departure.now, closed].append(departure.host)
    found = []
    for (number, now, closed), hosts in names.items():
        was = exposed(number)
        advisories = sorted((was[a] for a in closed), key=_worst_first)
        to = tuple(sorted({components[n].version for n in now}, key=sortable))
        shown = Hosts(len(hosts), tuple(sorted(hosts))[:named])
        found.append(Fixed(components[number].product, components[number].version, to, shown, tuple(advisories)))
    return sorted(found, key=lambda f: (-f.hosts.count, f.product, sortable(f.version)))


def upcoming(
    concerns: Iterable[AffectedComponent],
    items: Iterable[DigestItem],
    matcher: Matcher,
    today: date,
    *,
    editions: bool,
    named: int = NAMED,
) -> list[Upcoming]:
    """Ends of life that are still to come, and (with `editions`) the CIS editions that apply, if not in the items."""
    told = {i.advisory.id for i in items}
    grouped: dict[tuple[int, str], list[AffectedComponent]] = defaultdict(list)
    for concern in concerns:
        advisory = concern.match.advisory
        ending = advisory.kind is Kind.END_OF_LIFE and _maintained(matcher, concern.match.component, today)
        edition = advisory.kind is Kind.BENCHMARK and editions
        if (ending or edition) and advisory.id not in told:
            grouped[advisory.id, concern.match.verdict.reason].append(concern)
    found = []
    for (_, reason), group in grouped.items():
        hosts = Hosts(0, ())
        for concern in group:
            hosts = _together(hosts, concern.hosts, named)
        advisory = group[0].match.advisory
        found.append(Upcoming(advisory.title, reason, hosts, advisory.url))
    return sorted(found, key=lambda a: (a.reason, a.title))[:_COMING]


def _maintained(matcher: Matcher, component: Component, today: date) -> bool:
    line = line_of(component.version, tuple(x for x in matcher.releases.lines if x.product == component.product))
    return line is not None and line.maintained(today)


def undecided(
    matcher: Matcher,
    components: Mapping[int, Component],
    populations: Mapping[int, People],
    only: set[int] | None = None,
) -> dict[int, Group]:
    """The components with an unknown verdict (of the advisories in `only`), and what would decide it.

    A version that is no known release is always among them.
    """
    return dict(_undecided(matcher, components, populations, only))


def _undecided(
    matcher: Matcher, components: Mapping[int, Component], populations: Mapping[int, People], only: set[int] | None
) -> Iterator[tuple[int, Group]]:
    for number, people in populations.items():
        component = components[number]
        unknown = [
            m
            for m in matcher.standing(component)
            if m.verdict.status is Status.UNKNOWN and (only is None or m.advisory.id in only)
        ]
        doubt = matcher.doubt(component)
        if doubt and doubt.decides:
            reason = f"{component.version} is {doubt.words}"
        elif unknown:
            reason = f"{few([m.advisory.name for m in unknown], 3)}. {unknown[0].verdict.reason}"
        else:
            continue
        yield (
            number,
            Group(
                component.product,
                component.version,
                component.package,
                Hosts(people.hosts, people.names),
                Status.UNKNOWN,
                reason,
            ),
        )
