"""Advisories keep their numbers whatever their records are called from one day to the next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds import storage
from feeds.advisories.records import Kind, Record, VersionStatement
from feeds.crawl.protocol import FetchResult, FetchStatus, ItemPayload
from feeds.storage.database import Connection, Database, metadata
from tests.support.depth import examples

NAMES = ("CVE-2031-20001", "CVE-2031-20002", "GHSA-2222-2222-2222", "GHSA-3333-3333-3333", "a-heading")
SOURCES = ("a", "b", "c")
START = datetime(2026, 4, 15, tzinfo=UTC)

Entry = tuple[str, frozenset[str], bool]
"""A name, its aliases, and whether it is about a product of ours."""

entries = st.tuples(st.sampled_from(NAMES), st.frozensets(st.sampled_from(NAMES), max_size=2), st.booleans())
days = st.lists(
    st.dictionaries(st.sampled_from(SOURCES), st.lists(entries, max_size=3, unique_by=lambda e: e[0])), max_size=5
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('numbers')}/navtex.db")
    with database.begin() as opened:
        metadata.create_all(opened)
        yield opened
    database.close()


def outcome(source: str, listed: list[Entry], at: datetime) -> FetchResult:
    records = [
        Record(
            id=name,
            kind=Kind.VULNERABILITY,
            title=name,
            url="https://example.org/",
            aliases=tuple(sorted(aliases)),
            claims=(VersionStatement(product="engine"),) if ours else (),
        )
        for name, aliases, ours in listed
    ]
    return FetchResult(
        source=source,
        url=f"https://{source}.example/",
        form="api",
        complete=True,
        result=FetchStatus.READ,
        at=at,
        items=tuple(ItemPayload(r.key, msgspec.Raw(msgspec.json.encode(r))) for r in records),
    )


@settings(max_examples=examples(100), deadline=None)
@given(days)
def test_names_may_come_go_join_and_part(connection: Connection, days: list[dict[str, list[Entry]]]) -> None:
    with connection.begin_nested() as attempt:
        for number, day in enumerate(days):
            at = START + timedelta(days=number)
            before = {a.id: a for a in storage.catalogue(connection).advisories}
            for source, listed in day.items():
                assert not storage.keep(connection, outcome(source, listed, at), accept=True).refused
            changes = storage.sync(connection, at, baseline=frozenset())
            assert not storage.sync(connection, at, baseline=frozenset()), "a second look found something else"
            after = storage.catalogue(connection).advisories
            numbers = [a.id for a in after]
            assert 0 not in numbers, "it is listed, but not stored"
            assert len(set(numbers)) == len(numbers), "two share a number"
            for advisory in after:
                if advisory.id in before:
                    assert advisory.first_seen == before[advisory.id].first_seen
                    assert advisory.name not in changes.new
        attempt.rollback()
