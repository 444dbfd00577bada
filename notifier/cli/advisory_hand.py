"""`navtex advisory acknowledge` and `release`: who has what in hand."""

from __future__ import annotations

from datetime import datetime

import click

from notifier.cli.app import DateType, nobody_yet, now, opened, say, scope, scope_options, settings


@click.command("acknowledge")
@click.argument("advisory")
@click.option("--owner", required=True, metavar="NAME", help="Who is responsible.")
@click.option("--due", required=True, type=DateType(), metavar="DATE", help="The day by which it is to be done.")
@scope_options
@click.option("--note", default="", metavar="TEXT", help="What is to be done, for the digests.")
def acknowledge(
    advisory: str,
    owner: str,
    due: datetime,
    hosts: tuple[str, ...],
    tags: dict[str, str],
    products: tuple[str, ...],
    note: str,
) -> None:
    """Assign an advisory to someone, for some hosts or all.

    Digests show it. It silences nothing, and comes back when the day is over and hosts are still affected.

    \b
    navtex advisory acknowledge CVE-2024-41110 --owner Ann --due 2026-12-31 --tag env=prod
    """
    from feeds import storage
    from notifier.alerts.silences import Assignment, shown
    from notifier.storage import silences

    if not owner.strip():
        raise click.BadParameter("it is empty", param_hint="--owner")
    at = now()
    if due.date() < at.date():
        raise click.BadParameter(f"{due:%Y-%m-%d} is over", param_hint="--due")
    chosen = scope(hosts, tags, products)
    with opened(settings()) as database, database.begin() as connection:
        found = storage.catalogue(connection).find(advisory)
        silences.take(connection, Assignment(found.id, chosen, owner.strip(), due.date(), at, note.strip()))
        nobody_yet(connection, chosen)
    where = f" for {shown(chosen)}" if shown(chosen) else ""
    say(f"{owner.strip()} has {found.name} in hand{where} until {due:%Y-%m-%d}")


@click.command("release")
@click.argument("advisory")
@scope_options
def release(advisory: str, hosts: tuple[str, ...], tags: dict[str, str], products: tuple[str, ...]) -> None:
    """Remove an assignment: the one for these hosts, or all of the advisory."""
    from feeds import storage
    from feeds.core.errors import UnknownName
    from notifier.alerts.silences import about
    from notifier.storage import silences

    chosen = scope(hosts, tags, products) if hosts or tags or products else None
    with opened(settings()) as database, database.begin() as connection:
        found = storage.catalogue(connection).find(advisory)
        released = silences.release(connection, about(found), chosen, now())
        if not released:
            raise UnknownName(f"nobody has {found.name} in hand", remedy="See `navtex advisory show`")
    say(f"{found.name} is unassigned (was assigned to {', '.join(h.owner for h in released)})")
