"""When a subscription's news is sent: (schedule, last time, now) -> due, or the next moment.  Pure.

Times of day are those of the schedule's zone.  What a change to or from summer time skips or repeats is
handled as Debian's cron does: a moment that the clocks skip comes right after, one that comes twice is
taken once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from cronsim import CronSim, CronSimError

from feeds.advisories.records import Kind
from feeds.core.errors import UsageProblem

EVERY = {"hourly": "0 * * * *", "daily": "0 8 * * *", "weekly": "0 8 * * MON"}
"""The named schedules as cron has them; "immediate" is at every run."""
IMMEDIATE = "immediate"
BREAKS = ("critical", "kev", "both", "never")
REMINDERS = ("weekly", "monthly", "never")
_LONGEST = 100
_NEVER = datetime.max.replace(tzinfo=UTC)


class Schedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """When news is sent: `every` is immediate, hourly, daily, weekly or a cron expression, in `zone`.

    `quiet` ("22:00-07:00") are hours in which nothing is sent; `breaks` says what is sent at once; `remind` how
    often to list what is still open.  `checked` makes one.
    """

    every: str = IMMEDIATE
    zone: str = "UTC"
    quiet: str = ""
    breaks: str = "both"
    remind: str = "monthly"


@dataclass(frozen=True, slots=True)
class Due:
    """Whether it is time; if not, when it will be, and why not before."""

    now: bool
    at: datetime
    reason: str = ""


def checked(schedule: Schedule) -> Schedule:
    """The schedule, if every part of it can be understood; UsageProblem says which cannot."""
    if schedule.zone not in available_timezones():
        raise UsageProblem(f"unknown time zone {schedule.zone!r}", remedy="Write it like Europe/Berlin, or UTC")
    if schedule.breaks not in BREAKS:
        raise UsageProblem(f"{schedule.breaks!r} is not one of {', '.join(BREAKS)}")
    if schedule.remind not in REMINDERS:
        raise UsageProblem(f"{schedule.remind!r} is not one of {', '.join(REMINDERS)}")
    if schedule.quiet:
        _quiet(schedule.quiet)
    if schedule.every != IMMEDIATE and _tick(schedule, datetime(2026, 1, 1, tzinfo=UTC)) is None:
        raise UsageProblem(f"the schedule {schedule.every!r} never matches")
    return schedule


def due(schedule: Schedule, last: datetime | None, now: datetime) -> Due:
    """Whether news is due now; `last` is when it last was.

    None is never yet: the welcome does not wait for the schedule, only for the end of quiet hours.
    """
    at, reason = now, ""
    if last is not None and schedule.every != IMMEDIATE:
        tick = _tick(schedule, last)
        if tick is None:
            return Due(now=False, at=_NEVER, reason="its schedule never comes")
        if tick > now:
            at, reason = tick, f"its schedule is {schedule.every}"
    ends = quiet_until(schedule, at)
    if ends is not None:
        at, reason = ends, f"{schedule.quiet} are quiet hours"
    return Due(now=at <= now, at=at, reason=reason)


def shown(schedule: Schedule, at: datetime) -> str:
    """A moment in the schedule's zone, with the zone's name: "2026-04-16 08:00 Europe/Berlin"."""
    if at == _NEVER:
        return "never"
    return f"{at.astimezone(ZoneInfo(schedule.zone)):%Y-%m-%d %H:%M} {schedule.zone}"


def reminder(schedule: Schedule, last: datetime, now: datetime) -> Due:
    """Whether a reminder of what is still open is due, when the last one (or the welcome) was at `last`."""
    if schedule.remind == "never":
        return Due(now=False, at=_NEVER, reason="reminders are off")
    at = last + timedelta(days=7) if schedule.remind == "weekly" else _month_after(last)
    return Due(now=at <= now, at=at, reason="" if at <= now else f"reminders are {schedule.remind}")


def breaks(schedule: Schedule, kind: Kind, *, critical: bool, exploited: bool) -> bool:
    """Whether an item is sent at once, whatever the schedule and the hour."""
    if kind is not Kind.VULNERABILITY:
        return False
    by_severity = critical and schedule.breaks in ("critical", "both")
    return by_severity or (exploited and schedule.breaks in ("kev", "both"))


def quiet_until(schedule: Schedule, at: datetime) -> datetime | None:
    """When the quiet hours end in which a moment lies; None if it lies in none."""
    if not schedule.quiet:
        return None
    begin, end = _quiet(schedule.quiet)
    zone = ZoneInfo(schedule.zone)
    local = at.astimezone(zone)
    for day in (local.date() - timedelta(days=1), local.date()):
        starts = datetime.combine(day, begin, zone).astimezone(UTC)
        ends = datetime.combine(day + timedelta(days=end <= begin), end, zone).astimezone(UTC)
        if starts <= at < ends:
            return ends
    return None


@cache
def _quiet(text: str) -> tuple[time, time]:
    begin, dash, end = text.partition("-")
    try:
        found = time.fromisoformat(begin.strip()), time.fromisoformat(end.strip())
    except ValueError:
        found = None
    if not dash or found is None or found[0] == found[1] or any(t.tzinfo for t in found):
        raise UsageProblem(f"{text!r} is not valid for quiet hours", remedy="Write them like 22:00-07:00")
    return found


def _tick(schedule: Schedule, after: datetime) -> datetime | None:
    """The schedule's first moment after another; None if there is none."""
    text = EVERY.get(schedule.every, schedule.every)
    remedy = 'Write immediate, hourly, daily, weekly, or a cron expression like "30 7 * * MON-FRI"'
    if len(text) > _LONGEST or len(text.split()) != 5:
        raise UsageProblem(f"the schedule {text[:_LONGEST]!r} is not a cron expression of five fields", remedy=remedy)
    try:
        moments = CronSim(text, after.astimezone(ZoneInfo(schedule.zone)))
    except (CronSimError, ValueError) as error:
        raise UsageProblem(f"the schedule {text!r} is not valid: {error}", remedy=remedy) from None
    for moment in moments:
        found = moment.astimezone(UTC)
        if found > after:
            return found
    return None


def _month_after(at: datetime) -> datetime:
    """The same day and hour of the next month, or its last day where it has no such day."""
    following = at.replace(day=1) + timedelta(days=32)
    for day in range(at.day, 27, -1):
        try:
            return following.replace(day=day)
        except ValueError:
            continue
    return following.replace(day=at.day)
