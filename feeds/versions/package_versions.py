"""Packages of distributions: their order of versions, and by what name OSV knows them.  Pure.

Three schemes, one sort key each: dpkg (Debian Policy 5.6.12), rpm (rpmvercmp of rpm 4.x, with ~ and
^), and apk (apk-tools, version.c).  A key is a tuple that compares as the package manager compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from feeds.core.errors import VersionError

PackageKey = tuple[Any, ...]
_LONGEST = 300


def _matched(pattern: str, version: str) -> re.Match[str] | None:
    """The match of a whole version; None of what is longer than any version is."""
    return re.fullmatch(pattern, version.strip()) if len(version) <= _LONGEST else None


@lru_cache(maxsize=16384)
def dpkg(version: str) -> PackageKey:
    """The sort key of a Debian or Ubuntu package version: `5:29.1.3-1~debian.12~bookworm`.

    >>> dpkg("1.0~rc1") < dpkg("1.0") < dpkg("1.0+b1") < dpkg("1:0.1")
    True
    """
    match = _matched(r"(?:([0-9]+):)?([A-Za-z0-9.+~:-]+)", version)
    if match is None:
        raise VersionError(f"{version[:60]!r} is not a Debian package version")
    upstream, dash, revision = match[2].rpartition("-")
    if not dash:
        # Debian Policy: no revision is the revision 0
        upstream, revision = revision, "0"
    return int(match[1] or 0), _dpkg_part(upstream), _dpkg_part(revision)


def _dpkg_part(text: str) -> tuple[Any, ...]:
    found: list[Any] = []
    for letters, digits in re.findall(r"([^0-9]*)([0-9]*)", text):
        # 0 ends a run of letters: "~" sorts before the end, everything else behind it
        found.append((*(-1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256 for c in letters), 0))
        found.append(int(digits or 0))
    return tuple(found)


@lru_cache(maxsize=16384)
def rpm(version: str) -> PackageKey:
    """The sort key of an rpm version: `3:26.1.4-1.el9`, the epoch 0 where it is left out.

    >>> rpm("1.0~rc1-1") < rpm("1.0-1") < rpm("1.0^git1-1") < rpm("1.0.1-1")
    True
    """
    match = _matched(r"(?:([0-9]+):)?([A-Za-z0-9._+~^]+)(?:-([A-Za-z0-9._+~^]+))?", version)
    if match is None:
        raise VersionError(f"{version[:60]!r} is not an rpm version")
    return int(match[1] or 0), _rpm_part(match[2]), _rpm_part(match[3] or "")


def _rpm_part(text: str) -> tuple[Any, ...]:
    found: list[Any] = []
    for piece in re.findall(r"[0-9]+|[A-Za-z]+|[~^]", text):
        if piece in "~^":
            found.append((-1,) if piece == "~" else (1,))
        else:
            found.append((3, int(piece)) if piece.isdigit() else (2, piece))
    return (*found, (0,))


_APK = (
    r"(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?P<letter>[a-z])?"
    r"(?P<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:~[0-9a-f]+)?(?:-r(?P<revision>[0-9]+))?"
)
_SUFFIXES = {"alpha": -4, "beta": -3, "pre": -2, "rc": -1, "cvs": 1, "svn": 2, "git": 3, "hg": 4, "p": 5}


@lru_cache(maxsize=16384)
def apk(version: str) -> PackageKey:
    """The sort key of an Alpine package version: `26.1.5-r0`.

    >>> apk("1.0_rc1-r0") < apk("1.0-r0") < apk("1.0_p1-r0") < apk("1.0.1-r0")
    True
    """
    match = _matched(_APK, version)
    if match is None:
        raise VersionError(f"{version[:60]!r} is not an Alpine package version")
    first, *rest = match["numbers"].split(".")
    numbers: list[Any] = [int(first)]
    # a later part with a leading zero, and zero itself, compares as a fraction, character by character
    numbers += [(0, part.rstrip("0")) if part.startswith("0") else (1, int(part)) for part in rest]
    suffixes = [
        (_SUFFIXES[name], int(number or 0)) for name, number in re.findall(r"_([a-z]+)(\d*)", match["suffixes"])
    ]
    return tuple(numbers), match["letter"] or "", (*suffixes, (0, 0)), int(match["revision"] or 0)


_SCHEMES: dict[str, Callable[[str], PackageKey]] = {
    "Debian": dpkg,
    "Ubuntu": dpkg,
    "Echo": dpkg,
    "Alpine": apk,
    "Alpaquita": apk,
    "BellSoft Hardened Containers": apk,
    "Chainguard": apk,
    "Wolfi": apk,
    "MinimOS": apk,
    "AlmaLinux": rpm,
    "Azure Linux": rpm,
    "Mageia": rpm,
    "openEuler": rpm,
    "openSUSE": rpm,
    "Photon OS": rpm,
    "Red Hat": rpm,
    "Rocky Linux": rpm,
    "SUSE": rpm,
}


def scheme(ecosystem: str) -> Callable[[str], PackageKey] | None:
    """The sort key for the packages of an OSV ecosystem; None if we know none."""
    return _SCHEMES.get(ecosystem.partition(":")[0])


def is_version(version: str, ecosystem: str) -> bool:
    """Whether a text is a version of a distribution's packages."""
    order = scheme(ecosystem)
    try:
        return order is not None and bool(order(version))
    except VersionError:
        return False


