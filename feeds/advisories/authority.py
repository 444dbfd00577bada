"""Which source speaks of which product, how strongly, and whose words come first: one table.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

import msgspec

from feeds.advisories.records import ENGINE, Rank, VersionStatement
from feeds.versions.products import ENGINE_MODULE


class Precedence(IntEnum):
    """The order in which the records of one advisory give it its words: the lowest speaks first.

    The numbers are kept with what was read, so a member keeps its number.
    """

    REVIEWED_EDITIONS = 0
    """The list of CIS editions that ships: its dates are proven."""
    PAGE = 1
    """A page that is edited by hand and complete: announcements, the list of benchmarks."""
    CVE_RECORD = 2
    """The authority's own title and description. Also a second form of a page: markdown, a feed."""
    MAINTAINERS = 3
    """A repository's advisories: the people who make the product. Also a third form: a feed of titles."""
    RELEASE_NOTES = 4
    """A page of release notes, about a release or about changes without an advisory."""
    UNORDERED = 5
    """Sources whose matters no other source has."""
    ANNOUNCED_CVE = 6
    """What an announcement says of one of its CVEs (6 to 8, by its form)."""
    RELEASE_FEED = 6
    """A release in a feed: of the same release, the page of notes says more."""
    GO_DATABASE = 7
    FIX = 8
    """A line of release notes about a vulnerability: a few words about one release."""
    DISTRIBUTION = 9
    """A distribution's record: it speaks of its own package."""
    LISTED = 10
    """A list of names: it has no words of its own."""
    CORRECTION = 99
    """A correction says what is so, and leaves the words to those who published them."""

    def in_form(self, number: int) -> int:
        """The precedence of the same words in a further form of a source: 0 for the first, 1 for the second."""
        return self + number


DOCKERS: Final = frozenset({"engine", "cli", "buildkit", "buildx", "compose", "desktop"})
"""What Docker makes: of these its announcements and its blog are the maker's word, of runc and containerd another's."""


def spoken(claims: Iterable[VersionStatement], own: frozenset[str]) -> tuple[VersionStatement, ...]:
    """Claims of a source that speaks for some products: of any other, it says what others say.

    A repository that lists an advisory of something that it contains (Buildx lists runc's) tells when it
    took the fix, and not which versions of the other product have it.  The engine's Go module is the engine's.
    """
    mine = own | {ENGINE_MODULE} if ENGINE in own else own
    return tuple(
        claim if claim.product in mine else msgspec.structs.replace(claim, rank=Rank.OTHERS) for claim in claims
    )
