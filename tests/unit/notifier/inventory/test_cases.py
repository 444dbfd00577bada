"""What people really have: each shape is read as what it is, or refused with a message that is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from feeds.core.errors import InventoryError
from notifier.domain.components import Inventory
from tests.support.inventories import read

CASES = Path(__file__).parents[5] / "shared" / "cases"


def case(name: str) -> bytes:
    """An input that strangers gave; skipped where the folder is not beside the project."""
    path = CASES / name
    if not path.exists():
        pytest.skip(f"{path.parent.name} is not beside the project")
    return path.read_bytes()


def runs(found: Inventory) -> dict[str, set[tuple[str, str, str]]]:
    """Product, version and distribution of what each host runs."""
    return {h.name: {(c.product, c.version, c.distro) for c in h.components} for h in found.hosts}


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        (
            "inventory/01-dind-taken-for-alpine/info.txt",
            "",
            {"4a7ed206a70d": {("engine", "25.0.0", ""), ("runc", "1.1.11", "")}},
        ),
        (
            "inventory/03-host-option-ignored-desktops-collapse/laptop-1.txt",
            "laptop-1",
            {"laptop-1": {("engine", "20.10.6", "")}},
        ),
        (
            "inventory/04-docker-version-before-1.8/version.txt",
            "old-1",
            {"old-1": {("engine", "1.6.2", ""), ("cli", "1.6.2", "")}},
        ),
        (
            "inventory/05-version-and-info-in-one-file/report.md",
            "",
            {
                "web-1": {
                    ("engine", "28.2.2", "ubuntu-24.04"),
                    ("cli", "28.2.2", "ubuntu-24.04"),
                    ("containerd", "1.7.27", "ubuntu-24.04"),
                    ("runc", "1.2.5", "ubuntu-24.04"),
                }
            },
        ),
        (
            "inventory/08-photon-and-mariner-not-known/nodes.json",
            "",
            {
                "moc-ld8m2h02ctd": {("containerd", "1.6.26", "mariner-2.0")},
                "test-control-plane-nblbw": {("containerd", "1.3.4", "photon-3.0")},
            },
        ),
        ("inventory/09-kbom-of-trivy/kbom.json", "", {"minikube": {("engine", "24.0.4", "ubuntu-22.04")}}),
        ("inventory/10-spdx-3/sbom.spdx3.json", "web-1", {"web-1": {("engine", "28.2.2", "")}}),
        (
            "inventory/11-indented/version.txt",
            "web-1",
            {"web-1": {("engine", "17.06.0-ce", ""), ("cli", "17.06.0-ce", "")}},
        ),
        ("inventory/11-indented/info.txt", "web-1", {"web-1": {("engine", "17.03.1-ce", "")}}),
        (
            "inventory/13-pacman-read-as-dpkg/few.txt",
            "arch-1",
            {"arch-1": {("compose", "5.3.1", "arch"), ("buildx", "0.35.0", "arch"), ("containerd", "2.1.4", "arch")}},
        ),
        (
            "inventory/13-pacman-read-as-dpkg/long.txt",
            "arch-2",
            {
                "arch-2": {
                    ("engine", "26.1.3", "arch"),
                    ("compose", "2.27.0", "arch"),
                    ("containerd", "1.7.17", "arch"),
                    ("runc", "1.1.12", "arch"),
                }
            },
        ),
        ("inventory/18-kube-node-info/metrics.txt", "", {"192.168.6.10": {("engine", "19.03.9-tke.1", "")}}),
        (
            "inventory/22-docker-ce-on-windows-server/info.txt",
            "",
            {"WIN-V0V70C0LU5P": {("engine", "23.0.3", "windows")}},
        ),
        (
            "operation/07-azure-linux-containerd2/rpm-qa.txt",
            "aks-1",
            {"aks-1": {("containerd", "2.0.0", "azurelinux-3.0"), ("runc", "1.3.3", "azurelinux-3.0")}},
        ),
    ],
)  # fmt: skip
def test_an_input_of_a_stranger_is_read(name: str, host: str, expected: dict[str, set[tuple[str, str, str]]]) -> None:
    found = read(case(name), host=host)
    assert runs(found) == expected
    assert not found.bad


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("inventory/06-anything-with-http-200-is-apt/ping.txt", "HTTP answer"),
        ("inventory/16-kubectl-describe/nodes.txt", "kubectl describe nodes"),
    ],
)
def test_an_input_that_is_not_read_is_called_by_its_name(name: str, words: str) -> None:
    with pytest.raises(InventoryError, match=words):
        read(case(name), host="web-1")


def test_rows_that_may_be_cut_are_not_denied() -> None:
    found = read(case("inventory/12-note-denies-what-the-rows-say/packages.txt"), host="web-1")
    assert len(found.bad) == 3
    assert not found.notes


def test_facts_without_packages_name_the_command_that_gives_them() -> None:
    found = read(case("inventory/15-ansible-cache-without-packages/facts.json"))
    assert not found.hosts
    assert "package_facts" in found.notes[0]


def test_an_old_info_as_json_names_the_command_that_shows_the_version() -> None:
    found = read(case("inventory/17-info-json-before-1.9/info.json"))
    assert not found.hosts
    assert "`docker version` does" in found.bad[0].reason


@pytest.mark.parametrize(
    "name", ["inventory/19-balena-version/version.txt", "operation/10-balena-engine-not-affected/docker-version.txt"]
)
def test_balena_engine_is_not_dockers(name: str) -> None:
    (host,) = read(case(name), host="pi-1").hosts
    (engine,) = [c for c in host.components if c.product == "engine"]
    assert engine.other_numbers == "balenaEngine"


def test_packages_that_exclude_each_other_are_not_both_installed() -> None:
    found = read(case("operation/06-dpkg-query-removed-packages/dpkg-query-W.txt"), host="moved")
    assert {c.product for h in found.hosts for c in h.components}.isdisjoint({"engine", "containerd", "runc"})
    assert any("docker-ce conflicts with docker.io" in b.reason for b in found.bad)


INFO = """\
{margin}Client:
{margin} Context:    default

