"""The rows that answer "what am I exposed to?".  Pure; their JSON is a contract (docs/reference/json.md).

A *finding* is one component in use, one advisory, and the verdict. There are as many as versions and
advisories make, however many hosts there are; only the rows of single hosts grow with the fleet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from feeds.advisories.merging import at_least, badness
from feeds.advisories.records import ENGINE, Advisory, Severity, severity_rank
from feeds.verdicts.weighing import Status
from notifier.assessment.matcher import EXPOSED, Match, Matcher
from notifier.domain.components import Component


@dataclass(frozen=True, slots=True)
class Finding:
    """A component's number, what is to be said of it and one advisory, and how many hosts run it."""

    number: int
    match: Match
    hosts: int
    due: date | None = None
    """The earliest due date on any of these hosts; None without one."""
    overdue: int = 0
    """On how many hosts the due date has passed; those for which it is silenced do not count."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which findings are asked for: the verdicts, and what the advisory must be (no ids: any)."""

    verdicts: frozenset[Status] = EXPOSED
    advisories: frozenset[int] = frozenset()
    least: Severity | None = None
    kev: bool = False

    def concerns(self, advisory: Advisory) -> bool:
        """Whether an advisory is asked for, whatever the verdict."""
        return (
            (not self.advisories or advisory.id in self.advisories)
            and (self.least is None or at_least(advisory.severity, self.least))
            and (advisory.exploited is not None or not self.kev)
        )


def speaking(matcher: Matcher, components: Mapping[int, Component], question: Question) -> list[int]:
    """The components of which there is something to say, whether a host runs them or not."""
    asked = _asked(matcher, question)
    return [number for number, component in components.items() if any(True for _ in asked(component))]


def _asked(matcher: Matcher, question: Question) -> Callable[[Component], Iterable[Match]]:
    """The vulnerabilities, and the editions of the CIS benchmark that are asked for by name."""
    everything = Status.NOT_AFFECTED in question.verdicts
    vulnerabilities: Callable[[Component], Iterable[Match]]
    vulnerabilities = matcher.vulnerabilities if everything else matcher.standing
    editions = [a for _, a in matcher.editions.all if a.id in question.advisories]
    if not editions:
        return vulnerabilities

    def asked(component: Component) -> Iterator[Match]:
        yield from vulnerabilities(component)
        for advisory in editions if component.product == ENGINE else ():
            verdict = matcher.editions.verdict(advisory, component)
            if everything or verdict.status is not Status.NOT_AFFECTED:
                yield Match(component, advisory, verdict)

    return asked


def findings(
    matcher: Matcher, components: Mapping[int, Component], hosts: Mapping[int, int], question: Question
) -> tuple[Finding, ...]:
    """What is to be said of the components that some host runs, worst first."""
    asked = _asked(matcher, question)
    found = [
        Finding(number, match, count)
        for number, count in hosts.items()
        for match in asked(components[number])
        if match.verdict.status in question.verdicts and question.concerns(match.advisory)
    ]
    advisories = sorted({f.match.advisory.name: f.match for f in found}.values(), key=worst_first)
    place = {match.advisory.name: number for number, match in enumerate(advisories)}
    return tuple(
        sorted(found, key=lambda f: (place[f.match.advisory.name], f.match.component.version, f.match.component))
    )


def by_advisory(found: Iterable[Finding]) -> list[tuple[Advisory, tuple[Finding, ...]]]:
    """Findings that are sorted worst first, by advisory."""
    return [(group[0].match.advisory, group) for group in _groups(found)]


def _groups(found: Iterable[Finding]) -> Iterable[tuple[Finding, ...]]:
    return (tuple(group) for _, group in groupby(found, key=lambda f: f.match.advisory.name))


def by_component(found: Iterable[Finding]) -> list[tuple[int, tuple[Finding, ...]]]:
    """Findings by component, the component with the worst first, then the one with the most."""
    groups: dict[int, list[Finding]] = defaultdict(list)
    for finding in found:
        groups[finding.number].append(finding)
    return sorted(
        ((number, tuple(group)) for number, group in groups.items()),
        key=lambda g: (-weight(g[1]), -len(g[1]), g[1][0].match.component),
    )


def by_version(found: Iterable[Finding]) -> list[tuple[tuple[Finding, ...], tuple[Finding, ...]]]:
    """Findings by component as above, and one finding of each component that is shown with it.

    A version with a package and the same without one are shown once where the same is said of both.
    """
    groups: dict[tuple[object, ...], list[tuple[Finding, ...]]] = {}
    for _, group in by_component(found):
        component = group[0].match.component
        said = tuple(
            (f.match.advisory.name, v.status, v.reason, v.fixed_in, v.upgrade_to, f.match.advice.notes)
            for f in group
            for v in (f.match.verdict,)
        )
        groups.setdefault((component.product, component.version, said), []).append(group)
    shown = []
    for same in groups.values():
        packages = {g[0].match.component.package for g in same} - {""}
        for together in [same] if len(packages) <= 1 else [[g] for g in same]:
            first = max(together, key=lambda g: g[0].match.component.package)
            shown.append((first, tuple(g[0] for g in together)))
    return shown


def worst_rank(matches: Iterable[Match]) -> int:
    """The `severity_rank` of the worst advisory among some matches, 0 where there are none."""
    return max((severity_rank(m.advisory.severity) for m in matches), default=0)


def weight(found: Iterable[Finding]) -> int:
    """The `severity_rank` of the worst of some findings, 0 where there are none."""
    return worst_rank(f.match for f in found)


def worst_first(match: Match) -> tuple[int, float, str, str]:
    """Sort key: the worst first, then by name."""
    severity, cvss = badness(match.advisory)
    return -severity, -cvss, match.advisory.name, match.component.version


def meets(matches: Iterable[Match], level: Severity | None) -> bool:
    """Whether something that affects (or may: conflicting counts) reaches a level.

    `level` None asks for any severity at all, and is met by unscored ones, too; a level is not.
    """
    found = (m for m in matches if m.verdict.status in EXPOSED)
    if level is None:
        return any(True for _ in found)
    return any(m.advisory.severity and severity_rank(m.advisory.severity) >= severity_rank(level) for m in found)
