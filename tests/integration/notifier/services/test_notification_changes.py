"""What subscribers hear after they were told: escalations, corrections, good news, reminders, and what is kept back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from feeds import storage
from feeds.advisories.facts import Exploited, ReleaseLine
from feeds.advisories.records import Edition, Kind, Record, Severity
from feeds.crawl.protocol import FetchResult, FetchStatus, ItemPayload
from feeds.storage.database import Database
from feeds.verdicts.weighing import Status
from notifier.alerts.alert_state import AlertState
from notifier.alerts.digest import CORRECTION, NEW, UPDATE, Digest
from notifier.alerts.silences import Assignment, Silence, statements
from notifier.domain.filters import Filters, Scope
from notifier.domain.schedule import Schedule
from notifier.services.snapshot.assessment import Assessment
from notifier.storage import inventory, removed_components, silences, subscriptions
from tests.support.samples import DAY, NOW, START, install, names, publish, record, run, subscribe

NAME = "CVE-2026-41567"
HIGH = record(NAME, below="29.5.1", severity=Severity.HIGH)
CRITICAL = record(NAME, below="29.5.1", severity=Severity.CRITICAL)


@pytest.fixture
def fleet(database: Database, tmp_path: Path) -> Database:
    """Three hosts of which two are affected by what was told."""
    install(database, web_1="29.5.0", lab_1="25.0.5", new_1="29.7.2")
    publish(database, HIGH)
    subscribe(database, f"file://{tmp_path}/ops")
    run(database)
    return database


def one(database: Database, days: float) -> Digest:
    (found,) = run(database, NOW + days * DAY).digests
    return found


def test_each_escalation_is_one_update_on_the_thread_of_what_was_told_first(fleet: Database) -> None:
    with fleet.connect() as connection:
        (first,) = subscriptions.told(connection, subscriptions.named(connection, "ops")).values()
    publish(fleet, CRITICAL, at=NOW + DAY)
    digest = one(fleet, 1)
    (item,) = digest.items
    assert (item.change, item.changes) == (UPDATE, ("severity raised from high to critical",))
    assert digest.threads == (first.digest,) == (first.thread,)
    kev = Exploited(added={NAME: (NOW + DAY).date()})
    with fleet.begin() as connection:
        piece = ItemPayload(kev.key, msgspec.Raw(msgspec.json.encode(kev)))
        storage.keep(
            connection,
            FetchResult(
                source="kev",
                url="https://example.org/kev",
                form="json",
                complete=False,
                result=FetchStatus.READ,
                at=NOW,
                items=(piece,),
            ),
        )
    later = one(fleet, 2)
    assert [i.changes for i in later.items] == [("now known to be exploited",)]
    assert later.threads == (first.digest,)
    assert run(fleet, NOW + 3 * DAY).digests == []


def test_a_fix_that_comes_out_is_told(database: Database, tmp_path: Path) -> None:
    install(database, web_1="29.5.0")
    publish(database, record(NAME, below="", fixed=False))
    subscribe(database, f"file://{tmp_path}/ops")
    run(database)
    publish(database, HIGH, at=NOW + DAY)
    (item,) = one(database, 1).items
    assert item.changes == ("fix available: 29.5.1",)


def test_who_was_told_what_does_not_hold_gets_a_correction_and_nobody_else(fleet: Database, tmp_path: Path) -> None:
    subscribe(fleet, f"file://{tmp_path}/late", name="late", silent=True)
    lab = Filters(scope=Scope(hosts=("lab-*",)))
    subscribe(fleet, f"file://{tmp_path}/lab", name="lab", filters=lab)
    subscribe(fleet, f"file://{tmp_path}/new", name="new", filters=Filters(scope=Scope(hosts=("new-*",))))
    run(fleet)
    publish(fleet, record(NAME, below="25.0.6", severity=Severity.HIGH), at=NOW + DAY)
    found = {d.subscription: d for d in run(fleet, NOW + DAY).digests}
    assert found.keys() == {"ops"}
    (item,) = found["ops"].items
    assert item.change == CORRECTION
    assert [(g.version, g.hosts.names, g.status) for g in item.groups] == [("29.5.0", ("web-1",), Status.NOT_AFFECTED)]
    assert run(fleet, NOW + 2 * DAY).digests == []


def test_a_withdrawal_is_a_correction_to_those_who_were_told(fleet: Database) -> None:
    publish(fleet, record(NAME, below="29.5.1", withdrawn=NOW), at=NOW + DAY)
    digest = one(fleet, 1)
    (item,) = digest.corrections
    assert item.changes == ("withdrawn",)
    assert {h for g in item.groups for h in g.hosts.names} == {"web-1", "lab-1"}
    assert run(fleet, NOW + 2 * DAY).digests == []


def test_what_is_no_advisory_of_ours_any_more_is_a_correction_too(fleet: Database) -> None:
    publish(fleet, record(NAME, products=("elsewhere",)), at=NOW + DAY)
    (item,) = one(fleet, 1).items
    assert (item.advisory.name, item.change) == (NAME, CORRECTION)
    assert run(fleet, NOW + 2 * DAY).digests == []


def test_an_end_of_life_that_was_put_off_is_a_correction(database: Database, tmp_path: Path) -> None:
    def line(ends: int) -> ReleaseLine:
        return ReleaseLine(product="engine", name="25.0", url="u", ends=(NOW + ends * DAY).date())

    end = msgspec.structs.replace(record("eol-25.0", kind=Kind.END_OF_LIFE, severity=None), line="engine 25.0")
    install(database, lab_1="25.0.5")
    publish(database, end, line(30))
    subscribe(database, f"file://{tmp_path}/ops")
    run(database)
    publish(database, end, line(400), at=NOW + DAY)
    (item,) = one(database, 1).items
    assert (item.change, item.groups[0].reason) == (
        CORRECTION,
        f"25.0 gets security fixes until {(NOW + 400 * DAY).date()}",
    )


def test_hosts_that_were_upgraded_are_good_news_in_the_next_digest_and_cause_none(fleet: Database) -> None:
    install(fleet, NOW + DAY, web_1="29.5.1", lab_1="25.0.5", new_1="29.7.2")
    assert run(fleet, NOW + DAY).digests == []
    publish(fleet, HIGH, record("CVE-2026-2", below="99.0.0"), at=NOW + 2 * DAY)
    digest = one(fleet, 2)
    assert names(digest.items) == ["CVE-2026-2"]
    assert [(f.version, f.to, f.hosts.names, [a.name for a in f.advisories]) for f in digest.fixed] == [
        ("29.5.0", ("29.5.1",), ("web-1",), [NAME])
    ]
    publish(fleet, HIGH, record("CVE-2026-2", below="99.0.0"), record("CVE-2026-3", below="99.0.0"), at=NOW + 3 * DAY)
    assert one(fleet, 3).fixed == (), "it is told once"


@pytest.mark.parametrize("version", ["29.5.0", "28.0.0"])
def test_a_host_that_is_still_affected_is_no_good_news(fleet: Database, version: str) -> None:
    install(fleet, NOW + DAY, web_1="29.7.0")
    install(fleet, NOW + 1.5 * DAY, web_1=version)
    publish(fleet, HIGH, record("CVE-2026-2", below="99.0.0"), at=NOW + 2 * DAY)
    assert one(fleet, 2).fixed == ()


def test_what_was_corrected_was_never_fixed(fleet: Database) -> None:
    install(fleet, NOW + DAY, web_1="29.7.0", new_2="29.5.0")
    publish(fleet, record(NAME, below="25.0.6"), record("CVE-2026-2", below="99.0.0"), at=NOW + 2 * DAY)
    assert one(fleet, 2).fixed == ()


def test_a_host_that_moves_from_one_affected_version_to_another_is_not_newly_affected(fleet: Database) -> None:
    install(fleet, NOW + DAY, web_1="29.4.0")
    assert run(fleet, NOW + DAY).digests == []
    install(fleet, NOW + 2 * DAY, web_9="29.4.0")
    (item,) = one(fleet, 2).items
    assert [g.hosts.names for g in item.groups] == [("web-9",)]
    install(fleet, NOW + 3 * DAY, web_1="29.7.0")
    install(fleet, NOW + 4 * DAY, web_1="29.4.0")
    (item,) = one(fleet, 4).items
    assert [g.hosts.names for g in item.groups] == [("web-1",)], "it was mended, and no longer is"
    assert run(fleet, NOW + 5 * DAY).digests == []


def test_who_moved_to_what_was_good_then_and_is_not_any_more_is_newly_affected(fleet: Database) -> None:
    install(fleet, NOW + DAY, web_1="29.5.1")
    assert run(fleet, NOW + DAY).digests == []
    publish(fleet, record(NAME, below="29.6.0", severity=Severity.HIGH), at=NOW + 2 * DAY)
    (item,) = one(fleet, 2).items
    assert (item.changes, [g.hosts.names for g in item.groups]) == (("newly affected hosts",), [("web-1",)])


def test_a_host_that_moves_between_affected_versions_again_and_again_is_told_once(fleet: Database) -> None:
    for day, version in enumerate(("29.4.0", "29.3.0", "29.4.0", "29.5.0"), 1):
        install(fleet, NOW + day * DAY, web_1=version)
        assert run(fleet, NOW + day * DAY).digests == []
        assert run(fleet, NOW + day * DAY + DAY / 2).digests == []


# schedules


def test_what_is_not_due_is_told_when_it_is_as_it_stands_then(database: Database, tmp_path: Path) -> None:
    at = NOW.replace(hour=9, minute=0, second=0, microsecond=0)
    install(database, web_1="29.5.0")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    subscribe(database, f"file://{tmp_path}/ops", schedule=Schedule("daily"))
    assert run(database, at).digests[0].welcome
    publish(database, HIGH, at=at + timedelta(hours=1))
    assert run(database, at + timedelta(hours=2)).digests == []
    publish(database, record(NAME, below="29.5.1", title="As it is called by then"), at=at + timedelta(hours=3))
    (digest,) = run(database, at + timedelta(hours=23)).digests
    assert [(i.change, i.advisory.title) for i in digest.items] == [(NEW, "As it is called by then")]
    assert run(database, at + timedelta(hours=23, minutes=10)).digests == []
    assert run(database, at + timedelta(days=2)).digests == []


def test_what_is_critical_goes_out_at_once_and_the_rest_when_it_is_time(database: Database, tmp_path: Path) -> None:
    at = NOW.replace(hour=9, minute=0, second=0, microsecond=0)
    install(database, web_1="29.5.0")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    quiet = Schedule("daily", quiet="09:30-23:00")
    for name, when in (("ops", quiet), ("calm", msgspec.structs.replace(quiet, breaks="never"))):
        subscribe(database, f"file://{tmp_path}/{name}", name=name, schedule=when)
    run(database, at)
    publish(database, CRITICAL, record("CVE-2026-2", below="29.9.0"), at=at + timedelta(hours=1))
    (digest,) = run(database, at + timedelta(hours=2)).digests
    assert (digest.subscription, names(digest.items)) == ("ops", [NAME])
    assert run(database, at + timedelta(hours=3)).digests == []
    found = {d.subscription: names(d.items) for d in run(database, at + timedelta(days=1)).digests}
    assert found == {"ops": ["CVE-2026-2"], "calm": [NAME, "CVE-2026-2"]}


@pytest.mark.parametrize(
    ("breaks", "standing", "at_night"),
    [("never", CRITICAL, False), ("both", HIGH, False), ("both", CRITICAL, True), ("kev", CRITICAL, False)],
)
def test_the_welcome_keeps_quiet_hours_unless_something_in_it_breaks_them(
    database: Database, tmp_path: Path, breaks: str, standing: Record, *, at_night: bool
) -> None:
    night = NOW.replace(hour=2, minute=19, second=0, microsecond=0)
    install(database, web_1="25.0.5")
    publish(database, standing, record("CVE-2026-2", below="25.0.6"), at=night)
    times = Schedule("weekly", quiet="00:00-07:00", breaks=breaks)
    subscribe(database, f"file://{tmp_path}/ops", schedule=times)
    made = [run(database, night + timedelta(minutes=m)).digests for m in (0, 10)]
    assert [len(d) for d in made] == [int(at_night), 0]
    morning = run(database, night + timedelta(hours=5)).digests
    (welcome,) = made[0] + morning
    assert welcome.welcome
    assert set(names(welcome.items)) == {standing.id, "CVE-2026-2"}
    assert run(database, night + timedelta(hours=6)).digests == []


@pytest.mark.parametrize(("standing", "tries"), [(HIGH, [1, 0, 1]), (CRITICAL, [1, 1, 1])])
def test_what_failed_before_the_quiet_hours_is_tried_again_after_them_unless_it_breaks_them(
    database: Database, tmp_path: Path, standing: Record, tries: list[int]
) -> None:
    evening = NOW.replace(hour=21, minute=59, second=0, microsecond=0)
    (tmp_path / "taken").write_text("a file where a folder is needed")
    install(database, web_1="25.0.5")
    publish(database, standing, at=evening)
    subscribe(database, f"file://{tmp_path}/taken/ops", schedule=Schedule(quiet="22:00-07:00"))
    moments = (evening, evening + timedelta(hours=4), evening + timedelta(hours=10))
    assert [len(run(database, at).failed) for at in moments] == tries


def test_a_silent_start_waits_for_nothing(database: Database, tmp_path: Path) -> None:
    night = NOW.replace(hour=2, minute=19, second=0, microsecond=0)
    install(database, web_1="25.0.5")
    publish(database, HIGH, at=night)
    subscribe(database, f"file://{tmp_path}/ops", schedule=Schedule(quiet="00:00-07:00", breaks="never"), silent=True)
    assert run(database, night).digests == []
    publish(database, HIGH, record("CVE-2026-2", below="25.0.6"), at=night + timedelta(hours=1))
    (digest,) = run(database, night + timedelta(hours=5)).digests
    assert names(digest.items) == ["CVE-2026-2"], "what stood at the start is known"


def test_reminders_updates_and_corrections_keep_quiet_hours(database: Database, tmp_path: Path) -> None:
    noon = NOW.replace(hour=12, minute=0, second=0, microsecond=0)
    install(database, web_1="25.0.5", web_2="25.0.5")
    three = ("CVE-2026-1", "CVE-2026-2", "CVE-2026-3")
    publish(database, *(record(n, below="25.0.6", severity=Severity.MEDIUM) for n in three))
    subscribe(database, f"file://{tmp_path}/ops", schedule=Schedule(quiet="00:00-07:00", remind="weekly"))
    run(database, noon)
    later = noon + 8 * DAY
    night = later.replace(hour=2)
    publish(
        database,
        record("CVE-2026-1", below="25.0.6", severity=Severity.HIGH),
        record("CVE-2026-2", below="25.0.6", severity=Severity.MEDIUM, withdrawn=night),
        record("CVE-2026-3", below="25.0.6", severity=Severity.MEDIUM),
        at=night,
    )
    assert run(database, night).digests == []
    (digest,) = run(database, night.replace(hour=7)).digests
    assert {(i.advisory.name, i.change) for i in digest.items} == {("CVE-2026-1", UPDATE), ("CVE-2026-2", CORRECTION)}
    assert (digest.reminder, names(digest.open)) == (True, ["CVE-2026-3"])


def test_a_reminder_says_what_is_still_open_how_long_and_who_has_it_in_hand(fleet: Database) -> None:
    with fleet.begin() as connection:
        number = Assessment.load(connection, NOW).find(NAME).id
        due = (NOW + 60 * DAY).date()
        silences.take(connection, Assignment(number, Scope(), "Ann", due, NOW))
    assert run(fleet, NOW + 20 * DAY).digests == []
    digest = one(fleet, 32)
    assert (digest.reminder, digest.items) == (True, ())
    (still,) = digest.open
    assert (still.advisory.name, still.days, still.hosts.count) == (NAME, 32, 2)
    assert [(h.owner, h.due, h.overdue) for h in still.assignments] == [("Ann", due, False)]
    assert run(fleet, NOW + 33 * DAY).digests == []
    install(fleet, NOW + 40 * DAY, web_1="29.5.1", lab_1="29.5.1")
    assert run(fleet, NOW + 64 * DAY).digests == [], "nothing is open any more"


def test_a_reminder_that_falls_on_news_is_one_digest_with_them(fleet: Database) -> None:
    publish(fleet, HIGH, record("CVE-2026-2", below="99.0.0"), at=NOW + 32 * DAY)
    digest = one(fleet, 32)
    assert (names(digest.items), [o.advisory.name for o in digest.open]) == (["CVE-2026-2"], [NAME])


# silences and assignments


def silenced(database: Database, *, until: float, scope: Scope = Scope(), at: float = 0) -> None:  # noqa: B008
    with database.begin() as connection:
        assessment = Assessment.load(connection, NOW + at * DAY)
        found = assessment.find(NAME)
        facets = assessment.alert_state(connection, found)
        silences.add(
            connection,
            Silence(found.id, scope, "not used here", "Ann", NOW + at * DAY, NOW + until * DAY, facets),
        )


@pytest.fixture
def quiet(database: Database, tmp_path: Path) -> Database:
    """A fleet that nothing was told of yet, and an advisory that is silenced for ten days."""
    install(database, web_1="29.5.0", lab_1="25.0.5", new_1="29.7.2")
    publish(database, HIGH)
    silenced(database, until=10)
    subscribe(database, f"file://{tmp_path}/ops")
    return database


def test_what_is_silenced_is_not_told_and_stands_in_the_foot_until_it_ends(quiet: Database) -> None:
    welcome = one(quiet, 0)
    assert welcome.items == ()
    assert [(s.advisory, s.reason, s.author) for s in welcome.footer.silences] == [(NAME, "not used here", "Ann")]
    assert "1 silence" in welcome.footer.line
    install(quiet, NOW + DAY, web_7="29.5.0")
    assert run(quiet, NOW + 2 * DAY).digests == [], "hosts that come later are silenced, too"
    digest = one(quiet, 10)
    assert [(i.change, i.count) for i in digest.items] == [(NEW, 3)]
    assert digest.footer.silences == ()


def test_a_silence_is_broken_by_an_escalation(quiet: Database) -> None:
    run(quiet)
    publish(quiet, CRITICAL, at=NOW + DAY)
    digest = one(quiet, 1)
    assert names(digest.items) == [NAME]
    assert digest.footer.silences == ()


def test_what_was_told_before_it_was_silenced_comes_back_when_that_ends(fleet: Database) -> None:
    silenced(fleet, at=1, until=5)
    assert run(fleet, NOW + 2 * DAY).digests == []
    (item,) = one(fleet, 6).items
    assert item.change == UPDATE
    assert item.changes[0].startswith("its silence ended on ")
    assert item.changes[0].endswith("(not used here)")
    assert run(fleet, NOW + 7 * DAY).digests == []


def test_a_silence_that_is_ended_by_hand_comes_back_at_once(fleet: Database) -> None:
    silenced(fleet, at=1, until=50)
    with fleet.begin() as connection:
        (made,) = silences.every(connection)
        silences.expire(connection, made.id, NOW + 2 * DAY)
    assert names(one(fleet, 3).items) == [NAME]


def test_a_silence_for_some_hosts_leaves_the_others(database: Database, tmp_path: Path) -> None:
    install(database, web_1="29.5.0", web_2="29.5.0", lab_1="29.5.0")
    publish(database, HIGH)
    silenced(database, until=10, scope=Scope(hosts=("lab-*",)))
    subscribe(database, f"file://{tmp_path}/ops")
    (item,) = one(database, 0).items
    assert [g.hosts.names for g in item.groups] == [("web-1", "web-2")]
    install(database, NOW + DAY, lab_2="29.5.0")
    assert run(database, NOW + 2 * DAY).digests == []
    install(database, NOW + 2 * DAY, web_3="29.5.0")
    assert [g.hosts.names for g in one(database, 3).items[0].groups] == [("web-3",)]
    (back,) = one(database, 10).items
    assert [g.hosts.names for g in back.groups] == [("lab-1", "lab-2")]


def test_what_is_silenced_is_no_correction_and_not_open(fleet: Database) -> None:
    silenced(fleet, at=1, until=300)
    assert run(fleet, NOW + 40 * DAY).digests == []


def test_what_is_overdue_comes_back_once_for_the_hosts_that_were_taken_in_hand(fleet: Database) -> None:
    due = (NOW + 5 * DAY).date()
    with fleet.begin() as connection:
        number = Assessment.load(connection, NOW).find(NAME).id
        silences.take(connection, Assignment(number, Scope(hosts=("lab-*",)), "Ann", due, NOW))
    assert run(fleet, NOW + 4 * DAY).digests == []
    (item,) = one(fleet, 6.1).items
    assert item.changes == (f"overdue: assigned to Ann, due {due}",)
    assert [g.hosts.names for g in item.groups] == [("lab-1",)]
    assert [h.overdue for h in item.assignments] == [True]
    assert run(fleet, NOW + 7.2 * DAY).digests == []


def test_what_was_released_or_mended_in_time_does_not_come_back(fleet: Database) -> None:
    with fleet.begin() as connection:
        number = Assessment.load(connection, NOW).find(NAME).id
        silences.take(connection, Assignment(number, Scope(), "Ann", (NOW + DAY).date(), NOW))
        (released,) = silences.release(connection, (number,), None, NOW)
        assert released.owner == "Ann"
        silences.take(connection, Assignment(number, Scope(hosts=("lab-*",)), "Ben", (NOW + DAY).date(), NOW))
    install(fleet, NOW, lab_1="29.5.1")
    assert run(fleet, NOW + 4 * DAY).digests == []


def test_silences_can_be_read_as_statements(fleet: Database) -> None:
    silenced(fleet, until=10)
    with fleet.connect() as connection:
        assessment = Assessment.load(connection, NOW)
        advisories = {a.id: a for a in assessment.advisories}
        made = silences.every(connection)
        (stated,) = statements(made, advisories, NOW + DAY)
        assert list(statements(made, advisories, NOW + 10 * DAY)) == []
        assert list(statements(made, {}, NOW + DAY)) == []
    assert (stated.advisory, stated.status, stated.words, stated.author) == (
        NAME,
        "affected",
        "not used here",
        "Ann",
    )


def test_hosts_that_no_import_names_are_counted_as_not_seen(fleet: Database) -> None:
    install(fleet, NOW + 20 * DAY, web_1="29.5.0")
    publish(fleet, HIGH, record("CVE-2026-2", below="99.0.0"), at=NOW + 20 * DAY)
    foot = one(fleet, 20).footer
    assert (foot.hosts, foot.stale) == (3, 2)
    assert "inventory of 3 hosts, 2 not seen for 14 days" in foot.line


def test_a_host_that_is_forgotten_takes_its_departures_with_it(fleet: Database) -> None:
    install(fleet, NOW + DAY, web_1="29.5.1")
    with fleet.begin() as connection:
        assert [d.host for d in removed_components.departures(connection, Scope(), NOW)] == ["web-1"]
        inventory.remove(connection, "web-1")
        assert list(removed_components.departures(connection, Scope(), NOW)) == []


def test_facets_survive_the_ledger(fleet: Database) -> None:
    with fleet.connect() as connection:
        (told,) = subscriptions.told(connection, subscriptions.named(connection, "ops")).values()
    assert set(told.facets.components.values()) == {Status.AFFECTED}
    assert told.facets == AlertState(
        components=told.facets.components,
        fixed=frozenset(told.facets.components),
        severity=Severity.HIGH,
        since=START,
    )


def benchmark(version: str, *engines: str) -> Record:
    edition = Edition(version, engines=engines, dated="2026-01-01")
    return Record(id=f"cis-{version}", kind=Kind.BENCHMARK, title=f"CIS v{version}", url="https://example.org/cis",
                  edition=edition)  # fmt: skip


def test_an_edition_is_news_when_it_comes_out_and_never_because_a_host_was_upgraded(
    database: Database, tmp_path: Path
) -> None:
    install(database, web_1="23.0.6", web_2="29.7.2")
    publish(database, benchmark("1.7.0", "23.0", "25.0", "29"))
    subscribe(database, f"file://{tmp_path}/ops", filters=Filters(kinds=(Kind.BENCHMARK,)))
    assert names(one(database, 0).items) == ["cis-1.7.0"]
    publish(database, benchmark("1.8.0", "29"), at=NOW + DAY)
    assert names(one(database, 1).items) == ["cis-1.8.0"]
    install(database, NOW + 2 * DAY, web_1="29.7.2")  # an upgrade: 1.8.0 is now for it
    assert run(database, NOW + 2 * DAY).digests == []
    install(database, NOW + 3 * DAY, lab_1="25.0.5")  # a new host, for which 1.7.0 is the newest
    assert run(database, NOW + 3 * DAY).digests == []


def test_an_edition_that_concerned_nobody_when_it_came_out_is_not_told_after_an_upgrade(
    database: Database, tmp_path: Path
) -> None:
    install(database, web_1="23.0.6")
    publish(database, benchmark("1.7.0", "23.0"))
    subscribe(database, f"file://{tmp_path}/ops")
    run(database)
    publish(database, benchmark("1.8.0", "29"), at=NOW + DAY)
    assert run(database, NOW + DAY).digests == []
    install(database, NOW + 2 * DAY, web_1="29.7.2")
    assert not [i for d in run(database, NOW + 2 * DAY).digests for i in d.items if i.advisory.kind is Kind.BENCHMARK]
