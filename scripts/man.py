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
    ("~/.config/navtex/config.toml", "Configuration (optional); `navtex config init` creates it."),
    ("~/.local/share/navtex/navtex.db", "Default database."),
)
VARIABLES = (
    ("NAVTEX_CONFIG", "Configuration file."),
    ("NAVTEX_DATABASE_URL", "Database: sqlite:///PATH or postgresql://USER@HOST/NAME."),
    ("NAVTEX_MIRROR", "Mirror to read the sources from."),
    ("NAVTEX_LOG_FORMAT, NAVTEX_LOG_LEVEL", "Log format and minimum level."),
    ("GITHUB_TOKEN", "Token for api.github.com."),
)
STATUS = (
    ("0", "Success."),
    ("1", "Done, but a source or a delivery failed, or an import had invalid rows."),
    ("2", "Wrong usage or configuration, or an unknown name."),
    ("3", "A --fail-on condition is met."),
    ("4", "Another run is active."),
)


def page() -> str:
    """The page as troff's man macros write it."""
    lines = [
        f'.TH NAVTEX 1 "" "Navtex {feeds.__version__}" "User Commands"',
        ".SH NAME",
        r"navtex \- report Docker security news that affects your fleet",
        ".SH SYNOPSIS",
        r".B navtex",
        r"[\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]...",
        ".SH DESCRIPTION",
        *text("Navtex polls the sources of Docker security news, matches them with an inventory of your hosts,"),
        *text("and sends digests: first of everything currently open, later of what is new."),
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
