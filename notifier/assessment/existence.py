"""Whether a version was ever released, as far as tags, release notes and packages tell.  Pure.

A typing error (29.53), or another vendor's number (20.10.43), is above every release of its line.  Below the newest
of a line nothing is said: a list may have gaps.
"""

from __future__ import annotations

from feeds.advisories.releases import Releases
from feeds.versions.upstream import Key, key, read


class KnownReleases:
    """The newest release of each line of each product, worked out once."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases
        self._newest: dict[str, dict[tuple[int | str, ...], tuple[Key, str]]] = {}
        self._reasons: dict[tuple[str, str], str] = {}

    def doubt(self, product: str, version: str) -> str:
        """Why a version is not known to have been released; "" where it is, or where no tags were read."""
        if (product, version) not in self._reasons:
            self._reasons[product, version] = self._doubt(product, version)
        return self._reasons[product, version]

    def _doubt(self, product: str, version: str) -> str:
        if not self._releases.tagged.get(product) or not read(version).final:
            return ""
        at = key(version)
        newest = self._lines(product)
        # its branch (20.10), else the line of its first number (29), else all there is
        for line in ((at[0], at[1]), (at[0],), ()):
            if line in newest:
                highest, text = newest[line]
                return f"not a known release; newest of its line is {text}" if at > highest else ""
        return ""

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
