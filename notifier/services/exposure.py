"""The database's answer to "what are these hosts exposed to?".  A thin shell over `exposure` and the stores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from feeds import storage
from feeds.advisories.merging import Catalogue
from feeds.advisories.records import Advisory, Level
from feeds.storage.database import Connection, Database
from feeds.verdicts.evidence import Status
from notifier.assessment.findings import Finding, Question, findings, speaking, weight
from notifier.assessment.matcher import EXPOSED, Matcher
from notifier.domain.components import Component
from notifier.domain.filters import Scope
from notifier.domain.hosts import RiskSummary
from notifier.storage import exposure, inventory, verdicts


@dataclass(frozen=True, slots=True)
class Survey:
    """The findings on what the hosts of a scope run, worst first, and what they were made of."""

    at: datetime
    scope: Scope
    catalogue: Catalogue
    matcher: Matcher
    components: dict[int, Component]
    hosts: dict[int, int]
    """How many hosts of the scope run each component; where advisories are asked for, each they do not leave alone."""
    findings: tuple[Finding, ...]


def survey(connection: Connection, scope: Scope, question: Question, now: datetime, catalogue: Catalogue) -> Survey:
    """The answer to a question about the hosts of a scope. It grows with versions and advisories, not with hosts."""
    known = verdicts.load(connection, question.advisories)
    matcher = Matcher(catalogue, now.date(), only=question.advisories or None, known=known)
    components = {number: component for component, number in known.numbers.items()}
    # of a few advisories, only the hosts of what they have something to say of are counted
    spoken_of = speaking(matcher, components, question) if question.advisories else None
    hosts = exposure.counts(connection, scope, spoken_of)
    return Survey(now, scope, catalogue, matcher, components, hosts, findings(matcher, components, hosts, question))


def host_counts(
    connection: Connection, scope: Scope, groups: Sequence[tuple[Advisory, Sequence[Finding]]]
) -> Iterator[int]:
    """How many hosts each of some groups of findings concerns, each host counted once.

    Where no host can run two of a group's components the sum is exact. Only the others are counted.
    """
    several = exposure.several(connection, scope)
    known: dict[frozenset[int], int] = {}
    for _, group in groups:
        products = {f.match.component.product for f in group}
        if len(group) == 1 or (len(products) == 1 and products.isdisjoint(several)):
            yield sum(f.hosts for f in group)
            continue
        numbers = frozenset(f.number for f in group)
        if numbers not in known:
            known[numbers] = exposure.running(connection, scope, numbers)
        yield known[numbers]


def marks(found: Iterable[Finding], weighed: frozenset[Status] = EXPOSED) -> dict[int, RiskSummary]:
    """What the findings say of each component: of the verdicts that are weighed how bad, and whether any is unknown."""
    groups: dict[int, list[Finding]] = {}
    for finding in found:
        groups.setdefault(finding.number, []).append(finding)
    return {number: _mark(group, weighed) for number, group in groups.items()}


def _mark(group: Sequence[Finding], weighed: frozenset[Status]) -> RiskSummary:
    counted = [f for f in group if f.match.verdict.status in weighed]
    return RiskSummary(
        weight=weight(counted),
        exposures=len(counted),
        kev=any(f.match.advisory.exploited for f in counted),
        unknown=any(f.match.verdict.status is Status.UNKNOWN for f in group),
    )


def note_trend(database: Database, now: datetime) -> None:
    """Keep this day's numbers of the whole inventory: hosts by the worst that affects them."""
    everything = Scope()
    with database.connect() as connection:
        hosts = inventory.count(connection)
        found = survey(connection, everything, Question(), now, storage.catalogue(connection)).findings
        standing = exposure.standings(connection, everything, marks(found))
    if not hosts:
        return
    levels = dict.fromkeys(map(str, Level), 0)
    for one in standing:
        levels[Level.ranked(one.weight)] += one.hosts
    with database.begin() as connection:
        exposure.note(connection, now.date(), hosts, levels)
