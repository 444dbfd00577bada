"""Refuse what a database cannot store or an index cannot hold: an entry alone, or a document where it is its own fault.

PostgreSQL rejects NUL in text, and no database stores an unpaired surrogate. Both databases get the same checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

import msgspec

from feeds.advisories.facts import Fact
from feeds.advisories.list_facts import Listing, contents, limited
from feeds.advisories.records import Record
from feeds.core.errors import ShapeError
from feeds.core.limits import ADDRESS, CLAIMS, ENTRIES, ENTRY, HEADER, NAME
from feeds.crawl.protocol import ItemPayload
from feeds.sources.base import Document, Parsed

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""NUL as it stands in JSON, and not a backslash before "u0000"."""
_SHOWN = 60
"""Characters of a name in a message."""

_encode = msgspec.json.Encoder().encode

Admitted = tuple[tuple[Any, ...], tuple[ItemPayload, ...], tuple[str, ...]]


def admitted(document: Document, parsed: Parsed) -> Admitted:
    """The items of a document that can be stored, their JSON, and what is wrong with each of the others.

    ShapeError where the document itself is at fault: too many entries, or a header or an address that cannot be stored.
    """
    if max(len(parsed.items), len(parsed.follow), parsed.entries) > ENTRIES:
        raise ShapeError(f"it has more than {ENTRIES} entries")
    for problem in _of_document(document, parsed):
        raise ShapeError(problem)
    items, pieces, refused = [], [], []
    for whole in parsed.items:
        item, problems = _without_odd_entries(whole)
        try:
            piece = ItemPayload(item.key, msgspec.Raw(_encode(item)))
            problem = next(_of_item(item, piece), "")
        except UnicodeEncodeError:
            piece, problem = None, f"its entry {_shown(item.key)} contains an unpaired surrogate"
        refused += [*problems, *([problem] if problem else [])]
        if piece is not None and not problem:
            items.append(item)
            pieces.append(piece)
    return tuple(items), tuple(pieces), tuple(refused)


def _of_document(document: Document, parsed: Parsed) -> Iterator[str]:
    for name in ("etag", "last-modified"):
        value = document.headers.get(name, "")
        if len(value) > HEADER:
            yield f"its header {name} is longer than {HEADER} characters"
        if any(ord(c) < 32 for c in value):
            yield f"its header {name} contains a control character"
    for following in parsed.follow:
        if _bytes(following.url) > ADDRESS or "\0" in following.name:
            yield f"it leads to an address of more than {ADDRESS} bytes, or with a NUL: {_shown(following.url)}"


def _without_odd_entries(item: Any) -> tuple[Any, list[str]]:
    """A list that is kept as one fact without the entries whose names cannot be stored, and why those cannot."""
    names = contents(item) if isinstance(item, Fact) else None
    odd = {name: problem for name in names or () if (problem := _of_name(name))}
    if not odd:
        return item, []
    kept = limited(cast("Listing", item), (names or frozenset()) - odd.keys())
    return kept, [f"its list {_shown(item.key)} has an entry {problem}" for problem in odd.values()]


def _of_name(name: str) -> str:
    if _bytes(name) > NAME:
        return f"of more than {NAME} bytes: {_shown(name)}"
    if "\0" in name:
        return f"with a NUL character: {_shown(name)}"
    return f"with an unpaired surrogate: {_shown(name)}" if any("\ud800" <= c <= "\udfff" for c in name) else ""


def _of_item(item: Any, piece: ItemPayload) -> Iterator[str]:
    name, raw = _shown(piece.key), bytes(piece.payload)
    if len(piece.key) + len(raw) > ENTRY:
        yield f"its entry {name} is larger than {ENTRY >> 20} MiB"
    if _NUL.search(raw):
        yield f"its entry {name} contains a NUL character"
    if _bytes(piece.key) > NAME:
        yield f"its entry {name} has a name of more than {NAME} bytes"
    if isinstance(item, Record):
        yield from _of_record(item, _shown(item.id))


def _of_record(record: Record, name: str) -> Iterator[str]:
    if max(len(record.claims), len(record.aliases), len(record.references)) > CLAIMS:
        yield f"its entry {name} has more than {CLAIMS} claims, names or references"
    if long := _longest((*record.names, *record.mentions), NAME):
        yield f"its entry {name} has a name of more than {NAME} bytes: {_shown(long)}"
    if long := _longest((record.url, *record.references), ADDRESS):
        yield f"its entry {name} has an address of more than {ADDRESS} bytes: {_shown(long)}"


def _longest(names: Iterable[str], most: int) -> str:
    """A name of more bytes than that, or ""."""
    return next((name for name in names if _bytes(name) > most), "")


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _shown(name: str) -> str:
    """The beginning of a name, as it can be written anywhere."""
    return ascii(name[:_SHOWN])
