"""`navtex config`."""

from __future__ import annotations

import os

import click

from notifier import config as configs
from notifier.cli.common import format_option, say, settings, table, write_json


@click.group("config")
def command() -> None:
    """Show and create the configuration file, which is optional."""


@command.command("show")
@format_option
def show(form: str) -> None:
    """Show all settings and where each value comes from. Secrets are hidden."""
    from notifier.services.installation.configuration import effective

    settings()
    found = effective(os.environ)
    if form == "json":
        write_json(found)
        return
    rows = [[s.name, _text(s.value), s.variable or s.origin.value] for s in found.settings]
    table([("Setting", {"no_wrap": True}), "Value", ("From", {"no_wrap": True})], rows, empty="No settings.")
    click.echo(f"\nfile: {found.file}{'' if found.exists else ' (does not exist)'}")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(str(v) for v in value) if isinstance(value, list) else str(value)


@command.command("init")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init(force: bool) -> None:
    """Create a commented configuration file at NAVTEX_CONFIG, or in your configuration folder."""
    from notifier.services.installation.configuration import write_example

    path = configs.config_path()
    write_example(path, force=force)
    say(f"Wrote {path}. Every setting is commented out and shows its default.")


@command.command("path")
def path() -> None:
    """Print the location of the configuration file."""
    click.echo(configs.config_path())
