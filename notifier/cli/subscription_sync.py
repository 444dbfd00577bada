"""`navtex subscription sync`: subscriptions that stand in a file."""

from __future__ import annotations

from pathlib import Path

import click

from feeds.core.errors import ChannelError, ConfigError, UsageProblem
from notifier.cli.app import nobody_yet, now, opened, say, settings


@click.command("sync")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Print what would change, and exit with 1 if anything would.")
@click.pass_context
def sync(ctx: click.Context, file: Path, check: bool) -> None:
    """Create, change and remove subscriptions as a TOML file says.

    Creates and changes those that it names, and removes those that it made and no longer names. What
    was told to one that is changed stays. A file is known by its name, wherever it lies.
    """
    from notifier.services import subscription_files
    from notifier.storage import subscriptions

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", where=str(file)) from error
    wanted = subscription_files.read(text, file.name, now())
    for subscription in wanted:
        for address in subscription.targets:
            check_address(address, f"{file.name}, subscriptions.{subscription.name}")
    with opened(settings()) as database, database.begin() as connection:
        steps = subscription_files.steps(wanted, subscriptions.every(connection), file.name)
        for step in steps:
            if not check:
                _do(connection, step)
            if step.what in ("create", "change"):
                one = step.subscription
                nobody_yet(connection, one.filters.scope, f"{file.name}, subscriptions.{one.name}: ")
    done = [s for s in steps if s.what != "keep"]
    for step in done:
        differs = f" ({', '.join(step.differs)})" if step.differs else ""
        say(f"{_WORDS[step.what][check]} {step.subscription.name}{differs}")
    if not done:
        say(f"The subscriptions are what {file.name} says.")
    ctx.exit(1 if check and done else 0)


_WORDS = {
    "create": ("created", "would create"),
    "change": ("changed", "would change"),
    "remove": ("removed", "would remove"),
}


def _do(connection: object, step: object) -> None:
    from feeds.storage.database import Connection
    from notifier.services.subscription_files import SyncStep
    from notifier.storage import subscriptions

    assert isinstance(connection, Connection)
    assert isinstance(step, SyncStep)
    if step.what == "create":
        subscriptions.add(connection, step.subscription)
    elif step.what == "change":
        subscriptions.change(connection, step.subscription)
    elif step.what == "remove":
        subscriptions.remove(connection, step.subscription.name, now())


def check_address(address: str, where: str = "") -> None:
    """UsageProblem where an address cannot be understood; one whose secrets are not here is let pass, with a word."""
    from notifier.channels import expand, shown
    from notifier.security.references import has_references, resolved, shown_with_references

    try:
        whole = resolved(address)
    except ChannelError as error:
        say(f"{where + ': ' if where else ''}{shown_with_references(address)} is not checked: {error}")
        return
    try:
        expand(whole)
    except ChannelError as error:
        name = shown_with_references(address) if has_references(address) else shown(address)
        raise UsageProblem(
            f"{name}: {error.what}" if where else error.what, where=where, remedy=error.remedy
        ) from error
