"""What is believed of an answer that lists nothing, without a poll."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from feeds.crawl.protocol import FetchResult, FetchStatus
from feeds.services.source_health import Answers, How, judge
from feeds.sources.health import SourceHealth, SourceState
from feeds.storage.database import Database
from tests.support.samples import NOW, publish, record


def first_poll(database: Database, forms: Sequence[str], *, accept: bool = False) -> SourceState:
    """The state of OSV after a first poll in which every answer was {}."""
    outcomes = [
        FetchResult(
            source="osv", url=f"https://osv/#{f}", form=f, complete=True, result=FetchStatus.READ, at=NOW, items=()
        )
        for f in forms
    ]
    with database.begin() as connection:
        how = How(NOW, accept=accept, must_have=())
        return judge(connection, Answers("osv", outcomes, [], ""), None, how)[0]


@pytest.mark.parametrize(
    ("named", "forms", "expected"),
    [
        (3, ["Debian:12/docker.io"], SourceHealth.DEGRADED),
        (3, ["Debian:12/docker.io", "Debian:12/runc"], SourceHealth.DEGRADED),
        (2, ["Debian:12/docker.io"], SourceHealth.HEALTHY),
        (3, ["Debian:12/runc"], SourceHealth.HEALTHY),
    ],
)
def test_distributions_that_list_nothing_are_believed_unless_others_name_flaws_of_their_packages(
    database: Database, named: int, forms: list[str], expected: SourceHealth
) -> None:
    publish(database, *(record(f"CVE-2031-{1000 + n}") for n in range(named)), source="moby-advisories")
    state = first_poll(database, forms)
    assert state.state is expected
    if expected is SourceHealth.DEGRADED:
        assert "it lists nothing, and moby-advisories names what it should list" in state.message
        assert "`navtex poll --accept osv`" in state.message


def test_an_empty_list_that_is_accepted_stays_healthy(database: Database) -> None:
    publish(database, *(record(f"CVE-2031-{1000 + n}") for n in range(3)), source="moby-advisories")
    assert first_poll(database, ["Debian:14/docker.io"], accept=True).state is SourceHealth.HEALTHY
    assert first_poll(database, ["Debian:14/docker.io"]).state is SourceHealth.HEALTHY
