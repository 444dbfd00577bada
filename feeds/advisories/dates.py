"""The dates of announcements that have none of their own: from the release and the CVEs that they speak of.  Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time

import msgspec

from feeds.advisories.records import Advisory, Kind
from feeds.advisories.releases import Releases

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_DAY = re.compile(rf"\bon (?P<month>{'|'.join(_MONTHS)}) (?P<day>\d{{1,2}})(?:,? (?P<year>\d{{4}}))?\b", re.IGNORECASE)


def dated(advisories: Iterable[Advisory], releases: Releases) -> tuple[Advisory, ...]:
    """The advisories, with the date of each announcement that its page does not date, where anything tells it.

    A release that it names has a day in the notes.  Where it has none, the page's own "on September 25"
    gets the year that is nearest to the CVE records, and without such words the latest of these counts.
    """
    everything = tuple(advisories)
    published = {a.name: a.published for a in everything if a.kind is Kind.VULNERABILITY and a.published}
    return tuple(
        msgspec.structs.replace(a, published=_date(a, releases, published))
        if a.kind is Kind.ANNOUNCEMENT and a.published is None
        else a
        for a in everything
    )


def _date(advisory: Advisory, releases: Releases, published: dict[str, datetime]) -> datetime | None:
    fixed = ((claim.product, version) for claim, _ in advisory.claims for version in claim.fixed)
    days = [day for product, version in fixed if (day := releases.day(product, version))]
    near = max((published[m] for m in advisory.mentions if m in published), default=None)
    day = max(days, default=None) or _written(f"{advisory.title} {advisory.summary}", near)
    return datetime.combine(day, time(), UTC) if day else near


def _written(text: str, near: datetime | None) -> date | None:
    """The day that a text names; one without a year is taken in the year nearest to a date."""
    match = _DAY.search(text)
    if match is None or not (match["year"] or near):
        return None
    years = [int(match["year"])] if match["year"] else [near.year + n for n in (-1, 0, 1)] if near else []
    found = []
    for year in years:
        try:
            found.append(date(year, _MONTHS[match["month"].lower()], int(match["day"])))
        except ValueError:
            continue
    return min(found, key=lambda d: abs(d - near.date()) if near else d - d, default=None)
