"""What every command needs: the configuration, the open database, and how to write its answer."""

from __future__ import annotations

import copy
import json
import shutil
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from feeds.advisories.records import PRODUCTS, Severity
from feeds.core.text import printable
from notifier import config as configs
from notifier.cli.log import begin
from notifier.cli.log_options import chosen
from notifier.cli.output import emit
from notifier.cli.table_widths import ColumnLimits, widths
from notifier.config import Config
from notifier.domain.bounds import check_tags
from notifier.domain.filters import Scope

if TYPE_CHECKING:
    from feeds.storage.database import Database
    from notifier.assessment.matcher import Match

F = TypeVar("F", bound=Callable[..., Any])

LEVELS = click.Choice([s.value for s in Severity])


class ProductType(click.Choice[str]):
    """One of the products; the error for another name says which product it may mean."""

    def __init__(self) -> None:
        super().__init__(PRODUCTS, case_sensitive=False)

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Why a name is refused."""
        from notifier.domain.product_names import unknown_product

        return unknown_product(str(value))


PRODUCT = ProductType()
NOTHING_KNOWN = "No advisories yet: run `navtex poll` first."


def settings() -> Config:
    """The configuration in force. Starts the log as it and the options of this call say."""
    config = configs.load()
    begin(msgspec.structs.replace(config.log, **chosen()))
    return config


@contextmanager
def opened(config: Config, *, create: bool = False) -> Iterator[Database]:
    """The database, with an up-to-date schema. ConfigError if a configured file is missing, unless `create`."""
    from notifier.services.installation import databases

    with databases.opened(config.database, create=create) as database:
        yield database


def format_option(command: F) -> F:
    """`--format table|json` for a command that reads."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="Output format.",
    )(command)


class DateType(click.DateTime):
    """A day, 2026-12-31; with `moments` also a moment of one, in UTC."""

    def __init__(self, *, moments: bool = False) -> None:
        super().__init__(["%Y-%m-%d", *(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"] if moments else [])])
        self._also = " or YYYY-MM-DDTHH:MM:SSZ" if moments else ""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The day, or a usage error that says how to write one."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a date (YYYY-MM-DD{self._also})", param, ctx)


def scope_options(command: F) -> F:
    """`--host`, `--tag` and `--product`: which hosts and components are meant."""
    for option in (
        click.option("--product", "products", multiple=True, type=PRODUCT, help="Only this product (repeatable)."),
        click.option(
            "--tag",
            "tags",
            multiple=True,
            metavar="NAME=VALUE",
            callback=_tags,
            help="Only hosts with this tag (repeatable; all must match).",
        ),
        click.option(
            "--host",
            "hosts",
            multiple=True,
            metavar="PATTERN",
            help="Only hosts with this name; * and ? match any characters (repeatable).",
        ),
    ):
        command = option(command)
    return command


def scope(hosts: Sequence[str], tags: dict[str, str], products: Sequence[str]) -> Scope:
    """The scope that those options say."""
    return Scope(tags=tags, hosts=tuple(hosts), products=tuple(products))


def _tags(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not of the form NAME=VALUE")
        found[name.strip()] = text.strip()
    check_tags(found)
    return found


tag_values = _tags
"""Callback of a repeatable NAME=VALUE option."""


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def limit_option(command: F) -> F:
    """`--limit N` for a command that lists."""
    return click.option("--limit", type=click.IntRange(min=1), metavar="N", help="List at most N. Default: no limit.")(
        command
    )


def output_option(command: F) -> F:
    """`-o FILE` for a command whose answer may go into a file."""
    return click.option(
        "--output",
        "-o",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write to FILE instead of standard output. FILE is replaced only if the command succeeds.",
    )(command)


def say_more(more: int) -> None:
    """Say how many rows `--limit` left out."""
    if more:
        say(f"{more} more not listed (--limit).")


def alias(command: click.Command, name: str) -> click.Command:
    """A command under its old name, which works and is not listed."""
    old = copy.copy(command)
    old.name, old.hidden = name, True
    old.help = f"Old name of `{command.name}`.\n\n{command.help or ''}"
    return old


def write_json(values: dict[str, Any] | msgspec.Struct) -> None:
    """Write one JSON object to standard output. Control characters are escaped, which changes no value."""
    emit(json_text(values), None)


def json_text(values: dict[str, Any] | msgspec.Struct) -> Iterator[str]:
    """The lines of one JSON object. Control characters are escaped, which changes no value."""
    plain = msgspec.to_builtins(values, str_keys=True)
    for text in json.dumps(plain, ensure_ascii=False, indent=2).split("\n"):
        yield escaped_line(text)
        yield "\n"


def escaped_line(text: str) -> str:
    """A line of JSON in which what is not printable is escaped, which changes no value."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def say(text: str) -> None:
    """A message to the person at the terminal: standard error, so that answers stay clean."""
    click.echo(clean(text), err=True)


def clean(text: str) -> str:
    """Text without characters that steer a terminal."""
    return printable(text, keep="\n")


def line(text: str) -> str:
    """Text that stays on its line: clean, and with a blank where one breaks."""
    return printable(text)


def table(
    columns: Sequence[str | tuple[str, dict[str, Any]]],
    rows: Iterable[Sequence[str]],
    *,
    empty: str,
    file: IO[str] | None = None,
) -> None:
    """Write a table that fits the terminal; `empty` is said where there is no row."""
    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = [[line(cell) for cell in row] for row in rows]
    if not shown:
        say(empty)
        return
    console = Console(highlight=False, file=file)
    asked = [(column, {}) if isinstance(column, str) else column for column in columns]
    limits = [
        ColumnLimits(name, o.get("min_width", 0), o.get("max_width", 0), o.get("no_wrap", False)) for name, o in asked
    ]
    found, gap = widths(limits, shown, console.width, cell_len)
    fitting = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, gap - 2))
    for (name, options), width in zip(asked, found, strict=True):
        fitting.add_column(name, width=width, overflow="fold", justify=options.get("justify", "left"))
    for cells in shown:
        fitting.add_row(*(Text(cell, style=_STYLES.get(cell.split(" ")[0], "")) for cell in cells))
    console.print(fitting)


def wrapped(text: str, indent: int, *, hang: int = 0, file: IO[str] | None = None) -> None:
    """Write a paragraph that fits the terminal, at most a hundred columns wide; `hang` indents its further lines."""
    pad = " " * indent
    width = min(shutil.get_terminal_size((80, 24)).columns, 100)
    click.echo(
        textwrap.fill(
            clean(text),
            width,
            initial_indent=pad,
            subsequent_indent=pad + " " * hang,
            break_on_hyphens=False,
            break_long_words=False,
        ),
        file=file,
    )


_STYLES = {
    "critical": "bold magenta",
    "high": "bold red",
    "medium": "yellow",
    "low": "green",
    "failing": "bold red",
    "degraded": "yellow",
    "healthy": "green",
    "conflicting": "yellow",
}


def verdict(match: Match) -> str:
    """A verdict as it stands in a table: "not affected"."""
    return match.verdict.status.value.replace("_", " ")


def severity(value: Severity | None, cvss: float | None = None) -> str:
    """A severity as it stands in a table: "critical 9.9"."""
    return f"{value.value if value else 'unscored'}{f' {cvss}' if cvss else ''}"
