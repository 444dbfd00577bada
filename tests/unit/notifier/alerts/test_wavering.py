"""What wavers is told once: a source that goes to and fro makes three digests, and then none until it is still."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
import pytest

from feeds.advisories.records import Severity
from feeds.verdicts.weighing import Status
from notifier.alerts.digest import CORRECTION, NEW, UPDATE, DigestItem, Group
from notifier.alerts.news import NewsInput, Told, news
from notifier.alerts.wavering import STILL, WORDS
from notifier.domain.filters import Filters
from notifier.domain.hosts import Hosts
from tests.support.samples import DAY, START, advisory, concern

ABOUT = advisory(1, severity=Severity.HIGH)
VERSIONS = {1: "25.0.5", 2: "26.1.4"}


class Subscriber:
    """Somebody whose news are made day after day; what was told is remembered as a store does."""

    def __init__(self) -> None:
        self.told: dict[int, Told] = {}

    def __call__(
        self, day: float, affected: Iterable[int], *, withdrawn: bool = False, **values: object
    ) -> list[DigestItem]:
        now = START + day * DAY
        about = msgspec.structs.replace(ABOUT, withdrawn=now if withdrawn else None, **values)
        affected = set(affected)
        concerns = [concern(n, about, VERSIONS[n]) for n in sorted(affected) if not withdrawn]

        def judge(_: object, number: int) -> Group | None:
            if number in affected and not withdrawn:
                return None
            return Group("engine", VERSIONS[number], "", Hosts(1, ("web-1",)), Status.NOT_AFFECTED, "x")

        found = news(concerns, [about], NewsInput(self.told, START, now, judge=judge), Filters())
        for facets, digest in ((found.noted, ""), (found.facets, "digest")):
            for number, state in facets.items():
                before = self.told.get(number)
                self.told[number] = Told(state, now, START, digest or (before.digest if before else ""), "digest")
        return found.items


def kinds(days: Iterable[list[DigestItem]]) -> list[str]:
    return ["+".join(i.change for i in items) for items in days]


@pytest.mark.parametrize("way", ["not affected", "withdrawn"])
def test_what_is_taken_back_and_comes_again_is_told_three_times_and_then_not(way: str) -> None:
    tell = Subscriber()
    days = []
    for day in range(8):
        odd = day % 2 == 1
        days.append(tell(day, () if odd and way == "not affected" else (1,), withdrawn=odd and way == "withdrawn"))
    assert kinds(days) == [NEW, CORRECTION, UPDATE, "", "", "", "", ""]
    assert days[2][0].changes[-1] == WORDS
    assert days[2][0].count == 1


def test_an_alternating_range_is_told_once_and_both_versions_count() -> None:
    tell = Subscriber()
    days = [tell(day, (1 + day % 2,)) for day in range(8)]
    assert kinds(days[:2]) == [NEW, f"{UPDATE}+{CORRECTION}"]
    assert kinds(days[2:]) == [UPDATE, "", "", "", "", ""]
    assert tell.told[1].facets.components == {1: Status.AFFECTED, 2: Status.AFFECTED}


@pytest.mark.parametrize(("last", "told"), [((1,), ""), ((), CORRECTION)])
def test_what_has_been_still_for_a_week_is_told_as_it_is(last: tuple[int, ...], told: str) -> None:
    tell = Subscriber()
    for day in range(6):
        tell(day, (1,) if day % 2 == 0 else ())
    still = [tell(6 + day, last) for day in range(9)]
    at = next(n for n in range(9) if START + (6 + n) * DAY - _changed(last) >= STILL)
    assert kinds(still) == [told if n == at else "" for n in range(9)]
    assert tell.told[1].facets.wavering is None
    assert kinds([tell(20, (1,))]) == [UPDATE if told else ""]


def _changed(last: tuple[int, ...]) -> datetime:
    """When what is said last began: the fifth day was without."""
    return START + (6 if last else 5) * DAY


def test_a_real_escalation_is_told_though_it_wavers() -> None:
    tell = Subscriber()
    for day in range(6):
        tell(day, (1,) if day % 2 == 0 else ())
    [item] = tell(6, (1,), severity=Severity.CRITICAL)
    assert item.changes == ("severity raised from high to critical",)
    [item] = tell(6.5, (1, 2), severity=Severity.CRITICAL)
    assert item.changes == ("newly affected hosts",)


def test_turns_that_are_more_than_a_week_apart_are_told_one_by_one() -> None:
    tell = Subscriber()
    days = [tell(day * 8, (1,) if day % 2 == 0 else ()) for day in range(4)]
    assert kinds(days) == [NEW, CORRECTION, UPDATE, CORRECTION]
    assert days[2][0].changes == ("newly affected hosts",)
