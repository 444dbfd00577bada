"""`navtex db`."""

from __future__ import annotations

import click

from notifier.cli.app import say, settings


@click.group("db")
def command() -> None:
    """The database's schema. It is brought up to date by itself; these commands do it by hand."""


@command.command("upgrade")
def upgrade() -> None:
    """Bring the schema up to date."""
    from feeds.database import HEAD, Database

    database = Database(settings().database)
    done = database.upgrade()
    say(f"{database.shown} is {'now' if done else 'already'} at {HEAD}")
    database.close()


@command.command("current")
def current() -> None:
    """The migration that the database is at."""
    from feeds.database import Database

    database = Database(settings().database)
    click.echo(database.current() or "empty")
    database.close()


@command.command("check")
@click.pass_context
def check(ctx: click.Context) -> None:
    """Whether the schema is what this Navtex expects, table by table."""
    import notifier.tables  # noqa: F401 - defines every table, those of feeds included
    from feeds.database import Database
    from feeds.schema import drift

    database = Database(settings().database)
    differences = drift(database)
    for difference in differences:
        say(difference)
    if not differences:
        say(f"{database.shown} is as it should be")
    database.close()
    ctx.exit(1 if differences else 0)
