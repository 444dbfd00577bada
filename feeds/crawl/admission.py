"""Reject documents with content that a database refuses or an index cannot hold.

PostgreSQL rejects NUL in text, and no database stores an unpaired surrogate. Both databases get the same checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from feeds.advisories.facts import Fact
from feeds.advisories.list_facts import contents
from feeds.advisories.records import Record
from feeds.core.errors import ShapeError
from feeds.core.limits import ADDRESS, CLAIMS, ENTRIES, ENTRY, HEADER, NAME
from feeds.crawl.protocol import ItemPayload
from feeds.sources.base import Document, Parsed

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""NUL as it stands in JSON, and not a backslash before "u0000"."""


def admit(document: Document, parsed: Parsed, pieces: tuple[ItemPayload, ...]) -> None:
    """Check everything of a document that is stored; ShapeError says what is wrong, and in which entry."""
    if max(len(pieces), len(parsed.follow), parsed.entries) > ENTRIES:
        raise ShapeError(f"it has more than {ENTRIES} entries")
    for problem in _problems(document, parsed, pieces):
        raise ShapeError(problem)


def _problems(document: Document, parsed: Parsed, pieces: tuple[ItemPayload, ...]) -> Iterator[str]:
    for name in ("etag", "last-modified"):
        yield from _of_header(name, document.headers.get(name, ""))
    for piece in pieces:
        yield from _of_piece(piece.key, bytes(piece.payload))
    for item in parsed.items:
        if isinstance(item, Record):
            yield from _of_record(item)
        elif isinstance(item, Fact) and (long := _longest(contents(item) or ())):
            yield f"its list {item.key} has an entry of more than {NAME} bytes: {long[:60]!r}"
    for following in parsed.follow:
        if _bytes(following.url) > ADDRESS or "\0" in following.name:
            yield f"it leads to an address of more than {ADDRESS} bytes, or with a NUL: {following.url[:60]!r}"


def _of_header(name: str, value: str) -> Iterator[str]:
    if len(value) > HEADER:
        yield f"its header {name} is longer than {HEADER} characters"
    if any(ord(c) < 32 for c in value):
        yield f"its header {name} contains a control character"


def _of_piece(key: str, raw: bytes) -> Iterator[str]:
    if len(key) + len(raw) > ENTRY:
        yield f"its entry {key[:60]!r} is larger than {ENTRY >> 20} MiB"
    if _NUL.search(raw):
        yield f"its entry {key[:60]!r} contains a NUL character"
    if _bytes(key) > NAME:
        yield f"its entry {key[:60]!r} has a name of more than {NAME} bytes"


def _of_record(record: Record) -> Iterator[str]:
    if max(len(record.claims), len(record.aliases), len(record.references)) > CLAIMS:
        yield f"its entry {record.id[:60]!r} has more than {CLAIMS} claims, names or references"
    if long := _longest((*record.names, *record.mentions)):
        yield f"its entry {record.id[:60]!r} has a name of more than {NAME} bytes: {long[:60]!r}"
    if long := next((u for u in (record.url, *record.references) if _bytes(u) > ADDRESS), ""):
        yield f"its entry {record.id[:60]!r} has an address of more than {ADDRESS} bytes: {long[:60]!r}"


def _longest(names: Iterable[str]) -> str:
    """A name that is too long, or ""."""
    return next((name for name in names if _bytes(name) > NAME), "")


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
