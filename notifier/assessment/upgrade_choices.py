"""Which releases a component can be upgraded to, and which of them to advise.  Pure.

The one place that decides it: the advice beside a single advisory and the plan of a whole component are read from
the same choices, so that they never contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Protocol

from feeds.advisories.facts import Package, ReleaseLine, line_of
from feeds.advisories.releases import Releases
from feeds.verdicts.weighing import EvidenceSet, Status, Verdict
from feeds.versions.package_channels import STATIC
from feeds.versions.package_versions import scheme
from feeds.versions.upstream import Key, branch, key, read
from notifier.assessment.advice import NOTHING, Advice
from notifier.assessment.commands import PACKAGES, command, install
from notifier.domain.components import Component

EXPOSED = frozenset({Status.AFFECTED, Status.CONFLICTING})
_BUNDLE = "containerd.io"
"""Docker's package of containerd, which brings runc, too."""


class Way(StrEnum):
    """The kind of an upgrade. The values are part of the JSON of `navtex plan`."""

    RESTART = "restart"
    """A newer version is installed; only a restart is missing."""
    OWN_LINE = "own line"
    NEXT_LINE = "next maintained line"
    LATER_LINE = "later maintained line"
    """A maintained line above the next one, offered because it leaves less open."""
    LATER_RELEASE = "later release"
    """Any later release, where no later line is maintained or no lines are known."""
    DISTRIBUTION = "distribution"


class Evidence(Protocol):
    """What is known of releases and vulnerabilities, as the matcher has it."""

    @property
    def releases(self) -> Releases:
        """The releases."""

    def all_cases(self, product: str) -> Sequence[EvidenceSet]:
        """The evidence of every vulnerability of a product."""

    def judge(self, case: EvidenceSet, component: Component) -> Verdict:
        """The verdict on a component."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release that could be advised, with its package where the index of the host's channel was read."""

    version: str
    package: Package | None = None
    bundled: str = ""
    """The package version of `containerd.io` that brings it, where it is not the package's own product."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A release to upgrade a component to, and which of what is open it closes and leaves open, by name."""

    way: Way
    release: Release
    line: ReleaseLine | None
    closes: frozenset[str]
    leaves: frozenset[str]
    among: tuple[Release, ...]
    """The releases of the same line that could be installed, lowest first; all later ones, where no line is known."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a component can be upgraded to, and which choice to advise."""

    exposed: Mapping[str, Verdict]
    """The verdicts on what is open, by the advisory's name."""
    options: tuple[Choice, ...] = ()
    verified: bool = False
    """Whether the index of the host's channel was read."""
    source_only: tuple[str, ...] = ()

    @property
    def advised(self) -> Choice | None:
        """The choice that leaves the least open; the nearest of equals."""
        return min(self.options, key=lambda c: len(c.leaves), default=None)

    def closing(self, name: str) -> Choice | None:
        """The choice to advise against one advisory: the component's own where that closes it."""
        chosen = self.advised
        if chosen is None or name in chosen.closes:
            return chosen
        return next((c for c in self.options if name in c.closes), None)


