"""Announcements without a date take it from the release or the CVEs that they speak of."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from feeds.advisories.dates import dated
from feeds.advisories.facts import Release
from feeds.advisories.merging import merge
from feeds.advisories.records import Kind
from feeds.advisories.releases import gathered
from tests.support.documents import page, read, records
from tests.support.records import claim
from tests.support.records import read as made

CVE, OTHER = "CVE-2031-10657", "CVE-2031-20000"


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("summary", "releases", "cves", "expected"),
    [
        ("Fixed on September 25 in 4.90.0.", {"4.90.0": date(2031, 9, 26)}, {CVE: at(2031, 9, 30)}, at(2031, 9, 26)),
        ("Fixed on September 25 in 4.90.0.", {}, {CVE: at(2031, 9, 30)}, at(2031, 9, 25)),
        ("Fixed on December 30 in 4.90.0.", {}, {CVE: at(2032, 1, 4)}, at(2031, 12, 30)),
        ("Fixed on January 2 in 4.90.0.", {}, {CVE: at(2031, 12, 29)}, at(2032, 1, 2)),
        ("Fixed on September 25, 2030 in 4.90.0.", {}, {}, at(2030, 9, 25)),
        ("Fixed on February 30 in 4.90.0.", {}, {CVE: at(2031, 9, 30)}, at(2031, 9, 30)),
        ("Fixed in 4.90.0.", {}, {CVE: at(2031, 9, 30), OTHER: at(2031, 10, 1)}, at(2031, 10, 1)),
        ("Fixed on September 25 in 4.90.0.", {}, {}, None),
    ],
)
def test_the_fullest_evidence_dates_an_announcement(
    summary: str, releases: dict[str, date], cves: dict[str, datetime], expected: datetime | None
) -> None:
    announcement = made(
        claim("", "4.90.0", product="desktop"),
        name="desktop-4900",
        kind=Kind.ANNOUNCEMENT,
        summary=summary,
        mentions=(CVE, OTHER),
    )
    records = [made(claim("< 1.2"), name=c, published=day) for c, day in cves.items()]
    known = gathered(Release(product="desktop", version=v, url="", day=d) for v, d in releases.items())
    found = {a.name: a for a in dated(merge((announcement, *records)), known)}
    assert found["desktop-4900"].published == expected


def test_a_date_of_its_own_stays() -> None:
    announcement = made(name="x", kind=Kind.ANNOUNCEMENT, mentions=(CVE,), published=at(2030, 1, 1))
    cve = made(claim("< 1.2"), name=CVE, published=at(2031, 1, 1))
    assert {a.name: a.published for a in dated(merge((announcement, cve)), gathered(()))}["x"] == at(2030, 1, 1)


def test_the_place_on_the_page_is_counted_from_the_oldest_so_that_a_new_entry_changes_none() -> None:
    old = "<h2 id=two>Second</h2><p>Words.</p><h2 id=one>First</h2><p>Words.</p>"
    places = {r.id: r.place for r in records(read("docker-announcements", page(old), "page"))}
    more = {r.id: r.place for r in records(read("docker-announcements", page(f"<h2 id=new>New</h2>{old}"), "page"))}
    assert places == {"one": 1, "two": 2}
    assert more == places | {"new": 3}
