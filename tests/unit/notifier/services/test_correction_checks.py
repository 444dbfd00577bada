from __future__ import annotations

import pytest

from feeds.advisories.records import Rank, Read
from notifier.schemas.doctor import CheckResult
from notifier.services.upkeep.correction_checks import corrections
from tests.support.records import catalogue, claim, read

AGREES = read(claim("< 25.0.16", "25.0.16"), source="moby-advisories")
DIFFERS = read(claim("< 29.3.1", "29.3.1"), source="moby-advisories")


def correction(source: str) -> Read:
    return read(claim("", "25.0.16", partial=True, rank=Rank.CORRECTION), source=source)


def found(*reads: Read, all_read: bool = True) -> list[CheckResult]:
    return list(corrections(catalogue(*reads), all_read=all_read))


def test_an_own_correction_that_changes_no_verdict_is_to_be_removed() -> None:
    in_force, needless = found(AGREES, correction("corrections-own"))
    assert (in_force.level, in_force.what) == ("ok", "1 reviewed correction is in force")
    assert (needless.level, needless.remedy) == ("note", "Remove what is not needed from your file")
    assert needless.what.startswith("1 of your corrections is no longer needed")
    assert needless.what.endswith(": CVE-2026-1001 (engine)")


def test_a_shipped_one_asks_nothing_of_anybody() -> None:
    _, needless = found(AGREES, correction("corrections"))
    assert (needless.level, needless.remedy) == ("ok", "")
    assert needless.what == "1 of Navtex's own corrections agrees with the published data: CVE-2026-1001 (engine)"


@pytest.mark.parametrize("source", ["corrections", "corrections-own"])
def test_a_correction_is_needed_while_the_published_data_differs_or_is_not_known(source: str) -> None:
    assert len(found(DIFFERS, correction(source))) == 1
    assert len(found(AGREES, correction(source), all_read=False)) == 1


def test_without_corrections_nothing_is_said() -> None:
    assert found(AGREES) == []
