"""An entry whose names, ratings or titles go to and fro from poll to poll is told once for each of its names."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from feeds.advisories.records import Severity
from feeds.storage.database import Database
from tests.support.samples import DAY, START, install, names, publish, record, run, subscribe

GHSA, CVE = "GHSA-2222-2222-2222", "CVE-2026-1001"


@pytest.mark.both
def test_an_alias_that_comes_and_goes_is_told_once_and_its_numbers_stay(database: Database, tmp_path: Path) -> None:
    install(database, web_1="25.0.5")
    subscribe(database, f"file://{tmp_path}/out")
    told = []
    for day in range(7):
        aliases = () if day % 2 else (CVE,)
        publish(database, record(GHSA, aliases=aliases), at=START + day * DAY, source="maker")
        publish(database, record(CVE), at=START + day * DAY, source="authority")
        told.append([n for digest in run(database, START + day * DAY).digests for n in names(digest.items)])
    assert told == [[CVE], [GHSA], [], [], [], [], []]


@pytest.mark.parametrize("change", ["severity", "title", "both"])
def test_a_rating_and_a_title_that_alternate_are_told_once(database: Database, tmp_path: Path, change: str) -> None:
    install(database, web_1="25.0.5")
    subscribe(database, f"file://{tmp_path}/out")
    told = []
    for day in range(6):
        odd = bool(day % 2)
        said = record(CVE, severity=Severity.CRITICAL if odd and change != "title" else Severity.LOW)
        said = replace(said, title=f"A flaw {odd and change != 'severity'}")
        publish(database, said, at=START + day * DAY, source="maker")
        told.append([c for digest in run(database, START + day * DAY).digests for i in digest.items for c in i.changes])
    raised = [] if change == "title" else ["severity raised from low to critical"]
    assert told == [[], raised, [], [], [], []]
