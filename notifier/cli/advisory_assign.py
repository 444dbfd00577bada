"""`navtex advisory assign` and `unassign`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from notifier.cli.common import DateType, alias, now, opened, say, scope, scope_options, settings


@click.command("assign")
@click.argument("advisory")
@click.option("--owner", required=True, metavar="NAME", help="Person or team responsible.")
@click.option("--due", required=True, type=DateType(), metavar="DATE", help="Due date.")
@scope_options
@click.option("--note", default="", metavar="TEXT", help="Note to show in digests.")
def assign(advisory: str, owner: str, due: datetime, note: str, **hosts: Any) -> None:
    """Assign an advisory to someone, for some hosts or all.

    Digests show the owner. If hosts are still affected after the due date, the advisory is reported again. Replaces an
    earlier assignment for the same hosts.

    \b
    navtex advisory assign CVE-2024-41110 --owner Ann --due 2026-12-31 --tag env=prod
    """
    from notifier.services.catalogue.silences_and_assignments import NewAssignment
    from notifier.services.catalogue.silences_and_assignments import assign as add

    with opened(settings()) as database:
        made = add(database, NewAssignment(advisory, scope(**hosts), owner, due.date(), note), now())
    for warning in made.warnings:
        say(warning)
    where = f" for {made.scope}" if made.scope else ""
    say(f"{made.advisory} is assigned to {owner.strip()}{where}, due {due:%Y-%m-%d}")


@click.command("unassign")
@click.argument("advisory")
@scope_options
def unassign(advisory: str, **hosts: Any) -> None:
    """Remove the assignment for these hosts, or all assignments of the advisory."""
    from notifier.services.catalogue.silences_and_assignments import unassign as remove

    chosen = scope(**hosts) if any(hosts.values()) else None
    with opened(settings()) as database:
        name, owners = remove(database, advisory, chosen, now())
    say(f"{name} is unassigned (was assigned to {', '.join(owners)})")


COMMANDS = (assign, unassign, alias(assign, "acknowledge"), alias(unassign, "release"))
"""The commands of `navtex advisory`, with the old names of this release."""
