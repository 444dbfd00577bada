"""A list that shrinks little by little is compared with the longest of the last weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from feeds.sources.health import Polled, remembered, shortfalls

START = datetime(2026, 4, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def shrinking(hours: int, share: float, every: int = 1) -> tuple[int, list[str]]:
    """Poll a list of 1,000 that loses a share a day; after how many hours that is noticed, and in which words."""
    history: list[Polled] = []
    for hour in range(0, hours, every):
        count = round(1000 * (1 - share) ** (hour / 24))
        if said := list(shortfalls("a", count, history, (), steady=True)):
            return hour, said
        now = START + hour * HOUR
        history = remembered([*history, Polled(now, 1, 0, count)], now)
        assert len(history) < 40
    return hours, []


@pytest.mark.parametrize("every", [1, 12, 24])
def test_a_list_that_loses_a_few_per_cent_a_day_is_noticed_before_a_quarter_is_gone_for_long(every: int) -> None:
    hour, [said] = shrinking(24 * 90, 0.03, every)
    assert hour < 24 * 12
    assert "and had 1000 within four weeks: it shrinks little by little" in said


def test_a_list_that_shrinks_slowly_enough_is_healthy_and_old_peaks_are_forgotten() -> None:
    assert shrinking(24 * 120, 0.005) == (24 * 120, [])


def test_what_the_inventory_decides_about_may_shrink() -> None:
    history = [Polled(START + n * HOUR, 1, 0, 1000 - 100 * n) for n in range(6)]
    assert not list(shortfalls("a", 400, history, ()))
    assert list(shortfalls("a", 400, history, (), steady=True))
