"""How each source did in a poll, by its answers, its history and what others name; and what is gone from it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from feeds import storage
from feeds.advisories.records import CORRECTIONS, EDITIONS, Record, is_cve, is_ghsa
from feeds.core.limits import AT_ONCE, NAMED
from feeds.crawl.protocol import FetchResult, FetchStatus
from feeds.sources import health
from feeds.sources.base import RequestContext, Source
from feeds.sources.health import SourceState
from feeds.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Answers:
    """What a source answered in a poll. `problem` is why the crawl broke off, or ""."""

    name: str
    outcomes: list[FetchResult]
    failures: list[str]
    """Documents that are not kept, and why."""
    problem: str

    @property
    def refused(self) -> list[str]:
        """Entries that were left out of documents that are kept, and why."""
        return [f"{o.url}: {why}" for o in self.outcomes for why in o.refused]


@dataclass(frozen=True, slots=True)
class How:
    """How a source is judged: now, are its losses believed, what it must list, and did a mirror answer."""

    now: datetime
    accept: bool
    must_have: tuple[str, ...]
    mirrored: bool = False


def judge(connection: Connection, answers: Answers, before: SourceState | None, how: How) -> tuple[SourceState, bool]:
    """Keep the state of a source after a poll; it comes back, with whether anything was found to be gone."""
    name, trouble, changed = answers.name, answers.problem, False
    complete = any(o.complete for o in answers.outcomes)
    if complete and not (answers.failures or answers.refused or trouble):
        asked = {o.url for o in answers.outcomes if not (how.accept and o.result is FetchStatus.MISSING)}
        kept = storage.forget_pages(connection, name, asked, how.now, accept=how.accept)
        changed, trouble = kept.changed, kept.refused
    if how.accept:
        storage.forget_history(connection, name)
    state = _state(before, replace(answers, problem=trouble), how.now)
    keys, count = storage.listed(connection, name, complete=complete)
    if state.state is health.SourceHealth.HEALTHY:
        history = storage.histories(connection).get(name, [])
        names = {key.partition(":")[2] for key in keys}
        missing = [m for m in how.must_have if m not in names]
        # what is steady is known to the sources, which load every parser
        shrunk = count * 4 < health.peak(history) * 3
        lacks = list(health.shortfalls(name, count, history, missing, steady=shrunk and _steady(name)))
        if not how.accept:
            lacks += _emptiness(connection, answers, count, history, mirrored=how.mirrored)
            if complete and (lost := _losses(connection, name, how.now)):
                lacks.append(f"{lost}. If that is right, run `navtex poll --accept {name}`")
        if lacks:
            state = replace(state, state=health.SourceHealth.DEGRADED, message="; ".join(lacks))
    storage.note(connection, state)
    if state.state is health.SourceHealth.HEALTHY:
        storage.remember(connection, name, health.Polled(how.now, len(answers.outcomes), 0, count))
        if complete:
            changed |= storage.settle(connection, name, how.now)
    return state, changed


def _losses(connection: Connection, name: str, now: datetime) -> str:
    """What a complete source lacks that it had, where that is more likely a broken or an old copy than news."""
    if newest := storage.newest_missing(connection, name):
        return f"its {newest} newest entries are missing, as in an older copy"
    missed = storage.missed_at_once(connection, name, now)
    return f"{missed} entries are missing at once" if missed >= AT_ONCE else ""


def _steady(name: str) -> bool:
    """Whether a source lists all it has, and is asked the same whatever the inventory holds."""
    source = _source(name)
    return source is not None and source.complete and not source.guessed and any(source.requests(RequestContext()))


def _emptiness(
    connection: Connection, answers: Answers, count: int, history: list[health.Polled], *, mirrored: bool
) -> list[str]:
    """Why an answer without anything in it is not to be believed."""
    unfound = bool(answers.outcomes) and all(o.result is FetchStatus.MISSING for o in answers.outcomes)
    if (count or history) and not unfound:
        return []
    source = _source(answers.name)
    if source is None:
        return []
    # a mirror that was filled by an earlier Navtex lacks what that one did not read
    may_lack = source.guessed or (source.recent and mirrored and not count)
    if unfound and not may_lack:
        return [f"none of its {len(answers.outcomes)} documents could be read ({answers.outcomes[0].reason})"]
    by = "" if count or history else _named_by(connection, source, answers)
    if not by:
        return []
    right = f"If that is right, run `navtex poll --accept {answers.name}`"
    return [f"it lists nothing, and {by} names what it should list. {right}"]


def is_listed(name: str) -> bool:
    """Whether a source is one of those that everybody has: registries are asked only for images of the inventory."""
    return _source(name) is not None


def _source(name: str) -> Source | None:
    from feeds.sources.all_sources import SOURCES  # here, for it loads every parser

    return next((s for s in SOURCES if s.name == name), None)


def _named_by(connection: Connection, source: Source, answers: Answers) -> str:
    """Another source that names vulnerabilities which this one should list, or ""."""
    found: dict[str, set[str]] = defaultdict(set)
    products = source.products(o.form for o in answers.outcomes)
    for read in storage.reads(connection):
        if read.source in (source.name, *CORRECTIONS, EDITIONS):
            continue
        if _names(source, read.record) or _concerns(products, read.record):
            found[read.source].add(read.record.id)
    return next((name for name, ids in sorted(found.items()) if len(ids) >= NAMED), "")


def _names(source: Source, record: Record) -> bool:
    """Whether a record is about what a source lists: a CVE that it is asked for, or its product's own advisory."""
    cves = frozenset(n for n in record.names if n.startswith("CVE-"))
    first = {r.name for r in source.requests(RequestContext())}
    if any(r.name not in first for r in source.requests(RequestContext(cves=cves))):
        return True
    product = getattr(source, "product", "")
    return bool(product) and any(map(is_ghsa, record.names)) and any(c.product == product for c in record.claims)


def _concerns(products: frozenset[str], record: Record) -> bool:
    """Whether a record is about a CVE in one of these products."""
    return any(map(is_cve, record.names)) and any(c.product in products and not c.package for c in record.claims)


def _state(before: SourceState | None, answers: Answers, now: datetime) -> SourceState:
    failures, problem = [*answers.failures, *answers.refused], answers.problem
    answered = len(answers.outcomes) - len(answers.failures)
    old = before or SourceState(answers.name, health.SourceHealth.UNPOLLED)
    more = [f"and {len(failures) - 3} more"] if len(failures) > 3 else []
    return replace(
        old,
        state=health.state(answered=answered, failed=len(failures) + bool(problem)),
        message="; ".join([*failures[:3], *more, *([problem] if problem else [])]),
        failures=0 if answered else old.failures + 1,
        last_attempt=now,
        last_success=now if answered else old.last_success,
    )
