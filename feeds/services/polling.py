"""One poll: crawl, parse, store, merge.  Decisions are made in pure modules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace as with_values

import feeds
from feeds import storage
from feeds.advisories import cis_editions, corrections
from feeds.advisories.records import EDITIONS, Record, is_cve
from feeds.core.errors import ConfigError
from feeds.core.limits import LONG_PAUSE, SOURCE_STORED
from feeds.crawl.client import Crawl
from feeds.crawl.protocol import CrawlJob, FetchResult, FetchStatus, ItemPayload
from feeds.services import source_health
from feeds.sources import health, registries
from feeds.sources.health import SourceState
from feeds.storage import Changes
from feeds.storage.database import Connection, Database


@dataclass(slots=True)
class PollReport:
    """What a poll did: how each source fared, and what changed. `problem` is why it broke off, or "".

    `unreached` is true if several hosts were asked and none of them answered anything. `warnings` say what else is
    wrong, for example credentials that cannot be read.
    """

    sources: list[SourceState] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)
    problem: str = ""
    unreached: bool = False
    warnings: tuple[str, ...] = ()
    ahead: list[str] = field(default_factory=list)
    """Sources that began to date entries in the future, each with the first such entry."""

    @property
    def failed(self) -> list[SourceState]:
        """The sources of which something could not be read."""
        return [s for s in self.sources if s.state is not health.SourceHealth.HEALTHY]

    @property
    def ok(self) -> bool:
        """Whether everything was read."""
        return not self.failed and not self.problem


def poll(  # noqa: PLR0913 - what one may ask for is named at the call
    database: Database,
    crawl: Crawl,
    job: CrawlJob,
    *,
    accept: frozenset[str] = frozenset(),
    own_corrections: Path | None = None,
    must_have: Mapping[str, Sequence[str]] | None = None,
    progress: Callable[[FetchResult], None] = lambda _: None,
    now: datetime | None = None,
    follow: Callable[[Connection, PollReport], None] = lambda _connection, _report: None,
) -> PollReport:
    """Poll the sources of a job, and store what they publish with the reviewed corrections.

    `crawl` is a child that waits for its job; `accept` names sources whose far shorter lists are accepted;
    `own_corrections` is the operator's file; `must_have` names entries that a source must list; `now` defaults to the
    clock; `follow` is called at the end of the transaction that stores what was read.  A source that fails is in the
    report and does not stop the others.  ConfigError, before any request, if a correction is wrong.
    """
    corrected = reviewed(own_corrections, now)
    with database.begin() as connection:
        storage.mend_clock(connection, now or datetime.now(UTC))
        job = _informed(job, connection, corrected)
    outcomes = []
    for outcome in crawl.run(job):
        outcomes.append(with_values(outcome, at=now) if now else outcome)
        progress(outcome)
    with database.begin() as connection:
        database.serial(connection, "storing a poll")
        how = _How(crawl.problem, job, accept, must_have or {}, now or datetime.now(UTC))
        report = _kept(connection, outcomes, corrected, how)
        follow(connection, report)
    return report


@dataclass(frozen=True, slots=True)
class _How:
    """What a poll was told: `problem` is why the crawl broke off, or ""."""

    problem: str
    job: CrawlJob
    accept: frozenset[str]
    must_have: Mapping[str, Sequence[str]]
    now: datetime

    def as_judged(self, source: str) -> source_health.How:
        """What matters of it for one source."""
        return source_health.How(
            self.now,
            accept=source in self.accept,
            must_have=tuple(self.must_have.get(source, ())),
            mirrored=bool(self.job.mirror),
        )


def reviewed(own: Path | None, at: datetime | None = None) -> list[FetchResult]:
    """The reviewed lists (corrections, the operator's, CIS editions), as if they were documents that were read."""
    now = at or datetime.now(UTC)
    shipped = Path(feeds.__file__).with_name("corrections.toml")
    found = []
    # without a file of the operator's own, what an earlier one said is no longer so
    for path, name in ((shipped, corrections.SHIPPED), (own, corrections.OWN)):
        try:
            text = path.read_text(encoding="utf-8") if path else ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the corrections cannot be read: {error}", where=str(path)) from error
        found.append(_as_read(name, corrections.records(corrections.read(text, str(path), now.date())), now))
    listed = Path(feeds.__file__).with_name("cis_editions.toml")
    found.append(_as_read(EDITIONS, cis_editions.read(listed.read_text(encoding="utf-8"), str(listed)), now))
    return found


def _as_read(name: str, records: Iterable[Record], at: datetime) -> FetchResult:
    pieces = tuple(ItemPayload(r.key, msgspec.Raw(msgspec.json.encode(r))) for r in records)
    return FetchResult(source=name, url=name, form="toml", complete=True, result=FetchStatus.READ, at=at, items=pieces)


def _informed(job: CrawlJob, connection: Connection, corrected: list[FetchResult]) -> CrawlJob:
    """The job with what the database knows: validators, CVEs (those of corrections, too), hosts to leave alone."""
    named = {name for o in corrected for piece in o.items if is_cve(name := piece.key.partition(":")[2])}
    claimed, mentioned = storage.wanted_cves(connection, job.wanted.products)
    ranked = tuple(dict.fromkeys((*sorted(named), *claimed)))
    tags = storage.tags(connection, "moby/moby")
    return with_values(
        job,
        known=storage.known(connection),
        wanted=with_values(job.wanted, cves=mentioned.union(ranked), ranked=ranked, tags=tags),
        not_before=storage.waiting(connection),
    )


def _kept(connection: Connection, outcomes: list[FetchResult], corrected: list[FetchResult], how: _How) -> PollReport:
    now, accept = how.now, how.accept
    before = storage.sources(connection)
    stale = storage.outdated(connection)
    of_source: dict[str, list[FetchResult]] = defaultdict(list)
    for outcome in outcomes:
        of_source[outcome.source].append(outcome)
    ahead = _in_future(connection, outcomes)
    changed, failures = _documents(connection, outcomes, accept)
    for outcome in corrected:
        changed |= storage.keep(connection, outcome, accept=True).changed
    storage.keep_answers(connection, of_source.get(registries.NAME, []), how.job.images.registries)
    storage.touch(connection, (o.url for o in outcomes if o.result is FetchStatus.SAME), now)
    report = PollReport(problem=how.problem, unreached=_unreached(outcomes), ahead=ahead)
    for name in [*of_source, *(_unanswered(how.job, of_source) if how.problem else ())]:
        answers = source_health.Answers(name, of_source.get(name, []), failures[name], how.problem)
        state, moved = source_health.judge(connection, answers, before.get(name), how.as_judged(name))
        changed |= moved
        report.sources.append(state)
    if changed or stale:
        # of a source that could not be read when it should have been, all that stands is news
        fresh = {s.name for s in report.sources if s.name not in before}
        report.changes = storage.sync(
            connection, now, baseline=frozenset(fresh | {corrections.SHIPPED, corrections.OWN, EDITIONS})
        )
    storage.wait(connection, _waiting(outcomes, now), now)
    return report


def _in_future(connection: Connection, outcomes: Iterable[FetchResult]) -> list[str]:
    """What is said of sources that began to date entries in the future: once, until none of theirs is any more."""
    first: dict[str, Record] = {}
    for outcome in outcomes:
        if outcome.result is FetchStatus.READ and outcome.source not in (registries.NAME, *first):
            found = storage.first_ahead(connection, outcome)
            first |= {outcome.source: found} if found else {}
    return [f"{source}: {record.id} has a date in the future, which counts as now" for source, record in first.items()]


def _unanswered(job: CrawlJob, answered: Iterable[str]) -> list[str]:
    """The sources of a job that did not come to answer anything before the crawl broke off."""
    from feeds.sources.all_sources import SOURCES  # here, for it loads every parser

    meant = (s for s in SOURCES if s.name not in job.disabled and (not job.sources or s.name in job.sources))
    asked = (s.name for s in meant if any(True for _ in s.requests(job.wanted)))
    return [name for name in asked if name not in set(answered)]


def _documents(
    connection: Connection, outcomes: list[FetchResult], accept: frozenset[str]
) -> tuple[bool, dict[str, list[str]]]:
    """Keep what was read; whether anything is new, and what failed by source, come back."""
    changed = False
    failures: dict[str, list[str]] = defaultdict(list)
    known = storage.documents(connection)
    held = _held(connection, outcomes)
    flooded = {o.source for o in outcomes if o.too_many}
    for outcome in outcomes:
        accepted = outcome.source in accept
        problem = outcome.reason if outcome.result is FetchStatus.FAILED else ""
        # a tag of an image may be deleted; the documents of the other sources stay where they are
        gone = outcome.result is FetchStatus.MISSING and outcome.url in known and not accepted
        if gone and source_health.is_listed(outcome.source):
            problem = f"{outcome.reason}, but it existed before"
        if outcome.result is FetchStatus.READ and outcome.source in flooded:
            problem = "the source lists more than a poll takes; kept as it was"
        elif outcome.result is FetchStatus.READ and outcome.source != registries.NAME:
            kept = _stored(connection, outcome, held[outcome.source, outcome.form], accept=accepted)
            changed, problem = changed or kept.changed, kept.refused
        if problem:
            failures[outcome.source].append(f"{outcome.url}: {problem}")
    return changed, failures


def _stored(connection: Connection, outcome: FetchResult, others: Counter[str], *, accept: bool) -> storage.Kept:
    """Keep a document, unless its source would then have more entries than may be stored.

    Where that is accepted, only what its documents list now stays, also of one that shows the newest entries only.
    """
    full = storage.exceeds(connection, outcome, SOURCE_STORED)
    if full and not accept:
        hint = f"If what it lists now is right, run `navtex poll --accept {outcome.source}`"
        return storage.Kept(refused=f"with it the source has more than {SOURCE_STORED} entries; kept as it was. {hint}")
    whole = with_values(outcome, complete=True) if full else outcome
    return storage.keep(connection, whole, others=others, accept=accept)


def _held(connection: Connection, outcomes: list[FetchResult]) -> dict[tuple[str, str], Counter[str]]:
    """What the readings of complete lists hold, by source and form: an entry may move from one page to another.

    Beside pages that were read, those that have not changed hold what they held.
    """
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        if outcome.result is FetchStatus.READ and outcome.complete:
            found[outcome.source, outcome.form].update(storage.names_in(outcome))
    for outcome in outcomes:
        if outcome.result is FetchStatus.SAME and (outcome.source, outcome.form) in found:
            found[outcome.source, outcome.form].update(storage.names_kept(connection, outcome.url))
    return found


def _unreached(outcomes: Iterable[FetchResult]) -> bool:
    """Whether no host gave any answer. One host alone says nothing, nor does one left alone."""
    asked = [o for o in outcomes if not o.retry_at]
    hosts = {urlsplit(o.url).netloc for o in asked}
    return len(hosts) > 1 and all(o.result is FetchStatus.FAILED and not o.status for o in asked)


def _waiting(outcomes: Iterable[FetchResult], now: datetime) -> dict[str, datetime]:
    return {urlsplit(o.url).netloc: o.retry_at for o in outcomes if o.retry_at and o.retry_at > now + LONG_PAUSE}
