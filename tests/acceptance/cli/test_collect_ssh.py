"""Collecting from many hosts over SSH, by the command line, with a program in the place of OpenSSH's client."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from notifier.collection.ssh import destination, reason
from notifier.inventory.formats.probe import SCRIPT
from tests.conftest import Program
from tests.support.fleet import VERSION, arguments, client, computer, images
from tests.support.images import digest

DPKG = "docker-ce\t5:29.5.0-1~debian.12~bookworm\tinstall ok installed\n"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    folder = tmp_path / "fleet"
    client(folder)
    return folder


@pytest.fixture
def navtex(program_with: Callable[..., Program], fleet: Path) -> Program:
    return program_with(PATH=f"{fleet / 'bin'}:{os.environ['PATH']}")


def kept(navtex: Program) -> dict[str, list[str]]:
    """The hosts of the inventory, each with what runs there."""
    hosts = navtex.json("inventory", "list")["hosts"]
    return {h["host"]: [f"{c['product']} {c['version']}" for c in h["components"]] for h in hosts}


def hosts_file(navtex: Program, text: str) -> str:
    (navtex.home / "hosts").write_text(text, encoding="utf-8")
    return str(navtex.home / "hosts")


def test_hosts_are_collected_with_their_tags_and_what_came_in_which_package(navtex: Program, fleet: Path) -> None:
    computer(fleet / "web-1", docker=VERSION, dpkg=DPKG, system="ID=debian\nVERSION_ID=12\n")
    computer(fleet / "web-2", docker=VERSION)
    file = hosts_file(navtex, "# ours\nweb-1 env=prod\nops@web-2\n")
    done = navtex("inventory", "collect", "--ssh-hosts", file, "--tag", "team=web")
    assert done.stderr == "2 hosts added, 0 changed, 0 unchanged\n"
    first, second = navtex.json("inventory", "list")["hosts"]
    assert (first["host"], first["tags"]) == ("web-1", {"env": "prod", "team": "web"})
    assert [(c["product"], c["package"], c["distro"]) for c in first["components"]] == [
        ("cli", None, None),
        ("containerd", None, None),
        ("engine", "docker-ce 5:29.5.0-1~debian.12~bookworm", "debian-12"),
    ]
    assert (second["host"], second["tags"]) == ("web-2", {"team": "web"})


def test_a_fleet_brings_the_images_that_it_runs(navtex: Program, fleet: Path) -> None:
    base, one, other = ([digest(word) for word in words.split()] for words in ("os", "os app", "os app2"))
    holds = {digest("base"): base, digest("one"): one, digest("other"): other}
    for name, runs in (("web-1", "one"), ("web-2", "one"), ("web-3", "other")):
        images(computer(fleet / name, docker=VERSION), runs={"r.example/shop:1": digest(runs)}, holds=holds)
    quiet = computer(fleet / "quiet", docker=VERSION)
    (quiet / "ps").unlink()
    file = hosts_file(navtex, "web-1\nweb-2\nweb-3\nquiet\n")
    done = navtex("inventory", "collect", "--ssh-hosts", file, "--format", "json")
    assert done.stderr.splitlines() == [
        "4 hosts added, 0 changed, 0 unchanged",
        "quiet: what runs by image is not known: docker ps ended with status 4",
    ]
    listed = navtex.json("image", "list")["images"]
    assert sorted((i["image"], i["hosts"]) for i in listed) == [("r.example/shop:1", 1), ("r.example/shop:1", 2)]
    images(fleet / "web-3", runs={}, holds=holds)
    navtex("inventory", "collect", "--ssh", "web-3")
    assert [(i["image"], i["hosts"]) for i in navtex.json("image", "list")["images"]] == [("r.example/shop:1", 2)]


@pytest.mark.long
def test_a_large_fleet_is_stored_in_parts_as_if_it_were_stored_at_once(navtex: Program, fleet: Path) -> None:
    """More hosts than are stored together, with images that several have, and reasons that several give."""
    holds = {digest(name): [digest("os"), digest(name)] for name in ("one", "other")}
    answers = []
    for name, runs in (("a", "one"), ("b", "other")):
        at = images(computer(fleet / name, docker=VERSION), runs={"r.example/shop:1": digest(runs)}, holds=holds)
        answers.append(_printed(at))
    (images(computer(fleet / "c", docker=VERSION), runs={}, holds=holds) / "ps").unlink()
    answers.append(_printed(fleet / "c"))
    for number, answer in enumerate(answers):
        (fleet / f"answer-{number}").write_text(answer, encoding="utf-8")
    (fleet / "bin" / "ssh").write_text(
        '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nnumber=${2#web-}\n'
        f'case $number in *7) echo "$2: Permission denied (publickey)." >&2; exit 255;; esac\n'
        f'exec cat "{fleet}/answer-$((number % 3))"\n',
        encoding="utf-8",
    )
    names = [f"web-{n}" for n in range(600)]
    done = navtex("inventory", "collect", "--ssh-hosts", hosts_file(navtex, "\n".join(names)), status=1)
    refused = [n for n in names if n.endswith("7")]
    lines = done.stderr.splitlines()
    assert lines[0] == "540 hosts added, 0 changed, 0 unchanged"
    assert lines[1].endswith(" and 177 more: what runs by image is not known: docker ps ended with status 4")
    assert lines[2] == "60 of 600 did not answer; their stored data is unchanged:"
    assert [line.split()[1] for line in lines[3:-2]] == refused
    assert lines[-2] == "By reason: login refused (60)"
    assert set(kept(navtex)) == set(names) - set(refused)
    listed = navtex.json("image", "list")["images"]
    assert sorted((i["image"], i["hosts"]) for i in listed) == [("r.example/shop:1", 180), ("r.example/shop:1", 180)]


def _printed(at: Path) -> str:
    """What the probe prints on a computer."""
    path = {"PATH": f"{at / 'bin'}:/usr/bin:/bin"}
    return subprocess.run(["sh", "-s"], input=SCRIPT, capture_output=True, text=True, check=True, env=path).stdout


def test_ssh_is_called_without_a_shell_and_the_host_cannot_be_an_option(navtex: Program, fleet: Path) -> None:
    computer(fleet / "web-1", docker=VERSION)
    navtex("inventory", "collect", "--ssh", "ssh://ops@web-1:2222", "--timeout", "7")
    (said,) = arguments(fleet)
    assert said[-5:] == ["-p", "2222", "--", "ops@web-1", "sh -s"]
    assert {"BatchMode=yes", "ConnectTimeout=7", "ControlMaster=no"} <= set(said)
    # whom to trust is for the user's own configuration to say
    assert "StrictHostKeyChecking" not in " ".join(said)


UNKNOWN_KEY = "No ED25519 host key is known for stranger and you have requested strict checking.\r\n"
REFUSALS = {
    "closed": ("ssh: connect to host closed port 22: Connection refused\r\n", "unreachable: connection refused"),
    "stranger": (f"{UNKNOWN_KEY}Host key verification failed.\r\n", "host key unknown"),
    "locked": ("ops@locked: Permission denied (publickey,password).\r\n", "login refused"),
}


def test_those_that_did_not_answer_are_listed_with_the_reason_and_keep_what_is_known(
    navtex: Program, fleet: Path
) -> None:
    for name in ("web-1", "closed"):
        computer(fleet / name, docker=VERSION)
    navtex("inventory", "collect", "--ssh", "web-1", "--ssh", "closed")
    before = {h["host"]: h["last_seen"] for h in navtex.json("inventory", "list")["hosts"]}
    for name, (words, _) in REFUSALS.items():
        at = fleet / name if name == "closed" else computer(fleet / name)
        (at / "refuses").write_text(words, encoding="utf-8")
    computer(fleet / "denied", complaint="permission denied while trying to connect to the Docker daemon socket")
    computer(fleet / "down", complaint="Cannot connect to the Docker daemon.", dpkg=DPKG)
    computer(fleet / "podman", docker="{}", program="podman version 4.3.1")
    computer(fleet / "hangs", hangs="")
    computer(fleet / "floods", floods="")
    computer(fleet / "other", forced="Welcome.\n")
    expected = {name: reason for name, (_, reason) in REFUSALS.items()} | {
        "denied": "permission denied to the socket",
        "down": "no engine answers: the docker daemon does not run. Its packages were stored.",
        "floods": "its answer is larger than 4 MiB",
        "hangs": "timed out after 1 s",
        "nowhere": "unreachable: unknown host name",
        "other": "its answer is not the probe's",
        "podman": "Podman: its docker program is Podman's, and no Docker Engine",
    }
    file = hosts_file(navtex, "\n".join(["web-1", *expected]))
    done = navtex("inventory", "collect", "--ssh-hosts", file, "--timeout", "1", status=1)
    summary, title, *listed, remedy = done.stderr.splitlines()
    assert summary == "1 host added, 0 changed, 1 unchanged"
    assert remedy == "What to do: `navtex help collect-from-hosts` explains each reason"
    assert title == "10 of 11 did not answer; their stored data is unchanged:"
    said = {line.split()[1]: line.split(maxsplit=2)[2] for line in listed}
    assert list(said) == list(expected)
    assert {name: said[name].startswith(words) for name, words in expected.items()} == dict.fromkeys(expected, True)
    assert kept(navtex) == {
        "closed": ["cli 29.5.0", "containerd 2.2.5", "engine 29.5.0"],
        "down": ["engine 29.5.0"],
        "web-1": ["cli 29.5.0", "containerd 2.2.5", "engine 29.5.0"],
    }
    assert {h["host"]: h["last_seen"] for h in navtex.json("inventory", "list")["hosts"]}["closed"] == before["closed"]


def test_a_greeting_before_the_answer_does_no_harm(navtex: Program, fleet: Path) -> None:
    computer(fleet / "web-1", docker=VERSION, greets="Welcome to web-1!\n{}\n")
    navtex("inventory", "collect", "--ssh", "web-1")
    assert list(kept(navtex)) == ["web-1"]


def test_a_key_with_a_forced_command_answers_though_it_reads_nothing(navtex: Program, fleet: Path) -> None:
    at = computer(fleet / "web-1", docker=VERSION)
    (at / "forced").write_text(_printed(at), encoding="utf-8")
    navtex("inventory", "collect", "--ssh", "web-1")
    assert list(kept(navtex)) == ["web-1"]


@pytest.mark.parametrize(("jobs", "status"), [("2", 0), ("1", 1)])
def test_so_many_are_asked_at_a_time_and_no_more(navtex: Program, fleet: Path, jobs: str, status: int) -> None:
    # each answers only while the other is asked
    computer(fleet / "web-1", docker=VERSION, meets="web-2")
    computer(fleet / "web-2", docker=VERSION, meets="web-1")
    limit = "60" if status == 0 else "0.5"
    done = navtex(
        *("inventory", "collect", "--ssh", "web-1", "--ssh", "web-2", "--jobs", jobs, "--timeout", limit), status=status
    )
    assert done.stderr.count("timed out after 0.5 s") == (0 if status == 0 else 2)


def alive(number: str) -> bool:
    """Whether a process is at work; one that has ended and is not waited for is not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", number], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def until(condition: Callable[[], Any]) -> None:
    """Wait for something that is sure to come."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_host_that_hangs_is_given_up_with_all_that_was_started_for_it(navtex: Program, fleet: Path) -> None:
    at = computer(fleet / "web-1", hangs="")
    navtex("inventory", "collect", "--ssh", "web-1", "--timeout", "0.5", status=1)
    pids = (at / "pids").read_text().split()
    assert len(pids) == 2
    until(lambda: not any(map(alive, pids)))


def _heeds_signals() -> None:
    # a shell lets what it starts in the background ignore them, and these tests with it
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def stopped(navtex: Program, machines: list[Path], number: signal.Signals, *options: str) -> None:
    """Collect from machines, of which some hang, and stop it as soon as all that hang are asked."""
    command = [sys.executable, "-m", "notifier.cli", "inventory", "collect", *options]
    hang = [at for at in machines if (at / "hangs").exists()]
    with subprocess.Popen(
        [*command, *(word for at in machines for word in ("--ssh", at.name))],
        env=navtex.environment,
        cwd=navtex.home,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heeds_signals,  # noqa: PLW1509 - no thread is at work here
    ) as process:
        until(lambda: all((at / "pids").exists() for at in hang))
        process.send_signal(number)
        assert process.wait(timeout=60) == 130
        assert process.stderr is not None
        assert process.stderr.read().endswith("Stopped.\n")
    pids = [pid for at in hang for pid in (at / "pids").read_text().split()]
    until(lambda: not any(map(alive, pids)))


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM, signal.SIGHUP])
def test_whoever_stops_the_program_stops_what_it_started(navtex: Program, fleet: Path, number: signal.Signals) -> None:
    stopped(navtex, [computer(fleet / f"web-{n}", hangs="") for n in range(3)], number)


def test_what_was_collected_before_the_program_was_stopped_is_kept(navtex: Program, fleet: Path) -> None:
    machines = [computer(fleet / "web-1", docker=VERSION), computer(fleet / "web-2", hangs="")]
    stopped(navtex, machines, signal.SIGINT, "--jobs", "1")
    assert list(kept(navtex)) == ["web-1"]


CANCELLING = """
import asyncio, contextlib, sys, time
from pathlib import Path
from notifier.collection.ssh import destination, probe

