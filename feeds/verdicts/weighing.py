"""Weigh all records' statements about a product into one verdict for each version.  Pure.

The highest rank that can decide does (see `Rank`).  If records of one rank disagree, the verdict is `conflicting`,
unless one names the release that fixes the version's own branch and the other does not mention that branch: the more
exact one wins.  A statement that only names a fixed release leaves open where the flaw begins, and decides that only if
nothing else does.  What others say of a product decides only where nobody else states a range or a fix.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from feeds.advisories.records import ENGINE, PRODUCTS, Advisory, Kind, Rank
from feeds.advisories.releases import BROUGHT, Releases
from feeds.verdicts.bundled_components import BUILT_IN, NAMES, ContainedStatement
from feeds.verdicts.statements import SourceStatement, StatementResult, Status, Verdict, readings
from feeds.versions import products
from feeds.versions.upstream import Key, branch, key, read

__all__ = ["EvidenceEntry", "EvidenceRole", "EvidenceSet", "Status", "Verdict"]


class EvidenceRole(StrEnum):
    """The part that a piece of evidence plays in a verdict; in the order in which `explain` lists them."""

    DECIDES = "decides"
    IN_CONFLICT = "in conflict"
    AGREES = "agrees"
    OUTWEIGHED = "outweighed"
    SILENT = "silent"
    UPSTREAM = "upstream"
    """Upstream's statement about a distribution's build: listed, but it decides nothing."""


@dataclass(frozen=True, slots=True)
class EvidenceEntry:
    """What one record says in general and about a version, and its role in the verdict."""

    source: str
    url: str
    read_at: datetime
    rank: Rank
    ranges: str
    status: Status | None
    reason: str
    role: EvidenceRole
    words: tuple[str, ...]
    unreleased: tuple[str, ...] = ()


_ROLES = tuple(EvidenceRole)


class EvidenceSet:
    """All evidence of one advisory about one product's own releases."""

    def __init__(
        self,
        advisory: Advisory,
        product: str,
        releases: Releases | None = None,
        *,
        corrections: bool = True,
        static: bool = False,
    ) -> None:
        """`static` is for the engine of Docker's static builds, which brings its own runc and containerd."""
        self._names = frozenset(NAMES) if static else BUILT_IN
        self.advisory = advisory
        self.product = product
        self._releases = releases or Releases()
        self._corrections = corrections
        self._memory: dict[Key, Verdict] = {}
        self._weighed: dict[Key, tuple[Verdict, dict[int, EvidenceRole]]] = {}

    # what is read is read when it is asked for: where verdicts were kept, nobody asks

    @cached_property
    def readings(self) -> list[SourceStatement]:
        """What each record says of the product, as bounds."""
        own = readings(self.advisory, self.product, self._releases, corrections=self._corrections)
        return [*own, self._contained] if self._contained else own

    @cached_property
    def _contained(self) -> ContainedStatement | None:
        """What is said of the products inside the engine; None if nothing is, or it is not known what is inside."""
        if self.product != ENGINE or not self._releases.contains(self._names & self.advisory.parts):
            return None
        inner = (EvidenceSet(self.advisory, p, self._releases) for p in sorted(self.advisory.parts & self._names))
        found = [one for one in inner if one.readings]
        # what stands aside says whether it contains the flaw of another product, and not whether an engine has it
        telling = [one for one in found if one.has_maker] or found
        if not telling:
            return None
        said = "; ".join(f"{NAMES[one.product]} {r.ranges()}" for one in telling for r in one.readings[:1])
        inside = {one.product: one.decide for one in telling}
        rank = Rank.CONTAINED if telling[0].has_maker else Rank.OTHERS
        return ContainedStatement(telling[0].readings[0].read, rank, releases=self._releases, inside=inside, said=said)

    @property
    def has_maker(self) -> bool:
        """Whether anybody speaks of the product who does not stand aside."""
        return any(r.rank is not Rank.OTHERS and not r.read.aside for r in self.readings)

    def covers(self, version: str) -> bool:
        """False if the advisory is only about what the engine contains, and this is not known of the version."""
        at, inside = key(version), self._contained
        return not self.only_contained or (inside is not None and (at in inside.results or inside.says(at) is not None))

    @property
    def only_contained(self) -> bool:
        """Whether nothing is said of the engine's own numbers, but only of what the engine contains."""
        own = {self.product, products.ENGINE_MODULE}
        return self.product == ENGINE and not any(
            c.product in own and c.rank is not Rank.OTHERS and read.record.withdrawn is None
            for c, read in self.advisory.claims
        )

    @cached_property
    def _weights(self) -> list[tuple[Rank, bool]]:
        """What decides, the strongest first: a rank, and whether it only names fixed releases. Others come last."""
        ranks = sorted({r.rank for r in self.readings} - {Rank.OTHERS}, reverse=True)
        others = [] if self._stated else [Rank.OTHERS]
        return [(rank, guess) for some in (ranks, others) for guess in (False, True) for rank in some]

    @cached_property
    def _stated(self) -> bool:
        """Whether anybody but others states a range of the product, or a fix."""
        return any(r.rank is not Rank.OTHERS and r.states for r in self.readings)

    @cached_property
    def _fixes(self) -> dict[Key, str]:
        """Every fixed release that is named; of translated numbers only where no other is."""
        said = [r for r in self.readings if r.rank is not Rank.OTHERS] if self._stated else self.readings
        firm = [r for r in said if r.rank is not Rank.TRANSLATED]
        named = {f: t for r in firm for f, t in (r.fixes | self._cleared_from(r)).items()}
        named = named or {f: t for r in said for f, t in (r.fixes | self._cleared_from(r)).items()}
        inside = self._contained.repaired() if self._contained in said else {}
        # of a line whose fix is named, the first release that contains the fixed product adds nothing
        return named | {f: t for f, t in inside.items() if not any(n[0] == f[0] and n <= f for n in named)}

    def decide(self, version: str) -> Verdict:
        """The verdict on a version (as its project spells it); VersionError where it is none."""
        at = key(version)
        if at not in self._memory:
            self._memory[at] = self._decide(at)
        return self._memory[at]

    def _decide(self, at: Key) -> Verdict:
        verdict, _ = self._weigh(at)
        if verdict.status not in (Status.AFFECTED, Status.CONFLICTING):
            return verdict
        fixes = [f for f in sorted(self._fixes) if f > at and self._weigh(f)[0].status is Status.NOT_AFFECTED]
        finals = {**{f: self._fixes[f] for f in fixes}, **self._finals(fixes)}
        offered = [f for f in sorted(finals) if read(finals[f]).final]
        own = [f for f in offered if branch(f) == branch(at)]
        target = next(iter(own or offered), None)
        return Verdict(
            verdict.status,
            verdict.reason,
            verdict.source,
            tuple(self._fixes[f] for f in fixes),
            finals[target] if target else None,
        )

    def _weigh(self, at: Key) -> tuple[Verdict, dict[int, EvidenceRole]]:
        """The verdict, and by the number of each reading what became of it; many versions ask of the same fixes."""
        if at not in self._weighed:
            self._weighed[at] = self._weigh_anew(at)
        return self._weighed[at]

    def _weigh_anew(self, at: Key) -> tuple[Verdict, dict[int, EvidenceRole]]:
        said = [r.says(at) for r in self.readings]
        for rank, guess in self._weights:
            speaking = [i for i, s in enumerate(said) if s and s.guess is guess and self.readings[i].rank is rank]
            if rank is Rank.OTHERS and self._doubtful(said):
                speaking = [i for i in speaking if (s := said[i]) and s.status is not Status.NOT_AFFECTED]
            if speaking:
                return self._agreed(said, speaking)
        return Verdict(Status.UNKNOWN, self._undecided(at)), {}

    def _doubtful(self, said: list[StatementResult | None]) -> bool:
        """Whether others cannot clear a version: anybody calls it affected, or has the product without a range."""
        named = any(r.rank is not Rank.OTHERS for r in self.readings)
        return named or any(s and s.status is Status.AFFECTED for s in said)

    def _agreed(
        self, said: list[StatementResult | None], speaking: list[int]
    ) -> tuple[Verdict, dict[int, EvidenceRole]]:
        words = {i: s for i in speaking if (s := said[i])}
        statuses = {s.status for s in words.values()}
        exact = {i: s for i, s in words.items() if s.exact}
        roles = {i: EvidenceRole.OUTWEIGHED for i, s in enumerate(said) if s}
        if len(statuses) == 1 or len({s.status for s in exact.values()}) == 1:
            chosen = next(iter(exact or words))
            best = words[chosen]
            roles |= {i: EvidenceRole.AGREES for i, s in enumerate(said) if s and s.status is best.status}
            roles[chosen] = EvidenceRole.DECIDES
            source = best.read or self.readings[chosen].read
            return Verdict(best.status, f"{best.reason} ({source.source})", source), roles
        roles |= dict.fromkeys(words, EvidenceRole.IN_CONFLICT)
        sides = "; ".join(
            f"{self.readings[i].read.source} says {s.status.value.replace('_', ' ')}: {s.reason}"
            for i, s in words.items()
        )
        return Verdict(Status.CONFLICTING, sides, self.readings[speaking[0]].read), roles

    def _undecided(self, at: Key) -> str:
        telling = [r for r in self.readings if r.affected or r.fixes]
        telling = [r for r in telling if r.rank is not Rank.OTHERS] or telling
        if not telling and self._contained:
            return self._contained.silence(at)
        if not telling:
            return f"no source states a range of {self.product} versions"
        best = max(telling, key=lambda r: r.rank)
        lack = (
            "which does not cover this version"
            if best.fixes
            else "names no fixed release and does not cover later versions"
        )
        return f"{best.read.source} says {best.ranges()}, {lack}"

    def _cleared_from(self, reading: SourceStatement) -> dict[Key, str]:
        """The releases from which on a reading says "not affected"."""
        starts = {b.low: b.span.low for b in reading.unaffected if b.span.low and b.span.closed_low}
        return {f: t for f, t in starts.items() if self._releases.exists(self.product, f)}

    def _finals(self, fixes: list[Key]) -> dict[Key, str]:
        """The final releases of fixed release candidates: 26.0.0-rc3 means that 26.0.0 is fixed."""
        texts = (self._fixes[f].partition("-")[0] for f in fixes if not read(self._fixes[f]).final)
        existing = {key(t): t for t in texts if self._releases.exists(self.product, key(t))}
        return {f: t for f, t in existing.items() if self._weigh(f)[0].status is Status.NOT_AFFECTED}

    def testimony(self, version: str) -> list[EvidenceEntry]:
        """Every record's word on a version, the strongest first, and the silent last: the proof of the verdict."""
        at = key(version)
        _, roles = self._weigh(at)
        found = []
        for i, reading in enumerate(self.readings):
            said = reading.says(at)
            entry = said.read if said and said.read else reading.read
            found.append(
                EvidenceEntry(
                    source=entry.source,
                    url=entry.record.url,
                    read_at=entry.at,
                    rank=reading.rank,
                    ranges=reading.ranges(),
                    status=said.status if said else None,
                    reason=said.reason if said else reading.silence(at),
                    role=roles.get(i, EvidenceRole.SILENT),
                    words=reading.words(at),
                    unreleased=tuple(reading.unreleased),
                )
            )
        return sorted(found, key=lambda t: (t.role is EvidenceRole.SILENT, -t.rank, _ROLES.index(t.role), t.source))


def evidence_sets(
    advisory: Advisory, releases: Releases | None = None, *, corrections: bool = True
) -> dict[str, EvidenceSet]:
    """The evidence of an advisory, by what is judged: a product, or the engine of the static builds.

    There is one for the engine, too, where the advisory is about what engines contain.
    """
    found = {p: EvidenceSet(advisory, p, releases, corrections=corrections) for p in advisory.products & {*PRODUCTS}}
    if releases is not None and advisory.kind is Kind.VULNERABILITY:
        if ENGINE not in found and releases.contains(advisory.parts & BUILT_IN):
            found[ENGINE] = EvidenceSet(advisory, ENGINE, releases, corrections=corrections)
        if releases.contains(advisory.parts & BROUGHT):
            found[products.STATIC_ENGINE] = EvidenceSet(
                advisory, ENGINE, releases, corrections=corrections, static=True
            )
    if ENGINE in found:
        found.setdefault(products.STATIC_ENGINE, found[ENGINE])
    return dict(sorted(found.items()))
