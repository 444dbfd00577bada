"""`navtex benchmark`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from notifier.cli.app import (
    NOTHING_KNOWN,
    count_of,
    format_option,
    limit_option,
    line,
    now,
    opened,
    say,
    settings,
    table,
    wrapped,
    write_json,
)

if TYPE_CHECKING:
    from notifier.schemas.benchmark import EditionDetail, EditionRow

_NAMED = 20
"""The most hosts that a text names."""


@click.group("benchmark")
def command() -> None:
    """List the editions of the CIS Docker benchmark and the hosts they are for."""


@command.command("list")
@limit_option
@format_option
def list_(limit: int | None, form: str) -> None:
    """List the editions of the CIS Docker benchmark, newest first."""
    from notifier.services.benchmarks import benchmarks

    with opened(settings()) as database:
        found = benchmarks(database, now(), limit)
    if form == "json":
        write_json(found.value)
        return
    table(
        [
            ("Edition", {"no_wrap": True}),
            ("Published", {"no_wrap": True}),
            ("For Docker Engine", {"ratio": 1}),
            ("Hosts", {"justify": "right"}),
            ("Supersedes", {"no_wrap": True}),
        ],
        [
            [e.edition, _date(e), ", ".join(e.engines), str(e.hosts.count), e.supersedes or ""]
            for e in found.value.editions
        ],
        empty=NOTHING_KNOWN,
    )
    if found.more:
        say(f"{found.more} more are not listed because of --limit.")


@command.command("show")
@click.argument("name", metavar="EDITION")
@format_option
def show(name: str, form: str) -> None:
    """Show one edition: its date, the engine lines and hosts it is for, and where to download it.

    EDITION is a name of `navtex benchmark list`, or a version such as 1.8.0.
    """
    from notifier.services.benchmarks import benchmark

    with opened(settings()) as database:
        found = benchmark(database, name, now())
    if form == "json":
        write_json(found)
    else:
        _show(found)


def _listed(edition: EditionRow) -> list[str]:
    lines = ", ".join(edition.engines)
    return [edition.edition, _date(edition), lines, str(edition.hosts.count), _short(edition.supersedes)]


def _short(name: str | None) -> str:
    """An edition as a cell has room for it: "1.7.0", "1.13-1.0.0"."""
    return (name or "").removeprefix("cis-docker-").replace("benchmark-", "")


def _date(edition: EditionRow | EditionDetail) -> str:
    if edition.date is None:
        return "date not published"
    return f"by {edition.date}" if edition.date_precision == "no-later-than" else edition.date


def _show(found: EditionDetail) -> None:
    click.echo(line(f"{found.edition}  benchmark"))
    click.echo(line(found.title) + "\n")
    for label, value in (
        ("Published", _date(found)),
        ("Supersedes", found.supersedes or "nothing"),
        ("Superseded by", found.superseded_by or ""),
        ("Download", found.url),
    ):
        if value:
            click.echo(line(f"{label + ':':<15}{value}"))
    click.echo("\nFor these engine lines:" if found.engines else "\nNo engine line is known to be meant.")
    for one in found.engines:
        wrapped(f"{one.line}: {one.reason}", 2, hang=2)
    click.echo(f"\nThe edition for {count_of(len({h.host for h in found.hosts}), 'host', 'hosts')}")
    for host in found.hosts[:_NAMED]:
        wrapped(f"{host.host} ({host.package or host.version}): {host.reason}", 2, hang=2)
    if len(found.hosts) > _NAMED:
        click.echo(f"  and {len(found.hosts) - _NAMED} more; --format json names all")
    click.echo("\nEvidence:")
    for entry in found.evidence:
        wrapped(f"{entry.source}: {entry.says}", 2, hang=2)
