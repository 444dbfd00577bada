"""Parts of the charts that templates draw.  Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's hosts of one level, as a rectangle."""

    level: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A line or mark on the chart's axes, and its label."""

    at: float
    text: str


def nice(most: int) -> int:
    """The top of an axis that holds a number, so that a quarter of it is a round number."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if 4 * digit * power >= most:
                return 4 * digit * power
        power *= 10
