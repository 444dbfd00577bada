"""How a moment is written: in JSON and files, in a table, in a sentence, in a header of HTTP.  Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
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


def asked_for(retry_after: str, now: datetime, longest: timedelta) -> datetime | None:
    """The moment that a Retry-After header means (RFC 9110: seconds or a date); None if it means none.

    Seconds count up to `longest`.

    >>> asked_for("90", datetime(2026, 4, 15, tzinfo=UTC), timedelta(days=2)).isoformat()
    '2026-04-15T00:01:30+00:00'
    >>> asked_for("Wed, 15 Apr 2026 08:00:00 GMT", datetime(2026, 4, 15, tzinfo=UTC), timedelta(days=2)).isoformat()
    '2026-04-15T08:00:00+00:00'
    >>> asked_for("soon", datetime(2026, 4, 15, tzinfo=UTC), timedelta(days=2))
    """
    from email.utils import parsedate_to_datetime  # loads much, and is seldom needed

    text = retry_after.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        # more than the longest pause means as much as the longest, whatever its number of digits
        return now + min(timedelta(seconds=float(text[:12])), longest)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
