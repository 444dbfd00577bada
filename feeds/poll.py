"""One poll: crawl, read, keep, merge.  A thin shell; what it decides is decided elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from msgspec.structs import replace as with_values

from feeds import health, store
from feeds.database import Connection, Database
from feeds.document import Wanted
from feeds.fetch import Crawl, Job, Outcome
from feeds.health import SourceState
from feeds.store import Changes

# A host that asks for a longer pause is not asked again before; a shorter one was waited for in the poll.
_LONG_PAUSE = timedelta(seconds=60)


@dataclass(slots=True)
class Report:
    """What a poll did: how each source fared, and what changed. `problem` is why it broke off, or ""."""

    sources: list[SourceState] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)
    problem: str = ""

    @property
    def failed(self) -> list[SourceState]:
        """The sources of which something could not be read."""
        return [s for s in self.sources if s.state is not health.State.HEALTHY]

    @property
    def ok(self) -> bool:
        """Whether everything was read."""
        return not self.failed and not self.problem


def poll(
    database: Database,
    crawl: Crawl,
    job: Job,
    *,
    accept: frozenset[str] = frozenset(),
    progress: Callable[[Outcome], None] = lambda _: None,
) -> Report:
    """Ask the sources of a job, and keep what they say.

    `crawl` is a child that waits for its job; `accept` names sources whose mass withdrawal is
    believed.  Nothing a source does stops the others: what fails is in the report.
    """
    with database.connect() as connection:
        job = _informed(job, connection)
    outcomes = []
    for outcome in crawl.run(job):
        outcomes.append(outcome)
        progress(outcome)
    with database.begin() as connection:
        return _kept(connection, outcomes, crawl.problem, job, accept)


def _informed(job: Job, connection: Connection) -> Job:
    """The job with what the database knows: validators, named CVEs, hosts to leave alone."""
    return with_values(
        job,
        known=store.known(connection),
        wanted=Wanted(cves=store.cves(connection)),
        not_before=store.waiting(connection),
    )


def _kept(connection: Connection, outcomes: list[Outcome], problem: str, job: Job, accept: frozenset[str]) -> Report:
    now = datetime.now(UTC)
    before = store.sources(connection)
    failures: dict[str, list[str]] = defaultdict(list)
    of_source: dict[str, list[Outcome]] = defaultdict(list)
    any_read = False
    for outcome in outcomes:
        of_source[outcome.source].append(outcome)
        if outcome.result == "failed":
            failures[outcome.source].append(f"{outcome.url}: {outcome.reason}")
        elif outcome.result == "read":
            refused = store.keep(connection, outcome, accept=outcome.source in accept)
            any_read = any_read or not refused
            if refused:
                failures[outcome.source].append(f"{outcome.url}: {refused}")
    store.touch(connection, (o.url for o in outcomes if o.result == "same"), now)
    report = Report(problem=problem)
    unanswered = (
        [] if not problem else [n for n in before if n not in of_source and (not job.sources or n in job.sources)]
    )
    for name in [*of_source, *unanswered]:
        state = _state(before.get(name), name, of_source.get(name, []), failures[name], problem, now)
        report.sources.append(state)
        store.note(connection, state)
        if state.state is health.State.HEALTHY and any(o.complete for o in of_source[name]):
            store.forget_pages(connection, name, {o.url for o in of_source[name]}, now)
    fresh = frozenset(s.name for s in report.sources if (old := before.get(s.name)) is None or old.first_good is None)
    if any_read:
        report.changes = store.sync(connection, now, baseline=fresh)
    store.wait(connection, _waiting(outcomes, now))
    return report


def _state(
    before: SourceState | None, name: str, outcomes: list[Outcome], failures: list[str], problem: str, now: datetime
) -> SourceState:
    failed = len(failures) + bool(problem)
    answered = len(outcomes) - len(failures)
    state = health.state(answered=answered, failed=failed)
    old = before or SourceState(name, health.State.UNPOLLED)
    good = state is health.State.HEALTHY
    return replace(
        old,
        state=state,
        message="; ".join(
            [
                *failures[:3],
                *([f"and {len(failures) - 3} more"] if len(failures) > 3 else []),
                *([problem] if problem else []),
            ]
        ),
        failures=0 if answered else old.failures + 1,
        first_good=old.first_good or (now if good else None),
        last_attempt=now,
        last_success=now if answered else old.last_success,
    )


def _waiting(outcomes: Iterable[Outcome], now: datetime) -> dict[str, datetime]:
    return {urlsplit(o.url).netloc: o.retry_at for o in outcomes if o.retry_at and o.retry_at > now + _LONG_PAUSE}
