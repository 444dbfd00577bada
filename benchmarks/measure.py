"""Timing two things against each other: in turn, so that a noisy machine is noisy for both.

Which one goes first alternates, because what one leaves behind (pages to be written, a warm cache) the next one meets.
Of each side the lower quartile counts: noise only ever adds time, and the fastest round may be a lucky one.
"""

from __future__ import annotations

import gc
import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Ratio:
    """How long one thing takes beside its floor: the lower quartile of each, in seconds, and their ratio."""

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
            f" {_ms(self.seconds)} against {_ms(self.floor)}"
        )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.{0 if seconds > 0.01 else 2}f} ms"


ROUNDS = 9
"""How often each side is timed, where nothing else is said."""


def compare(
    name: str,
    one: Callable[[], object],
    floor: Callable[[], object],
    *,
    limit: float,
    rounds: int = ROUNDS,
    before: Callable[[], object] = lambda: None,
) -> Ratio:
    """Time two things in turn, after one round that does not count; `before` each time makes the first ready."""
    pairs = []
    for number in range(rounds + 1):
        before()
        pairs.append(in_turn(number, lambda: timed(one), lambda: timed(floor)))
    return quartiles(name, pairs[1:], limit)


def in_turn(number: int, one: Callable[[], T], other: Callable[[], T]) -> tuple[T, T]:
    """What two things give; in every second round the other one goes first."""
    if number % 2:
        later = other()
        return one(), later
    return one(), other()


def quartiles(name: str, pairs: Sequence[tuple[float, float]], limit: float) -> Ratio:
    """What the times of a thing and of its floor come to."""
    one, floor = (lower_quartile(times) for times in zip(*pairs, strict=True))
    return Ratio(name, one, floor, one / floor, limit)


def lower_quartile(times: Sequence[float]) -> float:
    """The time that a quarter of the rounds did not exceed."""
    return sorted(times)[(len(times) - 1) // 4]


def timed(thing: Callable[[], object]) -> float:
    """The seconds that a thing takes; it need not clear away what another left."""
    gc.collect()
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