async def main():
    for turns, at in enumerate(map(Path, sys.argv[1:]), 1):
        task = asyncio.create_task(probe(destination(at.name), 60))
        for _ in range(turns):
            await asyncio.sleep(0)
        end = time.monotonic() + (5 if turns > 2 else 0.2)  # in the first turns, nothing may have been started
        while not (at / "pids").exists() and time.monotonic() < end:
            time.sleep(0.01)  # the loop does not turn meanwhile
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

asyncio.run(main())
"""


def test_whatever_it_was_about_to_do_it_stops_what_it_started(navtex: Program, fleet: Path) -> None:
    machines = [computer(fleet / f"web-{n}", hangs="") for n in range(12)]
    command = [sys.executable, "-c", CANCELLING, *map(str, machines)]
    subprocess.run(command, env=navtex.environment, check=True, timeout=60)
    started = [at / "pids" for at in machines if (at / "pids").exists()]
    assert len(started) >= 10
    assert not any(alive(pid) for pids in started for pid in pids.read_text().split())


def test_where_there_is_no_ssh_the_list_says_so(program_with: Callable[..., Program]) -> None:
    done = program_with(PATH="/nowhere")("inventory", "collect", "--ssh", "web-1", status=1)
    assert "ssh cannot be started: No such file or directory. Install OpenSSH's client" in done.stderr


# the command line and the configuration


def test_cron_needs_no_options(navtex: Program, fleet: Path) -> None:
    for name in ("web-1", "web-2", "web-3"):
        computer(fleet / name, docker=VERSION)
    file = hosts_file(navtex, "web-2 env=lab\n")
    config = navtex.home / "navtex.toml"
    config.write_text(f'[collect]\nssh = ["web-1 env=prod"]\nssh_hosts = "{file}"\ntimeout = 30\n', encoding="utf-8")
    navtex("inventory", "collect", NAVTEX_CONFIG=str(config))
    hosts = navtex.json("inventory", "list")["hosts"]
    assert {h["host"]: h["tags"] for h in hosts} == {"web-1": {"env": "prod"}, "web-2": {"env": "lab"}}
    assert {"ConnectTimeout=30"} <= set(arguments(fleet)[0])
    navtex("inventory", "collect", "--ssh", "web-3", NAVTEX_CONFIG=str(config))
    assert len(arguments(fleet)) == 3


def test_a_context_that_goes_by_ssh_is_called_as_its_machine_is(navtex: Program, fleet: Path) -> None:
    computer(fleet / "web-1", docker=VERSION)
    done = navtex("inventory", "collect", DOCKER_HOST="ssh://ops@web-1")
    assert done.stderr == "1 host added, 0 changed, 0 unchanged\n"
    assert list(kept(navtex)) == ["web-1"]
    navtex("inventory", "collect", "--host", "mine", "--ssh", "web-1")
    assert list(kept(navtex)) == ["mine", "web-1"]


def test_hosts_come_from_standard_input(navtex: Program, fleet: Path) -> None:
    computer(fleet / "web-1", docker=VERSION)
    navtex("inventory", "collect", "--ssh-hosts", "-", stdin="web-1\n")
    assert list(kept(navtex)) == ["web-1"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--context", "lab"], 2, "there is no docker context 'lab'"),
        (["--host", "x", "--ssh", "a", "--ssh", "b"], 2, "--host names one host, and 2 are queried"),
        (["--ssh-hosts", "missing"], 2, "No such file"),
        (["--ssh", "-oProxyCommand=x"], 1, "'-oProxyCommand=x' is not a host for ssh"),
        (["--jobs", "0"], 2, "1<=x<=256"),
        (["--timeout", "0"], 2, "0<x<=3600"),
    ],
)
def test_what_cannot_be_asked_is_told(navtex: Program, arguments: list[str], status: int, said: str) -> None:
    assert said in navtex("inventory", "collect", *arguments, status=status).stderr


def test_the_probe_can_be_run_by_other_means_and_imported(navtex: Program, fleet: Path) -> None:
    at = computer(fleet / "web-1", docker=VERSION, dpkg=DPKG)
    script = navtex("inventory", "probe").stdout
    printed = subprocess.run(
        ["sh", "-s"], input=script, capture_output=True, text=True, check=True, env={"PATH": f"{at / 'bin'}:/bin"}
    ).stdout
    navtex("inventory", "import", stdin=printed)
    assert kept(navtex) == {"web-1": ["cli 29.5.0", "containerd 2.2.5", "engine 29.5.0"]}


# hosts as people write them


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web-1", ["--", "web-1"]),
        ("ops@web-1.example.org", ["--", "ops@web-1.example.org"]),
        ("someone@example.org@web-1", ["--", "someone@example.org@web-1"]),
        ("2001:db8::1", ["--", "2001:db8::1"]),
        ("fe80::1%eth0", ["--", "fe80::1%eth0"]),
        ("ssh://web-1", ["--", "web-1"]),
        ("ssh://ops@web-1:2222/", ["-p", "2222", "--", "ops@web-1"]),
        ("ssh://[2001:db8::1]:22", ["-p", "22", "--", "2001:db8::1"]),
    ],
)
def test_a_host_is_given_to_ssh_as_it_wants_it(text: str, expected: list[str]) -> None:
    assert destination(text).arguments() == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "-oProxyCommand=x", "ops@-oProxyCommand=x", "-l@web-1", "a b", "a;b", "$(x)", "`x`", "a\nb", "a/b"),
        *("ssh://", "ssh://web-1:99999", "ssh://web-1:x", "ssh://-x", "ssh://web-1/path", "ssh://a b@c"),
        *("@", "ops@", "http://web-1", "x" * 300, "\u202eweb", "'web'", "ops'@web-1"),
    ],
)
def test_what_could_be_an_option_or_mean_something_to_a_shell_is_no_host(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host for ssh"):
        destination(text)


@pytest.mark.parametrize(
    ("status", "complaint", "expected"),
    [
        (
            255,
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "host key changed",
        ),
        (255, "Connection timed out during banner exchange", "timed out"),
        (255, "ssh: connect to host a port 22: No route to host", "unreachable"),
        (255, "kex_exchange_identification: Connection closed by remote host", "unreachable"),
        (255, "Received disconnect from ::1 port 22:2: Too many authentication failures", "login refused"),
        (255, "ssh: connect to host a port 22: Operation timed out", "timed out"),
        (255, "something new", "unreachable (something new)"),
        (255, "", "unreachable"),
        (127, "sh: not found", "the remote command ended with status 127 (sh: not found)"),
        (-9, "", "the remote command ended with status -9"),
    ],
)
def test_the_reason_is_read_in_the_words_of_ssh(status: int, complaint: str, expected: str) -> None:
    assert reason(status, complaint).startswith(expected)
    assert len(reason(status, complaint * 100)) < 400
