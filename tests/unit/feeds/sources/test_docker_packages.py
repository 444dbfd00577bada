from __future__ import annotations

import gzip
import lzma
import subprocess
import sys
from collections.abc import Callable

import pytest
from backports import zstd

from feeds.advisories.facts import Package, Packages
from feeds.core import limits
from feeds.core.errors import ShapeError
from feeds.sources.base import RequestContext
from feeds.versions.package_channels import channel
from tests.support.documents import SOURCE, facts, read

BASE = "https://download.docker.com/linux"
APT = """Package: docker-ce
Architecture: amd64
Version: 5:27.9.1-1~ubuntu.22.04~jammy
Description: An engine
 in several lines
 .
 Version: 1.2.3

Package: containerd.io
Architecture: amd64
Version: 1.7.99-1

Package: docker-ce-rootless-extras
Architecture: amd64
Version: 5:27.9.1-1~ubuntu.22.04~jammy
"""
PRIMARY = """<?xml version="1.0"?><metadata xmlns="http://linux.duke.edu/metadata/common">
<package type="rpm"><name>docker-ce</name><arch>x86_64</arch><version epoch="3" ver="27.9.1" rel="1.el9"/></package>
<package type="rpm"><name>containerd.io</name><arch>x86_64</arch><version epoch="0" ver="1.7.99" rel="3.1.el9"/>
</package><package type="rpm"><name>other</name><arch>x86_64</arch><version epoch="0" ver="1" rel="1"/></package>
</metadata>"""
REPOMD = """<repomd xmlns="http://linux.duke.edu/metadata/repo">
<data type="other"><location href="repodata/o.xml"/></data>
<data type="primary"><location href="repodata/abc-primary.xml.zst"/></data></repomd>"""
PACKERS: list[Callable[[bytes], bytes]] = [gzip.compress, lzma.compress, zstd.compress, bytes]


def packages(body: object, form: str) -> Packages:
    (found,) = facts(read("docker-packages", body, form), Packages)
    assert isinstance(found, Packages)
    return found


def asked(*channels: str) -> list[tuple[str, str]]:
    wanted = RequestContext(channels=frozenset(channels))
    return [(a.form, a.url) for a in SOURCE["docker-packages"].requests(wanted)]


def test_only_the_channels_of_the_inventory_and_the_static_builds_are_asked() -> None:
    static = ("static", f"{BASE}/static/stable/x86_64/")
    assert asked() == [static]
    assert asked("ubuntu/jammy", "centos/9", "raspbian/bookworm") == [
        static,
        ("rpm/centos/9", f"{BASE}/centos/9/x86_64/stable/repodata/repomd.xml"),
        ("apt/raspbian/bookworm", f"{BASE}/raspbian/dists/bookworm/stable/binary-armhf/Packages.gz"),
        ("apt/ubuntu/jammy", f"{BASE}/ubuntu/dists/jammy/stable/binary-amd64/Packages.gz"),
    ]


@pytest.mark.parametrize("pack", PACKERS)
def test_an_apt_index_lists_the_packages_character_for_character(pack: Callable[[bytes], bytes]) -> None:
    found = packages(pack(APT.encode()), "apt/ubuntu/jammy")
    assert (found.channel, found.packages) == (
        "ubuntu/jammy",
        (
            Package("containerd", "1.7.99", "containerd.io", "1.7.99-1", "amd64"),
            Package("engine", "27.9.1", "docker-ce", "5:27.9.1-1~ubuntu.22.04~jammy", "amd64"),
        ),
    )


