"""When news go out: named schedules, cron, quiet hours, and the nights when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.advisories.records import Kind
from feeds.core.errors import UsageProblem
from notifier.domain.schedule import Schedule, breaks, checked, due, quiet_until, reminder, shown

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 4, 15, tzinfo=UTC)


def at(text: str) -> datetime:
    """A moment in UTC: "04-15 08:00" of 2026."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "last", "now", "expected"),
    [
        (Schedule(), "04-15 08:00", "04-15 08:01", "04-15 08:01"),
        (Schedule("hourly"), "04-15 08:00", "04-15 08:59", "04-15 09:00"),
        (Schedule("hourly"), "04-15 08:00", "04-15 09:10", "04-15 09:10"),
        (Schedule("daily"), "04-15 08:00", "04-15 12:00", "04-16 08:00"),
        (Schedule("daily", BERLIN), "04-15 12:00", "04-15 13:00", "04-16 06:00"),
        (Schedule("daily", BERLIN), "01-15 12:00", "01-15 13:00", "01-16 07:00"),
        (Schedule("weekly"), "04-15 08:00", "04-15 09:00", "04-20 08:00"),
        (Schedule("30 7 * * MON-FRI"), "04-17 08:00", "04-17 09:00", "04-20 07:30"),
        # the clocks in Berlin go from 2 to 3 on 29 March 2026, and from 3 to 2 on 25 October
        (Schedule("30 2 * * *", BERLIN), "03-28 12:00", "03-28 13:00", "03-29 01:00"),
        (Schedule("30 2 * * *", BERLIN), "10-24 12:00", "10-24 13:00", "10-25 00:30"),
        (Schedule("30 2 * * *", BERLIN), "10-25 00:30", "10-25 01:45", "10-26 01:30"),
        # quiet hours
        (Schedule(quiet="22:00-07:00"), "04-15 20:00", "04-15 23:00", "04-16 07:00"),
        (Schedule(quiet="22:00-07:00"), "04-15 20:00", "04-16 07:00", "04-16 07:00"),
        (Schedule("0 6 * * *", quiet="22:00-07:00"), "04-15 06:00", "04-15 12:00", "04-16 07:00"),
        (Schedule("0 21 * * *", quiet="22:00-07:00"), "04-15 12:00", "04-15 23:00", "04-16 07:00"),
        (Schedule(zone=BERLIN, quiet="12:00-13:00"), "04-15 10:00", "04-15 10:30", "04-15 11:00"),
    ],
)
def test_news_are_due_at_the_next_moment_of_the_schedule_outside_of_quiet_hours(
    schedule: Schedule, last: str, now: str, expected: str
) -> None:
    found = due(schedule, at(last), at(now))
    assert (found.at, found.now) == (at(expected), at(expected) <= at(now))
    assert bool(found.reason) is (at(expected) != at(now)) or found.now


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        (Schedule("weekly"), "04-15 12:00", "04-15 12:00"),
        (Schedule("weekly", quiet="22:00-07:00"), "04-15 12:00", "04-15 12:00"),
        (Schedule("weekly", quiet="22:00-07:00"), "04-15 23:00", "04-16 07:00"),
        (Schedule("daily", BERLIN, "00:00-07:00"), "04-15 00:19", "04-15 05:00"),
    ],
)
def test_the_first_time_waits_for_no_schedule_but_for_the_end_of_quiet_hours(
    schedule: Schedule, now: str, expected: str
) -> None:
    found = due(schedule, None, at(now))
    assert (found.at, found.now) == (at(expected), expected == now)


