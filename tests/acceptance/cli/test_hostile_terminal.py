"""What a source writes is data in the terminal and in JSON: it steers nothing, turns nothing round, forges no line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from feeds.mirror.server import Mirror
from tests.conftest import DEMO, Program, program
from tests.support.polling import MOBY
from tests.support.unruly import Reply, Unruly

# without NUL: a document that holds one is refused, see test_polling_refused.py
NASTY = (
    "A\nFORGED CVE-1 critical \x1b[2J\x1b]0;title\x07 \x9b31m b\u202egnp\u202c c\u2066d\u2069 \u200b\u200fe"
    "\rback\u2028on\x85and\x0bon \x01 \U000e0041 \ufeff"
)
STEERING = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
ADVISORY = {
    "ghsa_id": "GHSA-2222-2222-2222",
    "cve_id": "CVE-2031-20001",
    "html_url": f"https://evil.example/{NASTY}",
    "summary": NASTY,
    "description": f"{NASTY} Moby before 29.9.0.",
    "state": "published",
    "severity": "high",
    "vulnerabilities": [{"package": {"name": "moby"}, "vulnerable_version_range": f"< 29.9.0 {NASTY}"}],
}
COMMANDS = [
    "advisory list",
    "advisory show CVE-2031-20001",
    "check engine 25.0.5",
    "check engine 25.0.5 --verdict all",
    "exposure",
    "exposure --group-by advisory",
    "explain engine@25.0.5 CVE-2031-20001",
    "explain web-1 CVE-2031-20001",
    "plan",
    "source list",
]


@pytest.fixture(scope="module")
def navtex(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program that has polled a source of nasty texts, and one that answers with nothing else."""
    home: Path = tmp_path_factory.mktemp("nasty") / "home"
    with Mirror(DEMO / "day-1") as mirror, Unruly(mirror) as site:
        site.reply(MOBY, Reply([ADVISORY]))
        site.reply("api.github.com/repos/moby/buildkit/security-advisories", Reply({"message": NASTY}))
        site.reply("www.docker.com", Reply(NASTY))
        made = program(home, NAVTEX_MIRROR=site.url)
        made("inventory", "import", stdin="host,product,version\nweb-1,engine,25.0.5\n")
        said = made("poll", "moby-advisories", "buildkit-advisories", "docker-blog", status=1).stderr
        assert harmless(said)
        assert "buildkit-advisories is failing" in said
        yield made


def harmless(text: str) -> bool:
    return STEERING.search(text) is None and not [line for line in text.splitlines() if line.startswith("FORGED")]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_nothing_steers_the_terminal_or_forges_a_line(navtex: Program, command: str, columns: str) -> None:
    done = navtex(*command.split(), COLUMNS=columns)
    assert done.stdout
    assert harmless(done.stdout)
    assert harmless(done.stderr)


@pytest.mark.parametrize("command", COMMANDS)
def test_json_holds_the_text_and_steers_nothing_either(navtex: Program, command: str) -> None:
    printed = navtex(*command.split(), "--format", "json").stdout
    assert harmless(printed)
    if command.startswith(("advisory", "check", "exposure")):
        assert "\u202egnp\u202c" in json.dumps(json.loads(printed), ensure_ascii=False), "the text is whole"


def test_an_error_that_names_what_was_typed_steers_nothing(navtex: Program) -> None:
    assert harmless(navtex("advisory", "show", "CVE\x1b[2J\u202e", status=2).stderr)


def test_an_argument_that_is_no_utf_8_is_refused(navtex: Program) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "notifier.cli", "inventory", "import", "-", "--tag", b"team=\xff"],
        input="host,product,version\nweb-2,engine,25.0.5\n",
        capture_output=True,
        text=True,
        env=navtex.environment,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "Error: 'team=\\udcff' is not valid UTF-8\n")
