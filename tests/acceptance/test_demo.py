from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import lxml.html
import pytest

from tests.conftest import Program
from tests.support import forked


@pytest.mark.long
def test_the_demo_ends_with_a_digest_and_touches_nothing_outside_its_folder(
    program_with: Callable[..., Program],
) -> None:
    navtex = program_with(empty=True)
    earlier = navtex.home / "navtex-demo"
    (earlier / "mails").mkdir(parents=True)
    for name in ("navtex-demo.txt", "mails/20260101T000000Z.txt", "navtex.db"):
        (earlier / name).write_text("what an earlier demo left")
    shown = navtex("demo").stdout
    digest = shown[shown.index("News for") :]
    assert re.search(r"^CVE-\d+-\d+ ", digest, re.MULTILINE)
    assert re.search(r"^  \* engine [\d.]+ on \S+.*: upgrade to \d+\.\d+\.\d+", digest, re.MULTILINE)
    assert re.search(r"^CIS Docker .*Benchmark v\d", digest, re.MULTILINE)
    clear = digest.partition("No matching vulnerabilities\n")[2]
    assert re.search(r"^  \S+", clear, re.MULTILINE)

    path = Path(re.findall(r"\S+\.html$", shown, re.MULTILINE)[-1])
    assert path.is_file()
    page = lxml.html.document_fromstring(path.read_text(encoding="utf-8")).text_content()
    assert "CVE-2026-41567" in page
    assert "CIS Docker" in page

    command = re.search(r"^Explore it: (.+)$", shown, re.MULTILINE)
    assert command is not None
    looked = subprocess.run(
        ["sh", "-c", command[1]], capture_output=True, text=True, check=True, cwd=navtex.home, env=navtex.environment
    )
    assert "CVE-2026-41567" in looked.stdout

    command = re.search(r"^In a browser: (.+)$", shown, re.MULTILINE)
    assert command is not None
    assert "http://127.0.0.1:8420/" in shown
    assert "Create the first administrator" in first_page(command[1], navtex)

    # what an earlier demo left is replaced; two days make two digests, each as text, HTML and JSON
    assert [p.name for p in navtex.home.iterdir()] == ["navtex-demo"]
    assert "navtex demo" in (earlier / "navtex-demo.txt").read_text()
    assert len(list((earlier / "mails").iterdir())) == 6


def first_page(command: str, navtex: Program) -> str:
    """The page at the address that the server prints when there is no user yet; it ends with a signal."""
    real = command.replace(forked.python(), sys.executable)  # a signal ends it, which one that is forked would not get
    called = ["sh", "-c", f"exec env {real} --listen 127.0.0.1:0"]
    with subprocess.Popen(called, stderr=subprocess.PIPE, text=True, cwd=navtex.home, env=navtex.environment) as server:
        assert server.stderr is not None
        try:
            address = next(a[0] for line in server.stderr if (a := re.search(r"http://\S+/setup/\S+", line)))
            with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - our own server's
                text = str(answer.read().decode())
        finally:
            server.terminate()
        assert server.wait(30) == 0
    return text


@pytest.mark.parametrize("thing", ["letter.txt", "folder/deep.txt"])
def test_the_demo_leaves_a_folder_of_other_things_alone(program_with: Callable[..., Program], thing: str) -> None:
    navtex = program_with(empty=True)
    kept = navtex.home / "mine" / thing
    kept.parent.mkdir(parents=True)
    kept.write_text("dear")
    done = navtex("demo", "--dir", "mine", status=2)
    assert "--dir" in done.stderr
    assert kept.read_text() == "dear"
    assert len([p for p in (navtex.home / "mine").rglob("*") if p.is_file()]) == 1


def test_the_demo_leaves_a_folder_with_a_database_of_ones_own_alone(program_with: Callable[..., Program]) -> None:
    navtex = program_with(empty=True)
    mine = navtex.home / "data"
    navtex(
        "inventory",
        "import",
        stdin="host,product,version\nmine-1,engine,29.5.0\n",
        NAVTEX_DATABASE_URL=f"sqlite:///{mine}/navtex.db",
    )
    (mine / "notes.txt").write_text("dear")
    navtex("demo", "--dir", "data", status=2)
    assert (mine / "notes.txt").read_text() == "dear"
    there = navtex("inventory", "list", NAVTEX_DATABASE_URL=f"sqlite:///{mine}/navtex.db").stdout
    assert "mine-1" in there
