"""`navtex silence`."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import click

from notifier.cli.common import (
    DateType,
    alias,
    format_option,
    limit_option,
    now,
    opened,
    say,
    say_more,
    scope,
    scope_options,
    settings,
    table,
    write_json,
)


@click.group("silence")
def command() -> None:
    """Silence advisories for a time."""


def _end(ctx: click.Context, param: click.Parameter, value: datetime) -> datetime:
    """The end of a day in UTC, or the moment that was named."""
    if value.time() == time():
        value += timedelta(days=1, seconds=-1)
    return value.replace(tzinfo=UTC)


@command.command("add")
@click.argument("advisory")
@click.option("--reason", required=True, metavar="TEXT", help="Reason for the silence.")
@click.option(
    "--until",
    required=True,
    type=DateType(moments=True),
    callback=_end,
    metavar="DATE",
    help="Last day (UTC) or end time of the silence.",
)
@scope_options
@click.option("--author", metavar="NAME", help="Author of the silence. Default: the current user.")
@click.option(
    "--justification",
    default="",
    metavar="WORD",
    help="VEX justification, if the hosts are not affected.",
)
def add(advisory: str, reason: str, until: datetime, author: str | None, justification: str, **hosts: Any) -> None:
    """Silence an advisory for some hosts or all, until a date.

    The silence ends early if the severity rises, exploitation becomes known, or a fix is released. It replaces
    an earlier silence for the same hosts.

    \b
    navtex silence add CVE-2024-41110 --reason 'no plugin there' --until 2026-12-31 --tag env=lab
    """
    from notifier.services.catalogue.silences_and_assignments import NewSilence, add_silence

    author = author if author is not None else _user()
    wanted = NewSilence(advisory, scope(**hosts), reason, until, author, justification)
    with opened(settings()) as database:
        made = add_silence(database, wanted, now())
    for warning in made.warnings:
        say(warning)
    one = made.value
    where = f" for {one.scope}" if one.scope else ""
    instead = f", replacing {', '.join(map(str, made.replaced))}" if made.replaced else ""
    say(f"{one.advisory} is silenced{where} until {one.until:%Y-%m-%d %H:%M} UTC, as number {one.number}{instead}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Include silences that have ended.")
@limit_option
@format_option
def list_(everything: bool, limit: int | None, form: str) -> None:
    """List active silences, their scope, and whether they ended early."""
    from notifier.services.catalogue.silences_and_assignments import list_silences

    with opened(settings()) as database:
        found = list_silences(database, now(), ended=everything, limit=limit)
    if form == "json":
        write_json(found.value)
        return
    table(
        [
            ("No", {"justify": "right"}),
            ("Advisory", {"no_wrap": True}),
            "For",
            ("Reason", {"ratio": 1}),
            "Until",
            "State",
        ],
        [
            [
                str(s.number),
                s.advisory,
                s.scope or "all hosts",
                f"{s.reason} ({s.author})" if s.author else s.reason,
                f"{s.until:%Y-%m-%d}",
                s.state,
            ]
            for s in found.value.silences
        ],
        empty="No silences. See `navtex silence add --help`.",
    )
    say_more(found.more)


@command.command("remove")
@click.argument("number", type=int)
def remove(number: int) -> None:
    """End a silence now. The next digest reports the advisory again."""
    from notifier.alerts.silences import SilenceState
    from notifier.services.catalogue.silences_and_assignments import list_silences, remove_silence

    with opened(settings()) as database:
        advisory = remove_silence(database, number, now())
        listed = list_silences(database, now()).value.silences
    others = [s for s in listed if s.advisory == advisory and s.state is SilenceState.IN_FORCE]
    if not others:
        say(f"{advisory} is no longer silenced")
        return
    say(f"silence {number} of {advisory} is removed")
    for one in others:
        say(f"silence {one.number} remains, for {one.scope or 'all hosts'}")


command.add_command(alias(remove, "expire"))
