"""Collecting through a real sshd and the real ssh, on loopback.

Needs OpenSSH's server: `make ssh` installs it from Debian and runs this; elsewhere it is skipped, saying so.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.support.fleet import VERSION, computer

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
SSH = shutil.which("ssh")
pytestmark = [
    pytest.mark.ssh,
    pytest.mark.skipif(not (SSHD and SSH), reason="OpenSSH's server is not installed: see `make ssh`"),
]


def key(path: Path) -> str:
    """A new key; its public half comes back."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text(encoding="utf-8").strip()


@dataclass
class Server:
    """A running sshd: its folder, its port, and its host key."""

    folder: Path
    port: int
    host_key: str

    def allow(self, public: str, options: str = "") -> None:
        """Let a key in."""
        with (self.folder / "authorized_keys").open("a", encoding="utf-8") as file:
            file.write(f"{options}{' ' if options else ''}{public}\n")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def serving(folder: Path, path: str) -> Iterator[Server]:
    """An sshd for this user alone, whose sessions have this PATH."""
    folder.mkdir()
    port, host_key = free_port(), key(folder / "host_key")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "authorized_keys").touch()
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n"
        "PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"SetEnv PATH={path}\n",
        encoding="utf-8",
    )
    log = folder / "log"
    with subprocess.Popen([str(SSHD), "-D", "-f", str(folder / "sshd_config"), "-E", str(log)]) as process:
        try:
            end = time.monotonic() + 30
            while not (log.exists() and "Server listening" in log.read_text(encoding="utf-8")):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < end
                time.sleep(0.02)
            yield Server(folder, port, host_key)
        finally:
            process.terminate()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    at = computer(tmp_path / "machine", docker=VERSION)
    with serving(tmp_path / "sshd", f"{at}/bin:/usr/bin:/bin") as server:
        yield server


@pytest.fixture
def navtex(program_with: Callable[..., Program], tmp_path: Path) -> Program:
    """The program with the real ssh, which is told to read our configuration and not the user's."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "ssh").write_text(f'#!/bin/sh\nexec {SSH} -F "{tmp_path}/config" "$@"\n', encoding="utf-8")
    (bin_ / "ssh").chmod(0o755)
    return program_with(PATH=f"{bin_}:{os.environ['PATH']}")


def configure(folder: Path, server: Server, **hosts: dict[str, object]) -> None:
    """The configuration of ssh: each host is the server under another name, with what a test says of it."""
    known = folder / "known_hosts"
    known.write_text("".join(f"{name} {server.host_key}\n" for name in hosts), encoding="utf-8")
    usual = {
        "HostName": "127.0.0.1",
        "Port": server.port,
        "User": getpass.getuser(),
        "IdentityFile": folder / "id",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": known,
        "StrictHostKeyChecking": "yes",
    }
    text = ""
    for name, options in hosts.items():
        said = {**usual, "HostKeyAlias": name, **options}
        text += f"Host {name}\n" + "".join(f"  {k} {v}\n" for k, v in said.items())
    (folder / "config").write_text(text, encoding="utf-8")


def test_hosts_are_collected_and_those_that_cannot_be_are_listed_with_what_ssh_says(
    navtex: Program, server: Server, tmp_path: Path
) -> None:
    server.allow(key(tmp_path / "id"))
    key(tmp_path / "stranger")
    changed = tmp_path / "changed"
    changed.write_text(f"changed {key(tmp_path / 'other_host_key')}\n", encoding="utf-8")
    configure(
        tmp_path,
        server,
        good={},
        closed={"Port": free_port()},
        unknown={"UserKnownHostsFile": tmp_path / "nothing"},
        changed={"UserKnownHostsFile": changed},
        refused={"IdentityFile": tmp_path / "stranger"},
        unnamed={"HostName": "nowhere.invalid"},
        slow={"ProxyCommand": "sleep 600"},
        # its master process would keep the pipes open
        shared={"ControlMaster": "auto", "ControlPath": tmp_path / "c", "ControlPersist": "yes"},
    )
    names = ["good", "closed", "unknown", "changed", "refused", "unnamed", "slow", "shared"]
    options = [word for name in names for word in ("--ssh", name)]
    done = navtex("inventory", "collect", *options, "--timeout", "8", status=1)
    said = {line.split()[1]: line.split(maxsplit=2)[2].split(" (")[0] for line in done.stderr.splitlines()[2:-1]}
    assert said == {
        "closed": "unreachable: connection refused",
        "unknown": "host key unknown",
        "changed": "host key changed",
        "refused": "login refused",
        "unnamed": "unreachable: unknown host name",
        "slow": said["slow"],
    }
    # ssh counts the same seconds, and may be the first to say so
    assert said["slow"].startswith("timed out")
    hosts = navtex.json("inventory", "list")["hosts"]
    assert [(h["host"], [c["product"] for c in h["components"]]) for h in hosts] == [
        ("good", ["cli", "containerd", "engine"]),
        ("shared", ["cli", "containerd", "engine"]),
    ]


def test_a_key_that_may_only_run_the_probe_is_enough(navtex: Program, server: Server, tmp_path: Path) -> None:
    script = tmp_path / "navtex-probe"
    script.write_text(navtex("inventory", "probe").stdout, encoding="utf-8")
    server.allow(key(tmp_path / "id"), f'command="sh {script}",restrict')
    configure(tmp_path, server, good={})
    navtex("inventory", "collect", "--ssh", "good")
    assert [h["host"] for h in navtex.json("inventory", "list")["hosts"]] == ["good"]