def test_a_moment_is_shown_in_the_zone_of_the_schedule() -> None:
    assert shown(Schedule("daily", BERLIN), at("04-16 06:00")) == "2026-04-16 08:00 Europe/Berlin"
    assert (
        shown(Schedule(zone="Asia/Kathmandu"), reminder(Schedule(remind="never"), at("01-01 00:00"), NOW).at) == "never"
    )


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule("sometimes"),
        Schedule("0 8 * *"),
        Schedule("61 8 * * *"),
        Schedule("0 0 31 2 *"),
        Schedule("0 0 * * MON#9"),
        Schedule("* * * * * *"),
        Schedule("1" * 5000 + " * * * *"),
        Schedule("*/1/1" + "/1" * 5000 + " * * * *"),
        Schedule(zone="Europe/Nowhere"),
        Schedule(zone="../../etc/passwd"),
        Schedule(zone=""),
        Schedule(quiet="22-7"),
        Schedule(quiet="22:00"),
        Schedule(quiet="22:00-22:00"),
        Schedule(quiet="25:00-07:00"),
        Schedule(quiet="22:00Z-07:00Z"),
        Schedule(breaks="often"),
        Schedule(remind="yearly"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_one_short_sentence(schedule: Schedule) -> None:
    with pytest.raises(UsageProblem) as error:
        checked(schedule)
    assert len(str(error.value)) < 300


ZONES = ["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=700)).map(lambda d: at("01-01 00:00") + d)
EVERY = ["immediate", "hourly", "daily", "weekly", "30 2 * * *", "*/15 1-3 * * *", "0 0 1 * *"]
QUIET = ["", "22:00-07:00", "01:30-02:30", "12:00-13:00"]
SCHEDULES = st.builds(Schedule, st.sampled_from(EVERY), st.sampled_from(ZONES), st.sampled_from(QUIET))


@given(SCHEDULES, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_the_moment_that_is_told_is_when_it_becomes_due(schedule: Schedule, last: datetime, after: timedelta) -> None:
    now = last + after
    found = due(schedule, last, now)
    assert found.now is (found.at <= now)
    assert quiet_until(schedule, found.at) is None
    if not found.now:
        assert due(schedule, last, found.at).now
        before = due(schedule, last, found.at - timedelta(seconds=1))
        assert not before.now or schedule.every == "immediate"


@given(SCHEDULES, MOMENTS)
def test_a_run_every_ten_minutes_takes_each_day_of_a_daily_schedule_once(schedule: Schedule, start: datetime) -> None:
    daily = Schedule("daily", schedule.zone, schedule.quiet)
    zone = ZoneInfo(schedule.zone)
    last, days = start, []
    for n in range(1, 6 * 24 * 4):
        now = start + n * timedelta(minutes=10)
        if due(daily, last, now).now:
            days.append(now.astimezone(zone).date())
            last = now
    assert days == sorted(set(days))
    assert len(days) in (3, 4, 5)


@pytest.mark.parametrize(
    ("remind", "last", "expected"),
    [
        ("weekly", "04-15 08:00", "04-22 08:00"),
        ("monthly", "04-15 08:00", "05-15 08:00"),
        ("monthly", "01-31 08:00", "02-28 08:00"),
        ("monthly", "03-31 08:00", "04-30 08:00"),
        ("monthly", "01-29 08:00", "02-28 08:00"),
    ],
)
def test_a_reminder_comes_a_week_or_a_month_after_the_last(remind: str, last: str, expected: str) -> None:
    schedule = Schedule(remind=remind)
    assert reminder(schedule, at(last), at(last)).at == at(expected)
    assert not reminder(schedule, at(last), at(expected) - timedelta(seconds=1)).now
    assert reminder(schedule, at(last), at(expected)).now


def test_who_wants_no_reminder_gets_none() -> None:
    assert not reminder(Schedule(remind="never"), at("01-01 00:00"), at("12-31 00:00")).now


@pytest.mark.parametrize(
    ("mode", "critical", "exploited", "expected"),
    [
        ("both", True, False, True),
        ("both", False, True, True),
        ("both", False, False, False),
        ("critical", True, False, True),
        ("critical", False, True, False),
        ("kev", True, False, False),
        ("kev", False, True, True),
        ("never", True, True, False),
    ],
)
def test_what_is_critical_or_exploited_goes_out_at_once_if_that_is_wanted(
    mode: str, critical: bool, exploited: bool, expected: bool
) -> None:
    schedule = Schedule(breaks=mode)
    assert breaks(schedule, Kind.VULNERABILITY, critical=critical, exploited=exploited) is expected
    assert not breaks(schedule, Kind.BENCHMARK, critical=critical, exploited=exploited)
