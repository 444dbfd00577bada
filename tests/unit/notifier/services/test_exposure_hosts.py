"""The counts of a host's row are those of its advisories, each counted once with its worse verdict."""

from __future__ import annotations

from collections import Counter
from datetime import date

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.advisories.records import Advisory, Level, Severity
from feeds.verdicts.weighing import Status, Verdict
from notifier.assessment.findings import Finding
from notifier.assessment.matcher import Match
from notifier.domain.components import Component
from notifier.services.findings.exposure_hosts import HostGroups
from tests.support.samples import advisory

COMPONENTS = (
    Component("engine", "25.0.5"),
    Component("engine", "26.1.4"),
    Component("buildkit", "0.12.4"),
    Component("runc", "1.1.11"),
)
WORSE = (Status.AFFECTED, Status.CONFLICTING, Status.UNKNOWN, Status.NOT_AFFECTED)


def advisories() -> list[Advisory]:
    severities = (None, *Severity, Severity.HIGH)
    return [
        msgspec.structs.replace(advisory(n, severity=s), id=n, exploited=date(2026, 4, 2) if n % 2 else None)
        for n, s in enumerate(severities, 1)
    ]


ADVISORIES = advisories()
VERDICTS = st.dictionaries(
    st.tuples(st.integers(1, len(COMPONENTS)), st.integers(0, len(ADVISORIES) - 1)), st.sampled_from(Status), min_size=1
)


@settings(max_examples=60)
@given(VERDICTS, st.sets(st.integers(1, len(COMPONENTS)), min_size=1))
def test_a_row_counts_each_advisory_of_a_host_once(verdicts: dict[tuple[int, int], Status], held: set[int]) -> None:
    found: dict[int, list[Finding]] = {}
    expected: dict[int, Status] = {}
    for (number, place), status in sorted(verdicts.items()):
        match = Match(COMPONENTS[number - 1], ADVISORIES[place], Verdict(status, "a reason"))
        found.setdefault(number, []).append(Finding(number, match, 1))
        if number in held:
            expected[place] = min(status, expected.get(place, status), key=WORSE.index)
    numbers = tuple(n for n in held if n in found)
    if not numbers:
        return
    row = HostGroups(found, {}).row("web-1", {"env": "prod"}, numbers, frozenset())
    levels = [Level.of(ADVISORIES[place].severity) for place in expected]
    assert row.advisories == len(expected)
    assert row.kev == sum(ADVISORIES[place].exploited is not None for place in expected)
    assert row.verdicts == {s.value: Counter(expected.values())[s] for s in Status}
    assert row.severities == {level.value: levels.count(level) for level in Level}
    assert row.severity == max(levels, key=lambda level: level.rank).severity
    assert [(r.product, r.version) for r in row.versions] == [
        (c.product, c.version) for c in sorted(COMPONENTS[n - 1] for n in numbers)
    ]
