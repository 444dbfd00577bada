"""Open findings by severity and age, as the geometry of a chart.  Pure; templates draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from notifier.rendering.report import Chart, ReportDay, chart
from notifier.schemas.trend import OpenAge, Trend

_WIDTH, _LABEL, _END = 960, 92, 64
_ROW, _BAR = 30, 20
AGES: Final = (("week", "up to 7 days"), ("month", "8 to 30 days"), ("quarter", "31 to 90 days"), ("older", "older"))
"""The groups of ages, by their field, and in words."""


@dataclass(frozen=True, slots=True)
class AgeSegment:
    """The findings of one severity and group of ages, as a rectangle, and in words."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class AgeChart:
    """A bar for each severity, and the labels."""

    width: int
    height: int
    bars: tuple[AgeSegment, ...]
    labels: tuple[tuple[float, float, str], ...]
    """x, y and text."""


def host_history(trend: Trend) -> Chart | None:
    """Hosts by worst severity over the days; None if no day is recorded."""
    return chart(
        ReportDay(one.day, one.hosts, {name: getattr(one.levels, name) for name in one.levels.__struct_fields__})
        for one in trend.days
    )


def age_chart(ages: tuple[OpenAge, ...]) -> AgeChart | None:
    """A bar for each severity, parted by the age of what is open; None if nothing is."""
    rows = [one for one in ages if one.findings]
    if not rows:
        return None
    scale = (_WIDTH - _LABEL - _END) / max(one.findings for one in rows)
    bars, labels = [], []
    for place, one in enumerate(rows):
        y, x = place * _ROW + (_ROW - _BAR) / 2, float(_LABEL)
        labels.append((0.0, y + _BAR - 5, str(one.level)))
        for field, words in AGES:
            number = getattr(one, field)
            width = number * scale
            if number:
                bars.append(
                    AgeSegment(field, round(x, 2), y, round(width, 2), _BAR, f"{one.level}, {words}: {number:,}")
                )
            x += width
        labels.append((round(x + 6, 2), y + _BAR - 5, f"{one.findings:,}"))
    return AgeChart(_WIDTH, len(rows) * _ROW, tuple(bars), tuple(labels))
