"""Lists that are kept as one fact: what is in them, and how they shrink.  Pure."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from feeds.advisories.facts import Exploited, Fact, Likelihood, Packages, Tags
from feeds.advisories.records import Record
from feeds.core.limits import LEAST_LISTED

Listing = Tags | Packages | Exploited | Likelihood


def shrunk(left: int, before: int) -> bool:
    """Whether a list lost so much at once that it is more likely a broken page than news.

    A single entry may go from any list that keeps others.

    >>> shrunk(2, 3), shrunk(1, 3), shrunk(0, 1), shrunk(30, 37)
    (False, True, True, False)
    """
    share, of = LEAST_LISTED
    return left < before and (not left or (before - left > 1 and left * of < before * share))


def contents(value: Record | Fact) -> frozenset[str] | None:
    """The names of the entries of a list that is kept as one fact; None for what is no such list."""
    match value:
        case Tags():
            return frozenset(tag.name for tag in value.tags)
        case Packages():
            return frozenset(f"{p.name} {p.package_version} {p.architecture}" for p in value.packages)
        case Exploited():
            return frozenset(value.added)
        case Likelihood():
            return frozenset(value.scores)
    return None


def limited(value: Listing, names: Collection[str]) -> Listing:
    """The list with only the named entries."""
    match value:
        case Tags():
            return replace(value, tags=tuple(t for t in value.tags if t.name in names))
        case Packages():
            kept = (p for p in value.packages if f"{p.name} {p.package_version} {p.architecture}" in names)
            return replace(value, packages=tuple(kept))
        case Exploited():
            return replace(value, added={cve: day for cve, day in value.added.items() if cve in names})
        case Likelihood():
            return replace(value, scores={cve: score for cve, score in value.scores.items() if cve in names})


def united(new: Listing, old: Listing) -> Listing:
    """A list with the entries that only an earlier reading of it has."""
    kept = limited(old, (contents(old) or frozenset()) - (contents(new) or frozenset()))
    match new, kept:
        case Tags(), Tags():
            return replace(new, tags=(*new.tags, *kept.tags))
        case Packages(), Packages():
            return replace(new, packages=tuple(sorted({*new.packages, *kept.packages})))
        case Exploited(), Exploited():
            return replace(new, added=new.added | kept.added)
        case Likelihood(), Likelihood():
            return replace(new, scores=new.scores | kept.scores)
    return new
