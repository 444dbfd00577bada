from __future__ import annotations

from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.advisories.prose import CURRENT, names_distribution, read_prose
from feeds.advisories.records import PRODUCTS
from feeds.core import limits
from feeds.verdicts.statements import bounds
from feeds.versions.upstream import is_version
from tests.support.depth import examples


def told(text: str, about: str = "") -> str:
    """What a text says, one product after the other: "runc < 1.1.12, fixed 1.1.12"."""
    claims = read_prose(text, about=about)
    return "; ".join(
        f"{c.product} " + ", ".join([*map(str, c.affected), *(f"fixed {v}" for v in c.fixed)]) for c in claims
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The runtime runc through 1.1.4 leaks a handle.", "runc <= 1.1.4"),
        ("A handle leaks in runc 1.1.4 and earlier.", "runc <= 1.1.4"),
        ("A handle leaks in runc v1.1.4 or older.", "runc <= 1.1.4"),
        ("runc 1.1.4 and below are open to it.", "runc <= 1.1.4"),
        ("Versions of runc up to and including 1.1.4 leak.", "runc <= 1.1.4"),
        ("Older than runc 1.1.5 is bad, so move on.", "runc < 1.1.5"),
        ("Compose before 2.40.2 follows links.", "compose < 2.40.2"),
        ("Prior to version 29.3.1 the Docker daemon drops the body.", "engine < 29.3.1"),
        ("Docker Engine, prior to v25.0.2, has it.", "engine < 25.0.2"),
        ("Docker Engine below 25.0.2 has it.", "engine < 25.0.2"),
        ("Docker Engine < 29.5.1", "engine < 29.5.1"),
        ("Docker Engine >= 28.0.0, < 28.3.3", "engine >= 28.0.0, < 28.3.3"),
        ("Starting in version 28.2.0 and prior to version 28.3.3, Moby opens ports.", "engine >= 28.2.0, < 28.3.3"),
        ("From 28.2.0 up to but not including 28.3.3, dockerd opens ports.", "engine >= 28.2.0, < 28.3.3"),
        ("Docker Engine 28.2.0 before 28.3.3 opens ports.", "engine >= 28.2.0, < 28.3.3"),
        ("dockerd from 28.2.0 through 28.3.2 opens ports.", "engine >= 28.2.0, <= 28.3.2"),
        ("Docker Engine between 28.2.0 and 28.3.2 opens ports.", "engine >= 28.2.0, <= 28.3.2"),
        ("Ports are open in Docker Engine 28.2.0 to 28.3.2.", "engine >= 28.2.0, <= 28.3.2"),
        ("Ports are open in Docker Engine 28.2.0 – 28.3.2.", "engine >= 28.2.0, <= 28.3.2"),
        ("runc: 1.0.0-rc3 - 1.2.7", "runc >= 1.0.0-rc3, <= 1.2.7"),
        ("Docker 1.11 to current leaves a path open.", f"engine >= 1.11, <= {CURRENT}"),
        ("Docker 19.03.x before 19.03.1 loads a library.", "engine >= 19.03, < 19.03.1"),
        ("Docker 18.09.x before 18.09.8 and 19.03.x before 19.03.1 log it.",
         "engine >= 18.09, < 18.09.8, >= 19.03, < 19.03.1"),
        ("It only affects Docker 19.03.x.", "engine >= 19.03, < 19.4"),
        ("runc 1.1.x and earlier have it.", "runc < 1.2"),
        ("runc before 1.1.x has it.", "runc < 1.1"),
        ("It is in containerd before versions 1.6.38, 1.7.27, and 2.0.4.", "containerd < 1.6.38, < 1.7.27, < 2.0.4"),
        (
            "Docker 19.03.0 through 19.03.15 and 20.10.0 through 20.10.27 have it.",
            "engine >= 19.03.0, <= 19.03.15, >= 20.10.0, <= 20.10.27",
        ),
        ("Only Docker 1.3.2 is vulnerable in this way: vulnerable: 1.3.2.", "engine = 1.3.2"),
        ("The flaw affects Docker 1.8.3.", "engine = 1.8.3"),
        ("Docker Engine 1.12.2 kept too many capabilities.", "engine = 1.12.2"),
        ("Docker 1.3.2 does not check the id of an image.", "engine = 1.3.2"),
        ("It is not fixed in runc 1.1.4.", "runc = 1.1.4"),
        ("The fix in Docker Engine 25.0.6 was incomplete.", "engine = 25.0.6"),
    ],
)  # fmt: skip
def test_a_sentence_tells_what_is_affected(text: str, expected: str) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is fixed in runc 1.1.12.", "runc fixed 1.1.12"),
        ("The fix is in containerd 1.7.29, 2.0.7 and 2.1.5.", "containerd fixed 1.7.29, fixed 2.0.7, fixed 2.1.5"),
        ("containerd 1.7.29 and 2.0.7 fix this.", "containerd fixed 1.7.29, fixed 2.0.7"),
        ("Patched in Moby v23.0.11, v25.0.5, and v26.0.0-rc3.", "engine fixed 23.0.11, fixed 25.0.5, fixed 26.0.0-rc3"),
        ("Moby releases 26.0.0 and 25.0.5 are patched.", "engine fixed 26.0.0, fixed 25.0.5"),
        ("This was resolved in BuildKit 0.12.5.", "buildkit fixed 0.12.5"),
        ("Docker Engine 20.10.13 was remediated.", "engine fixed 20.10.13"),
        ("It has been fixed since Docker 18.06.1.", "engine fixed 18.06.1"),
        ("Please upgrade to Docker Engine 28.3.3 or later.", "engine fixed 28.3.3"),
        ("Update Docker Desktop to 4.71.0.", "desktop fixed 4.71.0"),
        ("It is patched in runc 1.1.12 and later.", "runc fixed 1.1.12"),
        ("The error of containerd 1.6.0 was fixed in containerd 1.6.1.", "containerd fixed 1.6.1"),
        ("containerd 1.6.28 includes runc 1.1.12 which fixes it.", "runc fixed 1.1.12"),
        ("Docker Desktop 4.27.1 includes a patched BuildKit.", "desktop fixed 4.27.1"),
        ("It came with containerd 2.1.0 and was fixed in 2.1.4.", "containerd fixed 2.1.4"),
    ],
)  # fmt: skip
def test_a_sentence_tells_what_is_fixed(text: str, expected: str) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Docker 1.12.0 is not affected.",
        "Docker 18.06.1 and 18.09.0 are not vulnerable.",
        "This does not affect Docker Engine 20.10.13.",
        "It doesn't affect Docker Engine 20.10.13.",
        "Docker Engine 20.10.13 and later aren't affected.",
        "Docker Engine 20.10.13 and later are unaffected.",
        "runc before 1.0.0-rc93 is not affected.",
        "Versions of runc prior to 1.0.0 are unaffected.",
        "containerd 1.5 and earlier are not affected, for the feature came with 1.6.0.",
        "Neither Docker 23.0.1 nor 23.0.2 is affected.",
        "Docker Engine 20.10.1 through 20.10.5 are not impacted.",
    ],
)
def test_what_is_not_affected_is_not_called_affected(text: str) -> None:
    assert told(text) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("runc 1.1.0 through 1.1.11 are affected, 1.1.12 is not.", "runc >= 1.1.0, <= 1.1.11"),
        ("runc 1.1.0 through 1.1.11 are affected; 1.0.x and earlier are not.", "runc >= 1.1.0, <= 1.1.11"),
        ("runc up to 1.1.11 is affected; the 1.2.x series isn't.", "runc <= 1.1.11"),
        ("It is not affected on a Mac; Docker Desktop 4.0 through 4.5 are.", "desktop >= 4.0, <= 4.5"),
        ("Docker before 1.3.3 does not, as a rule, check ids.", "engine < 1.3.3"),
        ("Docker before 1.3.3 can't check ids.", "engine < 1.3.3"),
    ],
)
def test_a_denial_reaches_no_further_than_its_own_versions(text: str, expected: str) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The 19.03, 20.10 and 23.0 branches of Docker got the fix.",
        "Updating Docker Desktop from 4.70.0 to 4.71.0 takes a minute.",
        "Please update from Docker Engine 25.0.1 to 25.0.2.",
        "The flaw was introduced in Docker 17.06.",
        "It has been there since Docker 1.12.0.",
        "Docker Desktop 4.27.1 contains runc v1.1.12.",
    ],
)
def test_what_is_said_in_passing_is_no_statement(text: str) -> None:
    assert told(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "CVSS 3.1 gives it a 7.5.",
        "Docker speaks TLS 1.2 and earlier.",
        "Docker Desktop on macOS 13.0 and earlier asks twice.",
        "Docker Desktop on Windows 10.0.19045 and earlier asks twice.",
        "Docker Engine API 1.44 and earlier have that call.",
        "Docker talks HTTP/1.1 through a proxy.",
        "Docker listens on 127.0.0.1 through a proxy.",
        "Docker was built with Go before 1.21.9.",
        "Docker was built with a Go toolchain before 1.21.9.",
        "Docker with a kernel before 5.10.1 is open to it.",
        "Kubernetes 1.24 through 1.26 with containerd have it.",
        "Docker through 1.2.3.4.5.6 has it.",
        "Docker through 99999999999999999999.1 has it.",
        "Published on 2024-07-23 by Docker.",
        "It costs Docker 1 to 2 seconds.",
        "Docker 28.x",
    ],
)
def test_a_number_that_is_no_version_of_ours_says_nothing(text: str) -> None:
    assert told(text) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Moby BuildKit before 0.12.5 crashes.", "buildkit < 0.12.5"),
        ("Moby (Docker Engine) before 20.10.9 copies too much.", "engine < 20.10.9"),
        ("Docker Desktop before 4.34.2 lets extensions run code.", "desktop < 4.34.2"),
        ("Docker for Windows before 18.06.0-ce-win72 deserialises.", ""),
        ("Docker for Mac 17.06 and earlier, but Docker Desktop before 2.1.0.1, too.", "desktop < 2.1.0.1"),
        ("Docker EE before 17.06.2-ee-23 logs it.", ""),
        ("Docker CE before 18.09.8 and Docker EE before 17.06.2-ee-23 log it.", "engine < 18.09.8"),
        ("Docker before 1.8.3 and CS Docker Engine before 1.6.2-CS7 share ids.", "engine < 1.8.3"),
        ("Mirantis Container Runtime before 20.10.12 has it.", ""),
        ("Docker before 1.6.1, and libcontainer before 1.6.0, have it.", "engine < 1.6.1"),
        ("docker-py before 3.0.0 has it.", ""),
        ("Docker Machine through 0.16.2 has it.", ""),
        ("runc through 1.0-rc6, as used in Docker before 18.09.2, lets it out.", "engine < 18.09.2; runc <= 1.0-rc6"),
        ("Before 1.1.12 runc, and before 25.0.2 Docker, let it out.", "runc < 1.1.12, < 25.0.2"),
        ("Moby's module moby/v2 before 2.0.0-beta.14 and Docker Engine before 29.5.1.", "engine < 29.5.1"),
        ("Docker Engine before 2.0.0-beta.14 has it.", ""),
        ("containerd.io before 1.6.4 brings it.", "containerd < 1.6.4"),
        ("The fix is in Docker Engine 29.5.1, Docker Desktop 4.72.0 and BuildKit v0.29.1.",
         "engine fixed 29.5.1; desktop fixed 4.72.0; buildkit fixed 0.29.1"),
    ],
)  # fmt: skip
def test_a_version_belongs_to_the_product_that_it_is_a_number_of(text: str, expected: str) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "about", "expected"),
    [
        ("Versions before 1.1.12 leak. Fixed in 1.1.12.", "runc", "runc < 1.1.12, fixed 1.1.12"),
        ("Versions before 1.1.12 leak.", "", ""),
        ("BuildKit builds. Versions before 0.12.5 crash. Fixed in 0.12.5.", "", "buildkit < 0.12.5, fixed 0.12.5"),
        ("runc is used by containerd. Versions before 1.1.12 leak.", "", "runc < 1.1.12"),
        ("Docker Desktop is a program. Versions before 29.5.1 have it.", "engine", "engine < 29.5.1"),
        ("Docker Desktop 4.71.0 fixes it. Fixed in 29.5.1.", "engine", "desktop fixed 4.71.0; engine fixed 29.5.1"),
    ],
)  # fmt: skip
def test_a_number_without_a_name_is_of_what_was_spoken_of(text: str, about: str, expected: str) -> None:
    assert told(text, about) == expected


