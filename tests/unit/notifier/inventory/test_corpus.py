"""Real files of the field give what a person reads there."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifier import inventory
from notifier.domain import components
from notifier.domain.components import Observed
from notifier.inventory import text
from tests.support.inventories import read

pytestmark = pytest.mark.corpus

_CE = "29.1.3-1~debian.12~bookworm"
READ_BY_A_PERSON: dict[str, dict[str, list[str]]] = {
    "ansible/docker_host_info-web1.json": {"web1 running": ["engine 29.1.3 on debian-12", "runc 1.3.4 on debian-12"]},
    "ansible/package-facts-web1.json": {
        "web1 installed": [
            f"engine 29.1.3 in docker-ce 5:{_CE} on debian-12",
            f"cli 29.1.3 in docker-ce-cli 5:{_CE} on debian-12",
            "containerd 2.2.0 in containerd.io 2.2.0-2~debian.12~bookworm on debian-12",
        ]
    },
    "docker-info-json/20.10.24-old.json": {
        "legacy-02.example.net running": ["engine 20.10.24 on ubuntu-20.04", "runc 1.1.5 on ubuntu-20.04"]
    },
    "docker-info-json/28.3.3.json": {
        "build-01.example.net running": ["engine 28.3.3 on debian-12", "runc 1.2.5 on debian-12"]
    },
    "docker-node-inspect/swarm-a.json": {
        "swarm-m1 running": ["engine 28.3.3"],
        "swarm-w1 running": ["engine 28.3.3"],
        "swarm-w2 running": ["engine 26.1.4"],
        "swarm-w3-old running": ["engine 17.06.0-ce"],
    },
    "docker-version-json/1.9.1-api.json": {"- running": ["engine 1.9.1"]},
    "docker-version-json/20.10.24+dfsg1.json": {
        "- running": [
            "engine 20.10.24+dfsg1",
            "containerd 1.6.20~ds1 in containerd 1.6.20~ds1-1+b1",
            "runc 1.1.5+ds1 in runc 1.1.5+ds1-1+b1",
        ]
    },
    "docker-version-json/28.3.3.json": {
        "- running": ["engine 28.3.3", "containerd 1.7.27", "runc 1.2.5", "cli 28.3.3"]
    },
    "docker-version-json/29.1.3.json": {"- running": ["engine 29.1.3", "containerd 2.2.0", "runc 1.3.4", "cli 29.1.3"]},
    "docker-version-json/client-only-no-daemon.json": {},
    "docker-version-text/1.10.3.txt": {"- running": ["engine 1.10.3", "cli 1.10.3"]},
    "docker-version-text/20.10.24+dfsg1.txt": {
        "- running": [
            "engine 20.10.24+dfsg1",
            "containerd 1.6.20~ds1 in containerd 1.6.20~ds1-1+deb12u2",
            "runc 1.1.5+ds1 in runc 1.1.5+ds1-1+deb12u1",
            "cli 20.10.24+dfsg1",
        ]
    },
    "docker-version-text/no-server.txt": {},
    "dpkg/dpkg-l.txt": {
        "- installed": [
            "containerd 2.2.0 in containerd.io 2.2.0-2~debian.12~bookworm",
            "buildx 0.30.1 in docker-buildx-plugin 0.30.1-1~debian.12~bookworm",
            f"engine 29.1.3 in docker-ce 5:{_CE}",
            f"cli 29.1.3 in docker-ce-cli 5:{_CE}",
        ]
    },
    "dpkg/dpkg-query.txt": {
        "- installed": [
            "engine 20.10.24+dfsg1 in docker.io 20.10.24+dfsg1-1+deb12u1+b6",
            "containerd 1.6.20~ds1 in containerd 1.6.20~ds1-1+deb12u3",
            "runc 1.1.5+ds1 in runc 1.1.5+ds1-1+deb12u1",
        ]
    },
    "kubectl-get-nodes/cluster-a.json": {
        "k8s-m1 running": ["engine 20.10.12 on ubuntu-20.04"],
        "k8s-w1 running": ["engine 18.06.1 on ubuntu-16.04"],
        "k8s-w2 running": ["containerd 1.6.21 on centos-7"],
    },
    "osquery/docker_version.json": {"- running": ["engine 28.3.3"]},
    "osquery/fleet-results.ndjson": {"web1 running": ["engine 29.5.3"]},
    "prometheus/19.03.9.txt": {"- running": ["engine 19.03.9 on centos-7"]},
    "rpm/dnf-list.txt": {
        "- installed": [
            "containerd 1.6.33 in containerd.io 1.6.33-3.1.el9",
            "engine 26.1.4 in docker-ce 3:26.1.4-1.el9",
            "cli 26.1.4 in docker-ce-cli 1:26.1.4-1.el9",
        ]
    },
    "rpm/rpm-qa.txt": {
        "- installed": [
            "containerd 1.6.33 in containerd.io 1.6.33-3.1.el9",
            "buildx 0.14.1 in docker-buildx-plugin 0.14.1-1.el9",
            "engine 26.1.4 in docker-ce 26.1.4-1.el9",
            "cli 26.1.4 in docker-ce-cli 26.1.4-1.el9",
            "engine 27.3.1 in moby-engine 27.3.1-1.fc41 on fedora-41",
        ]
    },
    "sbom/cyclonedx-host.json": {"- installed": [f"engine 29.1.3 in docker-ce 5:{_CE} on debian-12"]},
}
"""By file: the hosts ("-" where the file does not name it) and their view; what is on them."""


@pytest.mark.parametrize(("path", "hosts"), READ_BY_A_PERSON.items(), ids=READ_BY_A_PERSON)
def test_a_real_file_gives_what_a_person_reads_there(corpus: Path, path: str, hosts: dict[str, list[str]]) -> None:
    # a name that is given goes before the input's own
    host = "-" if any(name.startswith("- ") for name in hosts) else ""
    with (corpus / "inventory" / path).open("rb") as stream:
        found = components.gathered(inventory.read(text.Text(stream), host=host))
    said = {
        f"{h.name} {h.view}": [
            f"{c.product} {c.version}"
            + (f" in {c.package}" if c.package else "")
            + (f" on {c.distro}" if c.distro else "")
            for c in h.components
        ]
        for h in found.hosts
    }
    assert said == hosts
    assert found.bad == ()
    assert hosts or found.notes


def test_no_real_file_is_left_out(corpus: Path) -> None:
    root = corpus / "inventory"
    assert sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()) == sorted(READ_BY_A_PERSON)


def test_what_is_not_followed_is_told_beside_what_is(corpus: Path) -> None:
    found = read((corpus / "inventory" / "kubectl-get-nodes" / "cluster-a.json").read_bytes())
    assert found.notes == ("the container runtime cri-o is not followed (k8s-w3)",)
    assert {h.view for h in found.hosts} == {Observed.RUNNING}
