"""`navtex exposure --format html`: the report's values, read from the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from feeds import storage
from feeds.advisories.records import Level
from feeds.storage.database import Connection
from feeds.verdicts.weighing import Status
from notifier.assessment.findings import Finding, Question, by_advisory, by_component
from notifier.assessment.matcher import EXPOSED
from notifier.assessment.upgrade_plans import plan
from notifier.domain.filters import Scope
from notifier.rendering.messages import page as rendered
from notifier.rendering.report import ExposureReport, ReportDay, ReportStep, chart, matrices
from notifier.rendering.trend_chart import week_chart
from notifier.schemas.trend import Trend
from notifier.services.findings.exposure import ScopedFindings, find, host_counts, marks
from notifier.services.findings.trend import DEFAULT, trend_of
from notifier.services.snapshot.annotations import Remarks
from notifier.storage import hosts_by_component, hosts_by_severity, inventory, trend_days

_NAMED = 5


def page(connection: Connection, found: ScopedFindings) -> str:
    """The HTML report on a scope. It lists every verdict, whichever the query asked for."""
    question, stale_days = found.question, found.assessment.stale_days
    everything = replace(question, verdicts=frozenset(Status))
    whole = find(connection, found.assessment, found.scope, everything, found.dates)
    exposed = [f for f in whole.findings if f.match.verdict.status in EXPOSED]
    groups = by_advisory(exposed)
    hosts = {a.name: n for (a, _), n in zip(groups, host_counts(connection, found.scope, groups), strict=True)}
    standing = hosts_by_severity.risk_counts(connection, found.scope, marks(whole.findings))
    levels = dict.fromkeys(map(str, Level), 0)
    for one in standing:
        if one.weight:
            levels[Level.ranked(one.weight)] += one.hosts
    hosts_asked = inventory.count(connection, found.scope)
    days = {d.day: ReportDay(d.day, d.hosts, d.levels) for d in trend_days.trend(connection)}
    if found.scope == Scope() and question == Question(verdicts=question.verdicts):
        days[found.at.date()] = ReportDay(
            found.at.date(), hosts_asked, levels
        )  # the last run may be older than an import
    trend = _trend(connection, found)
    report = ExposureReport(
        at=found.at,
        about=_about(found),
        hosts=hosts_asked,
        affected=sum(levels.values()),
        levels=levels,
        kev=sum(one.hosts for one in standing if one.kev),
        unknown=sum(one.hosts for one in standing if one.unknown),
        stale=inventory.count(connection, found.scope, unseen_since=found.at - timedelta(days=stale_days)),
        stale_after=stale_days,
        advisories=len(groups),
        matrices=matrices(whole.findings, hosts, Remarks.of(found.assessment).words),
        chart=chart(days.values()),
        trend=trend,
        weeks=week_chart(trend.weeks) if trend else None,
        steps=_steps(connection, whole, exposed),
        sources=tuple(storage.sources(connection).values()),
    )
    return rendered(report)


def _trend(connection: Connection, found: ScopedFindings) -> Trend | None:
    """How the whole inventory developed, in a report on all of it."""
    if found.scope != Scope() or found.question.advisories or found.overdue:
        return None
    return trend_of(connection, found.assessment, found.at.date() - DEFAULT, found.dates)


def _steps(connection: Connection, found: ScopedFindings, exposed: list[Finding]) -> tuple[ReportStep, ...]:
    """The plans of what is exposed, the worst first."""
    return tuple(
        ReportStep(
            plan(found.assessment.matcher, found.assessment.components[number], found.at.date()),
            found.hosts[number],
            hosts_by_component.example_hosts(connection, found.scope, number, _NAMED),
        )
        for number, _ in by_component(exposed)
    )


def _about(found: ScopedFindings) -> str:
    """What was asked for, in words."""
    scope, question, parts = found.scope, found.question, []
    advisories = [a.name for a in found.assessment.catalogue.advisories if a.id in question.advisories]
    if scope.hosts:
        parts.append(f"hosts {' or '.join(scope.hosts)}")
    if scope.tags:
        parts.append("tagged " + " and ".join(f"{k}={v}" for k, v in scope.tags.items()))
    if scope.products:
        parts.append(f"only {' and '.join(scope.products)}")
    if advisories:
        parts.append(f"only {', '.join(advisories)}")
    if question.least:
        parts.append(f"{question.least.value} or worse, and unscored")
    if question.kev:
        parts.append("only what is known to be exploited")
    return ", ".join(parts)
