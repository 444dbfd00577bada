"""The probe: what its script prints on hosts of many kinds, and what is read in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from feeds.core.errors import InventoryError
from notifier import inventory
from notifier.domain import components
from notifier.domain.components import Observed
from notifier.domain.images import HostImages, ImageUse
from notifier.inventory.formats import probe
from notifier.inventory.formats.probe import SCRIPT, Probed, own_name, probed
from notifier.inventory.text import Text
from tests.support.fleet import VERSION, computer, images
from tests.support.images import digest
from tests.support.loopback import over_routes

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
REMOVED = "docker.io\t20.10.5+dfsg1-1\tdeinstall ok config-files\n"
DPKG = (
    f"{REMOVED}docker-ce\t5:29.5.0-1~debian.12~bookworm\tinstall ok installed\n"
    "containerd.io\t2.2.4-1~debian.12~bookworm\thold ok installed\n"
    "docker-compose-plugin\t2.39.1-1~debian.12~bookworm\tinstall ok installed\n"
)
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
DENIED = (
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: "
    "Get http://%2Fvar%2Frun%2Fdocker.sock/v1.24/version: dial unix /var/run/docker.sock: connect: permission denied"
)
CLIENT = "Client:\n Version:           28.2.2\n API version:       1.50\n"
SHELLS = [shell for shell in ("sh", "dash", "bash", "busybox") if shutil.which(shell)]


def run(at: Path, shell: str = "sh", script: str = SCRIPT) -> str:
    """What the script prints on a computer, given to a shell by standard input as ssh does."""
    command = [shell, "sh", "-s"] if shell == "busybox" else [shell, "-s"]
    if shell == "busybox":  # it prefers its own applets to PATH, and functions to its applets
        programs = [p for p in (at / "bin").iterdir() if p.name.isidentifier()]
        script = "".join(f'{p.name}() {{ "{p}" "$@"; }}\n' for p in programs) + script
    path = f"{at / 'bin'}:/usr/bin:/bin"
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=True, env={"PATH": path})
    assert done.stderr == ""
    return done.stdout


def answer(docker: str = "", *, program: str = "Docker version 29.5.0", dpkg: str = "", rpm: str = "") -> str:
    """What the probe prints, by its parts."""
    parts = {"begin": "web-1", "os-release": DEBIAN, "dpkg": dpkg, "rpm": rpm, "program": program, "docker": docker}
    return "".join(f"\n=== navtex probe: {k} ===\n{v}\n" for k, v in (*parts.items(), ("end", "")))


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_tells_what_is_installed_and_what_runs(tmp_path: Path, shell: str) -> None:
    at = computer(tmp_path / "web-1", docker=VERSION, dpkg=DPKG, system=DEBIAN)
    found = probed(run(at, shell), "web-1")
    assert (found.problem, found.bad) == ("", ())
    installed, running = found.hosts
    assert (installed.view, running.view) == (Observed.INSTALLED, Observed.RUNNING)
    assert [(c.product, c.version, c.package_name, c.distro) for c in installed.components] == [
        ("engine", "29.5.0", "docker-ce", "debian-12"),
        ("containerd", "2.2.4", "containerd.io", "debian-12"),
        ("compose", "2.39.1", "docker-compose-plugin", "debian-12"),
    ]
    assert [(c.product, c.version) for c in running.components] == [
        ("engine", "29.5.0"),
        ("containerd", "2.2.5"),
        ("cli", "29.5.0"),
    ]
    assert own_name(run(at, shell)) == "web-1"


def test_rpm_is_asked_with_the_epoch(tmp_path: Path) -> None:
    at = computer(tmp_path / "web-1", docker=VERSION, rpm="docker-ce\t3:26.1.4-1.el9\tinstalled\n", system="ID=rocky\n")
    (component,) = probed(run(at), "web-1").hosts[0].components
    assert (component.version, component.package, component.distro) == ("26.1.4", "docker-ce 3:26.1.4-1.el9", "rocky")


@pytest.mark.parametrize(
    ("manager", "own"), [("dpkg", ["dpkg-query", "-W", "dpkg"]), ("rpm", ["rpm", "-q", "rpm"])], ids=["dpkg", "rpm"]
)
def test_the_real_package_managers_take_the_question(tmp_path: Path, manager: str, own: list[str]) -> None:
    if not shutil.which(own[0]) or subprocess.run(own, capture_output=True, check=False).returncode:
        pytest.skip(f"{manager} does not manage this machine")
    at = computer(tmp_path / "web-1", docker=VERSION)
    (at / "bin" / own[0]).unlink()
    # a package that is surely there
    asked = SCRIPT.replace("names='", f"names='{manager} ")
    said = run(at, script=asked).split(f"=== navtex probe: {manager} ===\n")[1].split("\n")[0]
    name, version, state = said.split("\t")
    assert (name, state.split(" ")[-1]) == (manager, "installed")
    assert version[0].isdigit()


@pytest.mark.parametrize(
    ("complaint", "reason"),
    [(DENIED, "permission denied to the socket"), (DOWN, "no engine answers: the docker daemon does not run")],
)
def test_where_the_daemon_does_not_answer_the_packages_are_told_and_the_reason(
    tmp_path: Path, complaint: str, reason: str
) -> None:
    found = probed(run(computer(tmp_path / "web-1", complaint=complaint, dpkg=DPKG)), "web-1")
    assert found.problem == reason
    assert [h.view for h in found.hosts] == [Observed.INSTALLED]


def test_a_docker_that_knows_no_json_is_asked_for_text(tmp_path: Path) -> None:
    text = "Client:\n Version: 1.9.1\n API version: 1.21\n\nServer:\n Version: 1.9.1\n API version: 1.21\n"
    (running,) = probed(run(computer(tmp_path / "old", text=text)), "old").hosts
    assert [(c.product, c.version) for c in running.components] == [("engine", "1.9.1"), ("cli", "1.9.1")]


def test_a_podman_that_is_called_docker_is_no_engine(tmp_path: Path) -> None:
    client = json.dumps({"Client": {"APIVersion": "4.3.1", "Version": "4.3.1", "GoVersion": "go1.19.8"}})
    at = computer(tmp_path / "web-1", docker=client, program="podman version 4.3.1")
    expected = Probed((), "Podman: its docker program is Podman's, and no Docker Engine")
    assert probed(run(at), "web-1") == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (answer(program=""), "no Docker: the host has no docker program"),
        (answer(f"{CLIENT}{DOWN}"), "no engine answers: the docker daemon does not run"),
        (
            answer(CLIENT),
            "no engine answers: no server answered: it shows a client only, and the client is not an engine",
        ),
        (answer(f"{CLIENT}docker version ended with status 124"), "timed out: its docker daemon does not answer"),
        (answer("{broken"), "what its `docker version` prints cannot be read: the JSON cannot be read: "),
        (answer(json.dumps({"Server": {"Components": [{"Name": "Podman Engine"}], "Version": "5"}})), "Podman: "),
        (answer(VERSION).replace("begin", "started"), "its answer is not the probe's"),
        (answer(VERSION).partition("=== navtex probe: end")[0], "its answer breaks off"),
        (answer(program="", dpkg="containerd\t1.6.20~ds1-1+deb12u3\tinstall ok installed"), ""),
        (answer(program="", dpkg=DPKG), "no Docker: the host has no docker program"),
    ],
)
def test_why_it_is_not_known_what_runs(text: str, problem: str) -> None:
    found = probed(text, "web-1")
    assert found.problem.startswith(problem)
    assert bool(found.problem) is bool(problem)
    assert Observed.RUNNING not in [h.view for h in found.hosts]


def test_a_package_whose_version_cannot_be_read_is_told_and_the_others_are_kept() -> None:
    found = probed(answer(VERSION, dpkg=f"{DPKG}runc\tnonsense\tinstall ok installed\n"), "web-1")
    assert [(row.where, "nonsense" in row.reason) for row in found.bad] == [("web-1, package runc", True)]
    assert len(found.hosts[0].components) == 3


@pytest.mark.parametrize(
    "text",
    [
        f"Welcome to web-1!\n\n{answer(VERSION)}Bye\n",
        answer(VERSION).replace("\n", "\r\n"),
    ],
    ids=["a greeting", "a terminal's line ends"],
)
def test_what_stands_around_the_probe_does_no_harm(text: str) -> None:
    assert [h.name for h in components.gathered(inventory.read(text)).hosts] == ["web-1"]


def test_the_probes_of_several_hosts_are_read_from_one_text() -> None:
    both = answer(VERSION) + answer(CLIENT).replace("web-1", "web-2")
    found = components.gathered(inventory.read(both, form="probe"))
    assert [(h.name, h.view) for h in found.hosts] == [("web-1", Observed.RUNNING)]
    assert [note.partition(":")[0] for note in found.notes] == ["web-2"]
    assert [h.name for h in components.gathered(inventory.read(answer(VERSION), host="mine")).hosts] == ["mine"]


@pytest.mark.parametrize("text", ["", "Server:\n", "=== navtex probe: end ==="])
def test_a_text_that_is_no_probe_is_an_error(text: str) -> None:
    with pytest.raises(InventoryError):
        components.gathered(inventory.read(text, form="probe"))


def test_a_probe_that_names_no_host_is_a_bad_row() -> None:
    nameless = answer(VERSION).replace("web-1", "\x1b[31m")
    found = components.gathered(inventory.read(nameless + answer(VERSION), form="probe"))
    assert ([b.where for b in found.bad], [h.name for h in found.hosts]) == (["answer 1"], ["web-1"])


def test_a_text_that_only_speaks_of_the_probe_is_not_taken_for_one() -> None:
    assert not probe.recognises(Text.of('host,product,version\nweb-1,engine,"=== navtex probe: begin ==="\n'))


NGINX = "docker.io/library/nginx:1.27"
LAYERS = [digest("os"), digest("nginx")]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_images_that_run_are_read_with_their_layers(tmp_path: Path, shell: str) -> None:
    at = computer(tmp_path / "web-1", docker=VERSION)
    images(at, runs={"nginx:1.27": digest("nginx")}, holds={digest("idle"): LAYERS[:1], digest("nginx"): LAYERS})
    found = probed(run(at, shell), "web-1").images
    assert found.notes == ()
    assert found.images is not None
    assert found.images.uses == (ImageUse(NGINX, digest("nginx"), "linux/amd64"),)
    assert {i.key: list(i.layers) for i in found.images.held} == {
        digest("nginx"): LAYERS,
        digest("idle"): LAYERS[:1],
    }
    # what runs comes first, in case that there are too many
    asked = (at / "inspected").read_text().splitlines()[-1]
    assert asked.endswith(f" {digest('nginx')} {digest('idle')}")
    assert "Env" not in asked + SCRIPT
    assert "Cmd" not in SCRIPT


def test_a_host_that_runs_nothing_says_so_and_one_whose_daemon_refuses_says_nothing(tmp_path: Path) -> None:
    idle = computer(tmp_path / "idle", docker=VERSION)
    assert probed(run(idle), "idle").images.images == HostImages("idle", ())
    (idle / "ps").unlink()
    refused = probed(run(idle), "idle")
    assert (refused.images.images, refused.problem) == (None, "")
    assert refused.images.notes == ("what runs by image is not known: docker ps ended with status 4",)
    images(idle, runs={"nginx": digest("nginx")}, holds={digest("nginx"): LAYERS})
    (idle / "inspect-container").write_text("")
    assert probed(run(idle), "idle").images.notes == ("what runs by image is not known: docker inspect gave nothing",)
    (idle / "images").unlink()
    assert len(probed(run(idle), "idle").images.notes) == 2


def test_an_answer_of_many_images_stays_small_and_says_that_it_is_not_whole(tmp_path: Path) -> None:
    at = computer(tmp_path / "web-1", docker=VERSION)
    keys = [digest(n) for n in range(1200)]
    images(at, runs={"nginx": keys[-1]}, holds={key: [digest(key, n) for n in range(30)] for key in keys})
    text = run(at)
    assert len(text) < 2_000_000
    asked = (at / "inspected").read_text().splitlines()[-1].split()
    assert asked.count(keys[-1]) == 1
    assert len([word for word in asked if word.startswith("sha256:")]) == 1000
    assert probed(text, "web-1").images.notes == ("its images are not known, or not all of them: too long",)


def test_the_real_docker_takes_the_templates(tmp_path: Path) -> None:
    """Against an engine that has secrets in the environment and the command of its container."""
    if not shutil.which("docker"):
        pytest.skip("the docker program is not installed")
    secret = "hunter2"
    config = {"Image": "nginx:1.27", "Env": [f"PASSWORD={secret}"], "Cmd": [secret], "Labels": {"x": secret}}
    container = {"Id": "c" * 64, "Image": digest("nginx"), "Config": config, "State": {"Status": "running"}}
    listed = {"Id": "c" * 64, "Image": "nginx:1.27", "ImageID": digest("nginx"), "Command": secret, "Names": ["/web"]}
    image = {"Id": digest("nginx"), "RepoTags": ["nginx:1.27"], "RootFS": {"Type": "layers", "Layers": LAYERS}}
    image |= {"Os": "linux", "Architecture": "arm64", "Variant": "v8", "Config": {"Env": [secret]}}
    # engines leave out what is empty: here the variant of one, and the names of the other
    bare = {"Id": digest("bare"), "RootFS": {"Type": "layers", "Layers": LAYERS[:1]}, "Os": "linux"}
    answers = {
        "/_ping": "OK",
        "/version": json.loads(VERSION)["Server"],
        "/containers/json": [listed],
        f"/containers/{'c' * 64}/json": container,
        "/images/json": [{"Id": digest(n), "RepoTags": [], "RepoDigests": []} for n in ("bare", "nginx")],
        f"/images/{digest('bare')}/json": bare | {"Architecture": "amd64"},
        f"/images/{digest('nginx')}/json": image,
    }
    with over_routes(answers) as engine:
        command = ["sh", "-s"]
        environment = {"PATH": os.environ["PATH"], "DOCKER_HOST": engine.url, "HOME": str(tmp_path)}
        text = subprocess.run(command, input=SCRIPT, capture_output=True, text=True, check=True, env=environment).stdout
    assert secret not in text
    found = probed(text, "web-1").images
    assert found.notes == ()
    assert found.images is not None
    assert found.images.uses == (ImageUse(NGINX, digest("nginx"), "linux/arm64/v8"),)
    assert [list(i.layers) for i in found.images.held] == [LAYERS, LAYERS[:1]]


@pytest.mark.parametrize(
    ("container", "uses"),
    [
        (json.dumps({"Id": "c", "Image": f"sha256:{'a' * 64}", "Config": {"Image": "a" * 12}}), ()),
        ("[" * 100_000, None),
        ('{"Id": 1}', ()),
        ("null", None),
        ("Error response from daemon: authorization denied by plugin", None),
    ],
    ids=["started-by-id", "deep", "no-container", "null", "denied"],
)
def test_what_is_no_container_is_none(container: str, uses: tuple[ImageUse, ...] | None) -> None:
    text = answer(VERSION).replace(
        "\n=== navtex probe: end",
        f"\n=== navtex probe: containers ===\n{container}\n\n=== navtex probe: images ===\n\n=== navtex probe: end",
    )
    found = probed(text, "web-1").images
    assert (found.images.uses if found.images else None) == uses
    assert bool(found.notes) is (uses is None)
