"""Exposure: what affects the hosts of a scope, read from the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from feeds.advisories.records import Advisory, Level, Severity
from feeds.core.errors import UsageProblem
from feeds.core.text import counted, few
from feeds.storage.database import Connection, Database
from feeds.verdicts.weighing import Status
from notifier.assessment.findings import Finding, Question, findings, meets, speaking, weight
from notifier.assessment.matcher import EXPOSED
from notifier.domain.due import NO_DUE_DATES, DuePolicy
from notifier.domain.filters import Scope
from notifier.domain.hosts import RiskSummary
from notifier.services.snapshot.assessment import Assessment
from notifier.services.snapshot.due_dates import DueDates
from notifier.services.snapshot.scopes import check_hosts
from notifier.services.snapshot.settings import Settings
from notifier.storage import hosts_by_component, hosts_by_severity, inventory, trend_days


@dataclass(frozen=True, slots=True)
class ExposureQuery:
    """Which findings to list: of which hosts and components, with which verdicts, of which advisories."""

    scope: Scope = Scope()  # noqa: RUF009 - a frozen value
    verdicts: frozenset[Status] = EXPOSED
    advisories: tuple[str, ...] = ()
    """Names or aliases; empty for all."""
    least: Severity | None = None
    """This severity or worse, and unscored advisories."""
    kev: bool = False
    """Only what is listed as known exploited."""
    limit: Scope = Scope()  # noqa: RUF009 - a frozen value
    """The tags that the viewer is limited to: no silence or assignment of other hosts is shown."""
    due: DuePolicy = NO_DUE_DATES
    overdue: bool = False
    """Only what is overdue; UsageProblem if there is no policy."""


@dataclass(frozen=True, slots=True)
class ScopedFindings:
    """The findings of a scope, worst first, and the assessment that they were made from."""

    assessment: Assessment
    scope: Scope
    question: Question
    hosts: Mapping[int, int]
    """How many hosts of the scope run each component. If advisories were named: each that they do not leave alone."""
    findings: tuple[Finding, ...]
    dates: DueDates
    overdue: bool = False
    """Whether only what is overdue was asked for."""

    @property
    def at(self) -> datetime:
        """The time of the assessment."""
        return self.assessment.now

    def reach(self, level: Severity | None) -> bool:
        """Whether a finding that affects a host reaches a severity; None is reached by any, unscored too."""
        return meets((f.match for f in self.findings), level)


@contextmanager
def assessed(
    database: Database, query: ExposureQuery, now: datetime, *, stale_days: int = 14
) -> Iterator[tuple[Connection, ScopedFindings]]:
    """The findings of a query, and the connection from which their rows can be read while the block lasts.

    UnknownName if an advisory or a host is named that is unknown.
    """
    with database.connect() as connection:
        yield connection, assess(connection, query, now, stale_days=stale_days)


def assess(connection: Connection, query: ExposureQuery, now: datetime, *, stale_days: int = 14) -> ScopedFindings:
    """The findings of a query. The work grows with versions and advisories, not with hosts."""
    assessment = Assessment.load(connection, now, Settings(stale_days=stale_days), only=query.advisories)
    check_hosts(connection, query.scope)
    if query.limit != Scope():
        assessment = assessment.visible(connection, query.limit)
    numbers = frozenset(assessment.find(name).id for name in query.advisories)
    question = Question(query.verdicts, numbers, query.least, query.kev)
    if query.overdue and not query.due:
        raise UsageProblem(
            "nothing has a due date, so nothing is overdue", remedy='Set `[due]` in the configuration: critical = "7d"'
        )
    dates = DueDates(connection, assessment, query.due)
    return find(connection, assessment, query.scope, question, dates, overdue=query.overdue)


def find(
    connection: Connection,
    assessment: Assessment,
    scope: Scope,
    question: Question,
    dates: DueDates,
    *,
    overdue: bool = False,
) -> ScopedFindings:
    """The findings of a scope."""
    matcher, components = assessment.matcher, assessment.components
    # if advisories are named, only the hosts of the components that they are about are counted
    spoken_of = speaking(matcher, components, question) if question.advisories else None
    hosts = hosts_by_component.counts(connection, scope, spoken_of)
    found = dates.applied(connection, scope, findings(matcher, components, hosts, question), overdue=overdue)
    return ScopedFindings(assessment, scope, question, hosts, found, dates, overdue)


def host_counts(
    connection: Connection,
    scope: Scope,
    groups: Sequence[tuple[Advisory, Sequence[Finding]]],
    overdue: DueDates | None = None,
) -> Iterator[int]:
    """The number of hosts of each group of findings, each host counted once.

    Where no host can run two of a group's components the sum is exact. Only the others are counted. With `overdue`,
    only hosts on which some finding of the group is overdue count.
    """
    several = hosts_by_component.multi_version_products(connection, scope)
    known: dict[frozenset[int], int] = {}
    for _, group in groups:
        products = {f.match.component.product for f in group}
        if len(group) == 1 or (len(products) == 1 and products.isdisjoint(several)):
            yield sum(f.overdue if overdue else f.hosts for f in group)
            continue
        if overdue:
            yield overdue.late_hosts(connection, scope, group) if any(f.overdue for f in group) else 0
            continue
        numbers = frozenset(f.number for f in group)
        if numbers not in known:
            known[numbers] = hosts_by_component.distinct_hosts(connection, scope, numbers)
        yield known[numbers]


def marks(found: Iterable[Finding], weighed: frozenset[Status] = EXPOSED) -> dict[int, RiskSummary]:
    """The risk of each component: the worst severity among the `weighed` verdicts, and whether any is unknown."""
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


def stale_warning(connection: Connection, found: ScopedFindings) -> str:
    """A warning about hosts of the scope that were not seen for a while; "" if there are none."""
    days = found.assessment.stale_days
    count, names, oldest = inventory.stale(connection, found.scope, found.at - timedelta(days=days))
    if not count or oldest is None:
        return ""
    hosts = counted(count, "host was", "hosts were")
    since = f"{hosts} last seen more than {days} days ago (since {oldest:%Y-%m-%d})"
    return f"{since} and may run other versions now: {few(names, len(names), count)}"


def undecided_findings(found: ScopedFindings) -> tuple[Finding, ...]:
    """The findings of a query that could not be assessed, whichever verdicts it lists."""
    question = Question(
        frozenset({Status.UNKNOWN}), found.question.advisories, found.question.least, found.question.kev
    )
    return findings(found.assessment.matcher, found.assessment.components, found.hosts, question)


def any_unknown(found: ScopedFindings) -> bool:
    """Whether a host of the scope runs what could not be assessed: a verdict is unknown, or the version no release."""
    matcher, components = found.assessment.matcher, found.assessment.components
    doubts = (matcher.doubt(components[number]) for number in found.hosts)
    return any(d.decides for d in doubts if d) or bool(undecided_findings(found))


def undecided_warning(found: ScopedFindings) -> str:
    """A warning about advisories that could not be assessed for some version; "" if there are none."""
    left = undecided_findings(found)
    if not left:
        return ""
    advisories, versions = len({f.match.advisory.id for f in left}), len({f.number for f in left})
    return (
        f"{advisories} {'advisory' if advisories == 1 else 'advisories'} (worst: {Level.ranked(weight(left)).value}) "
        f"could not be assessed for {counted(versions, 'version')}; list them with --verdict unknown"
    )


def note_trend(database: Database, now: datetime) -> None:
    """Store this day's numbers of the whole inventory: hosts by the worst severity that affects them."""
    with database.connect() as connection:
        hosts = inventory.count(connection)
        found = assess(connection, ExposureQuery(), now)
        counted = hosts_by_severity.risk_counts(connection, found.scope, marks(found.findings))
    if not hosts:
        return
    levels = dict.fromkeys(map(str, Level), 0)
    for one in counted:
        levels[Level.ranked(one.weight)] += one.hosts
    with database.begin() as connection:
        trend_days.store_trend(connection, now.date(), hosts, levels)
