"""`navtex silence`."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import click

from feeds.core.times import stamp
from notifier.cli.app import (
    DateType,
    format_option,
    nobody_yet,
    now,
    opened,
    say,
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
@click.option("--reason", required=True, metavar="TEXT", help="Why it is silenced.")
@click.option(
    "--until",
    required=True,
    type=DateType(moments=True),
    callback=_end,
    metavar="DATE",
    help="Last day of the silence, in UTC, or its last moment.",
)
@scope_options
@click.option("--author", metavar="NAME", help="Who silences it. Default: the current user.")
@click.option(
    "--justification",
    default="",
    metavar="WORD",
    help="VEX justification, if these hosts are not affected.",
)
def add(
    advisory: str,
    reason: str,
    until: datetime,
    hosts: tuple[str, ...],
    tags: dict[str, str],
    products: tuple[str, ...],
    author: str | None,
    justification: str,
) -> None:
    """Silence an advisory for some hosts or all, until a date.

    It ends early for what gets worse: a higher severity, known exploitation, or a fix that comes out. One that was
    made before for the same hosts ends with it.

    \b
    navtex silence add CVE-2024-41110 --reason 'no plugin there' --until 2026-12-31 --tag env=lab
    """
    from notifier.alerts import silences
    from notifier.alerts.silences import JUSTIFICATIONS
    from notifier.storage import silences as store

    at = now()
    if until <= at:
        raise click.BadParameter(f"{until:%Y-%m-%d %H:%M} UTC is over", param_hint="--until")
    if justification and justification not in JUSTIFICATIONS:
        raise click.BadParameter(f"it is none of {', '.join(JUSTIFICATIONS)}", param_hint="--justification")
    if not reason.strip():
        raise click.BadParameter("it is empty", param_hint="--reason")
    chosen = scope(hosts, tags, products)
    with opened(settings()) as database, database.begin() as connection:
        from notifier.services.assessment import Assessment

        assessment = Assessment.load(connection, at)
        found = assessment.find(advisory)
        made = silences.Silence(
            found.id,
            chosen,
            reason.strip(),
            author if author is not None else _user(),
            at,
            until,
            assessment.alert_state(connection, found),
            justification,
        )
        number, ended = store.renew(connection, made, silences.about(found))
        nobody_yet(connection, chosen)
    where = f" for {silences.shown(chosen)}" if silences.shown(chosen) else ""
    instead = f", in place of {', '.join(map(str, ended))}" if ended else ""
    say(f"{found.name} is silenced{where} until {until:%Y-%m-%d %H:%M} UTC, as number {number}{instead}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Include silences that have ended.")
@format_option
def list_(everything: bool, form: str) -> None:
    """List silences in force, their scope, and whether something has ended them early."""
    from notifier.alerts import silences
    from notifier.services.assessment import Assessment

    at = now()
    with opened(settings()) as database, database.connect() as connection:
        assessment = Assessment.load(connection, at)
    rows: list[dict[str, Any]] = []
    held = {s.id for some in assessment.in_force.values() for s in some}
    concerned = assessment.lasting
    for one in assessment.silences:
        state = "ended" if not one.lasts(at) else "broken" if one.id in concerned - held else "in force"
        if everything or one.lasts(at):
            rows.append(
                {
                    "number": one.id,
                    "advisory": one.name,
                    "scope": silences.shown(one.scope),
                    "reason": one.reason,
                    "author": one.author,
                    "justification": one.justification or None,
                    "created_at": stamp(one.created_at),
                    "until": stamp(one.until),
                    "state": state,
                }
            )
    if form == "json":
        write_json({"silences": rows})
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
                str(r["number"]),
                r["advisory"],
                r["scope"] or "all hosts",
                f"{r['reason']} ({r['author']})" if r["author"] else r["reason"],
                r["until"][:10],
                r["state"],
            ]
            for r in rows
        ],
        empty="There is no silence. See `navtex silence add --help`.",
    )


@command.command("expire")
@click.argument("number", type=int)
def expire(number: int) -> None:
    """End a silence now. The next digests report what it held back."""
    from notifier.storage import silences

    with opened(settings()) as database, database.begin() as connection:
        ended = silences.expire(connection, number, now())
    say(f"{ended.name} is no longer silenced")
