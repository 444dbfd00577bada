from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from feeds.errors import InventoryError
from notifier.collect import local
from tests.loopback import Answer, over_http, over_socket

VERSION = json.dumps(
    {
        "Platform": {"Name": "Docker Engine - Community"},
        "Components": [
            {"Name": "Engine", "Version": "29.5.0", "Details": {"GitCommit": "abcdef0"}},
            {"Name": "containerd", "Version": "v2.2.5", "Details": {}},
        ],
        "Version": "29.5.0",
        "ApiVersion": "1.54",
    }
)


@pytest.fixture
def place() -> Iterator[Path]:
    # a socket's path must be short
    with tempfile.TemporaryDirectory(prefix="navtex-") as folder:
        yield Path(folder)


def test_the_local_engine_is_asked_over_its_socket(place: Path) -> None:
    with over_socket(place / "docker.sock", Answer(body=VERSION)) as engine:
        found = local("lab-1", engine.url)
    assert engine.paths == ["/version"]
    assert [h.name for h in found.hosts] == ["lab-1"]
    assert [(c.product, c.version) for c in found.hosts[0].components] == [
        ("engine", "29.5.0"),
        ("containerd", "2.2.5"),
    ]


def test_an_engine_is_asked_over_tcp_too() -> None:
    with over_http(Answer(body=VERSION)) as engine:
        found = local("lab-1", engine.url.replace("http://", "tcp://"))
    assert found.hosts[0].components[0].version == "29.5.0"


def test_without_a_name_the_host_is_called_as_this_machine_is() -> None:
    with over_http(Answer(body=VERSION)) as engine:
        assert local(address=engine.url).hosts[0].name == socket.gethostname()


def test_podmans_socket_gives_no_host(place: Path) -> None:
    body = json.dumps(
        {"Components": [{"Name": "Podman Engine", "Version": "5.7.0"}], "Version": "5.7.0", "ApiVersion": "1.41"}
    )
    with over_socket(place / "podman.sock", Answer(body=body)) as engine:
        found = local("lab-1", engine.url)
    assert found.hosts == ()
    assert "Podman" in found.notes[0]


def test_where_there_is_no_socket_the_error_says_where_and_what_to_do(place: Path) -> None:
    with pytest.raises(InventoryError) as error:
        local("lab-1", f"unix://{place / 'docker.sock'}")
    assert str(place / "docker.sock") in str(error.value)
    assert "DOCKER_HOST" in str(error.value)


def test_where_nobody_listens_the_error_says_where() -> None:
    with over_http() as gone:
        pass
    with pytest.raises(InventoryError, match=gone.url.replace("http://", "tcp://")):
        local("lab-1", gone.url.replace("http://", "tcp://"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [(Answer(500, "down"), "HTTP 500"), (Answer(403, "no"), "HTTP 403"), (Answer(200, "{broken"), "JSON")],
)
def test_an_engine_that_answers_no_version_is_an_error(answer: Answer, said: str) -> None:
    with over_http(answer) as engine, pytest.raises(InventoryError, match=said):
        local("lab-1", engine.url)


@pytest.mark.parametrize("address", ["ssh://ops@lab-1", "npipe:////./pipe/docker_engine", "lab-1", "tcp://"])
def test_an_address_that_cannot_be_asked_is_an_error_that_names_those_that_can(address: str) -> None:
    with pytest.raises(InventoryError, match=r"unix:///PATH or tcp://HOST:PORT"):
        local("lab-1", address)
