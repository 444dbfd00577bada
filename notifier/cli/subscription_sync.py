"""`navtex subscription sync`."""

from __future__ import annotations

from pathlib import Path

import click

from notifier.cli.common import now, opened, say, settings
from notifier.cli.input_files import text_of


@click.command("sync")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--check", is_flag=True, help="Print what would change and exit with status 1 if anything would; change nothing."
)
@click.pass_context
def sync(ctx: click.Context, file: Path, check: bool) -> None:
    """Create, change and remove subscriptions to match a TOML file.

    Subscriptions created from this file are removed if they are no longer in it; others are left alone. Changes
    keep the history. A file is known by its name, without the folder.
    """
    from notifier.services.subscriptions.subscription_files import sync_subscriptions

    text = text_of(file)
    with opened(settings(), create=True) as database:
        report = sync_subscriptions(database, text, file.name, now(), check=check)
    for warning in report.warnings:
        say(warning)
    for step in report.changes:
        differs = f" ({', '.join(step.differs)})" if step.differs else ""
        say(f"{_WORDS[step.action.value][check]} {step.subscription.name}{differs}")
    if not report.changes:
        say(f"Nothing to do: the subscriptions match {file.name}.")
    ctx.exit(1 if check and report.changes else 0)


_WORDS = {
    "create": ("created", "would create"),
    "change": ("changed", "would change"),
    "remove": ("removed", "would remove"),
}
