"""`navtex inventory import` as a process, in the formats that fleets have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Program

FIXTURES = ROOT / "tests" / "unit" / "notifier" / "inventory" / "examples"


@pytest.fixture
def navtex(program_with: Callable[..., Program]) -> Program:
    return program_with()


@pytest.mark.parametrize("way", ["file", "standard input", "standard input, said so"])
def test_a_list_of_packages_becomes_a_host(navtex: Program, way: str) -> None:
    path = FIXTURES / "dpkg" / "dpkg-l.txt"
    if way == "file":
        done = navtex("inventory", "import", str(path), "--host", "deb-1", "--tag", "env=prod")
    else:
        dash = ["-"] if "said" in way else []
        text = path.read_text(encoding="utf-8")
        done = navtex("inventory", "import", *dash, "--host", "deb-1", "--tag", "env=prod", stdin=text)
    assert done.stdout == ""
    assert done.stderr == "1 host added, 0 changed, 0 unchanged\n"
    (host,) = navtex.json("inventory", "list")["hosts"]
    assert (host["host"], host["tags"]) == ("deb-1", {"env": "prod"})
    assert [(c["product"], c["package"], c["distro"]) for c in host["components"]] == [
        ("containerd", "containerd 1.6.20~ds1-1+deb12u1", "debian-12"),
        ("engine", "docker.io 20.10.24+dfsg1-1+deb12u1+b2", "debian-12"),
        ("runc", "runc 1.1.5+ds1-1+deb12u1", "debian-12"),
    ]


def test_what_is_printed_can_be_imported_again_and_changes_nothing(navtex: Program) -> None:
    navtex("inventory", "import", str(FIXTURES / "csv" / "fleet.csv"), status=1)
    printed = navtex("inventory", "list", "--format", "json").stdout
    done = navtex("inventory", "import", stdin=printed)
    assert done.stderr == "0 hosts added, 0 changed, 4 unchanged\n"


def test_a_host_that_one_file_shows_in_two_views_is_one_host(navtex: Program) -> None:
    done = navtex("inventory", "import", str(FIXTURES / "ansible" / "playbook.json"), status=1)
    assert "plays[0].tasks[1]: gone-1.example.org did not answer" in done.stderr
    assert "1 host added" in done.stderr
    (host,) = navtex.json("inventory", "list")["hosts"]
    assert [c["product"] for c in host["components"]] == ["cli", "engine"]
    # what runs is what is installed, so the package stands for both
    assert host["components"][1]["package"] == "docker.io 26.1.5+dfsg1-9+deb13u1"
    assert host["restarts"] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("docker-version/client-only.json", "the client is not an engine"),
        ("docker-info/podman.json", "Podman"),
        ("dpkg/removed-only.txt", "docker.io was removed"),
        ("syft/library-only.json", "github.com/docker/docker is a library"),
        ("prometheus/no-engine.txt", "neither engine_daemon_engine_info"),
        ("rpm/no-engine.txt", "no package in it is an engine"),
    ],
)
def test_a_file_without_an_engine_imports_nobody_and_says_why(navtex: Program, path: str, said: str) -> None:
    done = navtex("inventory", "import", str(FIXTURES / path), status=1)
    assert said in done.stderr
    assert "0 hosts added" in done.stderr
    assert navtex.json("inventory", "list")["hosts"] == []


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (["--from", "rpm"], "docker-ce-26.1.4-1.el9.x86_64\n", "--host NAME"),
        ([], "docker-ce-26.1.4-1.el9.x86_64\n", "--host NAME"),
        ([], '{"a": 1}', "--from"),
        ([], '[{"host": "a"', "JSON cannot be read"),
        ([], "[" * 100_000, "too deep"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_the_file_and_the_way_out(
    navtex: Program, arguments: list[str], text: str, said: str
) -> None:
    done = navtex("inventory", "import", *arguments, stdin=text, status=1)
    assert "standard input: " in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_vendors_build_is_unknown_and_the_message_says_what_would_decide(
    program_with: Callable[..., Program],
) -> None:
    navtex = program_with(polled=True)
    for path in ("docker-version/mirantis.json", "docker-version/windows-unnamed.txt", "docker-info/amazon-linux.txt"):
        navtex("inventory", "import", str(FIXTURES / path), "--host", Path(path).stem)
    navtex("inventory", "import", stdin="host,product,version\nplain,engine,23.0.17\n")
    rows = navtex.json("exposure", "--verdict", "all", "--product", "engine")["exposures"]
    verdicts = {h: {r["verdict"] for r in rows if r["host"] == h} for h in {r["host"] for r in rows}}
    assert verdicts["mirantis"] == verdicts["windows-unnamed"] == {"unknown"}
    assert "affected" in verdicts["plain"]
    assert "affected" not in verdicts["amazon-linux"]
    advisory = next(r["advisory"] for r in rows if r["host"] == "plain" and r["verdict"] == "affected")
    for host, decider in [
        ("mirantis", "the vendor's own advisories decide"),
        ("windows-unnamed", "the platform that `docker version` reports"),
    ]:
        said = navtex.json("explain", host, advisory)["verdicts"]
        assert [decider in c["reason"] for c in said if c["product"] == "engine"] == [True]
