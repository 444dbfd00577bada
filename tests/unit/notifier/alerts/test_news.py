from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

import msgspec
import pytest

from feeds.advisories.records import Advisory, Kind, Severity
from feeds.verdicts.weighing import Status
from notifier.alerts.alert_state import AffectedComponent, AlertState
from notifier.alerts.digest import CORRECTION, NEW, UPDATE, Group, key_of
from notifier.alerts.news import Arrivals, News, NewsInput, Reopened, Told, moments, news
from notifier.alerts.wavering import WORDS
from notifier.assessment.findings import worst_first
from notifier.domain.filters import Filters
from notifier.domain.hosts import Hosts
from tests.support.samples import DAY, START, advisory, concern, names


def tell(
    concerns: Iterable[AffectedComponent],
    *,
    told: dict[int, Told] | None = None,
    known: Iterable[Advisory] = (),
    arrivals: Arrivals | None = None,
    filters: Filters = Filters(),  # noqa: B008 - a frozen value
    started_at: datetime | None = START,
) -> News:
    concerns = list(concerns)
    known = [*known, *(c.match.advisory for c in concerns)]
    books = NewsInput(told or {}, started_at, START + DAY, arrivals or {})
    return news(concerns, known, books, filters)


def remembered(found: News, at: datetime = START) -> dict[int, Told]:
    return {number: Told(facets, at) for number, facets in (found.facets | found.silent).items()}


def test_the_first_digest_has_everything_that_stands() -> None:
    old, new = advisory(1, baseline=True), advisory(2)
    found = tell([concern(1, old), concern(1, new), concern(2, new, "26.1.4")], started_at=None)
    assert names(found.items) == ["CVE-2026-1002", "CVE-2026-1001"]
    assert [i.change for i in found.items] == [NEW, NEW]
    assert found.silent == {}
    assert {n: set(f.components) for n, f in found.facets.items()} == {1: {1}, 2: {1, 2}}


def test_what_was_told_is_not_told_again() -> None:
    concerns = [concern(1, advisory(1)), concern(1, advisory(2))]
    again = tell(concerns, told=remembered(tell(concerns, started_at=None)))
    assert again.items == []
    assert again.facets == {}


def test_only_what_is_new_is_told_later() -> None:
    before = tell([concern(1, advisory(1))], started_at=None)
    later = advisory(2, first_seen=START + DAY)
    found = tell([concern(1, advisory(1)), concern(1, later)], told=remembered(before))
    assert names(found.items) == ["CVE-2026-1002"]


@pytest.mark.parametrize(
    "edit",
    [
        {"title": "The same in other words"},
        {"summary": "More of it"},
        {"url": "https://example.org/elsewhere"},
        {"aliases": ("GHSA-xxxx",)},
        {"published": START + DAY},
    ],
)
def test_edited_words_are_no_news(edit: dict[str, Any]) -> None:
    told = advisory(1)
    before = tell([concern(1, told)], started_at=None)
    edited = msgspec.structs.replace(told, **edit)
    assert tell([concern(1, edited, reason="in another range")], told=remembered(before)).items == []


def test_news_is_what_was_seen_first_later_however_old_it_is() -> None:
    ancient = msgspec.structs.replace(advisory(1, first_seen=START + DAY), published=START - 4000 * DAY)
    assert names(tell([concern(1, ancient)]).items) == ["CVE-2026-1001"]


def test_a_version_that_comes_to_be_affected_is_told_as_newly_affected_and_alone() -> None:
    about = advisory(1)
    before = tell([concern(1, about, "25.0.5")], started_at=None)
    found = tell([concern(1, about, "25.0.5"), concern(2, about, "26.1.4", hosts=("db-1",))], told=remembered(before))
    (item,) = found.items
    assert (item.change, item.changes) == (UPDATE, ("newly affected hosts",))
    assert [(g.version, g.hosts.names) for g in item.groups] == [("26.1.4", ("db-1",))]
    assert found.facets[1].components.keys() == {1, 2}


