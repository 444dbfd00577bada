"""`navtex explain`: the evidence behind a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from feeds import storage
from feeds.advisories.records import ENGINE, PRODUCTS, Advisory
from feeds.core.errors import UnknownName
from feeds.storage.database import Connection, Database
from feeds.verdicts.weighing import EvidenceEntry, EvidenceRole
from notifier.assessment.advice import NOTHING, Advice
from notifier.assessment.matcher import Match, Matcher
from notifier.domain.components import Component, component
from notifier.domain.filters import Scope
from notifier.domain.hosts import Hosts
from notifier.domain.product_names import meant
from notifier.schemas.explanation import (
    DoubtRow,
    EvidenceRow,
    ExplainedVerdict,
    VerdictExplanation,
    edition_evidence,
    evidence_row,
)
from notifier.schemas.fields import whole
from notifier.schemas.row_fields import advisory_fields, component_fields, verdict_fields
from notifier.services.findings.exposure import ScopedFindings
from notifier.storage import host_listing, hosts_by_component


@dataclass(frozen=True, slots=True)
class ExplainAnswer:
    """The explanation, and the components that were looked at."""

    value: VerdictExplanation
    components: tuple[Component, ...]
    advice: tuple[Advice, ...]
    """The advice of each of the verdicts."""


def explain_verdict(database: Database, subject: str, name: str, now: datetime) -> ExplainAnswer:
    """Explain the verdicts of an advisory on a host, or on PRODUCT@VERSION.

    UnknownName if there is no such advisory or host, VersionError for what is not a version.
    """
    with database.connect() as connection:
        host, components = _components(connection, subject)
        catalogue = storage.catalogue(connection)
        advisory = catalogue.find(name)
    matcher = Matcher(catalogue, now.date())
    judged = list(_verdicts(matcher, advisory, components))
    value = VerdictExplanation(
        **advisory_fields(advisory),
        kind=advisory.kind,
        withdrawn=whole(advisory.withdrawn) if advisory.withdrawn else None,
        doubts=tuple(DoubtRow(name=d.name, source=d.source, url=d.url) for d in advisory.doubts),
        host=host,
        verdicts=tuple(one for one, _ in judged),
    )
    return ExplainAnswer(value, components, tuple(advice for _, advice in judged))


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdict on a component in use with its evidence, and the hosts that run it."""

    verdict: ExplainedVerdict
    distro: str
    hosts: Hosts


def proofs(connection: Connection, found: ScopedFindings, limit: int) -> tuple[Proof, ...]:
    """The proof of each finding of one advisory, the first `limit`, as `navtex explain` gives it."""
    made = []
    for finding in found.findings[:limit]:
        of = finding.match.component
        names = hosts_by_component.example_hosts(connection, found.scope, finding.number, _NAMED)
        for verdict, _ in _verdicts(found.assessment.matcher, finding.match.advisory, (of,)):
            made.append(Proof(verdict, of.distro, Hosts(finding.hosts, names)))
    return tuple(made)


_NAMED = 5


def _components(connection: Connection, subject: str) -> tuple[str | None, tuple[Component, ...]]:
    product, at, version = subject.partition("@")
    if at and product in PRODUCTS:
        return None, (component(product, version),)
    found = next((h for h in host_listing.hosts(connection, Scope(hosts=(subject,))) if h.name == subject), None)
    if found is None and at and (near := meant(product)):
        raise UnknownName(f"there is no product {product!r}", remedy=f"Did you mean {near}@{version}?")
    if found is None:
        raise UnknownName(
            f"there is no host {subject!r}", remedy="See `navtex inventory list`, or give PRODUCT@VERSION"
        )
    return found.name, found.components


def _verdicts(
    matcher: Matcher, advisory: Advisory, components: tuple[Component, ...]
) -> Iterator[tuple[ExplainedVerdict, Advice]]:
    for of in components:
        if advisory.edition and of.product == ENGINE:
            verdict = matcher.editions.verdict(advisory, of)
            evidence = edition_evidence(advisory.records, verdict.status)
            yield _explained(Match(of, advisory, verdict), evidence), NOTHING
        elif matcher.case(advisory, of.judged_as):
            match, entries = _judged(matcher, advisory, of)
            yield _explained(match, tuple(map(evidence_row, entries))), match.advice


def _explained(match: Match, evidence: tuple[EvidenceRow, ...]) -> ExplainedVerdict:
    return ExplainedVerdict(**component_fields(match.component), **verdict_fields(match), evidence=evidence)


def _judged(matcher: Matcher, advisory: Advisory, of: Component) -> tuple[Match, list[EvidenceEntry]]:
    case = matcher.case(advisory, of.judged_as)
    assert case is not None
    match = matcher.advised(case, of, matcher.judge(case, of))
    upstream = case.testimony(of.version)
    if not of.rebuilt:
        return match, upstream
    package = matcher.package_case(advisory, of)
    own = package.testimony(of.package_version) if package else []
    # upstream's ranges do not apply to a distribution's build: they are listed but decide nothing
    return match, [*own, *(replace(t, role=EvidenceRole.UPSTREAM) for t in upstream)]
