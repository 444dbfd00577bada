from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from feeds.core.errors import InventoryError
from notifier import inventory
from notifier.domain.components import Component, LeftOut, gathered
from tests.support.inventories import read

NEW_TEXT = """\
Client: Docker Engine - Community
 Version:           28.5.2
 API version:       1.51
 OS/Arch:           linux/amd64

Server: Docker Engine - Community
 Engine:
  Version:          29.5.0
  API version:      1.54 (minimum version 1.44)
  Built:            Tue May 12 10:00:00 2026
  Experimental:     false
 containerd:
  Version:          v2.2.5
  GitCommit:        0123456789abcdef0123456789abcdef01234567
 runc:
  Version:          1.3.4
  GitCommit:        v1.3.4-0-g0123abcd
 docker-init:
  Version:          0.19.0
  GitCommit:        de40ad0
"""
OLD_TEXT = """\
Client:
 Version:      1.12.6
 API version:  1.24

Server:
 Version:      1.10.3
 API version:  1.22
 Git commit:   abcdef0
"""
CLIENT_TEXT = """\
Client: Docker Engine - Community
 Version:           29.5.0
 API version:       1.54
Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?
"""
DESKTOP_TEXT = """\
Client:
 Version:           29.5.3
 API version:       1.54

Server: Docker Desktop 4.70.0 (200001)
 Engine:
  Version:          29.5.3
  API version:      1.54 (minimum version 1.44)
 containerd:
  Version:          v2.2.5
 runc:
  Version:          1.3.4
"""
DEBIAN_TEXT = """\
Client:
 Version:           20.10.24+dfsg1
 API version:       1.41

Server:
 Engine:
  Version:          20.10.24+dfsg1
  API version:      1.41 (minimum version 1.12)
 containerd:
  Version:          1.6.20~ds1
  GitCommit:        1.6.20~ds1-1+deb12u1
 runc:
  Version:          1.1.5+ds1
  GitCommit:        1.1.5+ds1-1+deb12u1
"""
PODMAN_TEXT = """\
Client:
 Version:           28.5.2
 API version:       1.51

Server: linux/amd64/fedora-43
 Podman Engine:
  Version:          5.7.0
  APIVersion:       5.7.0
 Conmon:
  Version:          conmon version 2.1.13
"""


def part(name: str, version: str, commit: str = "") -> dict[str, Any]:
    return {"Name": name, "Version": version, "Details": {"GitCommit": commit}}


def server(*parts: dict[str, Any], platform: str = "Docker Engine - Community", version: str = "29.5.0") -> str:
    said = {"Platform": {"Name": platform}, "Components": list(parts), "Version": version, "ApiVersion": "1.54"}
    return json.dumps({"Client": {"Version": "28.5.2", "ApiVersion": "1.51"}, "Server": said})


@pytest.mark.parametrize(
    ("text", "components"),
    [
        pytest.param(
            server(part("Engine", "29.5.0"), part("containerd", "v2.2.5"), part("runc", "1.3.4", "v1.3.4-0-g01")),
            [("engine", "29.5.0"), ("containerd", "2.2.5"), ("runc", "1.3.4"), ("cli", "28.5.2")],
            id="JSON",
        ),
        pytest.param('{"Version":"1.10.3","ApiVersion":"1.22"}', [("engine", "1.10.3")], id="an old engine's API"),
        pytest.param(
            '{"Client":{"Version":"1.12.6","ApiVersion":"1.24"},"Server":{"Version":"1.10.3","ApiVersion":"1.22"}}',
            [("engine", "1.10.3"), ("cli", "1.12.6")],
            id="JSON without components",
        ),
        pytest.param(
            server(part("Engine", "29.5.3"), part("containerd", "v2.2.5"), platform="Docker Desktop 4.70.0 (200001)"),
            [("engine", "29.5.3"), ("containerd", "2.2.5"), ("desktop", "4.70.0"), ("cli", "28.5.2")],
            id="JSON of Docker Desktop",
        ),
        pytest.param(
            json.dumps(json.loads(server(part("Engine", "29.5.0"), part("runc", "1.3.4"))), indent=4),
            [("engine", "29.5.0"), ("runc", "1.3.4"), ("cli", "28.5.2")],
            id="indented JSON",
        ),
        pytest.param(
            NEW_TEXT, [("engine", "29.5.0"), ("containerd", "2.2.5"), ("runc", "1.3.4"), ("cli", "28.5.2")], id="text"
        ),
        pytest.param(
            NEW_TEXT.replace("\n", "\r\n"),
            [("engine", "29.5.0"), ("containerd", "2.2.5"), ("runc", "1.3.4"), ("cli", "28.5.2")],
            id="text from Windows",
        ),
        pytest.param(OLD_TEXT, [("engine", "1.10.3"), ("cli", "1.12.6")], id="text of old"),
        pytest.param(
            DESKTOP_TEXT,
            [
                ("engine", "29.5.3"),
                ("containerd", "2.2.5"),
                ("runc", "1.3.4"),
                ("desktop", "4.70.0"),
                ("cli", "29.5.3"),
            ],
            id="text of Docker Desktop",
        ),
    ],
)
def test_the_server_gives_the_engine_and_its_parts_and_the_client_is_the_cli(
    text: str, components: list[tuple[str, str]]
) -> None:
    found = read(text, host="lab-1")
    assert [h.name for h in found.hosts] == ["lab-1"]
    assert [(c.product, c.version) for c in found.hosts[0].components] == components
    assert not any(c.rebuilt for c in found.hosts[0].components)
    assert found.notes == ()
    assert found.bad == ()


