"""What every parser needs: bodies as JSON or text, times, and white space.  Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from feeds.advisories.records import Record
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Item
from feeds.versions.ranges import Span

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_NEXT = re.compile(r'<([^<>]{1,16000})>;\s*rel="?next\b', re.IGNORECASE)


def json_body(document: Document) -> Any:
    """The document as JSON; ShapeError where it is none (an error page, a cut answer)."""
    try:
        return _decoded(document.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        start = document.body[:40].decode("utf-8", "replace")
        page = document.body.lstrip()[:1] == b"<"
        hint = ". A web page came where data was due: a login, or a network's own page" if page else ""
        raise ShapeError(f"no JSON: {error} (it starts {start!r}){hint}", where=document.url) from error


def _decoded(body: bytes) -> Any:
    """JSON in which half of a surrogate pair stays what it is: its entry alone is refused, where it is stored."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        try:
            found = json.loads(body) if _SURROGATE.search(body) else None
        except ValueError:
            found = None
        if found is None:
            raise error from None
        return found


def text_body(document: Document) -> str:
    """The document as text; ShapeError where it is binary."""
    try:
        return document.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ShapeError(f"no UTF-8 text: {error}", where=document.url) from error


def next_page(document: Document) -> str:
    """The address of the next page, as a Link header names it (RFC 8288); "" if there is none.

    ShapeError where what it names is not an address: the pages from there on would be lost.
    """
    found = _NEXT.search(document.headers.get("link", ""))
    try:
        return urljoin(document.url, found[1]) if found else ""
    except ValueError as error:
        raise ShapeError(f"its next page is not an address: {error}", where=document.url) from error


def last_part(url: str) -> str:
    """The last part of an address's path; "" if it is not an address."""
    try:
        return urlsplit(url).path.rstrip("/").rpartition("/")[2]
    except ValueError:
        return ""


def mapping(value: object) -> dict[str, Any]:
    """A field as an object: one of another type is one that is not there."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """The objects of a field that is a list of them: what is of another type is not there."""
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def when(value: object) -> datetime | None:
    """A date-time field as a UTC time; None if it is empty or no date.

    >>> when("2024-07-30T10:18:57Z").isoformat()
    '2024-07-30T10:18:57+00:00'
    """
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        return utc(datetime.fromisoformat(value.strip()))
    except (ValueError, OverflowError):
        return None


def utc(at: datetime) -> datetime:
    """The same moment in UTC; a time without a zone is taken for UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def osv_spans(ranges: Iterable[dict[str, Any]], plain: Callable[[str], str] = str) -> Iterator[Span]:
    """OSV's events as spans: each "introduced" opens one, the next "fixed" or "last_affected" closes it.

    `plain` makes a version out of what an event says (OSV schema, "affected[].ranges[].events").
    """
    for one in ranges:
        low: str | None = None
        for event in mappings(one.get("events")):
            end = event.get("fixed") or event.get("last_affected")
            if "introduced" in event:
                low = "" if str(event["introduced"]) == "0" else plain(str(event["introduced"]))
            elif low is not None and end:
                yield Span(low, plain(str(end)), closed_high="fixed" not in event)
                low = None
        if low is not None:
            yield Span(low, "")


def unique(items: Iterable[Item]) -> tuple[Item, ...]:
    """The items of a document, one a key: of records that share it, the claims and mentions add up."""
    found: dict[str, Item] = {}
    for item in items:
        first = found.setdefault(item.key, item)
        if first is not item and isinstance(first, Record) and isinstance(item, Record):
            found[item.key] = msgspec.structs.replace(
                first,
                aliases=tuple(dict.fromkeys((*first.aliases, *item.aliases))),
                mentions=tuple(dict.fromkeys((*first.mentions, *item.mentions))),
                scores=tuple(dict.fromkeys((*first.scores, *item.scores))),
                claims=tuple(dict.fromkeys((*first.claims, *item.claims))),
            )
    return tuple(found.values())


def shortened(text: str, longest: int = 160) -> str:
    """A text cut at a blank where it is too long for a title."""
    return text if len(text) <= longest else text[: longest - 3].rsplit(" ", 1)[0] + "..."


def squeeze(text: str) -> str:
    """Text with every run of white space made one blank."""
    return " ".join(text.split())
