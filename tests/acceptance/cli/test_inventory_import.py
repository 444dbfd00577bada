"""`inventory import` as an operator uses it: all or nothing, pruning by scope, and what waits for a restart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Program

DOCKER = """{"Client": {"Version": "28.5.2", "ApiVersion": "1.51"},
 "Server": {"Version": "28.3.3", "ApiVersion": "1.51",
 "Components": [{"Name": "Engine", "Version": "28.3.3"}, {"Name": "runc", "Version": "1.2.5"}]}}"""
DPKG = "docker-ce\t5:28.5.2-1~debian.12~bookworm\tamd64\tinstall ok installed\n"


@pytest.fixture
def navtex(program_with: Callable[..., Program]) -> Program:
    return program_with()


def csv(*rows: str) -> str:
    return "host,product,version\n" + "".join(f"{row}\n" for row in rows)


def names(navtex: Program) -> list[str]:
    return [h["host"] for h in navtex.json("inventory", "list")["hosts"]]


def test_strict_takes_all_or_nothing(navtex: Program) -> None:
    done = navtex("inventory", "import", "--strict", stdin=csv("a,engine,29.5.0", "b,engine,latest"), status=1)
    assert "standard input, line 3: b: 'latest' is not a version" in done.stderr
    assert "Nothing was imported (--strict): 1 row could not be read" in done.stderr
    assert names(navtex) == []
    navtex("inventory", "import", "--strict", stdin=csv("a,engine,29.5.0"))
    assert names(navtex) == ["a"]


def test_prune_forgets_what_the_file_no_longer_has(navtex: Program, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.csv", tmp_path / "other.csv"
    mine.write_text(csv("a,engine,29.5.0", "b,engine,29.5.0"))
    other.write_text(csv("c,engine,29.5.0"))
    navtex("inventory", "import", str(mine))
    navtex("inventory", "import", str(other))
    mine.write_text(csv("a,engine,29.5.0"))
    done = navtex("inventory", "import", "--prune", str(mine))
    assert done.stderr == "0 hosts added, 0 changed, 1 unchanged, 1 removed\n"
    assert names(navtex) == ["a", "c"]


def test_what_a_file_takes_away_is_said(navtex: Program) -> None:
    navtex("inventory", "import", stdin=csv("a,engine,29.5.0", "a,runc,1.2.5", "b,engine,29.5.0"))
    done = navtex("inventory", "import", stdin=csv("a,runc,1.2.8", "b,engine,29.5.1"))
    assert "Removed: engine on 1 host. An import replaces what earlier imports of the same kind" in done.stderr


SYSTEM = "".join(
    f"{name}\t1.0-1\tamd64\tinstall ok installed\n"
    for name in ("adduser", "base-files", *(f"lib{n}" for n in range(10, 40)), "tar", "util-linux")
)


def test_a_whole_list_of_packages_without_docker_takes_away_what_was_installed(navtex: Program) -> None:
    dpkg = ("inventory", "import", "--host", "a")
    navtex(*dpkg, stdin=DPKG + SYSTEM)
    # one that was asked for a few packages says nothing of the others
    navtex(*dpkg, stdin="nano\t7.2-1+deb12u1\tamd64\tinstall ok installed\n", status=1)
    assert [len(h["components"]) for h in navtex.json("inventory", "list")["hosts"]] == [1]
    done = navtex(*dpkg, stdin=SYSTEM)
    assert "no package in it is an engine or one of its parts" in done.stderr
    assert "0 hosts added, 1 changed, 0 unchanged\nRemoved: engine on 1 host." in done.stderr
    assert [(h["host"], h["components"]) for h in navtex.json("inventory", "list")["hosts"]] == [("a", [])]
    navtex("inventory", "import", "--host", "b", stdin=SYSTEM)
    assert names(navtex) == ["a"]


@pytest.mark.parametrize("package", ["", "acme-engine 29.5.0-1"])
def test_where_not_all_came_in_packages_that_are_followed_their_list_takes_nothing_away(
    navtex: Program, package: str
) -> None:
    mine = {"host": "a", "view": "installed", "product": "engine", "version": "29.5.0", "package": package}
    theirs = {"host": "a", "view": "installed", "product": "runc", "package": "runc 1.1.5+ds1-1+deb12u1"}
    navtex("inventory", "import", stdin=json.dumps([mine, theirs]))
    said = navtex("inventory", "import", "--host", "a", stdin=SYSTEM).stderr
    assert said.endswith("0 hosts added, 0 changed, 1 unchanged\n")
    (host,) = navtex.json("inventory", "list")["hosts"]
    assert [c["product"] for c in host["components"]] == ["engine", "runc"]


@pytest.mark.parametrize(
    ("text", "arguments", "why"),
    [
        (csv("a,engine,29.5.0", "b,engine,latest"), ["--scope", "fleet"], "rows that could not be read"),
        (csv(), ["--scope", "fleet"], "it has no host"),
        (csv("a,engine,29.5.0"), ["--scope", "flet"], "nothing was imported under this scope before; --scope says"),
    ],
)
def test_nothing_is_pruned_where_that_would_forget_too_much(
    navtex: Program, text: str, arguments: list[str], why: str
) -> None:
    navtex("inventory", "import", "--scope", "fleet", stdin=csv("a,engine,29.5.0", "b,engine,29.5.0"))
    done = navtex("inventory", "import", "--prune", *arguments, stdin=text, status=1)
    assert f"Nothing was pruned from scope '{arguments[1]}': {why}" in done.stderr
    assert names(navtex) == ["a", "b"]


def test_what_runs_counts_and_the_restart_is_said(navtex: Program) -> None:
    navtex("inventory", "import", "--host", "web-1", stdin=DPKG)
    navtex("inventory", "import", "--host", "web-1", "--from", "docker-version", stdin=DOCKER)
    (host,) = navtex.json("inventory", "list")["hosts"]
    assert [(c["product"], c["version"]) for c in host["components"]] == [
        ("cli", "28.5.2"),
        ("engine", "28.3.3"),
        ("runc", "1.2.5"),
    ]
    due = {"product": "engine", "runs": "28.3.3", "installed": "docker-ce 5:28.5.2-1~debian.12~bookworm"}
    assert (host["restarts"], host["seen_by"]) == ([due], "standard input")
    assert "restart it" in " ".join(navtex("inventory", "show", "web-1").stdout.split())
    (plan,) = (p for p in navtex.json("plan")["plans"] if p["product"] == "engine")
    (option,) = plan["options"]
    assert (option["way"], option["waiting"]) == ("restart", {"count": 1, "names": ["web-1"]})
    text = navtex("plan", "--product", "engine").stdout
    assert "restart: 5:28.5.2-1~debian.12~bookworm is installed but not running" in text
    assert "$ systemctl restart docker" in text


def test_two_engines_of_one_name_stay_two_hosts(navtex: Program) -> None:
    def info(engine: str, version: str) -> str:
        return (
            f"Client:\n Context: default\n\nServer:\n Containers: 1\n Server Version: {version}\n"
            f" Operating System: Docker Desktop\n Name: docker-desktop\n ID: {engine}\n"
        )

    def versions() -> dict[str, str]:
        hosts = navtex.json("inventory", "list")["hosts"]
        return {h["host"]: next(c["version"] for c in h["components"] if c["product"] == "engine") for h in hosts}

    navtex("inventory", "import", stdin=info("AAAA:BBBB", "25.0.3"))
    refused = navtex("inventory", "import", "--strict", stdin=info("CCCC:DDDD", "29.6.2"), status=1)
    assert "Nothing was imported (--strict): 1 host has the name of another" in refused.stderr
    warned = navtex("inventory", "import", stdin=info("CCCC:DDDD", "29.6.2"))
    assert "another engine was already imported as docker-desktop" in warned.stderr
    assert versions() == {"docker-desktop": "25.0.3", "docker-desktop~ccccdddd": "29.6.2"}
    # the same again is the same hosts, and the operator's name goes before all
    navtex("inventory", "import", stdin=info("CCCC:DDDD", "29.6.3"))
    navtex("inventory", "import", "--host", "anna-mac", stdin=info("EEEE:FFFF", "29.6.2"))
    assert versions() == {"docker-desktop": "25.0.3", "docker-desktop~ccccdddd": "29.6.3", "anna-mac": "29.6.2"}


def test_an_import_that_brings_nothing_fails_unless_that_is_allowed(navtex: Program) -> None:
    pods = '{"apiVersion": "v1", "kind": "NodeList", "items": []}'
    navtex("inventory", "import", "-", stdin=pods, status=1)
    navtex("inventory", "import", "-", "--allow-empty", stdin=pods)
    said = navtex("inventory", "import", "-", "--from", "kubernetes", stdin=pods, status=1).stderr
    assert "no host was found when reading it as kubernetes" in said
    navtex("inventory", "import", "-", "--from", "kubernetes", "--allow-empty", stdin=pods)
