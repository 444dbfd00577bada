"""The findings opened and closed by week, as the geometry of a chart.  Pure; templates draw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from notifier.rendering.geometry import Bar, Tick, nice
from notifier.schemas.trend import TrendWeek

_WIDTH, _HEIGHT, _RIGHT, _TOP, _BOTTOM, _MARGIN = 960, 220, 56, 10, 26, 4
_LEAST = 6
"""Minimum number of weeks that fill the width, so that few weeks do not become wide bars."""
_LABELS = 7


@dataclass(frozen=True, slots=True)
class WeekChart:
    """Two bars for each week: what was opened, and what was closed."""

    width: int
    height: int
    right: int
    bottom: int
    bars: tuple[Bar, ...]
    """The level of a bar is `opened` or `closed`."""
    rows: tuple[Tick, ...]
    days: tuple[Tick, ...]
    weeks: tuple[TrendWeek, ...]
    """The weeks, newest first, for the table."""


def week_chart(weeks: Sequence[TrendWeek]) -> WeekChart | None:
    """The chart of some weeks, oldest first; None if there are none."""
    if not weeks:
        return None
    bottom, span = _HEIGHT - _BOTTOM, max(len(weeks), _LEAST)
    step = (_WIDTH - _RIGHT - _MARGIN) / span
    begin = _MARGIN + (span - len(weeks)) * step
    top = nice(max(1, *(max(w.opened, w.closed) for w in weeks)))
    scale = (bottom - _TOP) / top
    width = min(step * 0.36, 30.0)
    bars = []
    for place, week in enumerate(weeks):
        middle = begin + (place + 0.5) * step
        for level, count, x in (("opened", week.opened, middle - width - 1), ("closed", week.closed, middle + 1)):
            if count:
                height = count * scale
                bars.append(Bar(level, round(x, 2), round(bottom - height, 2), round(width, 2), round(height, 2)))
    every = -(-len(weeks) // _LABELS)
    return WeekChart(
        _WIDTH,
        _HEIGHT,
        _WIDTH - _RIGHT,
        bottom,
        tuple(bars),
        tuple(Tick(round(bottom - value * scale, 2), f"{value:,}") for value in range(0, top + 1, max(top // 4, 1))),
        tuple(
            Tick(round(begin + (n + 0.5) * step, 2), week.week.isoformat())
            for n, week in enumerate(weeks)
            if (len(weeks) - 1 - n) % every == 0
        ),
        tuple(reversed(weeks)),
    )
