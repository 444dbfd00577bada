"""One record's statements about one product, evaluated for any version.  Pure.

Within a record:

* ranges that overlap are branches: `< 1.7.29` and `< 2.0.7` are two fixes of one flaw, not a
  union that marks 1.7.30 affected, so a version at or after a fix of its own branch is fixed;
* a release that the record says is fixed is fixed, even where its range (a slip of the pen, or
  `<=` for `<`) still holds it; a release that was never made fixes nothing;
* words beside a range may name fixes that the range does not contradict, and may reach above the
  range, never below it;
* a branch that no range names, between two that are affected from their start, is affected too;
* "through 17.03.2" without any fixed release says nothing of later versions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from feeds.advisories.prose import CURRENT
from feeds.advisories.records import ENGINE, Advisory, Rank, Read, VersionStatement
from feeds.advisories.releases import Releases
from feeds.versions import products
from feeds.versions.ranges import Span
from feeds.versions.upstream import Key, branch, is_development, is_version, key


class Status(StrEnum):
    """The verdict on one version and one advisory."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not_affected"
    UNKNOWN = "unknown"
    CONFLICTING = "conflicting"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status with its reason, the record behind it, and the upgrade.

    `fixed_in` are the fixed releases above the version, lowest first; `upgrade_to` is the
    smallest of them that is itself not affected, on the version's own branch where there is one.
    """

    status: Status
    reason: str
    source: Read | None = None
    fixed_in: tuple[str, ...] = ()
    upgrade_to: str | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A span with its keys: it holds a version with key k when low <= k < high."""

    low: Key
    high: Key
    span: Span


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What a record says of one version.

    `exact` when it rests on a fix that the record names on the version's own branch; `guess` when
    only fixed releases are named, and the first affected version is not published.
    """

    status: Status
    reason: str
    exact: bool = False
    guess: bool = False
    read: Read | None = None
    """The record that says so, where it is not the statement's own."""