def test_a_host_that_arrives_is_told_as_newly_affected_and_alone() -> None:
    about = advisory(1)
    before = tell([concern(1, about)], started_at=None)
    grown = concern(1, about, hosts=("web-1", "web-9"), latest=START + DAY)
    seen = before.facets[1].since
    assert seen == concern(1, about).latest
    assert moments([grown], remembered(before)) == {seen}
    found = tell([grown], told=remembered(before), arrivals={seen: {1: Hosts(1, ("web-9",))}})
    (item,) = found.items
    assert (item.change, item.changes) == (UPDATE, ("newly affected hosts",))
    assert [g.hosts for g in item.groups] == [Hosts(1, ("web-9",))]


def test_a_component_that_got_nobody_new_needs_no_look_at_arrivals() -> None:
    about = advisory(1)
    assert moments([concern(1, about)], {1: Told(AlertState({1: Status.AFFECTED}), START)}) == set()
    assert moments([concern(1, about, latest=START + DAY)], {}) == set()


def test_a_version_that_goes_and_comes_back_is_no_news() -> None:
    about = advisory(1)
    before = tell([concern(1, about), concern(2, about, "26.1.4")], started_at=None)
    after = tell([concern(1, about)], told=remembered(before))
    assert after.items == []
    assert tell([concern(1, about), concern(2, about, "26.1.4")], told=remembered(before)).items == []


def test_the_baseline_of_a_source_that_is_read_late_is_noted_in_silence() -> None:
    late = advisory(1, baseline=True, first_seen=START + DAY)
    found = tell([concern(1, late)])
    assert found.items == []
    assert found.silent[1].components.keys() == {1}
    assert tell([concern(1, late)], told=remembered(found, START + DAY)).items == []


def test_a_host_that_arrives_after_a_silent_note_is_newly_affected() -> None:
    late = advisory(1, baseline=True, first_seen=START + DAY)
    silent = remembered(tell([concern(1, late)]), START + DAY)
    found = tell([concern(1, late), concern(2, late, "26.1.4", hosts=("db-1",))], told=silent)
    assert [g.hosts.names for i in found.items for g in i.groups] == [("db-1",)]


def test_a_standing_baseline_that_comes_to_concern_a_new_version_is_told() -> None:
    # known since before the start, but nobody ran the version then
    standing = advisory(1, baseline=True, first_seen=START - DAY)
    assert names(tell([concern(1, standing)]).items) == ["CVE-2026-1001"]


def test_what_was_told_under_a_number_that_became_another_is_not_told_again() -> None:
    merged = advisory(1, doubles=(7, 8))
    assert tell([concern(1, merged)], told={8: Told(AlertState({1: Status.AFFECTED}, partial=True), START)}).items == []


def test_the_worst_comes_first_and_unscored_stands_between_high_and_medium() -> None:
    order = [Severity.CRITICAL, Severity.HIGH, None, Severity.MEDIUM, Severity.LOW]
    shuffled = [advisory(n, f"CVE-2026-{n}", severity=order[n]) for n in (3, 0, 4, 2, 1)]
    found = tell([concern(1, a) for a in shuffled], started_at=None)
    assert [i.advisory.severity for i in found.items] == order


def test_of_one_severity_the_higher_cvss_comes_first_however_many_hosts_there_are() -> None:
    scored = [advisory(n, f"CVE-2026-{n}", cvss=cvss) for n, cvss in enumerate((7.3, 8.4, 8.8, None), 1)]
    worse = advisory(5, severity=Severity.CRITICAL, cvss=9.0)
    unscored = advisory(6, severity=None)
    concerns = [concern(1, a, count=10 - a.id) for a in (*scored, unscored, worse)]
    found = tell(concerns, started_at=None)
    assert [i.advisory.cvss for i in found.items] == [9.0, 8.8, 8.4, 7.3, None, None]
    assert found.items[-1].advisory == unscored
    as_exposure = sorted((c.match for c in concerns), key=worst_first)
    assert [m.advisory for m in as_exposure] == [i.advisory for i in found.items]