@pytest.mark.parametrize("name", ["Red Hat", "RHEL", "Debian", "Ubuntu", "SUSE", "Fedora", "OpenShift", "Amazon Linux"])
def test_what_is_said_of_a_distribution_is_not_of_the_project(name: str) -> None:
    assert names_distribution(f"the build of {name}")
    assert told(f"Docker before 1.13.1 as {name} ships it has it. runc before 1.1.12 has it.") == "runc < 1.1.12"


def test_a_claim_keeps_the_words_that_it_was_read_from() -> None:
    (claim,) = read_prose("A leak\n in runc before 1.1.12. Nothing here. It is fixed in 1.1.12!")
    assert claim.prose
    assert claim.words == "A leak in runc before 1.1.12. … It is fixed in 1.1.12!"


def test_paragraphs_and_list_items_are_sentences_of_their_own() -> None:
    text = "Fixes\n- runc before 1.1.12 leaks\n- BuildKit before 0.12.5 crashes\n\n| containerd | before 1.6.28 |"
    assert told(text) == "runc < 1.1.12; buildkit < 0.12.5; containerd < 1.6.28"


@pytest.mark.parametrize(
    "text",
    [
        "1" * 100_000,
        "1." * 100_000,
        "runc fixed " + "1.1, " * 50_000,
        "before 1.1 " * 30_000,
        "a" * 300_000,
        "a-" * 100_000,
        "v" * 200_000,
        "-docker-" * 50_000,
        "docker " * 50_000,
        "runc." + " '" * 100_000,
        "1.0-rc" * 50_000,
        "and or " * 50_000,
        "\n " * 100_000,
        "n't " * 50_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_text_is_read_in_the_time_of_a_long_one(text: str) -> None:
    assert all(c.product in PRODUCTS for c in read_prose(text))


WORDS = """
    Docker runc BuildKit Docker-Desktop moby/v2 before through and or earlier later fixed in not affected vulnerable
    from to since , . ( ) versions 1.1 1.2.3 2.0.0-beta.14 19.03.x v29.5.1 1.0-rc6 current x >= < is isn't only branch
    1.2.3.4.5.6 99999999999999999999.1 upgrade unaffected \uff19.\uff11 - 1.x Go the
"""
vocabulary = st.sampled_from(WORDS.split())


@given(st.text() | st.lists(vocabulary, max_size=30).map(" ".join), st.sampled_from(["", "engine", "runc"]))
@settings(deadline=None, max_examples=examples(1_500))
def test_whatever_is_read_of_any_text_can_be_weighed(text: str, about: str) -> None:
    claims = read_prose(text, about=about)
    assert len({c.product for c in claims}) == len(claims)
    assert {c.product for c in claims} <= set(PRODUCTS)
    assert all(is_version(v) for c in claims for v in c.fixed)
    assert all(c.affected or c.fixed for c in claims)
    for bound in bounds(claims):
        assert bound.low < bound.high


UNITS = (
    "1.1, ",
    "1.1 ",
    "1.1 and ",
    "1.x < ",
    "before ",
    "fixed in ",
    "not ",
    "runc ",
    "versions ",
    "only 1.1, 1.1 ",
    "( ",
)


@pytest.mark.parametrize("unit", [*UNITS, *(a + b for a, b in pairwise(UNITS)), *(b + a for a, b in pairwise(UNITS))])
def test_twice_as_many_words_take_about_twice_as_long(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        return min(_timed(text) for _ in range(3))

    assert seconds(4000) < 3 * seconds(2000) + 0.01


def _timed(text: str) -> float:
    began = process_time()
    read_prose(text, about="runc")
    return process_time() - began


@pytest.mark.long
def test_a_page_of_versions_is_read_within_the_time_of_its_host() -> None:
    page = "\n\n".join(["1.1, " * 800] * 120)
    assert _timed(page) < limits.HOST_READING
