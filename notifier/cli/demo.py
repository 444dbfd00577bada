"""`navtex demo`."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

import notifier
from feeds.core.addresses import sqlite_address
from feeds.core.errors import UsageProblem
from feeds.core.files import private_folder
from feeds.core.resources import folder
from notifier.cli.common import now, opened
from notifier.config import Config

if TYPE_CHECKING:
    from notifier.services.pipeline.demo import DemoDay

_MARK = "navtex-demo.txt"
"""Tells the demo's own folder from any other that may hold a navtex.db."""


@click.command("demo")
@click.option(
    "--dir",
    "where",
    default="navtex-demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the database and mails. Its contents are replaced.",
)
def command(where: Path) -> None:
    """Try Navtex on sample documents.

    Polls sample documents on two days, for a fleet of a dozen hosts, and writes a welcome digest and a digest of
    what is new. Needs no network and changes nothing outside its folder.
    """
    from feeds.mirror.server import Mirror
    from notifier.services.pipeline.demo import play_day, set_up
    from notifier.services.pipeline.demo_images import images

    documents = folder(notifier.__file__, "demo")
    where = where.resolve()
    _empty(where)
    described = (documents / "images.toml").read_bytes()
    first, second = images(described, 1), images(described, 2)
    with Mirror(documents / "day-1") as mirror, TemporaryDirectory() as made:
        mirror.lay_over(first.write(Path(made, "1")))
        config = Config(database=sqlite_address(where / "navtex.db"), mirror=mirror.url, images=first.settings)
        with opened(config, create=True) as database:
            count = set_up(database, (documents / "inventory.csv").read_bytes(), first, where / "mails", now())
            click.echo(f"Created a fleet of {count} hosts and a subscription that writes mails into {where / 'mails'}.")
            _tell(1, play_day(config, database, mirror, os.environ, now()))
            mirror.lay_over(documents / "day-2")
            mirror.lay_over(second.write(Path(made, "2")))
            last = play_day(config, database, mirror, os.environ, now())
            _tell(2, last)
    click.echo(f"\n{last.message.text}")
    click.echo(f"As an HTML mail: {last.file}")
    called = f"NAVTEX_DATABASE_URL={shlex.quote(config.database)} {_program()}"
    click.echo(f"Explore it: {called} exposure")
    click.echo(f"In a browser: {called} serve")
    click.echo("              The address that it prints creates the first administrator;")
    click.echo(f"              from then on the page is at http://{config.web.listen}/")


def _program() -> str:
    """The shell command that calls this program again from the same folder."""
    called = Path(sys.argv[0])
    if called.name != "navtex":
        return f"{shlex.quote(sys.executable)} -m notifier.cli"
    found = shutil.which("navtex")
    return "navtex" if found and Path(found).resolve() == called.resolve() else shlex.quote(str(called))


def _empty(where: Path) -> None:
    """Make the folder, or clear out what an earlier demo left. Any other folder is left alone."""
    mark = where / _MARK
    if where.exists() and any(where.iterdir()) and not mark.exists():
        raise click.UsageError(
            f"{where} is not empty and was not created by `navtex demo`; choose another folder with --dir"
        )
    shutil.rmtree(where, ignore_errors=True)
    try:
        private_folder(where / "mails")
    except OSError as error:
        raise UsageProblem(f"cannot be created: {error.strerror}", where=str(where)) from error
    mark.write_text("`navtex demo` created this folder and replaces its contents.\n", encoding="utf-8")


def _tell(number: int, day: DemoDay) -> None:
    counts = f"{len(day.changes.new)} advisories new, {len(day.changes.changed)} changed"
    click.echo(f"Day {number}: {day.asked} documents fetched, {day.unchanged} unchanged; {counts}.")
    click.echo(f"       {day.message.subject.removeprefix('[Navtex] ')}  ->  {day.file}")
