"""Many sources' claims about one product, weighed into one verdict a version.  Pure.

Every claim is kept; the strongest rank that can decide does (see `Rank`).  Within one record:

* ranges that overlap are branches: `< 1.7.29` and `< 2.0.7` are two fixes of one flaw, not a
  union that marks 1.7.30 affected, so a version at or after a fix of its own branch is fixed;
* a release that the record says is fixed is fixed, even where its range (a slip of the pen, or
  `<=` for `<`) still holds it;
* words beside a range may name fixes that the range does not contradict, and may reach above the
  range, never below it;
* a branch that no range names, between two that are affected from their start, is affected too;
* "through 17.03.2" without any fixed release says nothing of later versions.

Records of one rank that disagree make `conflicting`, unless one of them names the very release
that repairs the version's own branch, which is the more exact statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from feeds.advisory import Advisory, Claim, Rank, Read
from feeds.prose import CURRENT
from feeds.ranges import Span
from feeds.versions import Key, branch, is_version, key, read


class Status(StrEnum):
    """What can be said of one version and one advisory."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not_affected"
    UNKNOWN = "unknown"
    CONFLICTING = "conflicting"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status with its reason, the record it rests on, and the way out.

    `fixed_in` are the fixed releases above the version, lowest first; `upgrade_to` is the
    smallest of them that is itself not affected, on the version's own branch where there is one.
    """

    status: Status
    reason: str
    source: Read | None = None
    fixed_in: tuple[str, ...] = ()
    upgrade_to: str | None = None


@dataclass(frozen=True, slots=True)
class _Bound:
    low: Key
    high: Key
    span: Span
    claim: Claim


@dataclass(frozen=True, slots=True)
class _Said:
    """What one record says of one version; `exact` when it names a fix on the version's branch."""

    status: Status
    reason: str
    exact: bool = False
    guess: bool = False


@dataclass(slots=True)
class _Reading:
    """One record's claims of one rank about one product, ready to be asked."""

    read: Read
    rank: Rank
    bounds: list[_Bound] = field(default_factory=list)
    beyond: list[_Bound] = field(default_factory=list)
    fixes: dict[Key, str] = field(default_factory=dict)

    def says(self, at: Key) -> _Said | None:
        """The record's word on a version; None where it has none."""
        inside = _holding(self.bounds, at)
        if inside is None and self.bounds and at >= self._top().high:
            inside = _holding(self.beyond, at)
        repaired = self._repaired(at)
        if inside is not None:
            if repaired:
                return _Said(Status.NOT_AFFECTED, f"{repaired} is the fix on its branch", exact=True)
            if self._past_own_end(at):
                return _Said(Status.NOT_AFFECTED, f"past the end of {_others(self.bounds, at)} on its own branch")
            return _Said(Status.AFFECTED, f"in the affected range {inside.span}")
        if not self.bounds:
            return self._by_fixes_alone(at, repaired)
        if repaired:
            return _Said(Status.NOT_AFFECTED, f"{repaired} is the fix on its branch", exact=True)
        return self._outside(at)

    def _by_fixes_alone(self, at: Key, repaired: str | None) -> _Said | None:
        if not self.fixes:
            return None
        if repaired:
            return _Said(Status.NOT_AFFECTED, f"{repaired} is the fix on its branch", exact=True)
        last = max(self.fixes)
        if at >= last:
            return _Said(Status.NOT_AFFECTED, f"newer than the fix, {self.fixes[last]}")
        first = min(f for f in self.fixes if f > at)
        return _Said(
            Status.AFFECTED, f"older than the fix, {self.fixes[first]}; nothing says where it begins", guess=True
        )

    def _outside(self, at: Key) -> _Said | None:
        below = [b for b in self.bounds if b.high <= at]
        above = [b for b in self.bounds if b.low > at]
        if not below:
            return _Said(Status.NOT_AFFECTED, f"older than {above[0].span}" if above else "in no affected range")
        if not above:
            return self._above(at)
        lower, upper = max(below, key=lambda b: b.high), min(above, key=lambda b: b.low)
        if self._omitted(at, lower, upper):
            return _Said(Status.AFFECTED, f"its branch is named by no range, between {lower.span} and {upper.span}")
        return _Said(Status.NOT_AFFECTED, f"between {lower.span} and {upper.span}")

    def _above(self, at: Key) -> _Said | None:
        top = self._top()
        fixed_later = any(f >= top.high for f in self.fixes)
        if top.span.closed_high and top.span.low != top.span.high and not fixed_later:
            # "through 17.03.2", and no fixed release: silent on what came later
            return None
        return _Said(Status.NOT_AFFECTED, f"newer than {top.span}")

    def _top(self) -> _Bound:
        return max(self.bounds, key=lambda b: b.high)

    def _repaired(self, at: Key) -> str | None:
        own = [f for f in self.fixes if branch(f) == branch(at) and f <= at]
        return self.fixes[max(own)] if own else None

    def _past_own_end(self, at: Key) -> bool:
        """Whether a range that starts at no version ends, inclusively, on this branch and below."""
        ends = [key(b.span.high) for b in self.bounds if b.span.closed_high and not b.span.low and b.span.high]
        return any(branch(end) == branch(at) and end < at for end in ends)

    def _omitted(self, at: Key, lower: _Bound, upper: _Bound) -> bool:
        ends = [k for b in self.bounds for k in (b.low, b.high)] + list(self.fixes)
        named = {branch(k) for k in ends if len(k) > 2}
        from_its_start = len(upper.low) > 2 and upper.low[2] == 0
        return from_its_start and branch(at) not in named and branch(lower.high) < branch(at) < branch(upper.low)