def client(version: str = "28.5.2", *, context: str = "", platform: str = "") -> str:
    """The text of `docker version` with this client, which asked a Docker Engine 29.5.0."""
    heading = f"Client: {platform}".strip()
    line = f" Context:           {context}\n" if context else ""
    told = f"{heading}\n Version:           {version}\n API version:       1.51\n{line}"
    return told + NEW_TEXT[NEW_TEXT.index("\nServer") :]


@pytest.mark.parametrize(
    ("context", "kept"),
    [
        ("", True),
        ("default", True),
        ("desktop-linux", True),
        ("desktop-windows", True),
        ("web-1", False),
        ("colima", False),
        ("default-2", False),
    ],
)
def test_a_client_that_asked_another_machine_is_left_out(context: str, kept: bool) -> None:
    data = json.loads(server(part("Engine", "29.5.0")))
    data["Client"]["Context"] = context
    for text in (client(context=context), json.dumps(data)):
        (host,) = read(text, host="lab-1").hosts
        assert [c.version for c in host.components if c.product == "cli"] == (["28.5.2"] if kept else [])
        left = [one for one in inventory.read(text, host="lab-1") if isinstance(one, LeftOut)]
        assert any(f"the context {context}" in one.reason for one in left) is not kept


WITHOUT_CLIENT = inventory.InputOptions(host="lab-1", client=False)


def test_the_client_is_left_out_on_request_and_nothing_else_is() -> None:
    asked = inventory.open_text(client(), WITHOUT_CLIENT)
    (host,) = gathered(asked.found).hosts
    assert [c.product for c in host.components] == ["engine", "containerd", "runc"]
    packages = "docker-ce-cli 5:28.5.2-1~debian.12~bookworm amd64 install ok installed\n"
    (host,) = gathered(inventory.open_text(packages, WITHOUT_CLIENT).found).hosts
    assert [c.product for c in host.components] == ["cli"], "a package is not a client that asked"


@pytest.mark.parametrize(
    ("text", "component"),
    [
        (client(platform="Docker Engine - Community"), Component("cli", "28.5.2")),
        (client("24.0.7-ce"), Component("cli", "24.0.7-ce")),
        (
            client("23.0.17", platform="Mirantis Container Runtime"),
            Component("cli", "23.0.17", "docker-ee-cli 23.0.17"),
        ),
    ],
)
def test_whose_build_the_client_is_stands_in_its_own_part(text: str, component: Component) -> None:
    (host,) = read(text, host="lab-1").hosts
    assert component in host.components


def test_a_client_without_a_version_that_can_be_read_is_noted() -> None:
    found = read(client("dev"), host="lab-1")
    assert [c.product for c in found.hosts[0].components] == ["engine", "containerd", "runc"]
    assert "client: 'dev'" in found.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"Client":{"Version":"29.5.0","ApiVersion":"1.54"},"Server":null}', id="JSON"),
        pytest.param('{"Client":{"Version":"29.5.0","ApiVersion":"1.54"}}', id="JSON without a word of a server"),
        pytest.param(CLIENT_TEXT, id="text"),
    ],
)
def test_a_client_without_a_server_is_no_engine(text: str) -> None:
    found = read(text)
    assert found.hosts == ()
    assert "no server answered" in found.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        server(
            part("Podman Engine", "5.7.0"), part("Conmon", "conmon version 2.1.13"), platform="linux/amd64/fedora-43"
        ),
        server(part("Engine", "5.7.0"), platform="Podman Engine"),
        PODMAN_TEXT,
    ],
)
def test_podman_answers_on_dockers_api_and_is_no_engine(text: str) -> None:
    found = read(text, host="lab-1")
    assert found.hosts == ()
    assert "Podman" in found.notes[0]
    assert "not a Docker Engine" in found.notes[0]


