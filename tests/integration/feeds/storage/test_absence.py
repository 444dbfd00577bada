"""What a source stops listing: it counts until two good polls have missed it, in lists and inside of facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from feeds import storage
from feeds.advisories.facts import Exploited, Package, Packages, Tag, Tags
from feeds.advisories.list_facts import contents
from feeds.advisories.records import Kind, Record, VersionStatement
from feeds.crawl.protocol import FetchResult, FetchStatus, ItemPayload
from feeds.sources.base import Item
from feeds.storage.database import Database
from feeds.versions.ranges import Span

START = datetime(2026, 4, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PAGE = "https://a.example/list"
CLAIM = VersionStatement(product="engine", affected=(Span("", "29.5.1"),))


def flaw(number: int, **values: object) -> Record:
    name = f"CVE-2031-{20000 + number}"
    return Record(
        **{"id": name, "kind": Kind.VULNERABILITY, "title": "A flaw", "url": PAGE, "claims": (CLAIM,), **values}  # type: ignore[arg-type]
    )


def tags(*numbers: int) -> Tags:
    return Tags(product="runc", repository="a/runc", tags=tuple(Tag(f"v1.0.{n}", f"{n:040x}") for n in numbers))


def kev(*numbers: int) -> Exploited:
    return Exploited(added={f"CVE-2031-{20000 + n}": date(2031, 1, 1) for n in numbers})


def packages(*numbers: int) -> Packages:
    found = (Package("runc", f"1.0.{n}", "containerd.io", f"1.0.{n}-1", "amd64") for n in numbers)
    return Packages(channel="debian/bookworm", url=PAGE, packages=tuple(found))


def reading(*items: Item, url: str = PAGE, complete: bool = True, entries: int = 0) -> FetchResult:
    pieces = tuple(ItemPayload(i.key, msgspec.Raw(msgspec.json.encode(i))) for i in items)
    return FetchResult(
        source="a",
        url=url,
        form="api",
        complete=complete,
        result=FetchStatus.READ,
        at=START,
        items=pieces,
        listed=entries,
    )


def read(database: Database, day: float, *readings: FetchResult, good: bool = True, accept: bool = False) -> list[str]:
    """Keep readings at a day, as a good poll or another; why they were refused comes back."""
    at = START + day * DAY
    others: Counter[str] = Counter()
    for one in readings:
        others.update(storage.names_in(one))
    with database.begin() as connection:
        kept = [
            storage.keep(connection, msgspec.structs.replace(r, at=at), others=others, accept=accept) for r in readings
        ]
        if good:
            storage.settle(connection, "a", at)
    return [k.refused for k in kept if k.refused]


def withdrawn(database: Database) -> set[str]:
    with database.connect() as connection:
        return {r.record.id for r in storage.reads(connection) if r.record.withdrawn}


def inside(database: Database) -> set[str]:
    with database.connect() as connection:
        return {name for fact in storage.facts(connection) for name in contents(fact) or ()}


def test_an_entry_is_gone_when_two_good_polls_a_day_apart_missed_it(database: Database) -> None:
    everything = [flaw(n) for n in range(10)]
    read(database, 0, reading(*everything))
    for day, good in ((1, False), (1.5, True), (2, True), (2.4, False), (4, False)):
        read(database, day, reading(*everything[1:]), good=good)
        assert not withdrawn(database), day
    read(database, 5, reading(*everything[1:]))
    assert withdrawn(database) == {everything[0].id}


def test_an_entry_that_comes_back_in_between_begins_anew(database: Database) -> None:
    everything = [flaw(n) for n in range(10)]
    for day, listed in ((0, everything), (1, everything[1:]), (1.5, everything), (2, everything[1:])):
        read(database, day, reading(*listed))
    assert not withdrawn(database)
    read(database, 3, reading(*everything[1:]))
    assert withdrawn(database) == {everything[0].id}


def test_an_unchanged_document_counts_as_a_poll_that_missed_it(database: Database) -> None:
    read(database, 0, reading(flaw(1), flaw(2)))
    read(database, 1, reading(flaw(1)))
    read(database, 2)  # HTTP 304
    assert withdrawn(database) == {flaw(2).id}


def test_an_explicit_withdrawal_counts_at_once_even_of_a_source_that_is_not_well(database: Database) -> None:
    read(database, 0, reading(flaw(1), flaw(2)))
    read(database, 0.1, reading(flaw(1), flaw(2, withdrawn=START, withdrawn_reason="a duplicate")), good=False)
    assert withdrawn(database) == {flaw(2).id}


def test_words_that_moved_to_another_page_do_not_stand_twice(database: Database) -> None:
    first, second = f"{PAGE}?1", f"{PAGE}?2"
    read(database, 0, reading(flaw(1), flaw(2), url=first), reading(flaw(3), url=second))
    moved = flaw(2, title="In better words")
    read(database, 1, reading(flaw(4), flaw(1), url=first), reading(moved, flaw(3), url=second))
    with database.connect() as connection:
        assert [r.record.title for r in storage.reads(connection) if r.record.id == moved.id] == ["In better words"]


@pytest.mark.parametrize("make", [tags, kev, packages])
def test_lists_kept_as_one_fact_are_counted_inside(
    database: Database, make: Callable[..., Tags | Exploited | Packages]
) -> None:
    read(database, 0, reading(make(*range(20))))
    before = inside(database)
    assert len(before) == 20
    for cut in (1, 5, 14):
        [refused] = read(database, 1, reading(make(*range(cut))), good=False)
        assert f"has {cut} entries and lacks {20 - cut} of the 20 it had" in refused
        assert inside(database) == before
    for day, left in ((2, 20), (2.5, 20), (3, 18)):
        assert not read(database, day, reading(make(*range(2, 20))))
        assert len(inside(database)) == left
    assert not read(database, 4, reading(make(7)), accept=True)
    assert len(inside(database)) == 1


@pytest.mark.parametrize("make", [tags, kev, packages])
def test_what_is_new_in_a_shorter_list_counts_beside_what_it_misses(
    database: Database, make: Callable[..., Tags | Exploited | Packages]
) -> None:
    read(database, 0, reading(make(*range(20))))
    assert not read(database, 1, reading(make(*range(1, 25))))
    assert len(inside(database)) == 25
    with database.connect() as connection:
        assert storage.listed(connection, "a")[1] == 24
        assert storage.facts(connection)


def test_tags_that_moved_to_another_page_are_not_missed(database: Database) -> None:
    first, second = f"{PAGE}?1", f"{PAGE}?2"
    read(database, 0, reading(tags(*range(10)), url=first), reading(tags(10, 11), url=second))
    moved = reading(tags(*range(5, 15)), url=first), reading(tags(*range(5)), url=second)
    assert not read(database, 1, *moved)


def test_an_unchanged_page_holds_what_it_had_when_it_was_read(database: Database) -> None:
    read(database, 0, reading(tags(*range(10)), flaw(1), flaw(2), flaw(3), flaw(4)))
    shorter = reading(tags(*range(1, 11)), flaw(2), flaw(3), flaw(4))
    read(database, 1, shorter, good=False)
    with database.connect() as connection:
        assert storage.names_kept(connection, PAGE) == storage.names_in(shorter)


@pytest.mark.parametrize(("now", "refused"), [(10, False), (8, False), (7, True), (1, True)])
def test_a_window_that_shrinks_is_noticed_and_its_news_are_read(database: Database, now: int, *, refused: bool) -> None:
    read(database, 0, reading(flaw(1), complete=False, entries=10))
    problems = read(database, 1, reading(flaw(1), flaw(2), complete=False, entries=now))
    assert bool(problems) is refused
    with database.connect() as connection:
        assert {r.record.id for r in storage.reads(connection)} == {flaw(1).id, flaw(2).id}


def test_a_source_has_no_more_entries_than_may_be_stored_however_many_polls_bring_them(database: Database) -> None:
    read(database, 0, reading(*(flaw(n) for n in range(10))))
    with database.connect() as connection:
        assert not storage.exceeds(connection, reading(*(flaw(n) for n in range(5, 15)), url=f"{PAGE}?2"), 15)
        assert storage.exceeds(connection, reading(*(flaw(n) for n in range(5, 15))), 14)


def test_entries_that_go_missing_at_once_are_counted_unless_they_moved(database: Database) -> None:
    first, second = f"{PAGE}?1", f"{PAGE}?2"
    everything = [flaw(n) for n in range(30)]
    two = reading(*everything[20:], url=second)
    read(database, 0, reading(*everything[:20], tags(*range(20)), url=first), two)
    read(database, 1, reading(*everything[1:20], tags(*range(1, 20)), url=first), two)
    moved = reading(*everything[19:], url=second)
    read(database, 1.5, reading(*everything[3:19], tags(*range(2, 20)), url=first), moved, good=False)
    with database.connect() as connection:
        # two flaws and a tag; a good poll missed the flaw and the tag of the day before already
        assert storage.missed_at_once(connection, "a") == 3


def test_an_older_copy_changes_nothing(database: Database) -> None:
    new = flaw(1, modified=START, title="New", claims=())
    read(database, 0, reading(new, complete=False))
    [refused] = read(database, 1, reading(flaw(1, modified=START - DAY, title="Old"), complete=False))
    assert "it is an older copy" in refused
    with database.connect() as connection:
        assert [r.record for r in storage.reads(connection)] == [new]


def test_a_list_that_lacks_its_newest_entries_is_an_older_copy(database: Database) -> None:
    everything = [flaw(n, published=START - n * DAY) for n in range(20)]
    read(database, 0, reading(*everything))
    for cut, found in ((everything[2:], 2), (everything[1:], 0), (everything[:3] + everything[5:], 0)):
        read(database, 1, reading(*cut), good=False)
        with database.connect() as connection:
            assert storage.newest_missing(connection, "a") == found
