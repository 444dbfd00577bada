"""`navtex db`."""

from __future__ import annotations

from pathlib import Path

import click

from notifier.cli.app import now, say, settings


@click.group("db")
def command() -> None:
    """Upgrade, check, back up and restore the database."""


@command.command("upgrade")
def upgrade() -> None:
    """Upgrade the schema. Other commands do so by themselves."""
    from feeds.storage.database import HEAD, Database

    database = Database(settings().database)
    done = database.upgrade()
    say(f"{database.shown} is {'now' if done else 'already'} at {HEAD}")
    database.close()


@command.command("current")
def current() -> None:
    """Print the database's migration."""
    from feeds.storage.database import Database

    database = Database(settings().database)
    click.echo(database.current() or "empty")
    database.close()


@command.command("check")
@click.pass_context
def check(ctx: click.Context) -> None:
    """Compare the schema with the one that this version expects."""
    import notifier.storage.tables  # noqa: F401 - defines every table, those of feeds included
    from feeds.storage.database import Database
    from feeds.storage.schema import drift

    database = Database(settings().database)
    differences = drift(database)
    for difference in differences:
        say(difference)
    if not differences:
        say(f"{database.shown} is as it should be")
    database.close()
    ctx.exit(1 if differences else 0)


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Back up the database to a new file, also while it is in use.

    SQLite only; for PostgreSQL the command to run is named.
    """
    from feeds.storage.backup import back_up
    from feeds.storage.database import Database

    database = Database(settings().database)
    back_up(database, file)
    say(f"{database.shown} was copied to {file}")
    database.close()


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Restore a backup. The old database is kept beside it.

    The backup is checked first; nothing is changed where it is damaged, or newer than this Navtex.
    """
    import notifier.storage.tables  # noqa: F401 - defines every table, those of feeds included
    from feeds.storage import backup as backups
    from feeds.storage.database import Database

    database = Database(settings().database)
    kept = backups.restore(database, file, now())
    say(f"{database.shown} is what {file} holds" + (f"; what was there before is {kept}" if kept else ""))
    database.close()