def test_of_equals_the_one_with_more_hosts_comes_first_then_the_name() -> None:
    few, many, also = advisory(1, "CVE-2026-1"), advisory(2, "CVE-2026-3"), advisory(3, "CVE-2026-2")
    found = tell([concern(1, few), concern(2, many, count=5), concern(3, also)], started_at=None)
    assert names(found.items) == ["CVE-2026-3", "CVE-2026-1", "CVE-2026-2"]


def test_vulnerabilities_come_before_ends_of_life_announcements_and_benchmarks() -> None:
    kinds = [Kind.BENCHMARK, Kind.ANNOUNCEMENT, Kind.END_OF_LIFE, Kind.VULNERABILITY]
    made = [advisory(n, k.value, kind=k, severity=None) for n, k in enumerate(kinds, 1)]
    found = tell([concern(1, a) for a in made], started_at=None)
    assert [i.advisory.kind for i in found.items] == list(reversed(kinds))


def test_versions_of_which_the_same_is_to_be_said_make_one_cluster() -> None:
    about = advisory(1)
    found = tell(
        [
            concern(3, about, "25.0.5", upgrade_to="25.0.6"),
            concern(2, about, "20.10.27", upgrade_to="25.0.6", reason="no fix on its branch"),
            concern(1, about, "19.03.15", upgrade_to="25.0.6", reason="no fix on its branch", hosts=("a", "b")),
        ],
        started_at=None,
    )
    (item,) = found.items
    assert item.count == 4
    assert [[g.version for g in cluster] for cluster in item.clusters] == [["19.03.15", "20.10.27"], ["25.0.5"]]


def test_an_announcement_whose_cves_are_told_becomes_a_link_below_them() -> None:
    flaw = advisory(1, "CVE-2026-1", products=("desktop",))
    entry = advisory(
        2, "update", kind=Kind.ANNOUNCEMENT, title="Update", products=("desktop",), mentions=("CVE-2026-1",)
    )
    found = tell([concern(1, flaw, product="desktop"), concern(1, entry, product="desktop")], started_at=None)
    (item,) = found.items
    assert item.advisory is flaw
    assert item.see_also == (("Update", "https://example.org/update"),)
    # it counts as told all the same
    assert found.facets.keys() == {1, 2}


def test_an_announcement_with_a_word_on_something_else_stays() -> None:
    flaw = advisory(1, "CVE-2026-1", products=("desktop",))
    entry = advisory(2, "update", kind=Kind.ANNOUNCEMENT, products=("desktop", "engine"), mentions=("CVE-2026-1",))
    concerns = [concern(1, flaw, product="desktop"), concern(2, entry, product="engine")]
    assert names(tell(concerns, started_at=None).items) == ["CVE-2026-1", "update"]


