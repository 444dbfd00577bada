"""Relatives of inputs that once failed: other systems, other quoting, other orders, other tools of the kind."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from feeds.core.errors import InventoryError
from notifier import inventory
from notifier.domain.components import Inventory, Observed, gathered
from tests.support.inventories import read


def runs(found: Inventory) -> dict[str, set[tuple[str, str, str]]]:
    """Product, version and distribution of what each host runs."""
    return {h.name: {(c.product, c.version, c.distro) for c in h.components} for h in found.hosts}


def answered(version: str = "28.0.1", **more: Any) -> dict[str, Any]:
    """`docker version` as JSON."""
    parts = [{"Name": "Engine", "Version": version}, {"Name": "runc", "Version": "1.2.4"}]
    server = {"Platform": {"Name": "Docker Engine - Community"}, "Version": version, "Components": parts}
    return {"Client": {"Version": version, "ApiVersion": "1.48", "Context": "elsewhere"}, "Server": server} | more


def informed(name: str = "web-1", version: str = "28.0.1", **more: Any) -> dict[str, Any]:
    """`docker info` as JSON."""
    said = {"ID": f"id-{name}", "Containers": 1, "Driver": "overlay2", "Name": name, "ServerVersion": version}
    return said | {"OperatingSystem": "Debian GNU/Linux 12 (bookworm)", "KernelVersion": "6.1.0-28-amd64"} | more


PAIR = {"web-1": {("engine", "28.0.1", "debian-12"), ("runc", "1.2.4", "debian-12")}}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("documents", list(permutations([answered(), informed()])), ids=["version first", "info first"])
def test_a_pair_of_documents_is_one_host_in_either_order(documents: tuple[Any, ...], indent: int | None) -> None:
    found = read("\n".join(json.dumps(d, indent=indent) for d in documents))
    assert runs(found) == PAIR
    assert (found.bad, found.notes) == ((), ())
    assert found.hosts[0].identity == "engine:id-web-1"
    assert runs(read(json.dumps(documents))) == PAIR


def test_pairs_of_several_hosts_follow_each_other_and_what_is_left_over_is_an_error() -> None:
    pairs = [answered(), informed("a"), answered("27.4.1"), informed("b", "27.4.1")]
    found = read("\n".join(map(json.dumps, pairs)))
    assert {(h.name, c.version) for h in found.hosts for c in h.components if c.product == "engine"} == {
        ("a", "28.0.1"),
        ("b", "27.4.1"),
    }
    with pytest.raises(InventoryError, match="2 outputs of `docker version` and 1 of `docker info`"):
        read("\n".join(map(json.dumps, pairs[:3])))
    with pytest.raises(InventoryError, match="different engines"):
        read("\n".join(map(json.dumps, [answered(), informed("a", "27.4.1")])))


def test_several_answers_in_a_list_are_not_denied() -> None:
    assert ("engine", "28.0.1", "") in runs(read(json.dumps([answered()]), host="a"))["a"]
    with pytest.raises(InventoryError, match=r"several answers of `docker version` \(2\)"):
        read(json.dumps([answered(), answered()]), host="a")


@pytest.mark.parametrize("mark", ["> ", ">", "> > ", "  > "])
def test_quoted_json_is_read(mark: str) -> None:
    text = json.dumps(informed(), indent=2)
    assert runs(read("".join(f"{mark}{line}\n" for line in text.splitlines())))["web-1"] == {
        ("engine", "28.0.1", "debian-12")
    }


@pytest.mark.parametrize("version", ["0.5.3", "0.7.6", "0.9.1", "0.11.1", "1.0.1", "1.3.3", "1.7.1"])
@pytest.mark.parametrize("margin", ["", "    ", "> "])
def test_the_oldest_engines_are_read(version: str, margin: str) -> None:
    lines = [f"Client version: {version}", "Go version (client): go1.2", f"Server version: {version}"]
    assert runs(read("\n".join(margin + line for line in lines), host="a")) == {
        "a": {("engine", version, ""), ("cli", version, "")}
    }


SYSTEM = "Server:\n Containers: 2\n Server Version: 26.1.4\n Kernel Version: {}\n Operating System: {}\n Name: n\n"
"""`docker info` as it is often quoted: from the server on."""


@pytest.mark.parametrize(
    ("system", "kernel", "distro", "note"),
    [
        ("Ubuntu 22.04.3 LTS", "5.15.90.1-microsoft-standard-WSL2", "ubuntu-22.04", ""),
        ("Alpine Linux v3.19", "5.15.90.1-microsoft-standard-WSL2", "", "apk info -v docker"),
        ("Docker for Mac", "4.9.49-moby", "", "Docker Desktop's own version"),
        ("LinuxKit", "4.19.76-linuxkit", "", ""),
        ("Boot2Docker 1.12.3", "4.4.27-boot2docker", "", ""),
        ("openEuler 22.03 (LTS-SP3)", "5.10.0", "", "'openEuler 22.03 (LTS-SP3)' is not known"),
        ("<unknown>", "4.4.302+", "", "'<unknown>' is not known"),
        ("SUSE Linux Enterprise Micro 5.5", "5.14.21", "sle-micro-5.5", "who built the engine"),
        ("openSUSE MicroOS", "6.8.1", "opensuse-microos", "who built the engine"),
        ("Amazon Linux 2023.3.20240108", "6.1.66", "amzn-2023", "who built the engine"),
        ("Debian GNU/Linux 12 (bookworm)", "6.1.0", "debian-12", ""),
    ],
)  # fmt: skip
def test_where_the_builder_is_unsure_what_decides_is_said(system: str, kernel: str, distro: str, note: str) -> None:
    found = read(SYSTEM.format(kernel, system))
    assert [c.distro for c in found.hosts[0].components] == [distro]
    assert len(found.notes) == bool(note)
    assert all(note in said for said in found.notes)


def test_a_kbom_of_rows_is_read_with_its_ids() -> None:
    nodes = [
        {"name": "n-1", "machine_id": "AA", "container_runtime_version": "containerd://1.7.25", "os_image": "Talos"},
        {"name": "n-2", "machine_id": "BB", "container_runtime_version": "cri-o://1.30.0", "os_image": "Fedora 40"},
    ]
    found = read(json.dumps({"id": "1", "bom_format": "rad", "cluster": {"name": "c", "nodes": nodes}}))
    assert runs(found) == {"n-1": {("containerd", "1.7.25", "talos")}}
    assert [h.identity for h in found.hosts] == ["machine:aa"]
    assert found.notes == ("the container runtime cri-o is not followed (n-2)",)


@pytest.mark.parametrize(
    ("text", "form", "product", "expected"),
    [
        ("1.7.25", "versions", "containerd", {("containerd", "1.7.25", "")}),
        ('"29.5.1"\n', "versions", "", {("engine", "29.5.1", "")}),
        ("docker://27.4.1", "versions", "", {("engine", "27.4.1", "")}),
        ("Docker version 27.4.1, build b9d17ea", "program-version", "engine", {("engine", "27.4.1", "")}),
        ("Docker version 27.4.1, build b9d17ea", "program-version", "", {("cli", "27.4.1", "")}),
        ("a | CHANGED | rc=0 >>\n1.7.25\n", "ansible", "containerd", {("containerd", "1.7.25", "")}),
    ],
)
def test_what_does_not_name_its_product_takes_the_given_one(
    text: str, form: str, product: str, expected: set[tuple[str, str, str]]
) -> None:
    assert runs(gathered(inventory.read(text, "", "a", product))) == {"a": expected}
    assert runs(gathered(inventory.read(text, form, "a", product))) == {"a": expected}


def test_a_version_alone_asks_for_what_is_missing() -> None:
    with pytest.raises(InventoryError) as error:
        read("29.5.1\n")
    assert error.value.remedy == "Name it: --host NAME, and --product NAME where it is not the engine's"
    (bad,) = read("1.7.25\n", host="a").bad
    assert bad.reason == "it does not show of which product 1.7.25 is. Name it: --product NAME"


def test_a_product_that_is_given_without_need_is_ignored_aloud() -> None:
    found = gathered(inventory.read(json.dumps(informed()), "", "", "containerd"))
    assert found.notes == ("it names its products itself, so --product containerd is ignored",)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("adduser 3.134\napt 2.6.1\ndocker.io 20.10.24+dfsg1-1+deb12u1\ndpkg 1.21.22\n", "dpkg"),
        ("containerd 2.0.1-1\ndocker 1:27.4.1-1\nlinux 6.12.1-1\n", "pacman"),
        ("docker-ce-3:27.4.1-1.el9.x86_64\nrunc-1.2.4-1.el9.x86_64\n", "rpm"),
    ],
)
def test_lists_of_packages_are_no_lists_of_hosts(text: str, form: str) -> None:
    assert {h.view for h in read(text, host="a").hosts} == {Observed.INSTALLED}
    assert read(text, host="a") == read(text, form, host="a")


def test_a_host_of_a_playbook_counts_by_what_can_be_read() -> None:
    failed = {"rc": 127, "stderr": "sh: docker: not found"}
    tasks = [
        {"hosts": {"a": {"rc": 0, "stdout": "up 3 days"}, "b": {"rc": 0, "stdout": "up 1 day"}}},
        {"hosts": {"a": {"rc": 0, "stdout": json.dumps(answered())}, "b": failed}},
    ]
    found = read(json.dumps({"plays": [{"tasks": tasks}]}))
    assert runs(found) == {"a": {("engine", "28.0.1", ""), ("runc", "1.2.4", "")}}
    assert [b.reason.partition(":")[0] for b in found.bad] == [
        "what the command printed cannot be read",
        "the command failed on b (rc=127)",
    ]


def test_a_command_may_show_several_hosts_of_its_own() -> None:
    table = (
        "ID    HOSTNAME   STATUS    AVAILABILITY   MANAGER STATUS   ENGINE VERSION\n"
        "q1 *  mgr-1      Ready     Active         Leader           28.3.3\n"
        "q2    wrk-1      Ready     Active                          27.4.1\n"
    )
    assert [h.name for h in read(f"bastion | CHANGED | rc=0 >>\n{table}").hosts] == ["mgr-1", "wrk-1"]


@pytest.mark.parametrize(
    "text",
    [
        "a 29.5.1\nb 28.1.0\n",
        "a\t29.5.1\nb\t28.1.0\n",
        "a: 29.5.1\nb: v28.1.0\n",
        "a=29.5.1\nb=28.1.0\n",
        "a,29.5.1\nb,28.1.0\n",
        "29.5.1 a\n28.1.0 b\n",
        "HOST  VERSION\na     29.5.1\nb     28.1.0\n",
        "a engine 29.5.1\nb docker 28.1.0\n",
        "$ cat versions\na 29.5.1\n\nb 28.1.0\n",
    ],
)
def test_lines_of_hosts_and_versions_may_be_written_in_many_ways(text: str) -> None:
    assert runs(read(text)) == {"a": {("engine", "29.5.1", "")}, "b": {("engine", "28.1.0", "")}}


@pytest.mark.parametrize(
    ("title", "state", "gone"),
    [
        ("Listing... Done", "installed,automatic", "residual-config"),
        ("Auflistung…", "installiert", "Konfiguration-verbleibend"),
        ("En train de lister… Fait", "installé", "configuration résiduelle"),
        ("Listando... Hecho", "instalado, automático", "configuración-residual"),
    ],
)
def test_apt_is_read_in_other_languages(title: str, state: str, gone: str) -> None:
    text = (
        f"{title}\ndocker.io/jammy,now 24.0.7-0ubuntu2~22.04.1 amd64  [{state}]\n"
        f"runc/now 1.1.7-0ubuntu1 amd64 [{gone}]\n"
    )
    assert runs(read(text, host="a")) == {"a": {("engine", "24.0.7", "ubuntu-22.04")}}


def test_a_search_of_pacman_is_a_list() -> None:
    text = "local/docker 1:27.4.1-1\n    Pack, ship and run\nlocal/runc 1.2.4-1 (base)\n    CLI tool\n"
    assert runs(read(text, host="a")) == {"a": {("engine", "27.4.1", "arch"), ("runc", "1.2.4", "arch")}}


@pytest.mark.parametrize(
    "form", [f.NAME for f in inventory.FORMATS if f.NAME not in ("docker-version", "docker-report")]
)
def test_no_format_denies_what_a_text_of_another_shows(form: str) -> None:
    text = "Server:\n Engine:\n  Version: 26.1.4\n  API version: 1.45\n containerd:\n  Version: 1.6.31\n"
    try:
        found = read(text, form, host="a")
    except InventoryError as error:
        said = [error.what, error.remedy or ""]
    else:
        assert not found.hosts
        said = [*found.notes, *(b.reason for b in found.bad)]
    assert not [words for words in said if "no engine" in words or "client only" in words or "no package" in words]
    assert any("docker-version" in words or "Name the columns" in words or "probe" in words for words in said)


@pytest.mark.parametrize("line", ["nodejs 20.11.0", "node 22.1.0", "node 24.1.0", "python 3.12.1", "docker 7.1.0"])
def test_versions_of_other_programs_are_no_engines(line: str) -> None:
    found = read(f"{line}\n", host="a")
    assert not found.hosts
    assert len(found.bad) == 1


def test_runtimes_of_nodes_may_be_listed_by_kubectl() -> None:
    text = "NAME   RUNTIME\nn-1    containerd://1.7.25\nn-2    docker://17.3.2\nn-3    cri-o://1.30.1\n10.0.0.9 docker://27.4.1\n"
    found = read(text)
    assert runs(found) == {
        "n-1": {("containerd", "1.7.25", "")},
        "n-2": {("engine", "17.03.2", "")},
        "10.0.0.9": {("engine", "27.4.1", "")},
    }
    assert (found.bad, found.notes) == ((), ("the container runtime cri-o is not followed (n-3)",))


def test_a_line_without_a_host_stops_no_other() -> None:
    found = read("29.5.1\nb 28.1.0\n")
    assert runs(found) == {"b": {("engine", "28.1.0", "")}}
    assert [b.where for b in found.bad] == ["line 1"]
    found = read("Docker version 27.4.1, build 1\nb: Docker version 26.0.2, build 2\n")
    assert runs(found) == {"b": {("cli", "26.0.2", "")}}
    assert [b.where for b in found.bad] == ["line 1"]


def test_the_client_alone_is_no_engine() -> None:
    client = {
        "Version": "27.4.1",
        "ApiVersion": "1.47",
        "DefaultAPIVersion": "1.47",
        "GitCommit": "1",
        "GoVersion": "go1.22",
    }
    assert not [c for h in read(json.dumps(client), host="a").hosts for c in h.components if c.product == "engine"]


def test_an_answer_without_the_name_of_its_metric_is_read() -> None:
    text = (
        '{container_runtime_version="containerd://1.7.25", node="n-1", os_image="Talos (v1.7.4)"} => 1 @[1767225600]\n'
    )
    assert runs(read(text)) == {"n-1": {("containerd", "1.7.25", "talos")}}
