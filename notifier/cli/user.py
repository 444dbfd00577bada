"""`navtex user`."""

from __future__ import annotations

import getpass
import sys

import click

from notifier.cli.common import format_option, now, opened, say, settings, table, tag_values, write_json
from notifier.domain.access import Actor, Role

_ROLE = click.Choice([r.value for r in Role])
tag_limit = click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME=VALUE",
    callback=tag_values,
    help="Only hosts with this tag (repeatable; all must match). Default: all hosts.",
)


@click.group("user")
def command() -> None:
    """Manage the users of the page (`navtex serve`)."""


@command.command("add")
@click.argument("name")
@click.option("--role", type=_ROLE, default="viewer", show_default=True, help="What the user may do.")
@tag_limit
@click.option("--no-password", is_flag=True, help="The user signs in by OIDC or a proxy, under this name.")
def add(name: str, role: str, tags: dict[str, str], no_password: bool) -> None:
    """Add a user.

    Asks for the password, or reads it from standard input if that is not a terminal. A viewer can only
    read. An operator can also silence and assign advisories and change subscriptions. An admin can also manage users.

    \b
    navtex user add ada --role operator --tag team=a
    """
    from notifier.services.people.accounts import add_user

    password = "" if no_password else _password()
    with opened(settings()) as database:
        made = add_user(database, here(), now(), name, Role(role), tags=tags, password=password)
    say(f"User {made.user} was added, as {made.role}")


@command.command("list")
@format_option
def list_(form: str) -> None:
    """List the users, their roles, and which hosts they see."""
    from notifier.services.people.accounts import list_users

    with opened(settings()) as database:
        found = list_users(database)
    if form == "json":
        write_json(found)
        return
    table(
        ["Name", "Role", "Hosts", "Password", "Last signed in"],
        [
            [
                u.user,
                u.role,
                shown_tags(u.tags),
                "yes" if u.password else "no",
                f"{u.signed_in_at:%Y-%m-%d}" if u.signed_in_at else "never",
            ]
            for u in found.users
        ],
        empty="No users. See `navtex user add --help`.",
    )


@command.command("passwd")
@click.argument("name")
def passwd(name: str) -> None:
    """Change the password of a user, and end the user's sessions.

    Asks for the password, or reads it from standard input if that is not a terminal.
    """
    from notifier.services.people.accounts import set_password

    password = _password()
    with opened(settings()) as database:
        set_password(database, here(), now(), name, password)
    say(f"The password of {name} was changed")


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove a user, with the user's sessions and tokens."""
    from notifier.services.people.accounts import remove_user

    with opened(settings()) as database:
        remove_user(database, here(), now(), name)
    say(f"User {name} was removed")


def shown_tags(tags: dict[str, str]) -> str:
    """The tags that somebody is limited to, in words."""
    return " ".join(f"{name}={value}" for name, value in tags.items()) or "all"


def here() -> Actor:
    """Who calls the command."""
    try:
        return Actor(getpass.getuser())
    except (KeyError, OSError):
        return Actor("-")


def _password() -> str:
    """A password, typed twice, or the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt=True))
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise click.UsageError("standard input holds no password; write it there, or use --no-password")
    return given
