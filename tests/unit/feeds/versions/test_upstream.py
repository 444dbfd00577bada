from __future__ import annotations

import csv
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from univers.versions import GolangVersion, SemverVersion

from feeds.core.errors import VersionError
from feeds.versions.upstream import LOWEST, Key, branch, is_development, is_version, key, read
from tests.support.depth import examples

number = st.integers(0, 130)
stages = ("dev", "tp", "alpha", "beta", "rc")
numbers = st.lists(number, min_size=1, max_size=5).map(lambda ns: ".".join(map(str, ns)))
stage = st.builds(lambda word, n: f"-{word}{n}", st.sampled_from(stages), number) | st.just("")
pseudo = st.just(".0.20200122160610-2fc03e301c45") | st.just("")
versions = st.builds("".join, st.tuples(numbers, stage)) | st.builds(lambda n, p: f"{n}-rc1{p}", numbers, pseudo)
semantic = st.builds(
    lambda ns, rc: ".".join(map(str, ns)) + (f"-rc.{rc}" if rc is not None else ""),
    st.tuples(number, number, number),
    st.none() | number,
)


def order(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


@pytest.mark.parametrize(
    "rising",
    [
        "0.7-birthday 0.7.0 0.7.1 1.0.0 1.0.1 1.1.0",
        "1.6.2 1.9.1 1.10.3 1.13.1 17.03.2-ce 17.12.1-ce 18.06.3-ce 18.09.9 19.03.15 20.10.27 23.0.18 29.7.2",
        "18.09.0-ce-tp5 18.09.0-ce-beta1 18.09.0-ce-rc1 18.09.0-ce",
        "1.0.0-rc1 1.0.0-rc9 1.0.0-rc10 1.0.0-rc90 1.0.0-rc93 1.0.0-rc95 1.0.0 1.0.1",
        "1.0.0-rc9 1.0.0-rc9.0.20200122160610-2fc03e301c45 1.0.0-rc10",
        "17.12.0-ce-rc1 17.12.0-ce-rc1.0.20200309214505-aa6a9891b09c+incompatible 17.12.0-ce-rc2",
        "1.2.3 1.2.4-0.20210101000000-0123456789ab 1.2.4-rc.1 1.2.4",
        "0.0.0-20180101000000-0123456789ab 0.0.1",
        "29-dev 29.0.0-rc.1 29.0.0",
        "2.0.0-beta.9 2.0.0-beta.14 2.0.0-rc.1",
        "28.0.0-rc.3 28.0.0-rc.3.1 28.0.0-rc.4",
        "4.9.0 4.10.0 4.34.2.1 4.34.3",
        "26.0.0-rc3-desktop 26.0.0",
    ],
)
def test_releases_come_in_the_order_of_their_life(rising: str) -> None:
    spelt = rising.split()
    assert sorted(sorted(spelt), key=key) == spelt
    assert all(key(a) < key(b) for a, b in pairwise(spelt))


@pytest.mark.parametrize(
    "spellings",
    [
        "17.03.2 17.3.2 17.03.2-ce 17.03.2-ee 17.03.2.ce 17.03.2_ce 17.03.2~ce v17.03.2-ce docker-v17.03.2-ce docker://17.3.2",
        "29.5.1 v29.5.1 V29.5.1 docker-29.5.1 docker-v29.5.1 docker://29.5.1 29.5.1-ce 29.5.1+azure-1 29.5.1-desktop.1",
        "20.10.24 20.10.24+dfsg1 20.10.24+dfsg1-1+deb12u1+b6 20.10.24-0ubuntu1~22.04.1 20.10.24~ds1-4 20.10.24.0",
        "1.13.1 1.13.1~ds3-4 1.13.1-108.git4ef4b30.el7 1.13.1.0.0",
        "1.0.0-rc93 1.0.0-rc.93 1.0.0rc93 1.0.0~rc93+ds1-5+deb11u5 v1.0.0-RC93",
        "18.06.0 18.06.0-ce-win72 18.06.0-ce-mac70",
        "18.06.0-rc3 18.06.0-ce-rc3 18.06.0~ce~rc3-0~debian 18.06.0-ce-rc3-win68",
        "1.12.6 1.12.6-cs13 1.12.6-0",
        "1.0 1.0.0 1",
        "1.0.0 1.0.0-alpine 1.0.0-rcx",
    ],
)
def test_every_spelling_of_a_release_is_the_same_release(spellings: str) -> None:
    first, *others = spellings.split()
    assert {s: key(s) for s in others} == dict.fromkeys(others, key(first))


@given(versions, st.sampled_from(["", "v", "docker-v", "docker-", "docker://"]), st.sampled_from(["", " ", "\n"]))
@settings(deadline=None)
def test_a_prefix_and_white_space_change_nothing(version: str, prefix: str, space: str) -> None:
    assert key(f"{space}{prefix}{version}{space}") == key(version)


@given(numbers, st.sampled_from(["-ce", "-ee", "+dfsg1", "~ds1", "-0ubuntu1", "+incompatible", "-win72", "-1.el9"]))
@settings(deadline=None)
def test_what_is_appended_to_a_release_changes_nothing(version: str, appended: str) -> None:
    assert key(version + appended) == key(version)
    assert read(version + appended).final


@given(st.lists(number, min_size=2, max_size=3), st.integers(0, 1))
@settings(deadline=None)
def test_a_month_keeps_its_zero_in_speech_and_loses_it_in_comparison(parts: list[int], at: int) -> None:
    padded = ".".join(f"{n:02}" if i == at else str(n) for i, n in enumerate(parts))
    assert key(padded) == key(".".join(map(str, parts)))


@given(versions, versions, versions)
@settings(deadline=None, max_examples=examples(300))
def test_the_order_is_total(one: str, other: str, third: str) -> None:
    a, b, c = sorted((one, other, third), key=key)
    assert key(a) <= key(b) <= key(c)
    assert key(a) <= key(c)
    assert order(key(one), key(other)) == -order(key(other), key(one))
    assert len(key(one)) == len(key(other))
    assert key(one) > LOWEST


@given(semantic, semantic)
@settings(deadline=None, max_examples=examples(400))
def test_plain_numbers_are_ordered_as_semantic_versioning_says(one: str, other: str) -> None:
    expected = order(SemverVersion(one), SemverVersion(other))
    assert order(key(one), key(other)) == expected
    assert order(GolangVersion(f"v{one}"), GolangVersion(f"v{other}")) == expected


@given(versions)
@settings(deadline=None)
def test_the_base_of_a_version_is_the_same_version(version: str) -> None:
    if "2020" not in version:
        assert key(read(f"docker-v{version}").base) == key(version)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("20.10.24+dfsg1-1+deb12u1+b6", "20.10.24"),
        ("docker-v29.5.1", "29.5.1"),
        ("17.03.2-ce", "17.03.2"),
        ("18.09.0-ce-tp5", "18.09.0-tp5"),
        ("v1.4.0-rc.3", "1.4.0-rc.3"),
        ("1.0.0~rc93+ds1-5", "1.0.0-rc93"),
    ],
)
def test_the_base_is_what_the_project_itself_writes(text: str, base: str) -> None:
    assert read(text).base == base


