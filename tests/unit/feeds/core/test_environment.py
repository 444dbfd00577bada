"""A child on the network gets what it needs of the environment, and no secret."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from subprocess import run

import pytest

from feeds.core.environment import for_child
from notifier.config import Config
from notifier.services.crawling import start_crawl

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
    ("config", "token"), [(Config(), "pl4nted"), (Config(mirror="http://127.0.0.1:9"), ""), (Config(mirror="/srv"), "")]
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
