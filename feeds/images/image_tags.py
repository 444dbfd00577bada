"""What a registry's answers say of a tag over time, and which tag is a newer one of the same line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from feeds.images.references import Reference

GONE_AFTER = timedelta(days=1)
"""A tag that was there is gone when two answers at least this far apart did not know it."""


class TagStatus(StrEnum):
    """The last answer about a tag. All but `named`, `local` and `gone` leave what was known before in place."""

    NAMED = "named"
    """It names an image."""
    LOCAL = "local"
    """The registry never knew it: the name was given on a host."""
    MISSING = "missing"
    """The registry knew it before and does not now; not yet for a day."""
    GONE = "gone"
    DENIED = "denied"
    LIMITED = "limited"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class PastDigest:
    """A digest that a tag named before."""

    digest: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class TagState:
    """What is known of a tag."""

    reference: Reference
    status: TagStatus
    asked_at: datetime
    digest: str = ""
    """The digest that it names, or named when that was last known."""
    since: datetime | None = None
    """When it was first seen to name that digest."""
    answered_at: datetime | None = None
    """When the registry last said what it names."""
    missing_since: datetime | None = None
    past: tuple[PastDigest, ...] = ()
    """Oldest first."""


def answered(before: TagState | None, reference: Reference, status: int, digest: str, at: datetime) -> TagState:
    """The state of a tag after an answer: its HTTP status (0: none came) and, with 200, the digest that it names."""
    old = before or TagState(reference, TagStatus.UNREACHABLE, at)
    if status == 200 and digest:
        return _named(old, digest, at)
    if status == 404:
        return _missing(old, at)
    named = {401: TagStatus.DENIED, 403: TagStatus.DENIED, 429: TagStatus.LIMITED}.get(status, TagStatus.UNREACHABLE)
    kept = old.status if old.status in {TagStatus.GONE, TagStatus.LOCAL} else named
    return replace(old, status=kept, asked_at=at)


def _named(old: TagState, digest: str, at: datetime) -> TagState:
    now = replace(old, status=TagStatus.NAMED, asked_at=at, answered_at=at, missing_since=None)
    if old.digest == digest:
        return now
    if not old.digest or old.since is None:
        return replace(now, digest=digest, since=at)
    return replace(now, digest=digest, since=at, past=(*old.past, PastDigest(old.digest, old.since, at)))


def _missing(old: TagState, at: datetime) -> TagState:
    if not old.digest:
        return replace(old, status=TagStatus.LOCAL, asked_at=at)
    first = old.missing_since or at
    status = TagStatus.GONE if at - first >= GONE_AFTER else TagStatus.MISSING
    return replace(old, status=status, asked_at=at, missing_since=first)


_PARTS = re.compile(r"\d+|[^\d]+")


def newer(tag: str, tags: Iterable[str]) -> str:
    """The newest of `tags` that has the words and the first two numbers of an exact version; "" if none is newer.

    >>> newer("3.12.4-slim", ["3.12.9-slim", "3.12.11-slim", "3.13.0-slim", "3.12.12", "latest"])
    '3.12.11-slim'
    >>> newer("12", ["13"]), newer("1.2.3", ["1.2.3"])
    ('', '')
    """
    words, numbers = _split(tag)
    if not is_exact(tag):
        return ""
    best, found = numbers, ""
    for other in tags:
        if len(other) > 128:
            continue
        of, at = _split(other)
        if of == words and len(at) == len(numbers) and at[:2] == numbers[:2] and at > best:
            best, found = at, other
    return found


def is_exact(tag: str) -> bool:
    """Whether a tag is an exact version, which should never move: it has at least three numbers."""
    return len(_split(tag)[1]) >= 3


def _split(tag: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    parts = _PARTS.findall(tag)
    return tuple(p for p in parts if not p.isdigit()), tuple(int(p) for p in parts if p.isdigit() and len(p) < 15)
