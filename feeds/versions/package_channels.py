"""Channels of download.docker.com: which one serves a distribution.  Pure.

A channel is named by the folder that Docker publishes it in: `ubuntu/jammy`, `debian/bookworm`, `centos/9`,
`static` for the static builds.
"""

from __future__ import annotations

import re

STATIC = "static"
"""The channel of the static builds, which run on every distribution."""

_CODENAMES = {
    "debian-9": "stretch",
    "debian-10": "buster",
    "debian-11": "bullseye",
    "debian-12": "bookworm",
    "debian-13": "trixie",
    "ubuntu-16.04": "xenial",
    "ubuntu-18.04": "bionic",
    "ubuntu-20.04": "focal",
    "ubuntu-22.04": "jammy",
    "ubuntu-23.10": "mantic",
    "ubuntu-24.04": "noble",
    "ubuntu-24.10": "oracular",
    "ubuntu-25.04": "plucky",
    "ubuntu-25.10": "questing",
    "ubuntu-26.04": "resolute",
}
"""os-release's ID-VERSION_ID, and the codename that the folder is named by."""
# Docker tells the users of these to take the packages for CentOS
_RPM = {"centos": "centos", "rocky": "centos", "almalinux": "centos", "ol": "centos"} | {
    name: name for name in ("rhel", "fedora", "sles")
}
_APT_VERSION = re.compile(r"~(debian|ubuntu|raspbian)(?:\.[\d.]+~|-)([a-z]+)$")
_RPM_VERSION = re.compile(r"\.(el|fc)(\d+)$")


def channel(distro: str, package_version: str = "") -> str:
    """The channel for a distribution (os-release's ID-VERSION_ID), else the one that a package's version names.

    "" if neither says.

    >>> channel("ubuntu-22.04"), channel("rocky-9.4"), channel("", "5:25.0.5-1~debian.12~bookworm"), channel("amzn-2")
    ('ubuntu/jammy', 'centos/9', 'debian/bookworm', '')
    """
    name, _, version = distro.strip().lower().rpartition("-")
    major = version.partition(".")[0]
    if name in _RPM and major.isdecimal():
        return f"{_RPM[name]}/{major}"
    if name in ("debian", "ubuntu", "raspbian"):
        number = f"{name}-{version}" if name == "ubuntu" else f"debian-{major}"
        return f"{name}/{_CODENAMES[number]}" if number in _CODENAMES else ""
    if distro.strip():
        return ""
    if found := _APT_VERSION.search(package_version):
        return f"{found[1]}/{found[2]}"
    if found := _RPM_VERSION.search(package_version):
        return f"{'centos' if found[1] == 'el' else 'fedora'}/{found[2]}"
    return ""


def is_apt(name: str) -> bool:
    """Whether a channel holds Debian packages; one of the others that is not `STATIC` holds RPMs."""
    return name.partition("/")[0] in ("debian", "ubuntu", "raspbian")
