"""`navtex db`."""

from __future__ import annotations

from pathlib import Path

import click

from notifier.cli.common import now, say, settings


@click.group("db")
def command() -> None:
    """Create, upgrade, check, back up and restore the database."""


@command.command("init")
def init() -> None:
    """Create the database, unless it exists.

    Commands that need an inventory do not create it. If the configured file is missing, they fail.
    """
    from notifier.services.installation import databases

    done = databases.init(settings().database)
    say(f"{done.database} {'was created' if done.changed else 'already exists'}")


@command.command("upgrade")
def upgrade() -> None:
    """Upgrade the schema. Other commands do this automatically."""
    from notifier.services.installation import databases

    done = databases.upgrade(settings().database)
    say(f"{done.database} is {'now' if done.changed else 'already'} at {done.revision}")


@command.command("current")
def current() -> None:
    """Print the revision of the database's schema."""
    from notifier.services.installation import databases

    click.echo(databases.current(settings().database) or "empty")


@command.command("check")
@click.pass_context
def check(ctx: click.Context) -> None:
    """Compare the schema with the one that this version expects."""
    from notifier.services.installation import databases

    found = databases.check(settings().database)
    for difference in found.differences:
        say(difference)
    if not found.differences:
        say(f"{found.database} has the expected schema")
    ctx.exit(1 if found.differences else 0)


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Back up the database to a new file, also while it is in use.

    SQLite only. For PostgreSQL, print the command to run instead.
    """
    from notifier.services.installation import databases

    say(f"{databases.back_up(settings().database, file)} was backed up to {file}")


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Restore a backup. The old database is kept beside it.

    The backup is checked first. If it is damaged or from a newer version, nothing is changed.
    """
    from notifier.services.installation import databases

    done = databases.restore(settings().database, file, now())
    say(f"Restored {done.database} from {file}" + (f"; the old database is kept as {done.kept}" if done.kept else ""))