def test_a_version_tells_its_edition_its_stage_and_what_was_appended() -> None:
    found = read("17.12.0-ce-rc2+azure")
    assert (found.edition, found.stage, found.build, found.final) == ("ce", "rc", "+azure", False)
    assert "17.12.0-ce-rc2" in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "v",
        "latest",
        "dev",
        "library-import",
        "-1.0",
        ".5",
        "1.2.3.4.5.6",
        "1000000000000000",
        "29.5.1, build 1a2b3c4",
        "4.71.3 (225177)",
        "17.03.2-ce, 17.06.0-ce",
        "1.0,5",
        "19.03.x",
        "1.x",
        "19.03.X",
        "1.0\x00",
        "1.0-\x00",
        "1.0-é",
        "²",
        "1.²",
        "١.٢",
        "\uff11.\uff12",
        pytest.param("1" * 5_000, id="long number"),
        pytest.param("1." * 5_000, id="many numbers"),
        pytest.param("1.0-" + "a" * 1_000_000, id="long build"),
        pytest.param("9" * 1_000_000, id="longer number"),
        pytest.param("1.0-rc" + "9" * 5_000, id="long stage"),
    ],
)
def test_what_is_no_version_is_refused_in_words_that_fit_a_line(text: str) -> None:
    assert not is_version(text)
    with pytest.raises(VersionError) as caught:
        key(text)
    assert len(str(caught.value)) < 200


@given(st.text() | st.text(alphabet="0123456789.-+~v rcbeta\x00", max_size=300))
@settings(deadline=None, max_examples=examples(500))
def test_any_text_is_read_or_refused(text: str) -> None:
    if is_version(text):
        at = key(text)
        assert at > LOWEST
        if read(text).final:
            assert read(text).base in text


@pytest.mark.parametrize(
    ("text", "development"), [("29-dev", True), ("1.2.4-0.20210101000000-0123456789ab", True), ("29.0.0-rc.1", False)]
)
def test_a_development_build_is_known_from_a_release(text: str, development: bool) -> None:
    assert is_development(key(text)) is development
    assert not read(text).final


def test_a_branch_is_the_first_two_numbers() -> None:
    assert branch(key("19.03.5")) == branch(key("19.3.0-rc1")) == (19, 3)


@pytest.mark.corpus
def test_the_releases_of_a_branch_are_in_the_order_of_their_days(corpus: Path) -> None:
    branches: dict[tuple[str, tuple[int, int]], list[tuple[Key, str, str]]] = defaultdict(list)
    with (corpus / "releases.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at = key(row["version"])
            branches[row["product"], branch(at)].append((at, row["date"], row["version"]))
    assert sum(map(len, branches.values())) > 1_500
    wrong = {
        (product, later)
        for (product, _), found in branches.items()
        for (one, day, _), (other, next_day, later) in pairwise(sorted(found))
        if day > next_day or one == other
    }
    # these were tagged out of order by their makers
    assert wrong == {("engine", "18.03.1-rc2"), ("runc", "0.0.3"), ("cli", "29.4.3")}
