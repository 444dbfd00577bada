"""Upgrade plans, from verdicts, releases and end-of-life dates.  Pure.

`upgrade_choices` decides which releases a component can be upgraded to; here they become a plan with what each closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from feeds.advisories.facts import ReleaseLine, line_of
from feeds.advisories.merging import badness
from feeds.advisories.records import Advisory
from feeds.verdicts.weighing import Status
from feeds.versions.upstream import key
from notifier.assessment.advice import NOTHING, Advice
from notifier.assessment.commands import restart
from notifier.assessment.findings import worst_first
from notifier.assessment.matcher import EXPOSED, Match, Matcher
from notifier.assessment.upgrade_choices import Choice, Way
from notifier.domain.components import Component

__all__ = ["Option", "Plan", "Regression", "Waiting", "Way", "plan"]


@dataclass(frozen=True, slots=True)
class Regression:
    """A known regression in a release: the release that fixes it, and the words and address of the release notes."""

    release: str
    repaired_in: str
    words: str
    url: str

    def __str__(self) -> str:
        return f"Known regression in {self.release}, fixed in {self.repaired_in}: {self.words}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version that is installed but not running yet: on how many hosts, and the names of some."""

    component: Component
    hosts: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One upgrade: the release, what it closes and leaves open, and the command that installs it."""

    way: Way
    to: str
    line: ReleaseLine | None = None
    maintained: bool | None = None
    """Whether that line still gets security fixes; None if that is unknown."""
    closes: tuple[Advisory, ...]
    leaves: tuple[Advisory, ...]
    regressions: tuple[Regression, ...] = ()
    command: str
    minimum: str = ""
    """The lowest release of the line that closes as much."""
    advice: Advice = NOTHING
    """The release with its package, as the advice beside each advisory has it."""
    advised: bool = False
    """Whether it is the one that is advised beside the advisories that it closes."""
    waiting: Waiting | None = None
    """The hosts that only need a restart; None for every other way."""

    @property
    def words(self) -> tuple[str, ...]:
        """What to show beside the release, in the words that the advice beside an advisory has."""
        which = "" if self.way is Way.LATER_RELEASE else "of the line "
        least = (f"{self.minimum} is the lowest release {which}that leaves no more open",)
        return (*self.advice.words, *(least if self.minimum not in ("", self.to) else ()))


@dataclass(frozen=True, slots=True)
class Plan:
    """The open vulnerabilities of one component, and the upgrades that close some of them."""

    component: Component
    line: ReleaseLine | None
    maintained: bool | None
    """Whether its line still gets security fixes; None if that is unknown."""
    open: tuple[Match, ...]
    undecided: tuple[Match, ...]
    """Matches without a verdict: mostly of a distribution's builds."""
    options: tuple[Option, ...]


def plan(matcher: Matcher, component: Component, today: date, waiting: Iterable[Waiting] = ()) -> Plan:
    """The plan for one component in use; `waiting` are the versions that its hosts have installed but not started."""
    lines = tuple(x for x in matcher.releases.lines if x.product == component.product and not component.other_numbers)
    line = line_of(component.version, lines)
    known = sorted(matcher.standing(component), key=worst_first)
    exposed = tuple(m for m in known if m.verdict.status in EXPOSED)
    undecided = tuple(m for m in known if m.verdict.status is Status.UNKNOWN)
    maintained = line.maintained(today) if line else (False if lines and _older(component, lines) else None)
    options = [_restart(matcher, exposed, one, line_of(one.component.version, lines), today) for one in waiting]
    choices = matcher.advisor.choices(component).options if exposed else ()
    options.extend(_option(matcher, component, one, today) for one in choices)
    return Plan(component, line, maintained, exposed, undecided, tuple(options))


def _older(component: Component, lines: tuple[ReleaseLine, ...]) -> bool:
    return all(key(component.version) < key(line.name) for line in lines)


def _restart(
    matcher: Matcher, exposed: tuple[Match, ...], waiting: Waiting, line: ReleaseLine | None, today: date
) -> Option:
    """Start what is installed already."""
    installed = waiting.component
    left = {m.advisory.name: m.advisory for m in sorted(matcher.exposures(installed), key=worst_first)}
    return Option(
        way=Way.RESTART,
        to=installed.package_version or installed.version,
        line=line,
        maintained=line.maintained(today) if line else None,
        closes=tuple(m.advisory for m in exposed if m.advisory.name not in left),
        leaves=tuple(left.values()),
        command=restart(installed),
        waiting=waiting,
    )


def _option(matcher: Matcher, component: Component, choice: Choice, today: date) -> Option:
    """A choice with the advisories themselves, worst first, and its package."""
    advisor, version = matcher.advisor, choice.release.version
    choices = advisor.choices(component)
    advice = advisor.package_of(component, choice.release, choices)
    regressions = () if component.rebuilt else matcher.releases.regressions(component.product, version)
    about = {c.advisory.name: c.advisory for c in matcher.all_cases(component.judged_as)}
    return Option(
        way=choice.way,
        to=version,
        line=choice.line,
        maintained=choice.line.maintained(today) if choice.line else None,
        closes=_named(about, choice.closes),
        leaves=_named(about, choice.leaves),
        regressions=tuple(Regression(version, r.version, fixed.words, r.url) for r, fixed in regressions),
        command=advice.command,
        minimum=advisor.minimum(component, choice),
        advice=advice,
        advised=choice is choices.advised,
    )


def _named(about: Mapping[str, Advisory], names: Iterable[str]) -> tuple[Advisory, ...]:
    """The advisories of some names, worst first."""
    return tuple(sorted((about[n] for n in names), key=lambda a: (-badness(a)[0], -badness(a)[1], a.name)))
