"""Timing whole programs against each other: in turn, so that a noisy machine is noisy for both."""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """How long one thing takes beside its floor: medians in seconds, and the median of the ratios pair by pair."""

    name: str
    seconds: float
    floor: float
    ratio: float
    limit: float
    """Infinite where it is only told."""

    @property
    def held(self) -> bool:
        """Whether the limit holds."""
        return self.ratio <= self.limit

    def __str__(self) -> str:
        limited = math.isfinite(self.limit)
        mark = ("ok  " if self.held else "OVER") if limited else "    "
        return (
            f"{mark}  {self.name}: {self.ratio:.2f} times its floor{f' (at most {self.limit:g})' if limited else ''};"
            f" {self.seconds * 1000:.0f} ms against {self.floor * 1000:.0f} ms"
        )


def compare(
    name: str,
    one: Callable[[], object],
    floor: Callable[[], object],
    *,
    limit: float,
    rounds: int = 7,
    before: Callable[[], object] = lambda: None,
) -> Ratio:
    """Time two things in turn, after one round that does not count; `before` each time makes the first ready."""
    pairs = []
    for _ in range(rounds + 1):
        before()
        pairs.append((_timed(one), _timed(floor)))
    return median_pair(name, pairs[1:], limit)


def median_pair(name: str, pairs: Sequence[tuple[float, float]], limit: float) -> Ratio:
    """What pairs of times, of a thing and of its floor, come to."""
    return Ratio(
        name,
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
        limit,
    )


def _timed(thing: Callable[[], object]) -> float:
    start = time.perf_counter()
    thing()
    return time.perf_counter() - start


def program(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Callable[[], object]:
    """A program to run, whose output is thrown away; it must succeed."""

    def run() -> object:
        return subprocess.run(command, check=True, capture_output=True, env=environment)

    return run


def report(ratios: Sequence[Ratio]) -> None:
    """Print them, and exit with 1 when a limit does not hold."""
    for ratio in ratios:
        print(ratio)
    sys.exit(0 if all(r.held for r in ratios) else 1)
