from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from univers.versions import AlpineLinuxVersion, DebianVersion, RpmVersion

from feeds.core.errors import VersionError
from feeds.versions.package_versions import (
    PackageKey,
    apk,
    distro_in,
    dpkg,
    ecosystem,
    is_version,
    rpm,
    scheme,
    source_packages,
)
from tests.support.depth import examples

Order = Callable[[str], PackageKey]


def pieces(*choices: str, most: int = 7) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(choices), max_size=most).map("".join)


epochs = st.sampled_from(["", "0:", "1:", "5:"])
revisions = st.sampled_from(["", "-0", "-1", "-1.el9", "-0.1~rc1", "-2^a", "-10"])
debian = st.builds(
    "{}{}{}".format,
    epochs,
    st.integers(0, 30),
    pieces("0", "1", "9", "10", "01", ".", "+", "~", "-", "a", "b", "rc", "dfsg", "deb12u1", "ubuntu"),
)
red_hat = st.builds(
    "{}{}{}{}".format,
    epochs,
    st.integers(0, 30),
    pieces("0", "1", "9", "10", "01", ".", "+", "~", "^", "a", "b", "rc", "_", "git"),
    revisions,
)
alpine = st.builds(
    "{}{}{}{}{}".format,
    st.integers(0, 30),
    pieces(".0", ".1", ".2", ".10", ".01", ".09", ".010", ".100", most=3),
    st.sampled_from(["", "a", "b"]),
    pieces("_rc1", "_rc", "_alpha2", "_beta", "_pre1", "_p1", "_p", most=2),
    st.sampled_from(["", "-r0", "-r1", "-r10"]),
)


def sign(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


@given(debian, debian)
@settings(deadline=None, max_examples=examples(1_000))
def test_debian_packages_are_ordered_as_dpkg_orders_them(one: str, other: str) -> None:
    assume(not one.endswith("-") and not other.endswith("-"))
    assert sign(dpkg(one), dpkg(other)) == sign(DebianVersion(one), DebianVersion(other))


@given(red_hat, red_hat)
@settings(deadline=None, max_examples=examples(1_000))
def test_rpm_packages_are_ordered_as_rpm_orders_them(one: str, other: str) -> None:
    assert sign(rpm(one), rpm(other)) == sign(RpmVersion(one), RpmVersion(other))


@given(alpine, alpine)
@settings(deadline=None, max_examples=examples(1_000))
def test_alpine_packages_are_ordered_as_apk_orders_them(one: str, other: str) -> None:
    assert sign(apk(one), apk(other)) == sign(AlpineLinuxVersion(one), AlpineLinuxVersion(other))


@pytest.mark.parametrize(
    ("order", "rising"),
    [
        (dpkg, "1.0~~ 1.0~rc1 1.0 1.0-1 1.0a 1.0+b1 1.0.1 1:0.1"),
        (dpkg, "20.10.24+dfsg1-1 20.10.24+dfsg1-1+b6 20.10.24+dfsg1-1+deb12u1 20.10.25+dfsg1-1 26.1.5+dfsg1-2"),
        (dpkg, "5:20.10.7~3-0~debian-buster 5:25.0.5-1~debian.12~bookworm 5:29.1.3-1~debian.12~bookworm"),
        (dpkg, "20.10.21-0ubuntu1~22.04.1 20.10.21-0ubuntu1~22.04.7 24.0.7-0ubuntu2~22.04.1 24.0.7-0ubuntu4"),
        (dpkg, "1.0.0~rc93+ds1-5 1.0.0~rc93+ds1-5+deb11u3 1.0.0~rc93+ds1-5+deb11u5 1.0.0+ds1-1"),
        (rpm, "1.0~rc1-1 1.0-1 1.0^git1-1 1.0.1-1 1.0.1-1.el9 1:0.9-1"),
        (rpm, "26.1.3-1.el9 26.1.4-1.el9 3:20.10.7-3.el8 3:26.1.4-1.el9"),
        (rpm, "20.10.17_ce-150000.166.1 24.0.7_ce-150000.198.2 24.0.7_ce-150000.207.1"),
        (apk, "1.0_alpha1 1.0_beta1 1.0_pre1 1.0_rc1-r0 1.0-r0 1.0-r1 1.0_p1-r0 1.0a 1.0.1-r0"),
        (apk, "20.10.24-r5 23.0.6-r7 25.0.5-r1 26.1.5-r0 26.1.5-r10 27.3.1-r0"),
        (apk, "1.0 1.01 1.09 1.1 1.10"),
        (apk, "1.0_rc1 1.0 1.0_cvs1 1.0_svn1 1.0_git20240101 1.0_hg2 1.0_p1"),
    ],
)
def test_packages_rise(order: Order, rising: str) -> None:
    assert all(order(a) < order(b) for a, b in pairwise(rising.split()))


@pytest.mark.parametrize(
    ("order", "one", "other"),
    [
        (dpkg, "0:1.0", "1.0"),
        (dpkg, "1.0", "1.0-0"),
        (dpkg, " 1.0-1\n", "1.0-1"),
        (dpkg, "1.01", "1.1"),
        (rpm, "0:1.0-1", "1.0-1"),
        (rpm, "1.0-1", "1.00-01"),
        (rpm, "1_0", "1.0"),
        (apk, "1.0_rc", "1.0_rc0"),
        (apk, "1.0", "1.0-r0"),
    ],
)
def test_packages_that_are_the_same(order: Order, one: str, other: str) -> None:
    assert order(one) == order(other)


@pytest.mark.parametrize("order", [dpkg, rpm, apk])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "1.0 2",
        "1.0\x00 ",
        "a b",
        pytest.param("9" * 5_000, id="digits"),
        pytest.param("9" * 5_000 + ":1", id="epoch"),
    ],
)
def test_what_is_no_version_of_a_package_is_refused(order: Order, text: str) -> None:
    with pytest.raises(VersionError, match=r"not an? (Debian package|rpm|Alpine package) version"):
        order(text)