@pytest.mark.parametrize("text", [NEW_TEXT, OLD_TEXT, server(part("Engine", "29.5.0"))])
def test_the_host_must_be_named_and_the_error_says_how(text: str) -> None:
    with pytest.raises(InventoryError, match="--host"):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(DEBIAN_TEXT, id="text"),
        pytest.param(
            server(
                part("Engine", "20.10.24+dfsg1", "5d6db84"),
                part("containerd", "1.6.20~ds1", "1.6.20~ds1-1+deb12u1"),
                part("runc", "1.1.5+ds1", "1.1.5+ds1-1+deb12u1"),
                platform="",
            ),
            id="JSON",
        ),
    ],
)
def test_a_distributions_build_shows_its_own_package_versions(text: str) -> None:
    (host,) = read(text, host="lab-1").hosts
    assert all(c.rebuilt for c in host.components if c.product != "cli")
    assert host.components[1:3] == (
        Component("containerd", "1.6.20~ds1", "containerd 1.6.20~ds1-1+deb12u1"),
        Component("runc", "1.1.5+ds1", "runc 1.1.5+ds1-1+deb12u1"),
    )


def test_a_part_whose_version_cannot_be_read_is_noted_and_the_others_are_kept() -> None:
    found = read(server(part("Engine", "29.5.0"), part("runc", "unknown")), host="lab-1")
    assert [c.product for c in found.hosts[0].components] == ["engine", "cli"]
    assert "runc" in found.notes[0]
    assert "unknown" in found.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        '{"ApiVersion":"1.54","Version":"29.5.0","Platform":"Docker"}',
        '{"ApiVersion":"1.54","Version":"29.5.0","Components":{"Name":"Engine"}}',
        '{"ApiVersion":"1.54","Version":"29.5.0","Components":5}',
        '{"ApiVersion":"1.54","Version":"29.5.0","Components":[{"Name":"Engine","Version":"29.5.0","Details":"x"}]}',
        '{"ApiVersion":"1.54","Version":"29.5.0","Components":["Engine",null]}',
    ],
)
def test_json_of_another_shape_than_dockers_still_gives_the_engine(text: str) -> None:
    (host,) = read(text, host="lab-1").hosts
    assert host.components == (Component("engine", "29.5.0"),)


@pytest.mark.parametrize("text", ['{"Client":{}, "Server":{"Version":"29.5.0","ApiVersion"', '{"ApiVersion" 1}'])
def test_broken_json_is_an_error(text: str) -> None:
    with pytest.raises(InventoryError, match="JSON"):
        read(text, form="docker-version", host="lab-1")


@pytest.mark.parametrize(
    ("path", "components"),
    [
        ("json/1.9.1-api.json", [("engine", "1.9.1", "")]),
        (
            "json/20.10.24+dfsg1.json",
            [
                ("engine", "20.10.24+dfsg1", ""),
                ("containerd", "1.6.20~ds1", "containerd 1.6.20~ds1-1+b1"),
                ("runc", "1.1.5+ds1", "runc 1.1.5+ds1-1+b1"),
            ],
        ),
        (
            "json/28.3.3.json",
            [("engine", "28.3.3", ""), ("containerd", "1.7.27", ""), ("runc", "1.2.5", ""), ("cli", "28.3.3", "")],
        ),
        (
            "json/29.1.3.json",
            [("engine", "29.1.3", ""), ("containerd", "2.2.0", ""), ("runc", "1.3.4", ""), ("cli", "29.1.3", "")],
        ),
        ("json/client-only-no-daemon.json", []),
        ("text/1.10.3.txt", [("engine", "1.10.3", ""), ("cli", "1.10.3", "")]),
        (
            "text/20.10.24+dfsg1.txt",
            [
                ("engine", "20.10.24+dfsg1", ""),
                ("containerd", "1.6.20~ds1", "containerd 1.6.20~ds1-1+deb12u2"),
                ("runc", "1.1.5+ds1", "runc 1.1.5+ds1-1+deb12u1"),
                ("cli", "20.10.24+dfsg1", ""),
            ],
        ),
        ("text/no-server.txt", []),
    ],
)
@pytest.mark.corpus
def test_real_answers_say_what_a_person_reads_there(
    corpus: Path, path: str, components: list[tuple[str, str, str]]
) -> None:
    text = (corpus / "inventory" / f"docker-version-{path}").read_text(encoding="utf-8")
    found = read(text, host="lab-1")
    said = [(c.product, c.version, c.package) for h in found.hosts for c in h.components]
    assert said == components
    assert bool(found.notes) is not bool(components)
    assert all(c.rebuilt is ("dfsg" in path) for h in found.hosts for c in h.components)


@pytest.mark.corpus
def test_no_real_answer_is_left_untested(corpus: Path) -> None:
    there = sorted(p.name for p in corpus.glob("inventory/docker-version-*/*"))
    assert there == [
        "1.10.3.txt",
        "1.9.1-api.json",
        "20.10.24+dfsg1.json",
        "20.10.24+dfsg1.txt",
        "28.3.3.json",
        "29.1.3.json",
        "client-only-no-daemon.json",
        "no-server.txt",
    ]
