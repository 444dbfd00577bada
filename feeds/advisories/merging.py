"""Merge the records of one vulnerability into an advisory, by their ids and aliases.  Pure.

Records that share a name are merged, transitively and in any order of arrival.  Two CVE ids that each have a record of
their own are never merged: a source that calls them aliases is kept as a doubt.  Mere *mentions* merge nothing: an
announcement about six CVEs is a seventh advisory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import msgspec

from feeds.advisories.editions import held_back
from feeds.advisories.precedence import Precedence
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
        mine = _name([_canonical(n) for read in group for n in read.record.names], group[0].record.id)
        for read, other in ((r, other) for r in group for other in r.doubted):
            doubts.setdefault(mine, []).append(Doubt(other, read.source, read.record.url))
            doubts.setdefault(other, []).append(Doubt(mine, read.source, read.record.url))
    return doubts


def groups(reads: Iterable[Read]) -> list[list[Read]]:
    """Records that share a name, or share one with a record that does; two CVEs with records of their own stay two.

    The maintainers' aliases are joined first, then the others' by precedence, so that a wrong alias never outweighs the
    maintainers' and the order of arrival does not matter.
    """
    everything = sorted(reads, key=lambda r: (r.record.precedence != Precedence.MAINTAINERS, _order(r)))
    names = _Names(n for r in everything if is_cve(n := _canonical(r.record.id)))
    found: dict[str, list[Read]] = {}
    said = [names.join(read) for read in everything]
    for read in said:
        found.setdefault(names.root(_canonical(read.record.id)), []).append(read)
    return [_one_voice(group) for group in found.values()]


def _order(read: Read) -> tuple[int, str, str, str]:
    return read.record.precedence, read.source, read.record.id, read.document


class _Names:
    """Which names are of one matter (union-find). A matter has at most one CVE that has a record of its own."""

    def __init__(self, owned: Iterable[str]) -> None:
        self._parent: dict[str, str] = {}
        self._cve: dict[str, str] = {cve: cve for cve in owned}
        """By root: the CVE with a record of its own."""

    def root(self, name: str) -> str:
        """The representative name of a merged group."""
        self._parent.setdefault(name, name)
        root = name
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[name] != root:
            self._parent[name], name = root, self._parent[name]
        return root

    def join(self, read: Read) -> Read:
        """Join the names of a record; aliases that would join two CVEs are removed and kept as doubts."""
        record = read.record
        name = _canonical(record.id)
        wanted = self._cve.get(self.root(name)) or self._most([_canonical(a) for a in record.aliases])
        doubted = []
        for alias in record.aliases:
            one, other = self.root(name), self.root(_canonical(alias))
            if self._cve.get(other, wanted) != wanted:
                doubted.append(alias)
                continue
            # the lesser name becomes the root
            one, other = sorted((one, other))
            self._parent[other] = one
            if wanted:
                self._cve[one] = wanted
        if not doubted:
            return read
        kept = tuple(a for a in record.aliases if a not in doubted)
        return msgspec.structs.replace(
            read, record=msgspec.structs.replace(record, aliases=kept), doubted=tuple(map(_canonical, doubted))
        )

    def _most(self, aliases: list[str]) -> str | None:
        """The CVE that most of some aliases are of, the first of equals."""
        cves = [cve for a in aliases if (cve := self._cve.get(self.root(a)))]
        return max(cves, key=cves.count, default=None)


def _canonical(name: str) -> str:
    if is_ghsa(name):
        return "GHSA" + name[4:].lower()
    return name.upper() if is_cve(name) else name


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
    names = dict.fromkeys(_canonical(n) for read in group for n in read.record.names)
    name = _name(list(names), best.id)
    score = best_score(score for read in group for score in read.record.scores)
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
    return min((r.record.published for r in group if r.record.published), default=None)


def _name(names: list[str], fallback: str) -> str:
    cves = sorted((n for n in names if is_cve(n)), key=lambda n: [int(p) for p in n.split("-")[1:]])
    ghsas = sorted(n for n in names if is_ghsa(n))
    return (cves or ghsas or [fallback])[0]


def _withdrawn(group: list[Read]) -> datetime | None:
    """When it was withdrawn: only when every record that speaks of it was; corrections and mere lists aside."""
    told = [r for r in group if r.source not in CORRECTIONS and r.record.precedence != Precedence.LISTED]
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
