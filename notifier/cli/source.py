"""`navtex source`."""

from __future__ import annotations

import click

from notifier.cli.app import format_option, now, opened, settings, stamp, table, wrapped, write_json
from notifier.cli.mirror import mirror_row, tell_age


@click.group("source")
def command() -> None:
    """List the sources and their health."""


@command.command("list")
@format_option
def list_(form: str) -> None:
    """List the sources with their address, state and number of entries."""
    from feeds import storage
    from feeds.sources import SOURCES
    from feeds.sources.health import SourceHealth, SourceState, assessed

    config = settings()
    with opened(config) as database, database.connect() as connection:
        stored = storage.sources(connection)
        mirror = storage.mirror(connection)
    states = stored | {s.name: s for s in assessed(stored.values(), now())}
    rows = []
    for source in SOURCES:
        state = states.get(source.name) or SourceState(source.name, SourceHealth.UNPOLLED)
        rows.append(
            {
                "name": source.name,
                "title": source.title,
                "url": source.home,
                "state": "disabled" if source.name in config.disabled else state.state.value,
                "last_success": stamp(state.last_success),
                "items": state.items,
                "message": state.message,
            }
        )
    if form == "json":
        write_json({"sources": rows, "mirror": mirror_row(mirror, config, now())})
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
                str(r["name"]),
                str(r["state"]),
                str(r["items"]),
                str(r["last_success"] or "never").replace("T", " ")[:16],
                str(r["message"])[:200],
            ]
            for r in rows
        ],
        empty="There are no sources.",
    )
    if any(r["state"] == SourceHealth.UNPOLLED for r in rows):
        wrapped("unpolled: never asked, for want of a `navtex poll`, or of something to ask it for.", 0)
    tell_age(mirror, config, now())