class Case:
    """All evidence of one advisory about one product."""

    def __init__(self, advisory: Advisory, product: str) -> None:
        self.advisory = advisory
        self.product = product
        self._readings = _readings(advisory, product)
        self._published = self._published_fixes()
        self._fixes = self._published | _finals(self._published)
        self._memory: dict[Key, Verdict] = {}

    def decide(self, version: str) -> Verdict:
        """The verdict on a version (as its project spells it); VersionError where it is none."""
        at = key(version)
        if at not in self._memory:
            self._memory[at] = self._decide(at)
        return self._memory[at]

    def _decide(self, at: Key) -> Verdict:
        verdict = self._status(at)
        if verdict.status not in (Status.AFFECTED, Status.CONFLICTING):
            return verdict
        fixes = [f for f in sorted(self._fixes) if f > at and self._status(f).status is Status.NOT_AFFECTED]
        finals = [f for f in fixes if read(self._fixes[f]).final]
        own = [f for f in finals if branch(f) == branch(at)]
        target = next(iter(own or finals), None)
        return Verdict(
            verdict.status,
            verdict.reason,
            verdict.source,
            tuple(self._fixes[f] for f in fixes if f in self._published),
            self._fixes[target] if target else None,
        )

    def _status(self, at: Key) -> Verdict:
        for rank in sorted({r.rank for r in self._readings}, reverse=True):
            said = [(s, r) for r in self._readings if r.rank == rank and (s := r.says(at))]
            verdict = _agreed(said)
            if verdict:
                return verdict
        return Verdict(Status.UNKNOWN, self._undecided())

    def _undecided(self) -> str:
        if not self._readings or not any(r.bounds or r.fixes for r in self._readings):
            return f"no source states a range of {self.product} versions"
        reading = max(self._readings, key=lambda r: r.rank)
        spans = "; ".join(str(b.span) for b in reading.bounds)
        return f"{reading.read.source} says {spans} and names no fixed release; nothing speaks of later versions"

    def _published_fixes(self) -> dict[Key, str]:
        """Every fixed release of the strongest rank that names any."""
        for rank in sorted({r.rank for r in self._readings}, reverse=True):
            named = {f: text for r in self._readings if r.rank == rank for f, text in r.fixes.items()}
            if named:
                return named
        return {}


def _finals(fixes: dict[Key, str]) -> dict[Key, str]:
    """The final releases of fixed release candidates: 26.0.0-rc3 means that 26.0.0 is fixed."""
    texts = (text.partition("-")[0] for text in fixes.values() if not read(text).final)
    return {key(text): text for text in texts}


