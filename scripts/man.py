"""Writes the manual page from the commands themselves: `make man`. A test holds the page to them.

man.py FILE
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

import feeds
from notifier.cli import cli

FILES = (
    ("~/.config/navtex/config.toml", "The configuration; `navtex config init` writes one, nothing needs it."),
    ("~/.local/share/navtex/navtex.db", "The database, where the configuration names no other."),
)
VARIABLES = (
    ("NAVTEX_CONFIG", "The configuration file."),
    ("NAVTEX_DATABASE_URL", "The database: sqlite:///PATH or postgresql://USER@HOST/NAME."),
    ("NAVTEX_MIRROR", "Read the sources from here."),
    ("NAVTEX_LOG_FORMAT, NAVTEX_LOG_LEVEL", "How to log, and from which level on."),
    ("GITHUB_TOKEN", "A token for api.github.com."),
)
STATUS = (
    ("0", "Done."),
    ("1", "Done, but a source or a delivery failed, or rows of an import were bad."),
    ("2", "Wrong use, wrong configuration or an unknown name."),
    ("3", "The --fail-on level is met."),
    ("4", "Another run is at work."),
)


def page() -> str:
    """The page as troff's man macros write it."""
    lines = [
        f'.TH NAVTEX 1 "" "Navtex {feeds.__version__}" "User Commands"',
        ".SH NAME",
        r"navtex \- Docker's security news, matched to the engines you run",
        ".SH SYNOPSIS",
        r".B navtex",
        r"[\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]...",
        ".SH DESCRIPTION",
        *text(
            "Navtex reads the places where Docker's security news appears, compares it with an inventory of your hosts,"
        ),
        *text("and sends a digest of what concerns them: what stands at first, and from then on what is new."),
        ".SH OPTIONS",
        *options(cli),
        ".SH COMMANDS",
        *commands(cli, "navtex"),
    ]
    for title, entries in (("EXIT STATUS", STATUS), ("ENVIRONMENT", VARIABLES), ("FILES", FILES)):
        lines.append(f".SH {title}")
        for name, said in entries:
            lines += [".TP", f".B {escaped(name)}", *text(said)]
    return "\n".join(lines) + "\n"


def commands(group: click.Group, name: str) -> Iterator[str]:
    """Every command below a group, each with its use, its help and its options."""
    context = click.Context(group, info_name=name)
    for child in group.list_commands(context):
        found = group.get_command(context, child)
        assert found is not None
        if found.hidden:
            continue
        if isinstance(found, click.Group):
            yield from commands(found, f"{name} {child}")
            continue
        inner = click.Context(found, context, info_name=child)
        arguments = " ".join(p.make_metavar(inner) for p in found.params if isinstance(p, click.Argument))
        yield f'.SS "{escaped(f"{name} {child} {arguments}".strip())}"'
        yield from paragraphs(found.help or "")
        yield from options(found)


def options(command: click.Command) -> Iterator[str]:
    """The options of a command."""
    context = click.Context(command)
    for option in command.get_params(context):
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record is not None and "--help" not in record[0]:
            yield from (".TP", f".B {escaped(record[0])}", *text(record[1]))


def paragraphs(help_text: str) -> Iterator[str]:
    r"""A command's help. What follows a \b stands as it is."""
    for part in re.split(r"\n\s*\n", inspect.cleandoc(help_text)):
        as_it_is, said = part.startswith("\b"), part.removeprefix("\b").strip("\n")
        if as_it_is:
            yield from (".PP", ".nf", *(escaped(line) for line in said.splitlines()), ".fi")
        else:
            yield from (".PP", *text(said))


def text(said: str) -> Iterator[str]:
    """Running text, one line a source line."""
    for line in said.splitlines():
        if line.strip():
            yield escaped(" ".join(line.split()))


def escaped(said: str) -> str:
    """Text that troff does not take for its own: hyphens that can be copied, no escapes, no requests."""
    said = said.replace("\\", r"\e").replace("-", r"\-").replace('"', r"\(dq")
    return rf"\&{said}" if said.startswith((".", "'")) else said


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