def test_an_announcement_stays_where_its_vulnerability_is_filtered_out() -> None:
    flaw = advisory(1, "CVE-2026-1", products=("desktop",))
    entry = advisory(2, "update", kind=Kind.ANNOUNCEMENT, products=("desktop",), mentions=("CVE-2026-1",))
    concerns = [concern(1, flaw, product="desktop"), concern(1, entry, product="desktop")]
    found = tell(concerns, filters=Filters(kinds=(Kind.ANNOUNCEMENT,)), started_at=None)
    assert names(found.items) == ["update"]


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        (Filters(), {"flaw", "unscored", "note"}),
        (Filters(severity=Severity.CRITICAL), {"unscored", "note"}),
        (Filters(kinds=(Kind.ANNOUNCEMENT,)), {"note"}),
        (Filters(keywords=("special",)), {"unscored"}),
        (Filters(everything=True), {"flaw", "unscored", "note", "paper", "elsewhere"}),
        (Filters(everything=True, kinds=(Kind.PUBLICATION,)), {"paper"}),
        (Filters(everything=True, severity=Severity.CRITICAL), {"unscored", "note", "paper"}),
    ],
)
def test_filters_decide_what_is_told_and_everything_adds_what_concerns_no_host(
    filters: Filters, told: set[str]
) -> None:
    flaw = advisory(1, "flaw", severity=Severity.MEDIUM)
    unscored = advisory(2, "unscored", severity=None, title="A special one")
    note = advisory(3, "note", kind=Kind.ANNOUNCEMENT, severity=None)
    paper = advisory(4, "paper", kind=Kind.PUBLICATION, severity=None, products=())
    elsewhere = advisory(5, "elsewhere", severity=Severity.LOW, products=("compose",))
    found = tell(
        [concern(1, flaw), concern(1, unscored), concern(1, note)],
        known=[paper, elsewhere],
        filters=filters,
        started_at=None,
    )
    assert set(names(found.items)) == told


def test_what_concerns_no_host_is_told_once_too() -> None:
    paper = advisory(4, "paper", kind=Kind.PUBLICATION, severity=None, products=())
    filters = Filters(everything=True)
    before = tell([], known=[paper], filters=filters, started_at=None)
    assert names(before.items) == ["paper"]
    assert tell([], known=[paper], filters=filters, told=remembered(before)).items == []


def test_the_key_is_the_same_for_the_same_digest_and_another_for_another() -> None:
    items = tell([concern(1, advisory(1))], started_at=None).items
    assert key_of("ops", START, items) == key_of("ops", START, items)
    others = {key_of("dev", START, items), key_of("ops", START + DAY, items), key_of("ops", START, ())}
    assert len(others | {key_of("ops", START, items)}) == 4


# what was told, and got worse


