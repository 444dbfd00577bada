"""`navtex config`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from feeds.core import files
from notifier import config as configs
from notifier.cli.app import say


@click.group("config")
def command() -> None:
    """Show and create the configuration file, which is optional."""


@command.command("init")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init(force: bool) -> None:
    """Create a commented configuration file, at NAVTEX_CONFIG or in the user's configuration folder."""
    path = Path(os.environ.get("NAVTEX_CONFIG") or configs.default_path())
    if path.exists() and not force:
        raise click.ClickException(f"{path} exists; --force replaces it")
    try:
        files.private_folder(path.parent)
        files.write(path.resolve(), configs.example())
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error
    say(f"{path} is written; every setting in it is a comment that shows what is used otherwise")


@command.command("path")
def path() -> None:
    """Print where the configuration file is expected."""
    click.echo(os.environ.get("NAVTEX_CONFIG") or configs.default_path())
