"""Names of editions as people and tools write them, their order, and what each supersedes."""

from __future__ import annotations

import pytest

from feeds.advisories.cis_editions import edition_id, label, named, place
from feeds.advisories.records import Edition

GENERAL, LINE = Edition("1.6.0"), Edition("1.0.0", "1.6")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CIS Docker Benchmark v1.7.0", Edition("1.7.0")),
        ("CIS Docker Benchmark 1.6.0.", GENERAL),
        ("CIS Docker Benchmark, version 1.6", GENERAL),
        ("Based on the CIS Docker v1.8.0 L1", Edition("1.8.0")),
        ("CIS Benchmark for Docker v1.6.0", GENERAL),
        ("CIS Docker Community Edition Benchmark v1.1.0", Edition("1.1.0")),
        ("CIS_Docker_v1.2.0 - 4.1", Edition("1.2.0")),
        ("cis-docker-benchmark-1.6.0", GENERAL),
        # numbers that only engine lines have
        ("cis-docker-benchmark-1.12.0:1.5", Edition("1.0.0", "1.12")),
        ("CIS Docker 1.13.0 Benchmark v1.0.0", Edition("1.0.0", "1.13")),
        ("CIS Docker 1.13 Benchmark", Edition("1.0.0", "1.13")),
        ("CIS Docker 1.6 Benchmark v1.0.0", LINE),
        ("CIS Docker CE 17.06 Benchmark v1.1.0", Edition("1.1.0", engines=("17.06",))),
        # no edition is named
        ("CIS Docker Benchmark Profile", None),
        ("CIS Ubuntu Linux 22.04 Benchmark v1.0.0", None),
        ("CIS Kubernetes Benchmark v1.9.0 for Docker", None),
        ("CIS Docker Benchmark v99999999999999999999.1.2.3", None),
        ("", None),
    ],
)
def test_an_edition_is_read_from_its_name(text: str, expected: Edition | None) -> None:
    assert named(text) == expected


def test_editions_for_one_line_come_before_the_general_series() -> None:
    ordered = [LINE, *(Edition("1.0.0", f"1.{n}") for n in (11, 12, 13)), Edition("1.1.0"), GENERAL, Edition("1.10.0")]
    assert sorted(ordered[3:] + ordered[2::-1], key=place) == ordered


def test_a_label_names_the_edition_that_it_is_read_as() -> None:
    for one in (GENERAL, LINE, Edition("1.0.0", "1.13"), Edition("1.10.2")):
        assert named(label(one)) == one
        assert edition_id(one.line, one.version).startswith("cis-docker-")
