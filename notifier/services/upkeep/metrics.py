"""Metrics for a monitoring system.  The only import of prometheus_client.

Every metric is a gauge, which reads the same in OpenMetrics and in the older text format that
node_exporter's textfile collector takes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import feeds
from feeds import storage
from feeds.advisories.records import Kind, Level, Severity
from feeds.core import files
from feeds.sources.health import SourceHealth
from feeds.storage.database import Connection
from notifier.assessment.matcher import Match, Matcher
from notifier.config import Config, ImageSettings
from notifier.domain import retry, runs
from notifier.domain.due import DuePolicy
from notifier.domain.filters import Scope
from notifier.domain.pushes import PushResult
from notifier.images.status import ImageStatus
from notifier.services.findings.exposure import ExposureQuery, assess
from notifier.services.people.web_state import web_state
from notifier.services.snapshot.images import count_images
from notifier.services.snapshot.settings import due_policy
from notifier.storage import (
    hosts_by_component,
    inventory,
    jobs,
    monitoring,
    pushes,
    stage_statistics,
    subscriptions,
    verdicts,
)

_DEFAULTS = Config()
_LEVELS = (*(Level.of(s).value for s in Severity), Level.UNSCORED.value)


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge: its name, what it says, the names of its labels, and (values of the labels, number) of each sample."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: tuple[tuple[tuple[str, ...], float], ...]


def gather(connection: Connection, now: datetime, config: Config = _DEFAULTS) -> Iterator[Metric]:
    """Everything that the database can say."""
    yield Metric("navtex_build_info", "The version of Navtex; always 1", ("version",), (((feeds.__version__,), 1),))
    yield from of_runs(monitoring.runs(connection))
    yield from _sources(connection)
    yield from _inventory(connection, now, config.digest.stale_days)
    yield from _images(connection, config.images, now)
    yield from _exposure(connection, now)
    yield from _overdue(connection, now, due_policy(config.due))
    yield from _deliveries(connection)
    yield from _pushes(connection)
    yield from _web(connection, now)
    yield from of_workers(connection)
    yield _one("navtex_database_size_bytes", "Size of the database on disk", monitoring.size(connection))


def of_runs(runs: Iterable[runs.Run]) -> Iterator[Metric]:
    """The last run of each command. All that can be said when the database cannot be used."""
    runs = list(runs)
    for name, text, values in (
        ("timestamp_seconds", "When the command last ended", [r.ended_at.timestamp() for r in runs]),
        ("duration_seconds", "Duration of its last run", [r.seconds for r in runs]),
        ("exit_status", "Exit status of its last run; 0 is success", [r.status for r in runs]),
    ):
        samples = tuple(((r.command,), float(v)) for r, v in zip(runs, values, strict=True))
        yield Metric(f"navtex_last_run_{name}", text, ("command",), samples)
    good = _moments(((r.command,), r.succeeded_at) for r in runs)
    yield Metric(
        "navtex_last_run_success_timestamp_seconds", "When the command last ended with status 0", ("command",), good
    )


def _sources(connection: Connection) -> Iterator[Metric]:
    known = sorted(storage.sources(connection).values(), key=lambda s: s.name)
    tried = _moments(((s.name,), s.last_attempt) for s in known)
    yield Metric("navtex_source_last_attempt_timestamp_seconds", "When the source was last polled", ("source",), tried)
    read = _moments(((s.name,), s.last_success) for s in known)
    yield Metric("navtex_source_last_success_timestamp_seconds", "When the source last answered", ("source",), read)
    states = tuple(((s.name, state.value), float(s.state is state)) for s in known for state in SourceHealth)
    yield Metric("navtex_source_state", "1 for the state that the source is in", ("source", "state"), states)
    items = tuple(((s.name,), float(s.items)) for s in known)
    yield Metric("navtex_source_items", "How many entries of the source are known", ("source",), items)
    failures = tuple(((s.name,), float(s.failures)) for s in known)
    yield Metric("navtex_source_failures", "How many polls in a row got no answer", ("source",), failures)


def _inventory(connection: Connection, now: datetime, stale_days: int) -> Iterator[Metric]:
    yield _one("navtex_hosts", "How many hosts the inventory has", inventory.count(connection))
    old = inventory.count(connection, unseen_since=now - timedelta(days=stale_days))
    yield _one("navtex_stale_hosts", f"How many hosts were last seen more than {stale_days} days ago", old)


def _images(connection: Connection, settings: ImageSettings, now: datetime) -> Iterator[Metric]:
    counts = count_images(connection, settings, now)
    samples = tuple(((status.value,), float(counts.get(status, 0))) for status in ImageStatus)
    yield Metric("navtex_images", "How many images run under a name, by what is to be done", ("status",), samples)


def _exposure(connection: Connection, now: datetime) -> Iterator[Metric]:
    catalogue = storage.catalogue(connection)
    matcher = Matcher(catalogue, now.date(), known=verdicts.load(connection))
    running = hosts_by_component.counts(connection, Scope())
    standing: dict[str, set[int]] = defaultdict(set)
    affected: dict[str, set[str]] = defaultdict(set)
    for number, component in inventory.components(connection).items():
        for match in matcher.exposures(component) if number in running else ():
            for group in _groups(match):
                standing[group].add(number)
                affected[group].add(match.advisory.name)
    kinds = tuple(((k.value,), float(sum(a.kind is k and not a.withdrawn for a in catalogue.advisories))) for k in Kind)
    yield Metric("navtex_advisories", "How many advisories are known", ("kind",), kinds)
    hosts = {
        group: hosts_by_component.distinct_hosts(connection, Scope(), numbers) for group, numbers in standing.items()
    }
    text = "by which some host is affected, or may be"
    yield _by_severity("navtex_exposing_advisories", f"How many vulnerabilities there are {text}", affected)
    yield _one("navtex_exposing_advisories_exploited", "How many of them are in CISA's KEV", len(affected["kev"]))
    yield _one("navtex_exposed_hosts", "How many hosts some vulnerability affects, or may affect", hosts.get("", 0))
    samples = tuple(((s,), float(hosts.get(s, 0))) for s in _LEVELS)
    by = "How many hosts some vulnerability of this severity affects, or may affect"
    yield Metric("navtex_exposed_hosts_by_severity", by, ("severity",), samples)
    exploited = "How many hosts some vulnerability in CISA's KEV affects, or may affect"
    yield _one("navtex_exposed_hosts_exploited", exploited, hosts.get("kev", 0))


def _overdue(connection: Connection, now: datetime, due: DuePolicy) -> Iterator[Metric]:
    """What is overdue, if anything has a due date."""
    findings: Counter[str] = Counter()
    hosts = 0
    if due:
        found = assess(connection, ExposureQuery(due=due, overdue=True), now)
        for one in found.findings:
            findings[Level.of(one.match.advisory.severity).value] += one.overdue
        hosts = found.dates.late_hosts(connection, Scope(), found.findings)
    samples = tuple(((level,), float(findings[level])) for level in _LEVELS) if due else ()
    text = "How many findings (an advisory on a component of one host) are overdue"
    yield Metric("navtex_overdue_findings", text, ("severity",), samples)
    count = (((), float(hosts)),) if due else ()
    yield Metric("navtex_overdue_hosts", "How many hosts have an overdue finding", (), count)


def _groups(match: Match) -> Iterator[str]:
    severity = match.advisory.severity
    yield from ("", Level.of(severity).value)
    if match.advisory.exploited is not None:
        yield "kev"


def _by_severity(name: str, text: str, found: dict[str, set[str]]) -> Metric:
    return Metric(name, text, ("severity",), tuple(((s,), float(len(found[s]))) for s in _LEVELS))


def _deliveries(connection: Connection) -> Iterator[Metric]:
    yield _one("navtex_subscriptions", "How many subscriptions there are", len(subscriptions.every(connection)))
    states, oldest = monitoring.deliveries(connection)
    samples = tuple(((s.value,), float(states.get(s.value, 0))) for s in retry.DeliveryState)
    yield Metric("navtex_deliveries", "How many deliveries are in each state", ("state",), samples)
    waits = "Since when the oldest pending delivery waits"
    yield Metric("navtex_oldest_pending_delivery_timestamp_seconds", waits, (), _moments([((), oldest)]))


def _pushes(connection: Connection) -> Iterator[Metric]:
    found = {result: (number, at) for result, number, at in pushes.counts(connection)}
    samples = tuple(((r.value,), float(found[r][0] if r in found else 0)) for r in PushResult if found)
    yield Metric("navtex_pushes", "How many pushes of hosts were stored, or refused and why", ("result",), samples)
    last = _moments(((result.value,), at) for result, (_, at) in found.items())
    yield Metric("navtex_last_push_timestamp_seconds", "When the last push of this result came", ("result",), last)


def _web(connection: Connection, now: datetime) -> Iterator[Metric]:
    state = web_state(connection, now)
    yield _one("navtex_web_users", "Users of the page", state.users)
    yield _one("navtex_web_sessions", "Sessions in force", state.sessions)
    yield _one("navtex_web_tokens", "API tokens in force", state.tokens)
    yield _one("navtex_web_failed_sign_ins", "Sign-ins that failed in the last day", state.failures)


def of_workers(connection: Connection) -> Iterator[Metric]:
    """The queue, and the stages that workers ran. Nothing where there is no queue."""
    ready = jobs.ready(connection)
    states = jobs.counts(connection) if ready else {}
    counts = tuple(((state.value,), float(number)) for state, number in states.items())
    yield Metric("navtex_jobs", "How many jobs are in each state", ("state",), counts)
    waits = _moments(((queue,), at) for queue, at in sorted(jobs.oldest(connection).items() if ready else ()))
    text = "Since when the oldest job waits that could be begun"
    yield Metric("navtex_oldest_waiting_job_timestamp_seconds", text, ("queue",), waits)
    alive = (((), float(len(jobs.workers(connection)))),) if ready else ()
    yield Metric("navtex_workers", "How many workers gave a sign of life within a minute", (), alive)
    found = {t.stage: t for t in stage_statistics.tallies(connection)}
    for name, text in (
        ("rescued", "How many jobs of dead workers were begun anew"),
        ("superseded", "How many jobs of dead workers a later job did"),
    ):
        tally = found.pop(name, None)
        number = float(tally.runs if tally else 0)
        yield Metric(f"navtex_{name}_jobs", text, (), (((), number),) if ready else ())
    for name, text in (
        ("runs", "How often workers ran the stage"),
        ("seconds", "Seconds that all runs of the stage took"),
        ("last_seconds", "Seconds that the last run of the stage took"),
    ):
        samples = tuple(((t.stage,), float(getattr(t, name))) for t in found.values())
        yield Metric(f"navtex_stage_{name}", text, ("stage",), samples)


def _one(name: str, text: str, value: float) -> Metric:
    return Metric(name, text, (), (((), float(value)),))


def _moments(values: Iterable[tuple[tuple[str, ...], datetime | None]]) -> tuple[tuple[tuple[str, ...], float], ...]:
    return tuple((labels, at.timestamp()) for labels, at in values if at is not None)


def text(metrics: Iterable[Metric]) -> str:
    """The metrics as OpenMetrics writes them. One without a sample is left out."""
    from prometheus_client.core import CollectorRegistry, GaugeMetricFamily
    from prometheus_client.openmetrics.exposition import generate_latest
    from prometheus_client.registry import Collector

    class All(Collector):
        def collect(self) -> Iterator[GaugeMetricFamily]:
            for metric in metrics:
                family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
                for labels, value in metric.samples:
                    family.add_metric(labels, value)
                if metric.samples:
                    yield family

    registry = CollectorRegistry(auto_describe=False)
    registry.register(All())
    written: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return written.decode().rstrip("\n") + "\n"


def write(path: Path, text: str) -> None:
    """Put the metrics into a file, all at once and readable by everybody: its reader is another user's."""
    files.write(path, text, files.PUBLIC, durable=False)
