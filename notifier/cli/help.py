"""`navtex help`."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path

import click

import notifier
from feeds.core.resources import folder


@click.command("help")
@click.argument("topic", required=False)
def command(topic: str | None) -> None:
    """Show a page of the manual, or list the pages.

    TOPIC is the name of a page, such as `channels`, `configuration` or `run-from-cron`.
    """
    pages = {page.stem: page for page in sorted(folder(notifier.__file__, "docs").glob("*/*.md"))}
    if topic is None:
        click.echo(
            "Pages of the manual. Show one with `navtex help NAME`. For commands, see `navtex COMMAND --help`.\n"
        )
        for name, page in pages.items():
            click.echo(f"  {name:<28}{_title(page)}")
        return
    if topic not in pages:
        near = get_close_matches(topic, pages, n=3)
        raise click.BadParameter(
            f"no page named {topic!r}" + (f". Did you mean {' or '.join(near)}?" if near else ""),
            param_hint="TOPIC",
        )
    text = pages[topic].read_text(encoding="utf-8")
    if sys.stdout.isatty():
        click.echo_via_pager(text)
    else:
        click.echo(text, nl=False)


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