@pytest.mark.parametrize("pack", PACKERS)
def test_rpm_metadata_leads_to_its_primary_file_and_that_lists_the_packages(pack: Callable[[bytes], bytes]) -> None:
    url = f"{BASE}/centos/9/x86_64/stable/repodata/repomd.xml"
    (ask,) = read("docker-packages", REPOMD, "rpm/centos/9", url).follow
    assert (ask.form, ask.url) == (
        "primary/centos/9",
        f"{BASE}/centos/9/x86_64/stable/repodata/abc-primary.xml.zst",
    )
    found = packages(pack(PRIMARY.encode()), ask.form)
    assert found.channel == "centos/9"
    assert [(p.product, p.package_version) for p in found.packages] == [
        ("containerd", "1.7.99-3.1.el9"),
        ("engine", "3:27.9.1-1.el9"),
    ]


def test_static_builds_are_the_archives_of_the_engine() -> None:
    body = "<html><a href='docker-27.9.1.tgz'>x</a><a href='docker-rootless-extras-27.9.1.tgz'>y</a></html>"
    found = packages(body, "static")
    assert [(p.version, p.package_version) for p in found.packages] == [("27.9.1", "docker-27.9.1.tgz")]


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"", "apt/ubuntu/jammy"),
        (b"<html>Not here</html>", "apt/ubuntu/jammy"),
        (gzip.compress(APT.encode())[:-20], "apt/ubuntu/jammy"),
        (lzma.compress(PRIMARY.encode())[:-20], "primary/centos/9"),
        (zstd.compress(PRIMARY.encode())[:-5], "primary/centos/9"),
        (PRIMARY[:-200].encode(), "primary/centos/9"),
        (b"<repomd/>", "rpm/centos/9"),
        (b"<html>nothing</html>", "static"),
    ],
)
def test_a_broken_index_is_a_failure_and_not_an_empty_channel(body: bytes, form: str) -> None:
    with pytest.raises(ShapeError):
        read("docker-packages", body, form)


@pytest.mark.parametrize(
    ("distro", "version", "name"),
    [
        ("debian-12", "", "debian/bookworm"),
        ("raspbian-11", "", "raspbian/bullseye"),
        ("", "5:25.0.5-1~ubuntu.22.04~jammy", "ubuntu/jammy"),
        ("", "5:20.10.24~3-0~debian-bookworm", "debian/bookworm"),
        ("rhel-9.4", "", "rhel/9"),
        ("almalinux-8.10", "3:26.1.4-1.el8", "centos/8"),
        ("", "3:26.1.4-1.fc40", "fedora/40"),
        ("slackware-15", "", ""),
        ("ubuntu-99.04", "", ""),
        ("", "", ""),
    ],
)
def test_a_distribution_is_served_by_one_channel(distro: str, version: str, name: str) -> None:
    assert channel(distro, version) == name


LARGE = """
import gzip, io, sys
from datetime import UTC, datetime
from feeds.sources.base import Document
from feeds.sources.docker_packages import SOURCE
entry = '<package type="rpm"><name>docker-ce</name><arch>x86_64</arch><version epoch="3" ver="27.%d.%d" rel="1.el9"/>'
entry += '<description>' + 'long ' * 400 + '</description></package>\\n'
packed = io.BytesIO()
size = 0
with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
    file.write(b'<metadata xmlns="http://linux.duke.edu/metadata/common">')
    for n in range(30_000):
        size += file.write((entry % (n // 1000, n % 1000)).encode())
    file.write(b"</metadata>")
assert size > 60_000_000, size
document = Document("https://example.org/primary.xml.gz", "primary/centos/9", packed.getvalue(), {}, datetime.now(UTC))
(found,) = SOURCE.parse(document).items
# not ru_maxrss, which begins with that of the process that started this one
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(len(found.packages), peak)
"""


def test_a_primary_file_of_60_mb_is_read_in_little_memory() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    count, peak = map(int, done.stdout.split())
    assert count == 30_000
    assert peak < 120 << 10  # kilobytes


def test_a_list_of_apt_packages_is_read_up_to_its_limit() -> None:
    long = gzip.compress(APT.encode() + b"\n" * limits.INDEX, 1)
    with pytest.raises(ShapeError, match=f"larger than {limits.INDEX >> 20} MiB when unpacked"):
        packages(long, "apt/ubuntu/jammy")
