"""How a moment is written: in JSON and files, in a table, in a sentence.  Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import overload


@overload
def stamp(at: datetime) -> str: ...
@overload
def stamp(at: None) -> None: ...
@overload
def stamp(at: datetime | None) -> str | None: ...
def stamp(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with whole seconds; None for None.

    >>> stamp(datetime(2026, 4, 15, 8, 0, 0, 999999, tzinfo=UTC))
    '2026-04-15T08:00:00Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def stamp_ms(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as log lines have it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day(at: date | None) -> str:
    """The date in UTC, YYYY-MM-DD; "" for None."""
    if isinstance(at, datetime):
        at = at.astimezone(UTC)
    return at.strftime("%Y-%m-%d") if at else ""


def minute(at: datetime | None) -> str:
    """The date and the time in UTC, as a table shows it; "" for None.

    >>> minute(datetime(2026, 4, 15, 8, 0, 59, tzinfo=UTC))
    '2026-04-15 08:00'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if at else ""
