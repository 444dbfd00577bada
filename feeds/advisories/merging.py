"""Merge the records of one vulnerability into an advisory, by their ids and aliases.  Pure.

Records that share a name are merged, transitively and in any order of arrival.  Two CVE ids that each have a record of
their own are never merged: a source that calls them aliases is kept as a doubt.  Mere *mentions* merge nothing: an
announcement about six CVEs is a seventh advisory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby

import msgspec

from feeds.advisories.authority import Precedence
from feeds.advisories.cis_editions import held_back
from feeds.advisories.ownership import Names, is_makers, with_standing
from feeds.advisories.records import (
    CORRECTIONS,
    PARTS_OF_ENGINE,
    PRODUCTS,
    Advisory,
    Doubt,
    Kind,
    Read,
    Record,
    Score,
    Severity,
    canonical,
    is_cve,
    is_ghsa,
    severity_rank,
)
from feeds.advisories.releases import Releases
from feeds.core.errors import UnknownName


@dataclass(frozen=True)
class Catalogue:
    """All known advisories and releases."""

    advisories: tuple[Advisory, ...]
    releases: Releases = field(default_factory=Releases)

    @cached_property
    def _names(self) -> dict[str, Advisory]:
        return {n.lower(): a for a in self.advisories for n in a.names}

    def find(self, name: str) -> Advisory:
        """The advisory of a name or alias, in any case of letters; UnknownName if there is none."""
        try:
            return self._names[name.strip().lower()]
        except KeyError:
            raise UnknownName(f"there is no advisory {name!r}", remedy="See `navtex advisory list`") from None


def merge(reads: Iterable[Read]) -> list[Advisory]:
    """Merge records into advisories, sorted by name.

    A vulnerability without a claim about a supported product (an announcement may mention a Log4j CVE) is left out.  So
    is one that only a correction names: a correction needs a published advisory.
    """
    found = groups(reads)
    early = held_back(found)
    kept = (group for group in found if _ours(group) and group[0].record.id not in early)
    doubts = _doubts(found)
    return sorted((_advisory(group, doubts) for group in kept), key=lambda a: a.name)


def _doubts(found: Iterable[list[Read]]) -> dict[str, list[Doubt]]:
    """By name: what was said to be the same and is not taken for it, for the advisories of both sides."""
    doubts: dict[str, list[Doubt]] = {}
    for group in found:
        mine = _name([canonical(n) for read in group for n in read.record.names], group[0].record.id)
        for read, other in ((r, other) for r in group for other in r.doubted):
            doubts.setdefault(mine, []).append(Doubt(other, read.source, read.record.url))
            doubts.setdefault(other, []).append(Doubt(mine, read.source, read.record.url))
    return doubts


def groups(reads: Iterable[Read]) -> list[list[Read]]:
    """Records that share a name, or share one with a record that does; two CVEs with records of their own stay two.

    The maintainers' aliases are joined first, then the others' by precedence, and last those that others have for
    matters of other products, so that a wrong alias never outweighs the maintainers' and the order of arrival does not
    matter.
    """
    everything = sorted(reads, key=lambda r: (r.record.precedence != Precedence.MAINTAINERS, _order(r)))
    spoken, names = Names(everything), _Names(everything)
    asked = [(spoken.disputed(read, a), n, a) for n, read in enumerate(everything) for a in read.record.aliases]
    doubted: dict[int, list[str]] = defaultdict(list)
    for (disputed, number), some in groupby(sorted(asked, key=lambda one: one[:2]), key=lambda one: one[:2]):
        aliases = [alias for _, _, alias in some]
        doubted[number] += names.join(everything[number], aliases, disputed=bool(disputed))
    found: dict[str, list[Read]] = {}
    for number, read in enumerate(everything):
        found.setdefault(names.root(canonical(read.record.id)), []).append(_without(read, doubted[number]))
    return [_one_voice(with_standing(group)) for group in found.values()]


def _without(read: Read, doubts: list[str]) -> Read:
    """A record without the aliases that are not believed."""
    if not doubts:
        return read
    kept = tuple(a for a in read.record.aliases if a not in doubts)
    return msgspec.structs.replace(
        read, record=msgspec.structs.replace(read.record, aliases=kept), doubted=tuple(map(canonical, doubts))
    )


def _order(read: Read) -> tuple[bool, int, str, str, str]:
    return read.aside, read.record.precedence, read.source, read.record.id, read.document


class _Names:
    """Which names are of one matter (union-find).

    A matter has at most one CVE that has a record of its own, or that maintainers gave to an advisory of theirs.
    """

    def __init__(self, reads: Iterable[Read]) -> None:
        self._parent: dict[str, str] = {}
        self._cve: dict[str, str] = {}
        """By root: its CVE."""
        self._sources: dict[str, set[str]] = defaultdict(set)
        """By root: the sources of the records in it."""
        for read in reads:
            named = read.record.names if is_makers(read.record) else (read.record.id,)
            self._cve.update((n, n) for n in map(canonical, named) if is_cve(n))
            self._sources[canonical(read.record.id)].add(read.source)

    def root(self, name: str) -> str:
        """The representative name of a merged group."""
        self._parent.setdefault(name, name)
        root = name
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[name] != root:
            self._parent[name], name = root, self._parent[name]
        return root

    def join(self, read: Read, aliases: list[str], *, disputed: bool = False) -> list[str]:
        """Join names of a record; the aliases that are not believed come back, as they would join two CVEs.

        Disputed ones are not believed, either, where they would join matters of others.
        """
        name = canonical(read.record.id)
        wanted = self._cve.get(self.root(name)) or self._most([canonical(a) for a in aliases])
        doubted = []
        for alias in aliases:
            one, other = self.root(name), self.root(canonical(alias))
            if self._cve.get(other, wanted) != wanted or (disputed and self._apart(one, other, read.source)):
                doubted.append(alias)
                continue
            # the lesser name becomes the root
            one, other = sorted((one, other))
            self._parent[other] = one
            if one != other:
                self._sources[one] |= self._sources.pop(other, set())
            if wanted:
                self._cve[one] = wanted
        return doubted

    def _apart(self, one: str, other: str, source: str) -> bool:
        """Whether each of two matters has a record of somebody else than a source."""
        return one != other and all(self._sources[root] - {source} for root in (one, other))

    def _most(self, aliases: list[str]) -> str | None:
        """The CVE that most of some aliases are of, the first of equals."""
        cves = [cve for a in aliases if (cve := self._cve.get(self.root(a)))]
        return max(cves, key=cves.count, default=None)


def _one_voice(group: list[Read]) -> list[Read]:
    """Sorted by precedence; of one source's several forms of one entry only the best speaks.

    The others lend it what it lacks: a date that only the feed has.  Entries of equal precedence
    are no forms of each other but parts (two pages of release notes), and all of them speak, those
    that say the very same once.
    """
    ordered = sorted(group, key=_order)
    first: dict[tuple[str, str], int] = {}
    kept: list[Read] = []
    for read in ordered:
        at = first.setdefault((read.source, read.record.id), len(kept))
        if any(k.source == read.source and k.record == read.record for k in kept):
            continue
        if at == len(kept) or kept[at].record.precedence == read.record.precedence:
            kept.append(read)
        else:
            kept[at] = msgspec.structs.replace(kept[at], record=_completed(kept[at], read))
    return kept


def _completed(first: Read, other: Read) -> Record:
    mine, theirs = first.record, other.record
    return msgspec.structs.replace(
        mine,
        published=mine.published or theirs.published,
        summary=mine.summary or theirs.summary,
        claims=mine.claims or theirs.claims,
        aliases=tuple(dict.fromkeys((*mine.aliases, *theirs.aliases))),
        mentions=tuple(dict.fromkeys((*mine.mentions, *theirs.mentions))),
    )


def _ours(group: list[Read]) -> bool:
    if any(r.record.kind is not Kind.VULNERABILITY for r in group):
        return True
    if all(r.source in CORRECTIONS for r in group):
        return False
    return any(claim.product in (*PRODUCTS, *PARTS_OF_ENGINE) for r in group for claim in r.record.claims)


def _advisory(group: list[Read], doubts: dict[str, list[Doubt]]) -> Advisory:
    best = group[0].record
    names = dict.fromkeys(canonical(n) for read in group for n in read.record.names)
    name = _name(list(names), best.id)
    score = _score(group)
    return Advisory(
        name=name,
        aliases=tuple(sorted(n for n in names if n != name)),
        kind=next((r.record.kind for r in group if r.record.kind is Kind.VULNERABILITY), best.kind),
        title=best.title,
        summary=next((r.record.summary for r in group if r.record.summary), ""),
        url=best.url,
        severity=score.severity if score else None,
        cvss=score.base if score else None,
        published=_published(group),
        withdrawn=_withdrawn(group),
        records=tuple(group),
        doubts=tuple(d for n in names for d in doubts.get(n, ())),
    )


def _published(group: list[Read]) -> datetime | None:
    """The first date that a record gives; for an edition that was reviewed, the reviewed one or none."""
    edition = group[0].record.edition
    if edition and edition.dated:
        return edition.exact
    own = [r.record.published for r in group if r.record.published and not r.aside]
    return min(own or (r.record.published for r in group if r.record.published), default=None)


def _score(group: Sequence[Read]) -> Score | None:
    """The best score of those whose matter it is, or none; where all stand aside, the worst of theirs."""
    own = [read for read in group if not read.aside]
    if own:
        return best_score(score for read in own for score in read.record.scores)
    others = (best_score(read.record.scores) for read in group)
    return max(filter(None, others), key=lambda s: (severity_rank(s.severity), s.base or 0.0), default=None)


def _name(names: list[str], fallback: str) -> str:
    cves = sorted((n for n in names if is_cve(n)), key=lambda n: [int(p) for p in n.split("-")[1:]])
    ghsas = sorted(n for n in names if is_ghsa(n))
    return (cves or ghsas or [fallback])[0]


def _withdrawn(group: list[Read]) -> datetime | None:
    """When it was withdrawn: only when every record of those whose matter it is was; corrections and lists aside."""
    told = [r for r in group if r.source not in CORRECTIONS and r.record.precedence != Precedence.LISTED]
    told = [r for r in told if not r.aside] or told
    dates = [r.record.withdrawn for r in told]
    return max(d for d in dates if d) if dates and all(dates) else None


def best_score(scores: Iterable[Score]) -> Score | None:
    """The best score: the CNA's and maintainers' before others', vectors before words, newer CVSS before older.

    Among equals the first wins, so pass scores in the order of their records' precedence.
    """
    return min(scores, key=lambda s: (not s.own, not s.vector, -_cvss_version(s.vector)), default=None)


def _cvss_version(vector: str) -> float:
    start = vector.partition("/")[0].removeprefix("CVSS:")
    return float(start) if start in ("3.0", "3.1", "4.0") else 2.0


def badness(advisory: Advisory) -> tuple[int, float]:
    """Sort key by severity, then CVSS; worse is larger."""
    return severity_rank(advisory.severity), advisory.cvss or 0.0


def at_least(severity: Severity | None, least: Severity) -> bool:
    """Whether a severity reaches a level. Unscored always does."""
    return severity is None or severity_rank(severity) >= severity_rank(least)