class Advisor:
    """Works out the choices of components, each once."""

    def __init__(self, evidence: Evidence, today: date) -> None:
        self._evidence = evidence
        self._releases = evidence.releases
        self._today = today
        self._open: dict[tuple[str, Key], tuple[frozenset[str], frozenset[str]]] = {}
        self._choices: dict[Component, Choices] = {}
        self._regressed: dict[tuple[str, str], bool] = {}
        self._anywhere: dict[str, set[Key]] = {}
        self._channels: dict[tuple[str, str, bool], dict[Key, Release]] = {}

    def choices(self, component: Component) -> Choices:
        """The choices of a component against every vulnerability that is open on it."""
        if component not in self._choices:
            self._choices[component] = self._choose(component, self._evidence.all_cases(component.judged_as))
        return self._choices[component]

    def advice(self, case: EvidenceSet, component: Component, verdict: Verdict) -> Advice:
        """What to upgrade to against one advisory, which has this verdict on a component."""
        if verdict.status not in EXPOSED:
            return NOTHING
        name = case.advisory.name
        choices = self.choices(component)
        if name not in choices.exposed:  # an announcement
            choices = self._choose(component, (case,))
        chosen = choices.closing(name)
        source_only = self._source_only(component, verdict.fixed_in)
        place = _place(component)
        if chosen is None or name not in chosen.closes:
            return Advice(source_only=source_only, place=place if source_only else "")
        return replace(
            self._packaged(component, chosen.release, choices),
            minimum=self._minimum(case, component, chosen, verdict),
            by_line=chosen.way is not Way.LATER_RELEASE,
            source_only=source_only,
            place=place if source_only else "",
        )

    def package_of(self, component: Component, release: Release, choices: Choices) -> Advice:
        """A release as advice: its package, the command that installs it, and the fixes that have no package."""
        advice = self._packaged(component, release, choices)
        place = _place(component) if choices.source_only else ""
        return replace(advice, source_only=choices.source_only, place=place)

    def _packaged(self, component: Component, release: Release, choices: Choices) -> Advice:
        to, package = release.version, release.package
        if component.rebuilt:
            return Advice(upgrade_to=to, name=component.package_name, package=to, command=command(component, to))
        bundled = component.product == "runc" and uses_bundle(component)
        if package is None:
            note = f"upgrade {_BUNDLE} (version that brings runc {to} not published)" if bundled else ""
            unverified = component.product in PACKAGES and not (choices.verified and not bundled)
            return Advice(upgrade_to=to, unverified=unverified, note=note, command=command(component, to))
        note = f"upgrade {_BUNDLE}, which brings runc {to}" if bundled else ""
        name = "" if package.package_version.endswith(".tgz") else package.name
        return Advice(
            upgrade_to=to,
            name=name,
            package=package.package_version,
            note=note,
            command=install(package, component.channel),
        )

    def minimum(self, component: Component, choice: Choice) -> str:
        """The lowest release of a choice's line that leaves no more open than the choice."""
        if component.rebuilt:
            return choice.release.version
        least = len(choice.leaves)
        exposed = self.choices(component).exposed.keys()
        sound = (r for r in choice.among if not self._broken(component.product, r))
        lower = (r.version for r in sound if len(self._left(component.judged_as, r.version, exposed)) <= least)
        return next(lower, choice.release.version)

    def _minimum(self, case: EvidenceSet, component: Component, choice: Choice, verdict: Verdict) -> str | None:
        if component.rebuilt:
            return next(iter(verdict.fixed_in), None)
        sound = (r.version for r in choice.among if not self._broken(component.product, r))
        return next((v for v in sound if _clears(case, v)), choice.release.version)

    def _choose(self, component: Component, cases: Iterable[EvidenceSet]) -> Choices:
        about = (c for c in cases if c.covers(component.version))
        verdicts = {c.advisory.name: self._evidence.judge(c, component) for c in about}
        exposed = {name: v for name, v in verdicts.items() if v.status in EXPOSED}
        if not exposed:
            return Choices(exposed)
        if component.rebuilt:
            return Choices(exposed, tuple(_distribution(component, exposed)), verified=True)
        found, verified = self._candidates(component, exposed)
        options = tuple(self._options(component, exposed, found))
        fixed = tuple(sorted({f for v in exposed.values() for f in v.fixed_in}, key=key))
        return Choices(exposed, options, verified, self._source_only(component, fixed))

    def _candidates(self, component: Component, exposed: Mapping[str, Verdict]) -> tuple[list[Release], bool]:
        """The final releases above a component, lowest first, and whether they are those of its channel's index."""
        at = key(component.version)
        published = self._published(component)
        if published is not None:
            return [published[k] for k in sorted(published) if k > at and read(published[k].version).final], True
        named = {f for v in exposed.values() for f in (*v.fixed_in, v.upgrade_to) if f and read(f).final}
        known = {key(r): r for r in (*self._releases.finals(component.product), *sorted(named))}
        tags = self._only_tags(component.product)
        return [Release(known[k]) for k in sorted(known) if k > at and not tags(k)], False

    def _only_tags(self, product: str) -> Callable[[Key], bool]:
        """Whether a release has a tag and no package: other channels have packages of its branch, but none of it."""
        if product not in self._anywhere:
            self._anywhere[product] = {k for c in self._releases.published.values() for k in c.get(product, ())}
        packaged = self._anywhere[product]
        branches = {branch(k) for k in packaged}
        return lambda at: branch(at) in branches and at not in packaged

    def _published(self, component: Component) -> dict[Key, Release] | None:
        """The releases in the host's channel; None if its index was not read, or holds no such product."""
        asked = component.channel, component.product, uses_bundle(component)
        if asked not in self._channels:
            channel = self._releases.published.get(component.channel, {})
            if component.product == "runc" and uses_bundle(component):
                self._channels[asked] = self._bundled(channel.get("containerd", {}))
            else:
                packages = channel.get(component.product, {})
                self._channels[asked] = {k: Release(packages[k].version, packages[k]) for k in sorted(packages)}
        return self._channels[asked] or None

    def _bundled(self, packages: Mapping[Key, Package]) -> dict[Key, Release]:
        """The runc releases that packages of containerd.io bring, each by the newest of them that does."""
        found: dict[Key, Release] = {}
        for at in sorted(packages):
            runc = self._releases.brought("containerd", at).get("runc", "")
            if runc and read(packages[at].version).final:
                found[key(runc)] = Release(runc, packages[at], packages[at].package_version)
        return found

    def _options(
        self, component: Component, exposed: Mapping[str, Verdict], found: Sequence[Release]
    ) -> Iterator[Choice]:
        """One choice for its own line and each later maintained one that leaves less open than those before it.

        What none of them closes gets a choice of its own, where a release closes it.
        """
        groups = self._groups(component, found)
        least, way, closed = len(exposed), Way.NEXT_LINE, set[str]()
        for group in groups:
            chosen = self._chosen(component, exposed, group, group.releases)
            if chosen is None or len(chosen.leaves) >= least:
                continue
            closed |= chosen.closes
            if group.way is Way.OWN_LINE:
                yield chosen
                continue
            yield replace(chosen, way=way) if group.way is Way.NEXT_LINE else chosen
            least, way = len(chosen.leaves), Way.LATER_LINE
        for name in exposed:
            case = self._case(component.judged_as, name) if name not in closed else None
            clearing = ((g, [r for r in g.releases if case and _clears(case, r.version)]) for g in groups)
            extra = next((self._chosen(component, exposed, g, rs) for g, rs in clearing if rs), None)
            if extra is not None:
                closed |= extra.closes
                yield extra

    def _groups(self, component: Component, found: Sequence[Release]) -> list[_Group]:
        """The releases of its own line, and of each later line that is maintained; else all later releases."""
        at = key(component.version)
        lines = () if component.other_numbers else self._lines(component.product)
        running = line_of(component.version, lines)

        def own(release: Release) -> bool:
            return running.holds(release.version) if running else branch(key(release.version)) == branch(at)

        groups = [_Group(Way.OWN_LINE, running, tuple(r for r in found if own(r)))]
        following = [x for x in lines if x != running and key(x.name) > at and x.maintained(self._today)]
        groups += [
            _Group(Way.NEXT_LINE, line, tuple(r for r in found if line.holds(r.version)))
            for line in sorted(following, key=lambda x: key(x.name))
        ]
        if not following:
            groups.append(_Group(Way.LATER_RELEASE, None, tuple(r for r in found if not own(r)), tuple(found)))
        return groups

    def _chosen(
        self, component: Component, exposed: Mapping[str, Verdict], group: _Group, releases: Sequence[Release]
    ) -> Choice | None:
        """The best of some releases of a line: it leaves the least open.

        Of equals it is the newest package, or, where no package is known, the lowest release. One that is called
        broken, or is the first of its numbers, is not taken where a later one is neither.
        """
        product = component.product
        later = [r for r in releases if not self._rough(product, r)]
        last = key(later[-1].version) if later else ()
        fit = [r for r in releases if not (self._rough(product, r) and key(r.version) < last)]
        left = {r.version: self._left(component.judged_as, r.version, exposed.keys()) for r in fit}
        newest = sorted(fit, key=lambda r: key(r.version), reverse=any(r.package for r in fit))
        best = min(newest, key=lambda r: (len(left[r.version]), self._broken(product, r)), default=None)
        if best is None:
            return None
        leaves = left[best.version]
        closes = frozenset(exposed) - leaves
        line = group.line or line_of(best.version, self._lines(product))
        return Choice(group.way, best, line, closes, leaves, group.among or group.releases) if closes else None

    def _rough(self, product: str, release: Release) -> bool:
        numbers = read(release.version).numbers
        return (len(numbers) > 2 and numbers[-1] == 0) or self._broken(product, release)

    def _broken(self, product: str, release: Release) -> bool:
        asked = product, release.version
        if asked not in self._regressed:
            self._regressed[asked] = bool(self._releases.regressions(*asked))
        return self._regressed[asked]

    def _left(self, product: str, version: str, exposed: Iterable[str]) -> frozenset[str]:
        """What is open on a release: what affects it, and of what is open now that on which nothing can be said."""
        at = product, key(version)
        if at not in self._open:
            verdicts = {c.advisory.name: c.decide(version).status for c in self._evidence.all_cases(product)}
            self._open[at] = (
                frozenset(n for n, s in verdicts.items() if s in EXPOSED),
                frozenset(n for n, s in verdicts.items() if s is Status.UNKNOWN),
            )
        affecting, unknown = self._open[at]
        return affecting | (unknown & frozenset(exposed))

    def _case(self, product: str, name: str) -> EvidenceSet | None:
        return next((c for c in self._evidence.all_cases(product) if c.advisory.name == name), None)

    def _lines(self, product: str) -> tuple[ReleaseLine, ...]:
        return tuple(x for x in self._releases.lines if x.product == product)

    def _source_only(self, component: Component, fixed: Iterable[str]) -> tuple[str, ...]:
        """The fixed releases of its own line that have a tag and no package in its channel, where that is known."""
        published = None if component.rebuilt or component.product == "runc" else self._published(component)
        if published is None:
            return ()
        running, at = line_of(component.version, self._lines(component.product)), key(component.version)
        own = (f for f in fixed if (running.holds(f) if running else branch(key(f)) == branch(at)))
        return tuple(f for f in own if key(f) > at and key(f) not in published)


