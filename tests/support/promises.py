"""The sentences of a page, and the file beside the tests that names the tests of each.

Such a file has the sentences of its page in their order, each with the tests that prove it, indented, or with
`nothing:` and why there is nothing to prove. Sentences that follow each other without a blank line share them:

    A file is replaced completely or not at all.
        unit/feeds/core/test_files.py::test_a_write_that_fails_leaves_the_old_file_and_nothing_else

    A sender can lose messages or repeat them, and a lost warning costs more.
        nothing: a reason
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.support.pages import prose

PROMISING = tuple(
    ROOT / page
    for page in (
        "SECURITY.md",
        "docs/explanation/delivery.md",
        "docs/explanation/hostile-input.md",
        "docs/explanation/what-counts-as-news.md",
        "docs/reference/sources.md",
    )
)
PROOFS = ROOT / "tests" / "acceptance" / "docs" / "promises"
NOTHING = "nothing: "
TESTS = ROOT / "tests"

# a line that begins a paragraph of its own: a heading, an item of a list, a row of a table
BEGINS = re.compile(r"#+ |\| |- |\d+\. ")
LISTED = re.compile(r"^(?:- |\d+\. )")
# where a sentence ends within a line
END = re.compile(r"([.!?][)*`\"]*) +(?=\S)")


def sentences(text: str) -> list[str]:
    """The sentences of a page: of its paragraphs, its lists and the rows of its tables, headings left out."""
    return [sentence for paragraph in _paragraphs(text) for sentence in END.sub("\\1\n", paragraph).splitlines()]


def _paragraphs(text: str) -> Iterator[str]:
    """Each paragraph, item and row on one line. The head of a table and the rule below it are no rows."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", prose(text)):
        rows = [line for line in paragraph.splitlines() if line.startswith("|")]
        for line in paragraph.splitlines():
            if line in rows[:2]:
                continue
            if BEGINS.match(line) or not lines:
                lines.append("#" if line.startswith("#") else "")
            lines[-1] += f" {LISTED.sub('', line).strip().strip('|').strip()}"
        lines.append("")
    return (line.strip() for line in lines if line.strip() and not line.startswith("#"))


@dataclass(frozen=True, slots=True)
class Proof:
    """What is said of one sentence."""

    sentence: str
    tests: tuple[str, ...]
    nothing: str
    """Why there is nothing to prove, else empty."""


def proofs(page: Path) -> list[Proof]:
    """What the file of a page says, in its order."""
    return read_proofs((PROOFS / f"{page.stem}.txt").read_text(encoding="utf-8"))


def read_proofs(text: str) -> list[Proof]:
    """The sentences of such a file; those that follow each other without a blank line share what stands below them."""
    found: list[Proof] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        below = [line.strip() for line in lines if line.startswith(" ")]
        nothing = " ".join(line.removeprefix(NOTHING) for line in below if line.startswith(NOTHING))
        tests = tuple(line for line in below if not line.startswith(NOTHING))
        found += [Proof(line, tests, nothing) for line in lines if not line.startswith(" ")]
    return found


def existing_tests() -> dict[str, str]:
    """`path::name` of every test function there is, read from the files without importing them, with its text."""
    found: dict[str, str] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                first = min([node, *node.decorator_list], key=lambda part: part.lineno).lineno
                text = "\n".join(lines[first - 1 : node.end_lineno])
                found[f"{path.relative_to(TESTS)}::{node.name}"] = text
    return found