@pytest.mark.parametrize(
    ("order", "text"), [(dpkg, "1.0_2"), (rpm, "1.0-1-2"), (apk, "1.0-rc1"), (apk, "v1.0"), (apk, "1.0_x1")]
)
def test_a_version_of_another_scheme_is_refused(order: Order, text: str) -> None:
    with pytest.raises(VersionError):
        order(text)


@given(st.text() | debian | red_hat, st.text())
@settings(deadline=None, max_examples=examples(500))
def test_any_text_is_a_package_version_or_refused(one: str, other: str) -> None:
    for order in (dpkg, rpm, apk):
        try:
            keys = order(one), order(other)
        except VersionError:
            continue
        assert sign(*keys) in {-1, 0, 1}


@pytest.mark.parametrize(
    ("distro", "found"),
    [
        ("debian-12", "Debian:12"),
        ("Debian-12", "Debian:12"),
        ("debian-12.5", "Debian:12"),
        ("ubuntu-22.04", "Ubuntu:22.04:LTS"),
        ("ubuntu-24.04", "Ubuntu:24.04:LTS"),
        ("ubuntu-22.10", "Ubuntu:22.10"),
        ("ubuntu-23.04", "Ubuntu:23.04"),
        ("alpine-3.19.1", "Alpine:v3.19"),
        ("alpine-3.20", "Alpine:v3.20"),
        ("rocky-9.3", "Rocky Linux:9"),
        ("almalinux-8.10", "AlmaLinux:8"),
        ("rhel-9.2", "Red Hat:enterprise_linux:9::appstream"),
        ("opensuse-leap-15.5", "openSUSE:Leap 15.5"),
        ("opensuse-tumbleweed-20240620", "openSUSE:Tumbleweed"),
        ("opensuse-tumbleweed", "openSUSE:Tumbleweed"),
        ("sles-15.5", "SUSE:Linux Enterprise Server 15 SP5"),
        ("sles-15", "SUSE:Linux Enterprise Server 15"),
        ("mageia-9", "Mageia:9"),
        ("photon-5.0", "Photon OS:5.0"),
        ("azurelinux-3.0", "Azure Linux:3"),
        ("wolfi-20230201", "Wolfi"),
        ("wolfi", "Wolfi"),
        ("debian", ""),
        ("debian-", ""),
        ("amzn-2", ""),
        ("centos-7", ""),
        ("windows-10", ""),
        ("-12", ""),
        ("", ""),
    ],
)
def test_distributions_have_the_names_that_osv_gives_them(distro: str, found: str) -> None:
    assert ecosystem(distro) == found
    assert bool(found) == (scheme(found) is not None)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("Debian:12", dpkg),
        ("Ubuntu:22.04:LTS", dpkg),
        ("Alpine:v3.19", apk),
        ("Wolfi", apk),
        ("AlmaLinux:9", rpm),
        ("Hex", None),
        ("", None),
    ],
)
def test_each_distribution_has_its_order(name: str, order: Order | None) -> None:
    assert scheme(name) is order


@pytest.mark.parametrize(
    ("version", "name", "readable"),
    [
        ("20.10.24+dfsg1-1", "Debian:12", True),
        ("20.10.24_1", "Debian:12", False),
        ("", "Debian:12", False),
        ("1.0", "", False),
    ],
)
def test_a_version_is_readable_where_its_distribution_writes_it_so(version: str, name: str, readable: bool) -> None:
    assert is_version(version, name) is readable


@pytest.mark.parametrize(
    ("package", "sources"),
    [
        ("docker.io", ("docker.io", "docker.io-app")),
        ("containerd", ("containerd", "containerd-app")),
        ("runc", ("runc", "runc-app", "runc-stable")),
        ("moby-engine", ("moby-engine",)),
        ("docker-cli", ("docker-cli", "docker", "docker.io", "docker.io-app")),
    ],
)
def test_a_package_is_known_by_the_sources_it_was_ever_built_from(package: str, sources: tuple[str, ...]) -> None:
    assert source_packages(package) == sources


@pytest.mark.parametrize(
    ("version", "distro"),
    [
        ("20.10.24+dfsg1-1+deb12u1+b6", "debian-12"),
        ("1.0.0~rc93+ds1-5+deb11u5", "debian-11"),
        ("1.4.13~ds1-1~deb11u4", "debian-11"),
        ("1.6.20~ds1-1~bpo11+1", "debian-11"),
        ("26.1.3-0ubuntu1~22.04.1", "ubuntu-22.04"),
        ("1.7.12-0ubuntu0~20.04.1~esm1", "ubuntu-20.04"),
        ("24.0.7-0ubuntu4.1", ""),
        ("5:29.1.3-1~debian.12~bookworm", ""),
        ("29.5.1", ""),
        ("", ""),
    ],
)
def test_a_packages_version_may_name_its_distribution(version: str, distro: str) -> None:
    assert distro_in(version) == distro
