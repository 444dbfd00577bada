"""A date that lies in the future counts as the moment when it was first read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from feeds import storage
from feeds.advisories.records import Advisory, Kind, Record
from feeds.crawl.protocol import FetchResult, FetchStatus, ItemPayload
from feeds.storage.database import Database
from tests.support.samples import START, publish, record

YEARS = timedelta(days=1000)
SOON = timedelta(minutes=2)


def kept(database: Database) -> Advisory:
    with database.connect() as connection:
        [advisory] = storage.catalogue(connection).advisories
    return advisory


@pytest.mark.parametrize("kind", [k for k in Kind if k is not Kind.END_OF_LIFE])
def test_publication_and_withdrawal_count_as_read(database: Database, kind: Kind) -> None:
    publish(database, record("CVE-2031-1", kind=kind, published=START + YEARS, withdrawn=START + YEARS))
    found = kept(database)
    assert (found.published, found.withdrawn) == (START, START)


def test_it_stays_so_and_clocks_may_be_a_little_apart(database: Database) -> None:
    publish(database, record("CVE-2031-1", published=START + YEARS))
    publish(database, record("CVE-2031-1", published=START + YEARS), at=START + timedelta(days=3))
    assert kept(database).published == START
    publish(database, record("CVE-2031-1", published=START + SOON), at=START)
    assert kept(database).published == START + SOON


def test_an_end_of_life_may_lie_ahead(database: Database) -> None:
    ahead = datetime(2040, 1, 1, tzinfo=UTC)
    publish(database, record("engine-99", kind=Kind.END_OF_LIFE, published=ahead))
    assert kept(database).published == ahead


def test_a_source_that_begins_to_date_entries_ahead_is_named_once(database: Database) -> None:
    def first(*records: Record) -> str:
        pieces = tuple(ItemPayload(r.key, msgspec.Raw(msgspec.json.encode(r))) for r in records)
        outcome = FetchResult(
            source="example",
            url="https://example.org/example",
            form="api",
            complete=True,
            result=FetchStatus.READ,
            at=START,
            items=pieces,
        )
        with database.begin() as connection:
            found = storage.first_ahead(connection, outcome)
            storage.keep(connection, outcome)
        return found.id if found else ""

    right, wrong, other = (record(f"CVE-2031-{n}", published=START + n * YEARS) for n in range(3))
    assert [first(right), first(right, wrong), first(right, wrong, other)] == ["", wrong.id, ""]
