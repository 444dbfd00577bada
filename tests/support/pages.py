"""The pages of the documentation as tests read them, and the commands that they describe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from notifier.cli import cli
from tests.conftest import DEMO, ROOT

DOCS = ROOT / "docs"


REFERENCE = DOCS / "reference"


PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), DEMO / "README.md"])


SCHEMAS = REFERENCE / "schemas"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


class Block(NamedTuple):
    kind: str
    text: str


def blocks(text: str, kind: str = "") -> list[Block]:
    found = []
    for match in re.finditer(r"^( *)```([a-z]*)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
        lines = [line.removeprefix(match[1]) for line in match[3].splitlines()]
        found.append(Block(match[2], "\n".join(lines)))
    return [b for b in found if not kind or b.kind == kind]


def prose(text: str) -> str:
    """The text without its blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.MULTILINE | re.DOTALL)


def sections(path: Path) -> dict[str, str]:
    """The text under each heading of the second level."""
    parts = re.split(r"^## (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, headers and rules left out."""
    found = []
    for table in re.findall(r"^\|.*?(?=^[^|]|\Z)", prose(text) + "\n", re.MULTILINE | re.DOTALL):
        lines = table.strip().splitlines()[2:]
        found += [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return found


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


def commands(command: click.Command = cli, name: str = "navtex") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None, child
            if found.hidden:
                continue  # an old name
            yield from commands(found, f"{name} {child}")
    else:
        yield name, command


COMMANDS = dict(commands())


def options(command: click.Command) -> dict[str, click.Option]:
    return {max(p.opts, key=len): p for p in command.params if isinstance(p, click.Option) and not p.hidden}


def parse(arguments: list[str], command: click.Command = cli, parent: click.Context | None = None) -> None:
    """Let the program take arguments apart, and not do what they say; click.UsageError where it does not take them."""
    context = command.make_context(str(command.name), list(arguments), parent)
    if isinstance(command, click.Group):
        left = [*context._protected_args, *context.args]
        _, found, rest = command.resolve_command(context, left)
        assert found is not None
        parse(rest, found, context)
