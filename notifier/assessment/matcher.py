"""Advisories and components -> verdicts, each with its reason.  Pure.

What is matched is the distinct component, never the host.  For a distribution's package the
distribution's own record decides.  Where it has none, upstream's ranges can say that the package is
safe, because what is fixed in the version it was built from is fixed in it; they cannot say that it
is affected, because the fix may have been carried back into it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta

from feeds.advisories.facts import ReleaseLine, line_of, starts_with
from feeds.advisories.merging import Catalogue
from feeds.advisories.records import ENGINE, PRODUCTS, Advisory, Kind
from feeds.verdicts.distribution_packages import PackageCase
from feeds.verdicts.weighing import EvidenceSet, Status, Verdict, evidence_sets
from feeds.versions.upstream import key
from notifier.assessment.advice import NOTHING, Advice
from notifier.assessment.benchmark_editions import Editions
from notifier.assessment.known_versions import Doubt, KnownReleases
from notifier.assessment.third_party_builds import numbered_otherwise, rebuilt
from notifier.assessment.upgrade_choices import EXPOSED, Advisor
from notifier.domain.components import Component

__all__ = ["EXPOSED", "NOTHING_KNOWN", "Match", "Matcher", "VerdictCache"]

AHEAD = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class VerdictCache:
    """Verdicts on vulnerabilities from an earlier matching, so that only what is new is matched.

    `through` says of an advisory (by its number) up to which component it was matched; `verdicts` has,
    by component, the verdicts other than "not affected".
    """

    numbers: Mapping[Component, int]
    through: Mapping[int, int]
    verdicts: Mapping[int, Mapping[int, Verdict]]


NOTHING_KNOWN = VerdictCache({}, {}, {})


@dataclass(frozen=True, slots=True)
class Match:
    """One component, one advisory, and what is to be said of the two."""

    component: Component
    advisory: Advisory
    verdict: Verdict
    advice: Advice = NOTHING
    """What to upgrade to; `verdict.upgrade_to` is the same release."""


class Matcher:
    """Everything that is known, ready to be asked about components."""

    def __init__(
        self,
        catalogue: Catalogue,
        today: date,
        *,
        corrections: bool = True,
        only: Collection[int] | None = None,
        known: VerdictCache = NOTHING_KNOWN,
    ) -> None:
        """`only` are the numbers of the advisories that are asked about; None for all."""
        self.releases = catalogue.releases
        self._known = known
        self._today = today
        self._known_releases = KnownReleases(self.releases, today)
        self._everything = catalogue.advisories
        self._corrections = corrections
        self._all_cases: dict[str, tuple[EvidenceSet, ...]] = {}
        self.advisor = Advisor(self, today)
        self._lines = {p: tuple(x for x in self.releases.lines if x.product == p) for p in PRODUCTS}
        self._cases: dict[str, list[EvidenceSet]] = defaultdict(list)
        self._named: dict[tuple[str, str], EvidenceSet] = {}
        self._packages: dict[tuple[str, str], dict[str, PackageCase]] = {}
        self._standing: dict[Component, tuple[Match, ...]] = {}
        self._concerns: dict[Component, tuple[Match, ...]] = {}
        self._ends: list[Advisory] = []
        self._distributed: list[Advisory] = []
        # all of them, whatever is asked: which edition is for an engine depends on the others
        editions = (a for a in catalogue.advisories if a.edition and not a.withdrawn)
        self.editions = Editions(editions, self._lines[ENGINE], today)
        for advisory in catalogue.advisories:
            if advisory.withdrawn or (only is not None and advisory.id not in only):
                continue
            if advisory.line:
                self._ends.append(advisory)
            if any(claim.package for claim, _ in advisory.claims):
                self._distributed.append(advisory)
            for judged, case in evidence_sets(advisory, self.releases, corrections=corrections).items():
                self._cases[judged].append(case)
                self._named[judged, advisory.name] = case

    def case(self, advisory: Advisory, product: str) -> EvidenceSet | None:
        """The evidence of one advisory about one product; None if it has none."""
        return self._named.get((product, advisory.name))

    def all_cases(self, product: str) -> Sequence[EvidenceSet]:
        """The evidence of every vulnerability of a product, whichever advisories are asked about."""
        if product not in self._all_cases:
            made = {c.advisory.name: c for c in self._cases[product]}
            about = (a for a in self._everything if a.kind is Kind.VULNERABILITY and not a.withdrawn)
            sets = (
                made.get(a.name) or case
                for a in about
                for judged, case in evidence_sets(a, self.releases, corrections=self._corrections).items()
                if judged == product
            )
            self._all_cases[product] = tuple(sets)
        return self._all_cases[product]

    def vulnerabilities(self, component: Component) -> Iterator[Match]:
        """The verdict on every vulnerability of the component's product, whatever it is."""
        judge = self._judge_build if component.rebuilt else self._judge_release
        for case in self._cases[component.judged_as]:
            if case.advisory.kind is Kind.VULNERABILITY and case.covers(component.version):
                yield self.advised(case, component, judge(case, component))

    def standing(self, component: Component) -> tuple[Match, ...]:
        """The vulnerabilities that are not said to leave a component alone: those that were matched before included.

        Worked out once: every digest of hosts that run the component asks.
        """
        if component not in self._standing:
            self._standing[component] = tuple(self._stand(component))
        return self._standing[component]

    def _stand(self, component: Component) -> Iterator[Match]:
        number = self._known.numbers.get(component, 0)
        before = self._known.verdicts.get(number, {}) if number else {}
        through = self._known.through if number else {}
        for case in self._cases[component.judged_as]:
            advisory = case.advisory
            if advisory.kind is not Kind.VULNERABILITY or not case.covers(component.version):
                continue
            # what was kept of a version that may be none was true on another day
            covered = through.get(advisory.id, -1) >= number and not self._may_change(component)
            verdict = before.get(advisory.id) if covered else self.judge(case, component)
            if verdict is not None and verdict.status is not Status.NOT_AFFECTED:
                yield self.advised(case, component, verdict)

    def advised(self, case: EvidenceSet, component: Component, verdict: Verdict) -> Match:
        """The match of a verdict, with the upgrade to advise."""
        if verdict.status not in EXPOSED:
            return Match(component, case.advisory, verdict)
        advice = self.advisor.advice(case, component, verdict)
        return Match(component, case.advisory, replace(verdict, upgrade_to=advice.upgrade_to), advice)

    def judge(self, case: EvidenceSet, component: Component) -> Verdict:
        """The verdict on a component: its distribution's own, if one built it, else that on its version."""
        return (self._judge_build if component.rebuilt else self._judge_release)(case, component)

    def _judge_release(self, case: EvidenceSet, component: Component) -> Verdict:
        verdict = case.decide(component.version)
        if verdict.status is Status.NOT_AFFECTED and (doubt := self.doubt(component)):
            if doubt.decides:
                return Verdict(Status.UNKNOWN, f"{component.version} is {doubt.words}", verdict.source)
            return replace(verdict, reason=f"{verdict.reason}; {doubt.words}")
        return verdict

    def _may_change(self, component: Component) -> bool:
        return bool(self.releases.tagged.get(component.product) and self.doubt(component))

    def doubt(self, component: Component) -> Doubt | None:
        """Why a component's version may be no release at all; None if it is one, or somebody else's build."""
        return None if component.rebuilt else self._known_releases.doubt(component.product, component.version)

    def _judge_build(self, case: EvidenceSet, component: Component) -> Verdict:
        if component.other_numbers:
            return numbered_otherwise(component)
        package = self.package_case(case.advisory, component)
        own = package.decide(component.package_version) if package else None
        return own or rebuilt(case.decide(component.version), component)

    def package_case(self, advisory: Advisory, component: Component) -> PackageCase | None:
        """What the component's distribution says of an advisory; None if it says nothing, or is not known."""
        if not component.package or not component.ecosystem:
            return None
        known = self._packages.get((component.package_name, component.ecosystem))
        if known is None:
            cases = (PackageCase(a, component.package_name, component.ecosystem) for a in self._distributed)
            known = {c.advisory.name: c for c in cases if c.entries}
            self._packages[component.package_name, component.ecosystem] = known
        return known.get(advisory.name)

    def exposures(self, component: Component) -> list[Match]:
        """The vulnerabilities that affect it, or of which the evidence conflicts."""
        return [m for m in self.standing(component) if m.verdict.status in EXPOSED]

    def concerns(self, component: Component) -> tuple[Match, ...]:
        """What its owner should be told of: exposures, announcements, benchmarks, ends of life. Worked out once."""
        known = self._concerns.get(component)
        if known is None:
            known = self._concerns[component] = (
                *self.exposures(component),
                *self._announcements(component),
                *self._benchmarks(component),
                *self._ends_of_life(component),
            )
        return known

    def retraction(self, advisory: Advisory, component: Component) -> Verdict | None:
        """What is to be said of a component that an advisory concerned once and no longer does.

        None if it still does, and where its kind says nothing of versions.
        """
        if advisory.withdrawn:
            return Verdict(Status.NOT_AFFECTED, _withdrawal(advisory))
        if advisory.kind is Kind.END_OF_LIFE:
            return self._reprieve(advisory, component)
        if advisory.kind not in (Kind.VULNERABILITY, Kind.ANNOUNCEMENT):
            return None
        case = self.case(advisory, component.judged_as)
        if case is None:
            return Verdict(Status.UNKNOWN, f"no source mentions {component.product} any more")
        verdict = self.judge(case, component)
        return None if verdict.status in EXPOSED else verdict

    def _reprieve(self, advisory: Advisory, component: Component) -> Verdict | None:
        if any(m.advisory.name == advisory.name for m in self._ends_of_life(component)):
            return None
        line = line_of(component.version, self._lines.get(component.product, ()))
        if line is None or line.ends is None:
            return Verdict(Status.NOT_AFFECTED, "its end of life is no longer announced")
        return Verdict(Status.NOT_AFFECTED, f"{line.name} gets security fixes until {line.ends.isoformat()}")

    def _announcements(self, component: Component) -> Iterator[Match]:
        for case in self._cases[component.judged_as]:
            if case.advisory.kind is Kind.ANNOUNCEMENT:
                verdict = self.judge(case, component)
                if verdict.status in EXPOSED:
                    yield self.advised(case, component, verdict)

    def _benchmarks(self, component: Component) -> Iterator[Match]:
        """The edition of the CIS benchmark for an engine."""
        if due := self.editions.due(component):
            advisory, reason = due
            yield Match(component, advisory, Verdict(Status.AFFECTED, reason, advisory.records[0]))

    def _ends_of_life(self, component: Component) -> Iterator[Match]:
        for advisory in () if component.other_numbers else self._ends:
            product, _, name = advisory.line.partition(" ")
            if product == component.product and starts_with(key(component.version), name):
                line = line_of(component.version, self._lines.get(product, ()))
                if line is not None and line.name == name and (reason := _end_reason(line, self._today)):
                    yield Match(component, advisory, Verdict(Status.AFFECTED, reason, advisory.records[0]))


def _withdrawal(advisory: Advisory) -> str:
    """When an advisory was withdrawn, and why, as far as that is said."""
    assert advisory.withdrawn is not None
    reasons = dict.fromkeys(r.record.withdrawn_reason for r in advisory.records if r.record.withdrawn_reason)
    said = f"withdrawn on {advisory.withdrawn.astimezone(UTC):%Y-%m-%d}"
    return f"{said}: {'; '.join(reasons)}" if reasons else said


def _end_reason(line: ReleaseLine, today: date) -> str:
    """What to say of a line's end: nothing while it is more than three months ahead."""
    if not line.maintained(today):
        return f"{line.name} gets no more security fixes"
    if line.ends is not None and line.ends - today <= AHEAD:
        return f"{line.name} gets security fixes until {line.ends.isoformat()}"
    return ""