@dataclass(slots=True)
class SourceStatement:
    """The claims of one rank that one record makes about one product."""

    read: Read
    rank: Rank
    claims: list[VersionStatement] = field(default_factory=list)
    affected: list[Bound] = field(default_factory=list)
    unaffected: list[Bound] = field(default_factory=list)
    beyond: list[Bound] = field(default_factory=list)
    """Ranges in words beside the fields: they count above the fields' ranges only."""
    fixes: dict[Key, str] = field(default_factory=dict)
    unreleased: list[str] = field(default_factory=list)
    """Fixes that it names and that were never released."""
    partial: bool = False
    """Whether it says nothing outside of its ranges and the branches of its fixes."""
    others: list[Read] = field(default_factory=list)
    """Further records whose fixes were joined to this one's."""

    @property
    def states(self) -> bool:
        """Whether it states anything about versions."""
        return bool(self.affected or self.unaffected or self.beyond or self.fixes)

    def says(self, at: Key) -> StatementResult | None:
        """The record's word on a version; None if it has none."""
        repaired = self._repaired(at)
        inside = _holding(self.affected, at)
        if inside is None and self.affected and not self.partial and at >= self._top().high:
            inside = _holding(self.beyond, at)
        if repaired:
            return StatementResult(Status.NOT_AFFECTED, f"{repaired} is the fix on its branch", exact=True)
        if inside is not None:
            if self._past_own_end(at):
                return StatementResult(Status.NOT_AFFECTED, "past the end of the affected range on its own branch")
            later = any(branch(f) == branch(at) and f > at for f in self.fixes)
            return StatementResult(Status.AFFECTED, f"in the affected range {inside.span}", exact=later)
        if cleared := _holding(self.unaffected, at):
            return StatementResult(Status.NOT_AFFECTED, f"in the range {cleared.span}, which is not affected")
        if self.partial:
            return None
        return self._outside(at) if self.affected else self._by_fixes_alone(at)

    def _by_fixes_alone(self, at: Key) -> StatementResult | None:
        if not self.fixes:
            return None
        last = max(self.fixes)
        if at >= last:
            return StatementResult(Status.NOT_AFFECTED, f"newer than the fix ({self.fixes[last]})", guess=True)
        first = min(f for f in self.fixes if f > at)
        return StatementResult(
            Status.AFFECTED,
            f"older than the fix ({self.fixes[first]}); first affected version not published",
            guess=True,
        )

    def _outside(self, at: Key) -> StatementResult | None:
        below = [b for b in self.affected if b.high <= at]
        above = [b for b in self.affected if b.low > at]
        if not below:
            return StatementResult(Status.NOT_AFFECTED, f"older than the affected range {above[0].span}")
        if not above:
            return self._above(at)
        lower, upper = max(below, key=lambda b: b.high), min(above, key=lambda b: b.low)
        if self._omitted(at, lower, upper):
            reason = f"no range names its branch, which lies between {lower.span} and {upper.span}"
            return StatementResult(Status.AFFECTED, reason)
        return StatementResult(Status.NOT_AFFECTED, f"between the affected ranges {lower.span} and {upper.span}")

    def _above(self, at: Key) -> StatementResult | None:
        top = self._top()
        fixed_later = any(f >= top.high for f in self.fixes)
        if top.span.closed_high and top.span.low != top.span.high and not fixed_later:
            # "through 17.03.2", and no fixed release: silent on what came later
            return None
        return StatementResult(Status.NOT_AFFECTED, f"newer than the affected range {top.span}")

    def _top(self) -> Bound:
        return max(self.affected, key=lambda b: b.high)

    def _repaired(self, at: Key) -> str | None:
        own = [f for f in self.fixes if branch(f) == branch(at) and f <= at]
        return self.fixes[max(own)] if own else None

    def _past_own_end(self, at: Key) -> bool:
        """Whether a range that starts at no version ends, inclusively, on this branch and below."""
        ends = [key(b.span.high) for b in self.affected if b.span.closed_high and not b.span.low and b.span.high]
        return any(branch(end) == branch(at) and end < at for end in ends)

    def _omitted(self, at: Key, lower: Bound, upper: Bound) -> bool:
        ends = [k for b in self.affected for k in (b.low, b.high)] + list(self.fixes)
        named = {branch(k) for k in ends if len(k) > 2}
        from_its_start = len(upper.low) > 2 and upper.low[2] == 0
        return from_its_start and branch(at) not in named and branch(lower.high) < branch(at) < branch(upper.low)

    def silence(self, at: Key) -> str:
        """Why it has no word on a version."""
        return "does not cover this version"

    def words(self, at: Key) -> tuple[str, ...]:
        """The words that it was read from."""
        return tuple(dict.fromkeys(c.words for c in self.claims if c.words))

    def ranges(self) -> str:
        """What it says, in one line."""
        parts = [str(b.span) for b in self.affected]
        parts += [f"not {b.span}" for b in self.unaffected]
        if self.fixes:
            parts.append(f"fixed in {', '.join(self.fixes[f] for f in sorted(self.fixes))}")
        return "; ".join(parts) or "no range"


def readings(
    advisory: Advisory, product: str, releases: Releases, *, corrections: bool = True
) -> list[SourceStatement]:
    """Every record's readings of a product. What was withdrawn, and packages of distributions, are left out."""
    found: list[SourceStatement] = []
    known = _Known(product, releases)
    for entry in advisory.records:
        if entry.record.withdrawn is not None:
            continue
        claims = [c for c in entry.record.claims if not c.package]
        mine = [c for c in claims if c.product == product]
        if product == ENGINE:
            module = (c for c in claims if c.product == products.ENGINE_MODULE)
            mine += [t for c in module if (t := releases.translated(c))]
        if not corrections:
            mine = [c for c in mine if c.rank is not Rank.CORRECTION]
        found.extend(_of_record(entry, mine, known))
    return _with_fixes_joined(found)


class _Known(NamedTuple):
    """The releases of a product."""

    product: str
    releases: Releases

    def add(self, reading: SourceStatement, version: str) -> None:
        """Note that a version is fixed, as its release is named."""
        if not is_version(version):
            return
        at = key(version)
        if reading.rank is Rank.CORRECTION or self.releases.exists(self.product, at):
            text = version.removeprefix("docker-").removeprefix("v")
            reading.fixes.setdefault(at, self.releases.named(self.product, at) or _whole(text))
        elif not is_development(at) and version not in reading.unreleased:
            reading.unreleased.append(version)


