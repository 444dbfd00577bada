"""The reviewed corrections as `navtex doctor` finds them: how many are in force, and which are no longer needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from feeds.advisories.corrections import OWN
from feeds.advisories.merging import Catalogue
from feeds.advisories.records import Advisory, Rank
from feeds.core.text import counted
from feeds.verdicts.weighing import EvidenceSet
from feeds.versions.upstream import is_version
from notifier.schemas.doctor import CheckResult


@dataclass(frozen=True, slots=True)
class _Corrected:
    """A product of an advisory that is corrected, and whether the operator's own file does so."""

    advisory: Advisory
    product: str
    own: bool

    def __str__(self) -> str:
        return f"{self.advisory.name} ({self.product})"


def corrections(catalogue: Catalogue, *, all_read: bool) -> Iterator[CheckResult]:
    """Check the corrections. `all_read` says whether every source was read.

    Where it was not, what is published is not known, and no correction is called needless.
    """
    found = [one for advisory in catalogue.advisories for one in _corrected(advisory)]
    if not found:
        return
    yield CheckResult.ok(f"{counted(len(found), 'reviewed correction is', 'reviewed corrections are')} in force")
    needless = [one for one in found if all_read and _needless(catalogue, one)]
    if own := [str(one) for one in needless if one.own]:
        verb = "is" if len(own) == 1 else "are"
        what = f"{len(own)} of your corrections {verb} no longer needed, because the published data now agrees"
        yield CheckResult.note(f"{what}: {', '.join(own)}", "Remove what is not needed from your file")
    if shipped := [str(one) for one in needless if not one.own]:
        verb = "agrees" if len(shipped) == 1 else "agree"
        what = f"{len(shipped)} of Navtex's own corrections {verb} with the published data"
        yield CheckResult.ok(f"{what}: {', '.join(shipped)}")


def _corrected(advisory: Advisory) -> Iterator[_Corrected]:
    """The products of an advisory that are corrected."""
    by: dict[str, set[str]] = {}
    for claim, read in advisory.claims:
        if claim.rank is Rank.CORRECTION:
            by.setdefault(claim.product, set()).add(read.source)
    for product, sources in sorted(by.items()):
        yield _Corrected(advisory, product, OWN in sources)


def _needless(catalogue: Catalogue, one: _Corrected) -> bool:
    """Whether every verdict is the same without the correction."""
    releases = _compared(catalogue, one.advisory, one.product)
    with_them = EvidenceSet(one.advisory, one.product, catalogue.releases)
    without = EvidenceSet(one.advisory, one.product, catalogue.releases, corrections=False)
    return bool(releases) and all(with_them.decide(r).status is without.decide(r).status for r in releases)


def _compared(catalogue: Catalogue, advisory: Advisory, product: str) -> list[str]:
    """The releases to compare: those known, and those that a correction names, which may be newer."""
    mine = [c for c, _ in advisory.claims if c.rank is Rank.CORRECTION and c.product == product]
    ends = (v for c in mine for s in (*c.affected, *c.unaffected) for v in (s.low, s.high))
    named = (v for v in (*(f for c in mine for f in c.fixed), *ends) if is_version(v))
    return [*catalogue.releases.finals(product), *named]