def _agreed(said: list[tuple[_Said, _Reading]]) -> Verdict | None:
    """One verdict from the records of one rank; None where none speaks."""
    if any(not s.guess for s, _ in said):
        said = [(s, r) for s, r in said if not s.guess]
    exact = [(s, r) for s, r in said if s.exact]
    statuses = {s.status for s, _ in said}
    if not said:
        return None
    if len(statuses) == 1 or exact:
        best, reading = (exact or said)[0]
        return Verdict(best.status, f"{best.reason} ({reading.read.source})", reading.read)
    sides = "; ".join(f"{r.read.source} says {s.status.value.replace('_', ' ')}: {s.reason}" for s, r in said)
    return Verdict(Status.CONFLICTING, sides, said[0][1].read)


def _readings(advisory: Advisory, product: str) -> list[_Reading]:
    found: list[_Reading] = []
    for entry in advisory.records:
        if entry.record.withdrawn is not None:
            continue
        claims = [c for c in entry.record.claims if c.product == product]
        fields = [c for c in claims if not c.prose]
        words = [c for c in claims if c.prose]
        ranks = sorted({c.rank for c in fields})
        found.extend(_from_fields(entry, rank, [c for c in fields if c.rank == rank], words) for rank in ranks)
        if words and not fields:
            found.append(_from_words(entry, words))
    return found


def _from_fields(entry: Read, rank: Rank, fields: list[Claim], words: list[Claim]) -> _Reading:
    reading = _Reading(entry, rank, _bounds(fields), _bounds(words))
    for claim in fields:
        for version in claim.fixed:
            _add(reading.fixes, version)
        for span in claim.affected:
            if span.high and not span.closed_high and not _slip(claim, span):
                _add(reading.fixes, span.high)
    named = {branch(f) for f in reading.fixes}
    for version in (v for claim in words for v in claim.fixed):
        # words that name another fix than the field does, on the same branch, are the slip
        if is_version(version) and branch(key(version)) not in named:
            _add(reading.fixes, version)
    return reading


def _slip(claim: Claim, span: Span) -> bool:
    """Whether a claim's range ends below the release that it says is patched: `< 23.0.7`, patched 23.0.8."""
    return any(
        is_version(f) and branch(key(f)) == branch(key(span.high)) and key(f) > key(span.high) for f in claim.fixed
    )


def _from_words(entry: Read, words: list[Claim]) -> _Reading:
    reading = _Reading(entry, min(Rank.PROSE, *(c.rank for c in words)), _bounds(words))
    explicit = [v for claim in words for v in claim.fixed]
    ends = [s.high for claim in words for s in claim.affected if s.high and s.high != CURRENT and not s.closed_high]
    for version in (*explicit, *ends):
        _add(reading.fixes, version)
    return reading


def _add(fixes: dict[Key, str], version: str) -> None:
    if is_version(version):
        text = version.removeprefix("docker-").lstrip("v")
        # "18.09" in a sentence is the release 18.09.0
        fixes.setdefault(
            key(version), f"{text}.0" if text.count(".") == 1 and text.replace(".", "").isdecimal() else text
        )


def _bounds(claims: Iterable[Claim]) -> list[_Bound]:
    found = []
    for claim in claims:
        for span in claim.affected:
            plain = Span(span.low, "", span.closed_low) if span.high == CURRENT else span
            low, high = plain.keys()
            found.append(_Bound(low, high, span, claim))
    return sorted(found, key=lambda b: (b.low, b.high))


def _holding(bounds: list[_Bound], at: Key) -> _Bound | None:
    """The narrowest bound that holds a version."""
    inside = [b for b in bounds if b.low <= at < b.high]
    return min(inside, key=lambda b: (b.high, tuple(-n for n in b.low)), default=None)


def _others(bounds: list[_Bound], at: Key) -> str:
    ends = [b.span for b in bounds if b.span.closed_high and b.span.high and branch(key(b.span.high)) == branch(at)]
    return str(ends[-1]) if ends else "its range"
