"""A child on the network gets what it needs of the environment, and no secret."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from subprocess import run

import pytest

from feeds.core.environment import for_child
from feeds.core.errors import ChannelError
from notifier.channels import Limits, MessageSender, expand
from notifier.collection.registry_credentials import credentials
from notifier.config import Config
from notifier.rendering.messages import render
from notifier.services.installation.crawl_settings import start_crawl
from tests.support.digests import NEWS
from tests.support.loopback import hanging

SECRETS = {
    "NAVTEX_DATABASE_URL": "postgresql://u:pl4nted@h/d",
    "NAVTEX_SECRET_KEY": "pl4nted",
    "NAVTEX_SECRET_KEY_FILE": "/run/pl4nted",
    "PGPASSWORD": "pl4nted",
    "AWS_SECRET_ACCESS_KEY": "pl4nted",
    "MAIL_PASSWORD": "pl4nted",
    "GITHUB_TOKEN": "pl4nted",
    "GH_TOKEN": "pl4nted",
    "DOCKER_HOST": "tcp://pl4nted",
}
OURS = ("NAVTEX_DATABASE_URL", "NAVTEX_SECRET_KEY", "NAVTEX_SECRET_KEY_FILE", "PGPASSWORD", "GITHUB_TOKEN", "GH_TOKEN")
NEEDED = {
    "PATH": "/bin",
    "HTTPS_PROXY": "http://proxy",
    "no_proxy": "localhost",
    "LC_ALL": "C",
    "TZ": "UTC",
    "SSL_CERT_FILE": "/ca.pem",
    "PYTHONWARNINGS": "error",
}


def test_what_is_needed_stays_and_the_rest_does_not() -> None:
    assert for_child(SECRETS | NEEDED) == NEEDED
    assert for_child(SECRETS | NEEDED, SSL_CERT_FILE="/own.pem")["SSL_CERT_FILE"] == "/own.pem"


@pytest.mark.parametrize(
    ("config", "token"),
    [
        (Config(), "pl4nted"),
        (Config(mirror="http://127.0.0.1:9"), ""),
        pytest.param(Config(mirror="/srv"), "", marks=pytest.mark.long),
    ],
)
def test_the_crawl_gets_no_secret_but_the_token_and_that_only_for_the_real_sources(config: Config, token: str) -> None:
    got = environment_of_crawl(config, SECRETS | NEEDED)
    assert got.pop("GITHUB_TOKEN", "") == token
    assert "pl4nted" not in str(got)
    assert got.items() >= NEEDED.items() - {("PATH", "/bin")}


def environment_of_crawl(config: Config, environment: dict[str, str]) -> dict[str, str]:
    """What the child's environment really is, as the kernel has it."""
    with start_crawl(config, environment | {"PATH": "/usr/bin:/bin"}) as crawl:
        while not (raw := Path(f"/proc/{crawl._child.pid}/environ").read_bytes()):
            time.sleep(0.01)  # its program is not loaded yet
    return dict(part.split("=", 1) for part in raw.decode().split("\0") if part)


def test_no_environment_given_means_what_is_needed_of_this_process() -> None:
    script = (
        "import pathlib\nfrom feeds.crawl.client import Crawl\nwith Crawl() as c:\n"
        "    while not (text := pathlib.Path(f'/proc/{c._child.pid}/environ').read_text()): pass\n    print(text)"
    )
    done = run([sys.executable, "-c", script], env=SECRETS | {"TZ": "UTC"}, capture_output=True, text=True, check=True)
    assert "pl4nted" not in done.stdout
    assert "TZ=UTC" in done.stdout


def telling(folder: Path, name: str) -> tuple[dict[str, str], Path]:
    """An environment whose first program of a name writes down what it got of the environment."""
    program = folder / name
    program.write_text(f"#!/bin/sh\ntr '\\0' '\\n' </proc/$$/environ >{folder / 'told'}\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    plain = {name: value for name, value in NEEDED.items() if name != "PYTHONWARNINGS"}
    return {**SECRETS, **plain, "SSH_AUTH_SOCK": "/s", "PATH": f"{folder}:{os.environ['PATH']}"}, folder / "told"


def test_a_credential_helper_gets_no_secret_of_ours(tmp_path: Path) -> None:
    environment, told = telling(tmp_path, "docker-credential-pocket")
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {"r.example": "pocket"}}))
    credentials(["r.example"], environment | {"DOCKER_CONFIG": str(tmp_path)})
    assert "SSH_AUTH_SOCK=/s" in told.read_text()
    assert not [name for name in OURS if f"{name}=" in told.read_text()]


SSH = """if True:
    import asyncio
    from notifier.collection.ssh import Destination, probe
    asyncio.run(probe(Destination("web-1"), 5))
"""


def test_ssh_gets_no_secret_of_ours(tmp_path: Path) -> None:
    environment, told = telling(tmp_path, "ssh")
    run([sys.executable, "-c", SSH], env=environment, capture_output=True, check=False)
    assert "SSH_AUTH_SOCK=/s" in told.read_text()
    assert not [name for name in OURS if f"{name}=" in told.read_text()]


def test_apprise_gets_no_secret() -> None:
    def send() -> None:
        with suppress(ChannelError):
            courier.deliver(target, render(NEWS))

    plain = {name: value for name, value in NEEDED.items() if "proxy" not in name.lower()}
    with hanging() as port, MessageSender(environment=SECRETS | plain, limits=Limits(total=4.0)) as courier:
        (target,) = expand(f"ntfy://127.0.0.1:{port}/alerts")
        sending = threading.Thread(target=send, daemon=True)
        sending.start()
        got = environment_of_child("notifier.channels.apprise")
        sending.join()
    assert "pl4nted" not in got
    assert "TZ=UTC" in got


def environment_of_child(program: str) -> str:
    """The environment of the child of this process that runs such a program."""
    for _ in range(1000):
        for task in Path("/proc/self/task").iterdir():
            for child in (task / "children").read_text().split():
                at = Path("/proc") / child
                if program in (at / "cmdline").read_text():
                    return (at / "environ").read_text()
        time.sleep(0.01)
    raise AssertionError(f"no child runs {program}")
