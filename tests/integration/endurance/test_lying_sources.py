"""A lying source, as a story: cut, emptied, not found, a month back, and back again; nobody is told what is not so.

`make lies` tells it of every source and every lie.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.endurance.lying import LIES, stories, worlds


@pytest.mark.long
def test_a_lying_source_takes_nothing_back_and_is_told_and_loses_and_repeats_nothing(tmp_path: Path) -> None:
    with worlds(tmp_path, corpus=False) as [demo]:
        chosen = ("docker-announcements", "moby-advisories", "tags", "cve-records")
        rows = list(stories(tmp_path / "stories", demo, lambda names: [n for n in names if n in chosen]))
    assert len(rows) == len(chosen) * len(LIES)
    assert {row.source: row.problems for row in rows if row.problems} == {}
    assert {row.state for row in rows} == {"healthy", "degraded", "failing"}