def later(about: Advisory, **values: Any) -> Advisory:
    return msgspec.structs.replace(about, **values)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {"severity": Severity.CRITICAL}, "severity raised from high to critical"),
        ({"severity": None}, {"severity": Severity.HIGH}, "rated high, previously unscored"),
        ({"severity": None}, {"severity": Severity.CRITICAL}, "rated critical, previously unscored"),
        ({}, {"exploited": date(2026, 4, 1)}, "now known to be exploited"),
    ],
)
def test_an_escalation_is_told_once_with_what_changed_and_all_hosts(
    before: dict[str, Any], after: dict[str, Any], words: str
) -> None:
    about = later(advisory(1), **before)
    told = remembered(tell([concern(1, about, hosts=("a", "b"))], started_at=None))
    worse = later(about, **after)
    found = tell([concern(1, worse, hosts=("a", "b"))], told=told)
    (item,) = found.items
    assert (item.change, item.changes, item.groups[0].hosts.names) == (UPDATE, (words,), ("a", "b"))
    again = told | remembered(found)
    assert tell([concern(1, worse)], told=again).items == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"severity": Severity.LOW}),
        ({}, {"severity": None}),
        ({"severity": None}, {"severity": Severity.MEDIUM}),
        ({"exploited": date(2026, 4, 1)}, {"exploited": None}),
        ({}, {"cvss": 8.9}),
        ({}, {"epss": 0.9}),
    ],
)
def test_what_got_better_alone_is_no_news_nor_is_it_when_it_comes_back(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    about = later(advisory(1), **before)
    told = remembered(tell([concern(1, about)], started_at=None))
    better = later(about, **after)
    assert tell([concern(1, better)], told=told).items == []
    assert tell([concern(1, about)], told=told).items == []


def test_a_fix_that_comes_out_is_told_for_what_had_none_and_another_is_not() -> None:
    about = advisory(1)
    told = remembered(tell([concern(1, about, upgrade_to=None, fixed_in=())], started_at=None))
    found = tell([concern(1, about, upgrade_to="29.5.1")], told=told)
    assert [i.changes for i in found.items] == [("fix available: 29.5.1",)]
    again = told | remembered(found)
    assert tell([concern(1, about, upgrade_to="29.5.2")], told=again).items == []


def test_sources_that_come_to_agree_are_told_once() -> None:
    about = advisory(1)
    told = remembered(tell([concern(1, about, status=Status.CONFLICTING)], started_at=None))
    found = tell([concern(1, about)], told=told)
    assert [i.changes for i in found.items] == [("sources now agree that it is affected",)]
    again = told | remembered(found)
    assert tell([concern(1, about, status=Status.CONFLICTING)], told=again).items == []
    assert tell([concern(1, about)], told=again).items == []


def test_an_update_names_when_it_was_told_and_goes_on_the_thread_that_told_it_first() -> None:
    about = advisory(1)
    facets = tell([concern(1, about)], started_at=None).facets[1]
    told = {1: Told(facets, START + DAY, START, "second", "first")}
    (item,) = tell([concern(1, later(about, severity=Severity.CRITICAL))], told=told).items
    assert (item.told_at, item.thread) == (START + DAY, "first")


def test_what_was_noted_before_the_rest_was_kept_is_completed_in_silence() -> None:
    about = advisory(1)
    old = {1: Told(AlertState({1: Status.AFFECTED}, partial=True), START, digest="d")}
    found = tell([concern(1, later(about, severity=Severity.CRITICAL, exploited=date(2026, 4, 1)))], told=old)
    assert found.items == []
    assert (found.noted[1].severity, found.noted[1].exploited, found.noted[1].partial) == (
        Severity.CRITICAL,
        True,
        False,
    )


def test_what_comes_to_pass_the_filters_is_news_though_it_was_a_baseline() -> None:
    about = advisory(1, baseline=True, first_seen=START + DAY, severity=Severity.MEDIUM)
    filters = Filters(severity=Severity.CRITICAL)
    silent = tell([concern(1, about)], filters=filters)
    assert (silent.items, silent.unsaid) == ([], 0)
    found = tell([concern(1, later(about, severity=Severity.CRITICAL))], told=remembered(silent), filters=filters)
    assert [i.changes for i in found.items] == [("severity raised from medium to critical",)]


# what was told, and does not hold


def retold(about: Advisory, facets: AlertState, digest: str = "digest") -> dict[int, Told]:
    return {about.id: Told(facets, START, START, digest, digest)}


def judged(status: Status = Status.NOT_AFFECTED) -> Callable[[Advisory, int], Group | None]:
    """Says of component 1 that it is not affected, and knows no other."""
    group = Group("engine", "25.0.5", "", Hosts(1, ("web-1",)), status, "x")
    return lambda _, number: group if number == 1 else None


def correct(
    about: Advisory,
    told: dict[int, Told],
    concerns: Iterable[AffectedComponent] = (),
    judge: Callable[[Advisory, int], Group | None] = judged(),  # noqa: B008 - a frozen answer
) -> News:
    return news(
        concerns, [about], NewsInput(told, START, START + DAY, judge=judge), Filters(severity=Severity.CRITICAL)
    )


@pytest.mark.parametrize("status", [Status.NOT_AFFECTED, Status.UNKNOWN])
def test_who_was_told_gets_a_correction_whatever_the_filters_and_once(status: Status) -> None:
    about = advisory(1)
    facets = tell([concern(1, about)], started_at=None).facets[1]
    found = correct(about, retold(about, facets), judge=judged(status))
    (item,) = found.items
    assert (item.change, item.groups[0].status) == (CORRECTION, status)
    assert found.facets[1].components == {}
    assert correct(about, retold(about, found.facets[1]), judge=judged(status)).items == []


def test_who_was_not_told_gets_no_correction() -> None:
    about = advisory(1)
    facets = tell([concern(1, about)], started_at=None).facets[1]
    silent = correct(about, retold(about, facets, digest=""))
    assert silent.items == []
    assert silent.noted[1].components == {}
    assert correct(about, {}).items == []


def test_hosts_that_were_upgraded_are_no_reason_for_a_correction() -> None:
    about = advisory(1)
    facets = tell([concern(1, about)], started_at=None).facets[1]
    assert correct(about, retold(about, facets), judge=lambda *_: None).items == []


def test_what_was_corrected_and_comes_to_be_affected_again_is_news() -> None:
    about = advisory(1)
    facets = tell([concern(1, about)], started_at=None).facets[1]
    corrected = correct(about, retold(about, facets)).facets[1]
    found = tell([concern(1, about)], told=retold(about, corrected))
    assert [i.changes for i in found.items] == [("newly affected hosts", WORDS)]


def test_part_of_an_advisory_can_be_corrected_while_another_part_is_new() -> None:
    about = advisory(1, severity=Severity.CRITICAL)
    facets = tell([concern(1, about)], started_at=None).facets[1]
    found = correct(about, retold(about, facets), [concern(2, about, "26.1.4")])
    assert sorted(i.change for i in found.items) == [CORRECTION, UPDATE]
    assert found.facets[1].components.keys() == {2}
    only = found.only(lambda item: item.change == UPDATE)
    assert len(only.items) == 2, "a digest that tells of one part tells of all of it"


@pytest.mark.parametrize(
    ("kind", "told"), [(Kind.VULNERABILITY, 1), (Kind.BENCHMARK, 1), (Kind.PUBLICATION, 0), (Kind.RELEASE, 0)]
)
def test_a_withdrawal_is_told_once_to_those_who_were_told_unless_it_is_only_reading(kind: Kind, told: int) -> None:
    about = advisory(1, kind=kind)
    facets = tell([concern(1, about)], started_at=None).facets[1]
    gone = later(about, withdrawn=START + DAY)
    found = correct(gone, retold(about, facets), judge=lambda *_: None)
    assert [i.changes for i in found.items] == [("withdrawn",)] * told
    after = (found.facets | found.noted)[1]
    assert correct(gone, retold(about, after), judge=lambda *_: None).items == []


def test_a_withdrawal_that_is_taken_back_is_told() -> None:
    about = advisory(1)
    facets = tell([concern(1, about)], started_at=None).facets[1]
    gone = correct(later(about, withdrawn=START + DAY), retold(about, facets)).facets[1]
    (item,) = tell([concern(1, about)], told=retold(about, gone)).items
    assert item.changes == ("no longer withdrawn", WORDS)
    assert item.count == 1


# what comes back


@pytest.mark.parametrize(("at", "told"), [(START, 0), (START + DAY / 2, 1), (START + DAY, 1), (START + DAY * 3 / 2, 0)])
def test_what_ends_between_then_and_now_brings_an_advisory_back_once(at: datetime, told: int) -> None:
    about = advisory(1)
    facets = tell([concern(1, about)], started_at=None).facets[1]
    returns = (Reopened(1, at, "its silence ended"),)
    books = NewsInput(retold(about, facets), START, START + DAY, returns=returns)
    found = news([concern(1, about)], [about], books, Filters())
    assert [i.changes for i in found.items] == [("its silence ended",)] * told


def test_what_comes_back_names_the_hosts_that_it_is_about() -> None:
    about = advisory(1)
    facets = tell([concern(1, about, hosts=("a", "b"))], started_at=None).facets[1]
    for hosts, expected in (({1: Hosts(1, ("b",))}, [("b",)]), ({7: Hosts(1, ("b",))}, [])):
        returns = (Reopened(1, START + DAY, "overdue", hosts),)
        books = NewsInput(retold(about, facets), START, START + DAY, returns=returns)
        found = news([concern(1, about, hosts=("a", "b"))], [about], books, Filters())
        assert [i.groups[0].hosts.names for i in found.items] == expected