{margin}Server:
{margin} Containers: 2
{margin} Server Version: 26.1.4
{margin} Kernel Version: {kernel}
{margin} Operating System: {system}
{margin} init version: {init}
{margin} Name: {name}
{margin} ID: {id}
"""


def info(**said: str) -> str:
    """`docker info` with some of its lines."""
    defaults = {"margin": "", "kernel": "6.1.0-18-amd64", "system": "Debian GNU/Linux 12 (bookworm)", "init": "de40ad0"}
    return INFO.format(**(defaults | {"name": "n-1", "id": "AAAA:BBBB"} | said))


@pytest.mark.parametrize(
    ("system", "kernel", "init", "distro"),
    [
        ("Alpine Linux v3.20", "6.6.31-0-lts", "", "alpine-3.20"),
        ("Alpine Linux v3.20", "6.6.31-0-virt", "", "alpine-3.20"),
        ("Alpine Linux v3.20", "6.6.31-0-lts", "de40ad0", ""),
        ("Alpine Linux v3.20 (containerized)", "5.15.0-105-generic", "", ""),
        ("Alpine Linux v3.5", "4.9.13-moby", "949e6fa", ""),
        ("VMware Photon OS/Linux", "5.10.198-1.ph4", "de40ad0", "photon-4.0"),
        ("NixOS 24.05 (Uakari)", "6.6.32", "", "nixos-24.05"),
        ("Gentoo Linux", "6.6.30-gentoo", "", "gentoo"),
        ("Flatcar Container Linux by Kinvolk 3815.2.2 (Oklo)", "6.1.90-flatcar", "", "flatcar-3815.2.2"),
        ("Bottlerocket OS 1.20.0 (aws-k8s-1.29)", "6.1.82", "", "bottlerocket-1.20.0"),
        ("Talos (v1.7.4)", "6.6.32-talos", "", "talos"),
    ],
)  # fmt: skip
def test_the_system_that_a_daemon_names_is_evidence(system: str, kernel: str, init: str, distro: str) -> None:
    found = read(info(system=system, kernel=kernel, init=init))
    assert [c.distro for c in found.hosts[0].components] == [distro]
    assert bool(found.notes) == (not distro or found.hosts[0].components[0].rebuilt)


@pytest.mark.parametrize("margin", ["  ", "\t", "> ", "    > "])
def test_quoted_output_is_read(margin: str) -> None:
    assert runs(read(info(margin=margin)))["n-1"] == {("engine", "26.1.4", "debian-12")}


def test_the_name_that_the_operator_gives_wins_for_one_host_alone() -> None:
    assert [h.name for h in read(info(), host="laptop-1").hosts] == ["laptop-1"]
    several = read(info() + info(name="n-2"), host="laptop-1")
    assert [h.name for h in several.hosts] == ["n-1", "n-2"]
    assert any("--host laptop-1 is ignored" in n for n in several.notes)


def test_two_ids_of_one_name_stay_two_hosts() -> None:
    found = read(info() + info(id="CCCC:DDDD"))
    assert [(h.name, h.identity) for h in found.hosts] == [("n-1", "engine:AAAA:BBBB"), ("n-1", "engine:CCCC:DDDD")]


def test_apt_list_gives_what_is_installed() -> None:
    listing = (
        "Listing...\n"
        "adduser/jammy,now 3.118ubuntu5 all [installed]\n"
        "containerd/jammy-updates,now 1.7.12-0ubuntu2~22.04.1 amd64 [installed,automatic]\n"
        "docker.io/jammy-updates 26.1.3-0ubuntu1~22.04.1 amd64 [upgradable from: 24.0.7-0ubuntu2~22.04.1]\n"
        "runc/now 1.1.7-0ubuntu1~22.04.1 amd64 [residual-config]\n"
    )
    assert runs(read(listing, host="a"))["a"] == {
        ("engine", "24.0.7", "ubuntu-22.04"),
        ("containerd", "1.7.12", "ubuntu-22.04"),
    }


def test_a_swarm_lists_its_nodes() -> None:
    rows = '{"EngineVersion":"28.3.3","Hostname":"m","ID":"x1"}\n{"EngineVersion":"26.1.4","Hostname":"m","ID":"x2"}\n'
    found = read(rows)
    assert [(h.name, h.identity, h.components[0].version) for h in found.hosts] == [
        ("m", "node:x1", "28.3.3"),
        ("m", "node:x2", "26.1.4"),
    ]


def test_spdx_2_is_read_by_its_package_urls() -> None:
    document = (
        '{"spdxVersion": "SPDX-2.3", "packages": [{"name": "docker.io", "versionInfo": "20.10.24+dfsg1-1+deb12u1", '
        '"externalRefs": [{"referenceType": "purl", "referenceLocator": '
        '"pkg:deb/debian/docker.io@20.10.24%2Bdfsg1-1%2Bdeb12u1?distro=debian-12"}]}]}'
    )
    assert runs(read(document, host="a"))["a"] == {("engine", "20.10.24+dfsg1", "debian-12")}
