"""What a distribution says of its own packages.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from feeds.advisories.records import Advisory, Read, VersionStatement
from feeds.core.errors import VersionError
from feeds.verdicts.statements import Status, Verdict
from feeds.verdicts.weighing import EvidenceEntry, EvidenceRole
from feeds.versions.package_versions import PackageKey, scheme, source_packages


class PackageCase:
    """A distribution's own statements of one advisory about one of its packages."""

    def __init__(self, advisory: Advisory, package: str, ecosystem: str) -> None:
        self.advisory = advisory
        self._order = scheme(ecosystem)
        names = source_packages(package)
        entries = [
            (claim, entry)
            for entry in advisory.records
            if entry.record.withdrawn is None
            for claim in entry.record.claims
            if claim.ecosystem == ecosystem and claim.package in names
        ]
        # where a package moved to another source package, the newer one's record speaks
        newest = max((names.index(c.package) for c, _ in entries), default=-1)
        self.entries = _within_reach([(c, e) for c, e in entries if names.index(c.package) == newest])

    def decide(self, package_version: str) -> Verdict | None:
        """The verdict on a package's version; None if the distribution says nothing of it."""
        if not self.entries or self._order is None:
            return None
        try:
            # a binary rebuild (+b6) is built from the source package before it
            at = self._order(re.sub(r"\+b\d+$", "", package_version))
        except VersionError:
            return None
        claim, entry = self.entries[0]
        fixed = sorted({f for c, _ in self.entries for f in c.fixed if self._order(f) > at}, key=self._key)
        if any(_inside(c, at, self._order) for c, _ in self.entries):
            target = fixed[0] if fixed else None
            reason = f"{claim.words} ({entry.source})"
            return Verdict(Status.AFFECTED, reason, entry, tuple(fixed), target)
        return Verdict(Status.NOT_AFFECTED, f"{claim.words} ({entry.source})", entry)

    def testimony(self, package_version: str) -> list[EvidenceEntry]:
        """The distribution's word on a package's version: the proof of the verdict."""
        verdict = self.decide(package_version)
        if verdict is None:
            return []
        return [
            EvidenceEntry(
                source=entry.source,
                url=entry.record.url,
                read_at=entry.at,
                rank=claim.rank,
                ranges="; ".join(str(s) for s in claim.affected),
                status=verdict.status,
                reason="its own record of its own package",
                role=EvidenceRole.DECIDES if number == 0 else EvidenceRole.AGREES,
                words=(claim.words,),
            )
            for number, (claim, entry) in enumerate(self.entries)
        ]

    def _key(self, version: str) -> PackageKey:
        assert self._order is not None
        return self._order(version)


def _within_reach(entries: list[tuple[VersionStatement, Read]]) -> list[tuple[VersionStatement, Read]]:
    """Without the fixes that need a subscription where one is free; else without the words that there is no fix."""
    if any(c.fixed and not c.only_with for c, _ in entries):
        return [(c, e) for c, e in entries if not c.only_with]
    return [(c, e) for c, e in entries if c.only_with] or entries


def _inside(claim: VersionStatement, at: PackageKey, order: Callable[[str], PackageKey]) -> bool:
    for span in claim.affected:
        above = not span.low or order(span.low) <= at
        below = not span.high or at < order(span.high) or (span.closed_high and at == order(span.high))
        if above and below:
            return True
    return False
