"""What the store makes of documents, on both kinds of database: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa

import feeds
from feeds import storage
from feeds.advisories.facts import ReleaseLine
from feeds.advisories.records import Advisory, Kind, Record, VersionStatement
from feeds.core.errors import UnknownName
from feeds.crawl.protocol import FetchResult, FetchStatus, ItemPayload, Validators
from feeds.sources.base import Request
from feeds.sources.health import SourceHealth, SourceState, state
from feeds.storage import Changes, tables
from feeds.storage.database import Database
from feeds.versions.ranges import Span

START = datetime(2026, 4, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CVE, OTHER_CVE = "CVE-2031-20001", "CVE-2031-20002"
GHSA, OTHER_GHSA = "GHSA-2222-2222-2222", "GHSA-3333-3333-3333"
LIST, NEXT = "https://a.example/list", "https://a.example/list?page=2"
C = "https://c.example/"
ENGINE = (VersionStatement(product="engine", affected=(Span("", "29.5.1"),), fixed=("29.5.1",)),)


def record(name: str, *aliases: str, title: str = "A flaw", claims: tuple[VersionStatement, ...] = ENGINE) -> Record:
    return Record(
        id=name, kind=Kind.VULNERABILITY, title=title, url=f"https://a.example/{name}", aliases=aliases, claims=claims
    )


def listed(*items: Record | ReleaseLine, url: str = LIST, source: str = "a", complete: bool = True) -> FetchResult:
    pieces = tuple(ItemPayload(item.key, msgspec.Raw(msgspec.json.encode(item))) for item in items)
    return FetchResult(
        source=source, url=url, form="api", complete=complete, result=FetchStatus.READ, at=START, items=pieces
    )


def cve_record(*records: Record) -> FetchResult:
    return listed(*records, url="https://b.example/cve", source="b", complete=False)


@dataclass
class Shelf:
    """A database that is read into day after day."""

    database: Database
    now: datetime = START

    def read(self, *outcomes: FetchResult, fresh: Iterable[str] = (), accept: bool = False) -> Changes:
        self.now += DAY
        with self.database.begin() as connection:
            for outcome in outcomes:
                kept = storage.keep(connection, msgspec.structs.replace(outcome, at=self.now), accept=accept)
                assert not kept.refused
            for source in sorted({o.source for o in outcomes}):
                storage.settle(connection, source, self.now)
            return storage.sync(connection, self.now, baseline=frozenset(fresh))

    def find(self, name: str) -> Advisory:
        with self.database.connect() as connection:
            return storage.catalogue(connection).find(name)

    @property
    def names(self) -> list[str]:
        with self.database.connect() as connection:
            return [a.name for a in storage.catalogue(connection).advisories]


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)


def test_what_is_read_for_the_first_time_is_new(shelf: Shelf) -> None:
    assert shelf.read(listed(record(GHSA), record(CVE))) == Changes(new=[CVE, GHSA])
    found = shelf.find(GHSA)
    assert (found.first_seen, found.baseline, found.withdrawn) == (shelf.now, False, None)
    assert found.id != shelf.find(CVE).id


def test_the_same_again_changes_nothing(shelf: Shelf) -> None:
    shelf.read(listed(record(GHSA)))
    before = shelf.find(GHSA)
    assert not shelf.read(listed(record(GHSA)))
    assert shelf.find(GHSA) == before


def test_edited_words_are_a_change_of_the_same_advisory(shelf: Shelf) -> None:
    shelf.read(listed(record(GHSA)))
    before = shelf.find(GHSA)
    assert shelf.read(listed(record(GHSA, title="A worse flaw"))) == Changes(changed=[GHSA])
    after = shelf.find(GHSA)
    assert (after.id, after.first_seen, after.title) == (before.id, before.first_seen, "A worse flaw")
    assert after.records[0].at == shelf.now


def test_an_entry_that_its_source_no_longer_lists_is_withdrawn_and_can_come_back(shelf: Shelf) -> None:
    shelf.read(listed(record(GHSA), record(CVE)))
    before = shelf.find(GHSA)
    assert not shelf.read(listed(record(CVE))), "one poll proves nothing"
    assert shelf.read(listed(record(CVE))) == Changes(withdrawn=[GHSA])
    gone = shelf.find(GHSA)
    assert (gone.id, gone.withdrawn) == (before.id, shelf.now)
    assert gone.records[0].record.withdrawn_reason == "a no longer lists it"
    assert not shelf.read(listed(record(CVE)))
    assert shelf.read(listed(record(GHSA), record(CVE))) == Changes(changed=[GHSA])
    assert shelf.find(GHSA) == before


def test_an_entry_that_leaves_a_feed_with_a_window_is_not_withdrawn(shelf: Shelf) -> None:
    shelf.read(listed(record(GHSA), complete=False))
    assert not shelf.read(listed(record(CVE), complete=False)).withdrawn
    assert shelf.find(GHSA).withdrawn is None


def test_an_entry_is_withdrawn_only_when_no_source_lists_it(shelf: Shelf) -> None:
    other = record(OTHER_CVE)
    shelf.read(listed(record(GHSA, CVE), other), listed(record(CVE), other, url=C, source="c"))
    assert [shelf.read(listed(other)) for _ in range(2)] == [Changes(), Changes(changed=[CVE])]
    assert shelf.find(CVE).withdrawn is None
    assert [shelf.read(listed(other, url=C, source="c")) for _ in range(2)] == [Changes(), Changes(withdrawn=[CVE])]


def test_an_entry_that_moves_to_the_next_page_is_not_withdrawn(shelf: Shelf) -> None:
    shelf.read(listed(record(GHSA), record(OTHER_GHSA)), listed(record(CVE), url=NEXT))
    changes = shelf.read(listed(record(OTHER_CVE), record(GHSA)), listed(record(OTHER_GHSA), record(CVE), url=NEXT))
    assert changes == Changes(new=[OTHER_CVE])
    assert shelf.find(OTHER_GHSA).withdrawn is None


def test_a_source_that_is_read_from_another_address_withdraws_nothing(shelf: Shelf) -> None:
    shelf.read(listed(record(GHSA)))
    other = listed(record(GHSA), url="https://z.example/list")
    with shelf.database.begin() as connection:
        storage.keep(connection, other)
        storage.forget_pages(connection, "a", {other.url}, START)
    assert not shelf.read(other)
    assert shelf.find(GHSA).withdrawn is None


def test_what_stood_on_a_page_that_is_gone_is_withdrawn(shelf: Shelf) -> None:
    shelf.read(listed(record(GHSA)), listed(record(CVE), url=NEXT))
    for withdrawn in ([], [CVE]):
        shelf.now += DAY
        with shelf.database.begin() as connection:
            storage.forget_pages(connection, "a", {LIST}, shelf.now)
            storage.settle(connection, "a", shelf.now)
        assert shelf.read() == Changes(withdrawn=withdrawn)


@pytest.mark.parametrize(
    ("had", "has", "believed"),
    [
        (1, 0, False),
        (2, 1, True),
        (3, 2, True),
        (3, 1, False),
        (8, 6, True),
        (8, 5, False),
        (100, 75, True),
        (100, 74, False),
    ],
)
def test_a_document_that_suddenly_lacks_most_entries_is_refused(
    shelf: Shelf, had: int, has: int, *, believed: bool
) -> None:
    everything = [record(f"CVE-2031-{20000 + n}") for n in range(had)]
    shelf.read(listed(*everything))
    with shelf.database.begin() as connection:
        kept = storage.keep(connection, listed(*everything[:has]))
        assert not storage.sync(connection, START, baseline=frozenset())
    assert kept.changed is believed
    assert kept.refused == (
        ""
        if believed
        else f"it lists {has} entries and lacks {had - has} of the {had} it had; kept as it was. "
        "If that is right, run `navtex poll --accept a`"
    )


def test_a_refused_document_is_believed_when_the_operator_accepts_it(shelf: Shelf) -> None:
    everything = [record(f"CVE-2031-{20000 + n}") for n in range(9)]
    shelf.read(listed(*everything))
    changes = shelf.read(listed(everything[0]), accept=True)
    assert changes == Changes(withdrawn=[r.id for r in everything[1:]])


def test_a_ghsa_that_gets_its_cve_keeps_its_number(shelf: Shelf) -> None:
    shelf.read(listed(record(GHSA)))
    before = shelf.find(GHSA)
    assert shelf.read(listed(record(GHSA, CVE)), cve_record(record(CVE))) == Changes(changed=[CVE])
    after = shelf.find(GHSA)
    assert (after.name, after.aliases) == (CVE, (GHSA,))
    assert (after.id, after.first_seen, after.doubles) == (before.id, before.first_seen, ())


@pytest.mark.parametrize("cve_first", [False, True])
def test_two_that_turn_out_to_be_one_keep_the_older_number(shelf: Shelf, *, cve_first: bool) -> None:
    older, younger = (CVE, GHSA) if cve_first else (GHSA, CVE)
    outcome = {GHSA: listed(record(GHSA)), CVE: cve_record(record(CVE))}
    shelf.read(outcome[older])
    shelf.read(outcome[younger])
    first, second = shelf.find(older), shelf.find(younger)
    assert shelf.read(listed(record(GHSA, CVE))) == Changes(changed=[CVE])
    assert shelf.names == [CVE]
    one = shelf.find(GHSA)
    assert (one.id, one.doubles, one.first_seen) == (first.id, (second.id,), first.first_seen)


def test_doubles_of_a_double_are_doubles_of_what_it_turns_out_to_be(shelf: Shelf) -> None:
    numbers = []
    for n, name in enumerate((OTHER_GHSA, GHSA, CVE)):
        shelf.read(listed(record(name), url=f"https://a.example/{n}"))
        numbers.append(shelf.find(name).id)
    shelf.read(listed(record(GHSA, CVE), url="https://a.example/1"))
    assert shelf.find(CVE).doubles == (numbers[2],)
    shelf.read(listed(record(OTHER_GHSA, CVE), url="https://a.example/0"))
    assert shelf.find(CVE).id == numbers[0]
    assert sorted(shelf.find(CVE).doubles) == numbers[1:]


def test_two_that_were_joined_by_mistake_part_and_join_again(shelf: Shelf) -> None:
    apart, joined = listed(record(GHSA)), listed(record(GHSA, CVE))
    shelf.read(apart, cve_record(record(CVE)))
    for _ in range(3):
        shelf.read(joined)
        assert shelf.names == [CVE]
        shelf.read(apart)
        assert shelf.names == [CVE, GHSA]
        assert shelf.find(CVE).id != shelf.find(GHSA).id
        assert not shelf.read(apart)


def test_a_record_that_says_nothing_of_our_products_for_a_while_comes_back_under_its_number(shelf: Shelf) -> None:
    shelf.read(cve_record(record(CVE)))
    before = shelf.find(CVE)
    shelf.read(cve_record(record(CVE, claims=())))
    with pytest.raises(UnknownName):
        shelf.find(CVE)
    shelf.read(cve_record(record(CVE)))
    assert (shelf.find(CVE).id, shelf.find(CVE).first_seen) == (before.id, before.first_seen)


@pytest.mark.parametrize(("fresh", "baseline"), [((), False), (("a",), False), (("b",), False), (("a", "b"), True)])
def test_a_new_advisory_is_baseline_when_all_its_sources_are_read_for_the_first_time(
    shelf: Shelf, fresh: tuple[str, ...], *, baseline: bool
) -> None:
    shelf.read(listed(record(GHSA, CVE)), cve_record(record(CVE)), fresh=fresh)
    assert shelf.find(CVE).baseline is baseline


def test_facts_stand_until_their_source_drops_them(shelf: Shelf) -> None:
    lines = [
        ReleaseLine(product="engine", name=n, url="https://a.example/", ends=date(2027, 1, 1)) for n in ("29", "28")
    ]
    for listing, kept in ((lines, lines), (lines[:1], lines), (lines[:1], lines[:1])):
        shelf.read(listed(*listing, record(GHSA)))
        with shelf.database.connect() as connection:
            assert sorted(storage.facts(connection), key=lambda fact: fact.key, reverse=True) == kept


def test_what_is_known_of_a_document_is_told_to_the_version_that_read_it(database: Database) -> None:
    follow = (Request(url=NEXT, form="api", accept="application/json"),)
    outcome = msgspec.structs.replace(listed(record(GHSA)), etag='"1"', last_modified="then", follow=follow)
    with database.begin() as connection:
        storage.keep(connection, outcome)
        assert storage.known(connection) == {LIST: Validators('"1"', "then", follow)}
        connection.execute(sa.update(tables.document).values(reader=f"{feeds.__version__}.dev1"))
        assert storage.known(connection) == {}


def test_cves_are_those_that_records_are_about_or_speak_of(database: Database) -> None:
    told = msgspec.structs.replace(record(GHSA, CVE), mentions=(OTHER_CVE, OTHER_GHSA))
    with database.begin() as connection:
        storage.keep(connection, listed(told))
        assert storage.cves(connection) == {CVE, OTHER_CVE}


def test_a_hosts_pause_is_remembered_until_it_is_over(database: Database) -> None:
    with database.begin() as connection:
        storage.wait(connection, {"a.example": START + DAY, "b.example": START + 2 * DAY}, START)
        storage.wait(connection, {}, START)  # a poll that did not ask them
        assert storage.waiting(connection) == {"a.example": START + DAY, "b.example": START + 2 * DAY}
        storage.wait(connection, {"b.example": START + 3 * DAY}, START + DAY)
        assert storage.waiting(connection) == {"b.example": START + 3 * DAY}


def test_how_a_source_did_comes_back_with_the_number_of_its_entries(database: Database) -> None:
    bad = SourceState("a", SourceHealth.FAILING, "no JSON", failures=2, last_attempt=START)
    good = replace(bad, state=SourceHealth.HEALTHY, message="", failures=0, last_success=START)
    with database.begin() as connection:
        storage.keep(connection, listed(record(GHSA), record(CVE)))
        storage.keep(connection, listed(record(GHSA), url=NEXT))  # the same entry in another form
        for noted in (bad, good):
            storage.note(connection, noted)
            assert storage.sources(connection) == {"a": replace(noted, items=2)}


@pytest.mark.parametrize(
    ("answered", "failed", "expected"),
    [(3, 0, SourceHealth.HEALTHY), (2, 1, SourceHealth.DEGRADED), (0, 2, SourceHealth.FAILING)],
)
def test_a_sources_state(answered: int, failed: int, expected: SourceHealth) -> None:
    assert state(answered=answered, failed=failed) is expected
