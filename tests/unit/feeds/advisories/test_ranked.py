"""The order in which the records of CVEs are asked for."""

from __future__ import annotations

from feeds.advisories.records import ranked_claims
from feeds.core.limits import CLAIMED
from tests.support.samples import record


def test_what_hosts_run_comes_first_in_turns_by_source_and_each_source_has_a_bound() -> None:
    flood = [record(f"CVE-2039-{10000 + n}", products=("runc",)) for n in range(CLAIMED + 5)]
    honest = [record("CVE-2024-1001", products=("compose",)), record("CVE-2024-1000", products=("runc",))]
    ranked = ranked_claims([flood, honest], {"engine", "runc"})
    assert ranked.index("CVE-2024-1000") == 1
    assert ranked.index("CVE-2024-1001") >= CLAIMED
    assert len(ranked) == CLAIMED + 2
    assert f"CVE-2039-{10000 + CLAIMED + 4}" == ranked[0]
    assert ranked_claims([honest], ())[0] == "CVE-2024-1001", "the newest"


def test_a_library_inside_the_engine_counts_as_run() -> None:
    found = [record("CVE-2024-1000", products=("compose",)), record("CVE-2023-1000", products=("buildkit",))]
    assert ranked_claims([found], {"engine"}) == ("CVE-2023-1000", "CVE-2024-1000")