def _of_record(entry: Read, claims: list[VersionStatement], known: _Known) -> Iterable[SourceStatement]:
    fields = [c for c in claims if not c.prose]
    words = [c for c in claims if c.prose]
    ranks = sorted({c.rank for c in fields}, reverse=True)
    for rank in ranks:
        beside = words if rank is ranks[0] else []
        yield _from_fields(entry, rank, [c for c in fields if c.rank == rank], beside, known)
    if words and not fields:
        yield _from_words(entry, words, known)


def _from_fields(
    entry: Read,
    rank: Rank,
    fields: list[VersionStatement],
    words: list[VersionStatement],
    known: _Known,
) -> SourceStatement:
    reading = SourceStatement(entry, rank, [*fields, *words], bounds(fields), _cleared(fields), bounds(words))
    reading.partial = all(c.partial for c in fields)
    for claim in fields:
        named = [
            *claim.fixed,
            *(s.high for s in claim.affected if s.high and not s.closed_high and not _slip(claim, s)),
        ]
        for version in named:
            known.add(reading, version)
    taken = {branch(f) for f in reading.fixes}
    for version in (v for claim in words for v in claim.fixed):
        # words that name another fix than the field does, on the same branch, are the slip
        if is_version(version) and branch(key(version)) not in taken:
            known.add(reading, version)
    return reading


def _slip(claim: VersionStatement, span: Span) -> bool:
    """Whether a range ends below the release that its claim says is patched (`< 23.0.7`, 23.0.8), or its start."""
    end = key(span.high)
    if span.low and key(span.low) >= end:
        return True
    return any(is_version(f) and branch(key(f)) == branch(end) and key(f) > end for f in claim.fixed)


def _from_words(entry: Read, words: list[VersionStatement], known: _Known) -> SourceStatement:
    reading = SourceStatement(entry, min(Rank.PROSE, *(c.rank for c in words)), words, bounds(words), _cleared(words))
    explicit = [v for claim in words for v in claim.fixed]
    ends = [s.high for claim in words for s in claim.affected if s.high and s.high != CURRENT and not s.closed_high]
    for version in (*explicit, *ends):
        known.add(reading, version)
    return reading


def _whole(version: str) -> str:
    """The release that one or two numbers in a sentence mean: "18.09" is 18.09.0."""
    return version + ".0" * (2 - version.count(".")) if version.replace(".", "").isdecimal() else version


def bounds(claims: Iterable[VersionStatement]) -> list[Bound]:
    """The affected ranges of some claims, lowest first."""
    spans = (Span(s.low, "", s.closed_low) if s.high == CURRENT else s for c in claims for s in c.affected)
    found = (Bound(*s.keys(), s) for s in dict.fromkeys(spans))
    # a range that ends before it starts is a slip, and says nothing
    return sorted((b for b in found if b.low < b.high), key=lambda b: (b.low, b.high))


def _cleared(claims: Iterable[VersionStatement]) -> list[Bound]:
    return [Bound(*s.keys(), s) for s in dict.fromkeys(s for c in claims for s in c.unaffected)]


def _holding(candidates: list[Bound], at: Key) -> Bound | None:
    """The narrowest bound that holds a version."""
    inside = [b for b in candidates if b.low <= at < b.high]
    return min(inside, key=lambda b: (b.high, tuple(-n for n in b.low)), default=None)


def _with_fixes_joined(found: list[SourceStatement]) -> list[SourceStatement]:
    """Statements that only name a fixed release add up: each page of notes tells of its own branch."""
    joined: dict[Rank, SourceStatement] = {}
    kept = []
    for reading in found:
        alone = bool(reading.fixes) and not (reading.affected or reading.unaffected or reading.partial)
        first = joined.setdefault(reading.rank, reading) if alone else reading
        if first is reading:
            kept.append(reading)
        else:
            first.fixes.update(reading.fixes)
            first.claims.extend(reading.claims)
            first.others.append(reading.read)
    return kept
