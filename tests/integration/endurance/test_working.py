from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.conftest import running_postgres
from tests.integration.endurance.working import trouble, working


@pytest.mark.long
def test_workers_that_die_and_a_database_that_goes_away_lose_nothing(tmp_path: Path) -> None:
    with running_postgres("workers-") as server, working(server, tmp_path / "home", 8, hasty=True) as found:
        trouble(found, 2, 1, 5.0, database=True)
        numbers = found.check()
        # one that was started just now has no handler for the signal yet
        assert set(found.end()) <= {0, -signal.SIGTERM}
    assert numbers["kills"] == 2
    assert numbers["messages"] >= 8
