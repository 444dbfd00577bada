"""A date that lies in the future counts as the moment when it was first read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from feeds import storage
from feeds.advisories.records import Advisory, Kind
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
