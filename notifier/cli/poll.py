"""`navtex poll`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feeds.document import Wanted
from feeds.errors import ConfigError, UnknownName
from feeds.fetch import Crawl, Job, Outcome
from notifier.cli.app import opened, say, settings
from notifier.config import Config

if TYPE_CHECKING:
    from feeds.database import Database
    from feeds.poll import Report


@click.command("poll")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--accept", multiple=True, metavar="SOURCE", help="Believe this source although it lists far less than before."
)
@click.pass_context
def command(ctx: click.Context, sources: tuple[str, ...], accept: tuple[str, ...]) -> None:
    """Ask the sources (all of them, or those named) what is new, and keep what they say."""
    config = settings()
    check_names((*sources, *accept, *config.sources))
    check_forms(config.urls)
    with Crawl(environment(config)) as crawl, opened(config) as database, database.lock():
        report = poll(config, database, crawl, sources, accept)
    tell(report)
    ctx.exit(0 if report.ok else 1)


def check_names(names: tuple[str, ...]) -> None:
    """UnknownName where a name is no source's."""
    if not names:
        return
    from feeds.sources import SOURCES

    known = {s.name for s in SOURCES}
    for name in names:
        if name not in known:
            raise UnknownName(f"no source is called {name!r}", remedy="See `navtex source list`")


def check_forms(urls: dict[str, dict[str, str]]) -> None:
    """ConfigError where an address is given for a form that its source does not have."""
    if not urls:
        return
    from feeds.sources import SOURCES

    for source in SOURCES:
        for form in sorted(set(urls.get(source.name, ())) - set(source.urls)):
            raise ConfigError(
                f"sources.{source.name}.urls has {form!r}, and that source has no such form",
                remedy=f"It has {', '.join(source.urls)}",
            )


def environment(config: Config) -> dict[str, str]:
    """The crawl's environment: ours, and the certificates to trust (OpenSSL reads SSL_CERT_FILE)."""
    import os

    from feeds.secrets import from_environment

    token = from_environment(os.environ, "GITHUB_TOKEN")
    own = {"GITHUB_TOKEN": token} if token else {}
    return {**os.environ, **own, **({"SSL_CERT_FILE": config.ca_bundle} if config.ca_bundle else {})}


def poll(
    config: Config, database: Database, crawl: Crawl, sources: tuple[str, ...] = (), accept: tuple[str, ...] = ()
) -> Report:
    """Poll, with progress where somebody watches."""
    from feeds.poll import poll as run
    from notifier.store import inventory

    own = Path(config.corrections) if config.corrections else None
    with database.connect() as connection:
        packages = inventory.packages(connection)
    job = Job(
        wanted=Wanted(packages=packages),
        sources=sources,
        disabled=config.disabled,
        urls=config.urls,
        mirror=config.mirror,
        contact=config.poll.contact,
        host_seconds=config.poll.host_seconds,
        poll_seconds=config.poll.poll_seconds,
    )
    must_have = {name: s.known for name, s in config.sources.items() if s.known}
    if not sys.stderr.isatty():
        return run(database, crawl, job, accept=frozenset(accept), own_corrections=own, must_have=must_have)
    seen = 0

    def progress(outcome: Outcome) -> None:
        nonlocal seen
        seen += 1
        click.echo(f"\r\x1b[K{seen} documents, {outcome.source}", nl=False, err=True)

    try:
        return run(
            database,
            crawl,
            job,
            accept=frozenset(accept),
            own_corrections=own,
            must_have=must_have,
            progress=progress,
        )
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def tell(report: Report) -> None:
    """Say what failed, and what is new; nothing where there is nothing to say."""
    for source in report.failed:
        say(f"{source.name} is {source.state.value}: {source.message}")
    if report.problem:
        say(f"The poll did not end well: {report.problem}")
    changes = report.changes
    for what, names in (("new", changes.new), ("changed", changes.changed), ("withdrawn", changes.withdrawn)):
        if names:
            some = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
            say(f"{len(names)} {what}: {some}")