# os-release's ID, and how OSV names the release of that distribution; {v} is VERSION_ID, {m} its first number.
_ECOSYSTEMS = {
    "debian": "Debian:{m}",
    "ubuntu": "Ubuntu:{v}",
    "alpine": "Alpine:v{mm}",
    "rocky": "Rocky Linux:{m}",
    "almalinux": "AlmaLinux:{m}",
    "rhel": "Red Hat:enterprise_linux:{m}::appstream",
    "opensuse-leap": "openSUSE:Leap {v}",
    "opensuse-tumbleweed": "openSUSE:Tumbleweed",
    "sles": "SUSE:Linux Enterprise Server {sp}",
    "mageia": "Mageia:{m}",
    "photon": "Photon OS:{v}",
    "azurelinux": "Azure Linux:{m}",
    "mariner": "Azure Linux:{m}",
    "wolfi": "Wolfi",
    "chainguard": "Chainguard",
}
_UBUNTU_LTS = re.compile(r"^\d*[02468]\.04$")


def ecosystem(distro: str) -> str:
    """OSV's name for a distribution (os-release's `ID-VERSION_ID`); "" if OSV has none that we know.

    >>> ecosystem("debian-12"), ecosystem("ubuntu-22.04"), ecosystem("amzn-2")
    ('Debian:12', 'Ubuntu:22.04:LTS', '')
    """
    name, _, version = distro.strip().lower().rpartition("-")
    if not name or distro.strip().lower() in _ECOSYSTEMS:
        name, version = distro.strip().lower(), ""
    pattern = _ECOSYSTEMS.get(name)
    if pattern is None or (not version and "{" in pattern):
        return ""
    parts = version.split(".")
    service_pack = parts[0] + (f" SP{parts[1]}" if len(parts) > 1 and parts[1] != "0" else "")
    found = pattern.format(v=version, m=parts[0], mm=".".join(parts[:2]), sp=service_pack)
    return f"{found}:LTS" if name == "ubuntu" and _UBUNTU_LTS.match(version) else found


# binary package -> source packages that it was or is built from
_SOURCES = {
    "docker.io": ("docker.io", "docker.io-app"),
    "docker-engine": ("docker",),
    "docker-cli": ("docker-cli", "docker", "docker.io", "docker.io-app"),
    "containerd": ("containerd", "containerd-app"),
    "runc": ("runc", "runc-app", "runc-stable"),
    "docker-compose-v2": ("docker-compose-v2",),
    "docker-buildx": ("docker-buildx",),
}


def source_packages(package: str) -> tuple[str, ...]:
    """The source packages that a binary package may be built from: Ubuntu's docker.io comes from docker.io-app, too."""
    return _SOURCES.get(package, (package,))


_DISTRO_IN_VERSION = (
    (re.compile(r"\+deb(\d+)u\d+|~deb(\d+)u\d+|~bpo(\d+)\+"), "debian-{}"),
    (re.compile(r"ubuntu[\d.]*~(\d{2}\.\d{2})(?:\.\d+)?"), "ubuntu-{}"),
)


def distro_in(version: str) -> str:
    """The distribution that a package's version names itself; "" if it names none.

    >>> distro_in("20.10.24+dfsg1-1+deb12u1+b6"), distro_in("26.1.3-0ubuntu1~22.04.1")
    ('debian-12', 'ubuntu-22.04')
    """
    for pattern, name in _DISTRO_IN_VERSION:
        if match := pattern.search(version):
            return name.format(next(g for g in match.groups() if g))
    return ""


def upstream(package_version: str) -> str:
    """The upstream version in a package's: without epoch and revision, the edition as Docker writes it.

    >>> upstream("5:29.1.3-1~debian.12~bookworm"), upstream("20.10.24+dfsg1-1+deb12u1+b6"), upstream("27.3.1-r3")
    ('29.1.3', '20.10.24+dfsg1', '27.3.1')
    >>> upstream("5:20.10.24~3-0~debian-bookworm"), upstream("17.03.2~ce-0~ubuntu-xenial"), upstream("28.5.1_ce-3.1")
    ('20.10.24', '17.03.2-ce', '28.5.1-ce')
    """
    version = re.sub(r"^\d+:", "", package_version.strip())
    # Docker's packages once ended in a code name with a dash before it
    version = re.sub(r"-\d+~(?:debian|ubuntu|raspbian)-[a-z]+$", "-0", version)
    head, dash, revision = version.rpartition("-")
    version = head if dash and re.match(r"r?\d", revision) else version
    # ... and told a release from its candidates by a number of their own
    version = re.sub(r"(?<=\d)~3$", "", version)
    version = re.sub(r"(?<=\d)~[12]\.\d+\.(?=(?:beta|rc)\d)", "-", version)
    return re.sub(r"(?<=\d)[._~](?=(?:ce|ee)(?![a-z]))", "-", version)
