"""Every block marked ```console is run: below `$ command` (and its `> more`) is what it prints.

`...` matches any characters within a line or, alone on a line, any lines. Runs of blanks count as one.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from feeds.mirror.server import Mirror
from tests.conftest import DEMO, ROOT, Program
from tests.support import forked
from tests.support.pages import DOCS, PAGES, blocks, name_of

FIRST = [ROOT / "README.md", DOCS / "tutorial" / "first-digest.md"]
"""What a new user reads: a short run has these alone."""
RUN = [*FIRST, *(DOCS / "how-to" / f"{name}.md" for name in ("import-an-inventory", "monitor", "upgrade"))]


def test_the_help_in_the_readme_is_that_of_the_program(program_with: Callable[..., Program]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = [b.text for b in blocks(text, "console") if b.text.startswith("$ navtex --help\n")]
    assert shown == f"$ navtex --help\n{program_with()('--help').stdout.rstrip()}"


@pytest.mark.long  # as tests/acceptance/test_demo.py shows
def test_the_demo_touches_nothing_outside_of_its_folder(program_with: Callable[..., Program]) -> None:
    program = program_with(empty=True)
    program("demo")
    assert [p.name for p in program.home.iterdir()] == ["navtex-demo"]


class Step(NamedTuple):
    command: str
    shown: list[str]


def steps(text: str) -> list[Step]:
    found: list[Step] = []
    for block in blocks(text, "console"):
        for line in block.text.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:], []))
            elif line.startswith("> ") and not found[-1].shown:
                found[-1] = Step(f"{found[-1].command}\n{line[2:]}", [])
            else:
                found[-1].shown.append(line)
    return found


def squeezed(line: str) -> str:
    return re.sub(r"─+", "─", " ".join(line.split()))


def pattern(shown: list[str]) -> str:
    """What is shown as a regular expression over squeezed lines, each with its end."""
    lines = []
    for line in shown:
        if line.strip() == "...":
            lines.append(r"(?:[^\n]*\n)*?")
        else:
            lines.append(r"[^\n]*?".join(re.escape(part) for part in squeezed(line).split("...")) + r"\n")
    return "".join(lines)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a b", "a   b", True),
        ("a", "a\nb", False),
        ("a\n...", "a\nb\nc", True),
        ("...\nc", "a\nb", False),
        ("a ... c", "a b\nc", False),
        ("a ... c", "a 1 2 c", True),
        ("", "a", False),
        ("...", "", True),
    ],
)
def test_what_is_shown_is_compared_line_by_line(shown: str, printed: str, same: bool) -> None:
    assert matches(shown.splitlines(), printed) is same


def matches(shown: list[str], printed: str) -> bool:
    lines = "".join(f"{squeezed(line)}\n" for line in printed.splitlines())
    return re.fullmatch(pattern(shown), lines) is not None


@pytest.mark.parametrize(
    "page", [pytest.param(p, id=name_of(p), marks=[] if p in FIRST else pytest.mark.long) for p in RUN]
)
def test_what_is_shown_below_a_command_is_what_it_prints(page: Path, program_with: Callable[..., Program]) -> None:
    with Mirror(DEMO / "day-1", DEMO / "day-2") as mirror:
        program = program_with(empty=True, NAVTEX_MIRROR=mirror.url)
        python = forked.python() if program.forks else sys.executable
        shell = f'navtex() {{ {shlex.quote(python)} -m notifier.cli "$@"; }}\n'
        todo = steps(page.read_text(encoding="utf-8"))
        assert len(todo) > 2
        for step in todo:
            done = subprocess.run(
                ["sh", "-c", shell + step.command],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                cwd=program.home,
                env=program.environment,
                timeout=180,
            )
            assert done.returncode == 0, f"$ {step.command}\n{done.stdout}"
            assert matches(step.shown, done.stdout), f"$ {step.command}\nprints\n{done.stdout}\nand not\n" + "\n".join(
                step.shown
            )


def test_only_those_pages_have_blocks_that_run() -> None:
    assert [p for p in PAGES if blocks(p.read_text(encoding="utf-8"), "console")] == sorted(RUN)
