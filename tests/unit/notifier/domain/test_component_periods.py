"""Since when an advisory has affected a host."""

from __future__ import annotations

from datetime import date

import pytest

from notifier.domain.component_periods import ComponentPeriod, first_exposed


def day(number: int) -> date:
    return date(2026, 6, number)


def moved(*periods: tuple[int, int]) -> ComponentPeriod:
    """A host that came to each component on each day of the month, one after the other."""
    made: ComponentPeriod | None = None
    for component, since in periods:
        made = ComponentPeriod(component, day(since), made)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("period", "known", "expected"),
    [
        pytest.param(moved((1, 5)), {1: 2}, 5, id="a host that joined later counts from its own arrival"),
        pytest.param(moved((1, 5)), {1: 9}, 9, id="an advisory that came later counts from the day it was known"),
        pytest.param(moved((1, 5)), {}, None, id="not affected"),
        pytest.param(moved((1, 5), (2, 9)), {1: 2, 2: 2}, 5, id="an upgrade that fixes nothing does not start anew"),
        pytest.param(moved((1, 5), (2, 9), (3, 12)), {1: 7, 2: 2, 3: 2}, 7, id="over several versions"),
        pytest.param(moved((1, 5), (2, 9), (3, 12)), {1: 2, 3: 2}, 12, id="a version between was not affected"),
        pytest.param(moved((1, 5), (2, 9)), {1: 2, 2: 15}, 15, id="found to be affected after the move"),
        pytest.param(moved((1, 5), (2, 9)), {1: 15, 2: 2}, 9, id="the earlier version was found affected afterwards"),
    ],
)
def test_exposure_counts_from_its_unbroken_beginning(
    period: ComponentPeriod, known: dict[int, int], expected: int | None
) -> None:
    found = first_exposed(period, lambda component: day(known[component]) if component in known else None)
    assert found == (day(expected) if expected else None)
