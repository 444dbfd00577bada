"""What every parser needs: bodies as JSON or text, times, and white space.  Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from feeds.document import Document
from feeds.errors import ShapeError


def json_body(document: Document) -> Any:
    """The document as JSON; ShapeError where it is none (an error page, a cut answer)."""
    try:
        return msgspec.json.decode(document.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        start = document.body[:40].decode("utf-8", "replace")
        raise ShapeError(f"no JSON: {error} (it starts {start!r})", where=document.url) from error


def text_body(document: Document) -> str:
    """The document as text; ShapeError where it is binary."""
    try:
        return document.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ShapeError(f"no UTF-8 text: {error}", where=document.url) from error


def when(value: object) -> datetime | None:
    """A date-time field as a UTC time; None where it is empty or no date.

    >>> when("2024-07-30T10:18:57Z").isoformat()
    '2024-07-30T10:18:57+00:00'
    """
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        at = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return utc(at)


def utc(at: datetime) -> datetime:
    """The same moment in UTC; a time without a zone is taken for UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def squeeze(text: str) -> str:
    """Text with every run of white space made one blank."""
    return " ".join(text.split())
