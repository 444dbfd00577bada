"""`navtex token`."""

from __future__ import annotations

import click

from notifier.cli.common import format_option, now, opened, say, settings, table, write_json
from notifier.cli.user import here, shown_tags, tag_limit
from notifier.domain.access import TokenScope


@click.group("token")
def command() -> None:
    """Manage the tokens with which programs use the API (`navtex serve`)."""


@command.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([s.value for s in TokenScope]),
    help="What the token may be used for (repeatable).",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=90,
    show_default=True,
    metavar="N",
    help="Days for which it is valid.",
)
@tag_limit
@click.option("--hosts", default="", metavar="PATTERN", help="For inventory:push: accept only hosts with this name.")
@click.option("--user", "owner", metavar="NAME", help="Owner: the token can see and do no more than this user.")
def add(name: str, scopes: tuple[str, ...], days: int, tags: dict[str, str], hosts: str, owner: str | None) -> None:
    """Create a token and print it. It is not stored and cannot be shown again.

    \b
    navtex token add agents --scope inventory:push --hosts 'web-*'
    """
    from notifier.services.people.tokens import NewToken, add_token, user

    wanted = NewToken(name, frozenset(map(TokenScope, scopes)), days, tags, hosts)
    with opened(settings()) as database:
        made = add_token(database, here(), now(), wanted, user(database, owner) if owner else None)
    click.echo(made.secret)
    say(f"The token is valid until {made.value.expires_at:%Y-%m-%d}. Revoke it: navtex token remove {made.value.token}")


@command.command("list")
@format_option
def list_(form: str) -> None:
    """List the tokens, without their secrets."""
    from notifier.services.people.tokens import list_tokens

    with opened(settings()) as database:
        found = list_tokens(database, now())
    if form == "json":
        write_json(found)
        return
    table(
        ["Token", "Name", "Owner", "For", "Hosts", "Expires", "Last used"],
        [
            [
                t.token,
                t.name,
                t.owner or "",
                " ".join(t.scopes),
                f"{shown_tags(t.tags)}{f', pushes {t.hosts}' if t.hosts else ''}",
                "expired" if t.expired else f"{t.expires_at:%Y-%m-%d}",
                f"{t.used_at:%Y-%m-%d}" if t.used_at else "never",
            ]
            for t in found.tokens
        ],
        empty="No tokens. See `navtex token add --help`.",
    )


@command.command("remove")
@click.argument("token")
def remove(token: str) -> None:
    """Revoke a token. TOKEN is what `navtex token list` shows of it."""
    from notifier.services.people.tokens import remove_token

    with opened(settings()) as database:
        remove_token(database, here(), now(), token)
    say("The token was revoked")
