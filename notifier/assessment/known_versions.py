"""Whether a version was ever released, as far as tags, release notes and packages tell.  Pure.

A typing error (29.53), or another vendor's number (20.10.43), is above every release of its line, or of a line that
has none.  Within a line nothing is said: a list may have gaps.  A list that is old or was never read decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from feeds.advisories.releases import Releases
from feeds.versions.upstream import Key, key, read

STALE = timedelta(days=14)
"""A list of releases that was last read longer ago decides nothing."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a version may be none."""

    words: str
    decides: bool
    """False if the list of releases is missing or too old: then a range decides, and the words are only added."""


class KnownReleases:
    """The newest release of each line of each product, worked out once."""

    def __init__(self, releases: Releases, today: date | None = None) -> None:
        self._releases = releases
        self._today = today
        self._newest: dict[str, dict[tuple[int | str, ...], tuple[Key, str]]] = {}
        self._doubts: dict[tuple[str, str], Doubt | None] = {}

    def doubt(self, product: str, version: str) -> Doubt | None:
        """Why a version is not known to have been released; None if it is, or where its product has no list."""
        if (product, version) not in self._doubts:
            self._doubts[product, version] = self._doubt(product, version)
        return self._doubts[product, version]

    def near(self, product: str, version: str) -> list[str]:
        """Up to three final releases whose numbers look most like a version's."""
        return self._releases.near(product, version)

    def _doubt(self, product: str, version: str) -> Doubt | None:
        known = self._releases
        if not known.tagged.get(product):
            missing = product in known.listed
            return (
                Doubt("the list of releases was not read, so it is unknown whether it exists", False)
                if missing
                else None
            )
        if not read(version).final:
            return None
        newest, above = self._above(product, key(version))
        if not newest:
            return None
        day = known.read_on
        if day and self._today and self._today - day > STALE:
            return Doubt(f"the list of releases was last read on {day}, so it is unknown whether it exists", False)
        words = f"not a release known on {day}" if day else "not a known release"
        newer = f"; it may be newer than what was read on {day}" if above and day else ""
        return Doubt(f"{words}; newest of its line is {newest}{newer}", True)

    def _above(self, product: str, at: Key) -> tuple[str, bool]:
        """The newest release of the line that a version is not of, and whether it is above all there are."""
        newest = self._lines(product)
        everything = newest[()]
        branch, major = newest.get((at[0], at[1])), newest.get((at[0],))
        if branch is not None:
            return (branch[1], at > everything[0]) if at > branch[0] else ("", False)
        if at < min(known for known, _ in newest.values()):
            return "", False  # older than all that is listed
        return (major or everything)[1], at > everything[0]

    def _lines(self, product: str) -> dict[tuple[int | str, ...], tuple[Key, str]]:
        if product not in self._newest:
            releases = self._releases
            packaged = (p.version for of in releases.published.values() for p in of.get(product, {}).values())
            noted = (release.version for release in releases.notes.get(product, {}).values())
            found: dict[tuple[int | str, ...], tuple[Key, str]] = {}
            for text in (*releases.tagged.get(product, {}).values(), *noted, *packaged):
                if read(text).final:
                    at = key(text)
                    for line in ((at[0], at[1]), (at[0],), ()):
                        found[line] = max(found.get(line, (at, text)), (at, text))
            self._newest[product] = found
        return self._newest[product]
