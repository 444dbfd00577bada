"""`navtex source`."""

from __future__ import annotations

import click

from feeds.core.times import day
from notifier.cli.common import format_option, limit_option, now, opened, settings, table, wrapped, write_json
from notifier.cli.mirror import tell_age


@click.group("source")
def command() -> None:
    """List the sources and their health."""


@command.command("list")
@limit_option
@format_option
def list_(form: str, limit: int | None) -> None:
    """List the sources, their state after the last poll, and the number of entries."""
    from feeds.sources.health import SourceHealth
    from notifier.services.catalogue.sources import sources

    config = settings()
    with opened(config) as database:
        found = sources(database, config, now(), limit)
    if form == "json":
        write_json(found.value)
        return
    table(
        [
            ("Source", {"no_wrap": True}),
            "State",
            ("Entries", {"justify": "right"}),
            ("Last success", {"no_wrap": True}),
            "Message",
        ],
        [
            [
                s.name,
                s.state,
                str(s.items),
                f"{day(s.last_success)} {s.last_success:%H:%M}" if s.last_success else "never",
                s.message[:200],
            ]
            for s in found.value.sources
        ],
        empty="No sources.",
    )
    if any(s.state == SourceHealth.UNPOLLED.value for s in found.value.sources):
        wrapped("unpolled: not polled yet, or nothing to query.", 0)
    tell_age(found.mirror, config, now())