@dataclass(frozen=True, slots=True)
class _Group:
    """The releases of one line that could be installed, lowest first."""

    way: Way
    line: ReleaseLine | None
    releases: tuple[Release, ...]
    among: tuple[Release, ...] = ()
    """Those that are compared to find the lowest that is enough, where they are more."""


def uses_bundle(component: Component) -> bool:
    """Whether a containerd or runc comes in Docker's containerd.io, as far as its package or distribution tells."""
    if component.rebuilt or component.product not in ("containerd", "runc"):
        return False
    return component.package_name == _BUNDLE or component.channel not in ("", STATIC)


def _clears(case: EvidenceSet, version: str) -> bool:
    return case.decide(version).status is Status.NOT_AFFECTED


def _place(component: Component) -> str:
    """The distribution that a component's packages are for, in the words of os-release, else of the channel."""
    return component.distro or component.channel.replace("/", " ")


def _distribution(component: Component, exposed: Mapping[str, Verdict]) -> Iterable[Choice]:
    """The distribution's newest fix of anything that is open."""
    order = scheme(component.ecosystem)
    fixes = {name: v.fixed_in for name, v in exposed.items() if v.fixed_in}
    if order is None or not fixes:
        return
    to = max((f[0] for f in fixes.values()), key=order)
    closed = frozenset(name for name, versions in fixes.items() if any(order(v) <= order(to) for v in versions))
    yield Choice(Way.DISTRIBUTION, Release(to), None, closed, frozenset(exposed) - closed, ())
