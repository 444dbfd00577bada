"""`navtex poll`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feeds.core.addresses import web_address
from feeds.core.errors import ConfigError, UnknownName
from feeds.crawl.client import Crawl
from feeds.crawl.protocol import CrawlJob, FetchResult
from feeds.sources.base import RequestContext
from notifier.cli.app import line, now, opened, settings
from notifier.cli.log import event, plain
from notifier.cli.log_options import log_options
from notifier.cli.mirror import note_age, served, tell_age
from notifier.cli.running import running
from notifier.config import Config

if TYPE_CHECKING:
    from feeds.services.polling import PollReport
    from feeds.storage.database import Database


@click.command("poll")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--accept", multiple=True, metavar="SOURCE", help="Accept a list from this source that is far shorter than before."
)
@log_options
def command(sources: tuple[str, ...], accept: tuple[str, ...]) -> None:
    """Poll all sources, or those named, and store what is new."""
    config = settings()
    check_names((*sources, *accept, *config.sources))
    check_forms(config.urls)
    with running("poll", config) as this:
        with Crawl(environment(config)) as crawl, opened(config) as database, database.lock(), served(config) as there:
            report = poll(there, database, crawl, sources, accept)
            age = note_age(config, database)
        tell(report, aloud=True, mirror=config.mirror)
        tell_age(age, config, now())
        this.status = 0 if report.ok else 1


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
    """ConfigError where an address is none, or is given for a form that its source does not have."""
    if not urls:
        return
    from feeds.sources import SOURCES

    for source in SOURCES:
        for form, url in urls.get(source.name, {}).items():
            web_address(url, f"sources.{source.name}.urls.{form}")
        for form in sorted(set(urls.get(source.name, ())) - set(source.urls)):
            raise ConfigError(
                f"sources.{source.name}.urls has {form!r}, and that source has no such form",
                remedy=f"It has {', '.join(source.urls)}",
            )


def environment(config: Config) -> dict[str, str]:
    """The crawl's environment: ours, and the certificates to trust (OpenSSL reads SSL_CERT_FILE)."""
    import os

    from feeds.core.secrets import from_environment

    token = from_environment(os.environ, "GITHUB_TOKEN")
    own = {"GITHUB_TOKEN": token} if token else {}
    return {**os.environ, **own, **({"SSL_CERT_FILE": config.ca_bundle} if config.ca_bundle else {})}


def job_of(config: Config, **more: Any) -> CrawlJob:
    """What a crawl has to do, as the configuration says, and `more` of Job's fields."""
    return CrawlJob(
        disabled=config.disabled,
        urls=config.urls,
        mirror=config.mirror,
        contact=config.poll.contact,
        host_seconds=config.poll.host_seconds,
        poll_seconds=config.poll.poll_seconds,
        **more,
    )


def poll(
    config: Config, database: Database, crawl: Crawl, sources: tuple[str, ...] = (), accept: tuple[str, ...] = ()
) -> PollReport:
    """Poll, with progress where somebody watches."""
    from feeds.services.polling import poll as run
    from notifier.storage import inventory

    own = Path(config.corrections) if config.corrections else None
    with database.connect() as connection:
        wanted = RequestContext(packages=inventory.packages(connection), channels=inventory.channels(connection))
    job = job_of(config, wanted=wanted, sources=sources)
    must_have = {name: s.known for name, s in config.sources.items() if s.known}
    if not (plain() and sys.stderr.isatty()):
        return run(
            database, crawl, job, accept=frozenset(accept), own_corrections=own, must_have=must_have, progress=_document
        )
    seen = 0

    def progress(outcome: FetchResult) -> None:
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


def _document(outcome: FetchResult) -> None:
    """Tell the log of one document."""
    text = f"{outcome.url} {outcome.result}{f': {outcome.reason}' if outcome.reason else ''}"
    event("document", text, level="debug", source=outcome.source, url=outcome.url, result=outcome.result)


def tell(report: PollReport, *, aloud: bool, mirror: str = "") -> None:
    """Say what failed, and what is new: to the log, and `aloud` to a person, too. `mirror` is what was read, or ""."""
    for source in report.failed:
        text = line(f"{source.name} is {source.state.value}: {source.message}")
        # in a total outage one line says it for all
        level = "debug" if report.unreached else "warning"
        event("source", text, level=level, source=source.name, state=source.state.value, failures=source.failures)
    if report.problem:
        event("poll_broken", f"The poll did not end well: {report.problem}", level="warning")
    healthy = len(report.sources) - len(report.failed)
    text = f"{healthy} of the {len(report.sources)} sources that were asked are healthy"
    event("polled", text, sources=len(report.sources), healthy=healthy)
    changes = report.changes
    for what, names in (("new", changes.new), ("changed", changes.changed), ("withdrawn", changes.withdrawn)):
        if names:
            some = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
            event(f"advisories_{what}", f"{len(names)} {what}: {some}", aloud=aloud, advisories=names)
    if report.unreached:
        event("unreached", _unreached(report, mirror), level="warning")


def _unreached(report: PollReport, mirror: str) -> str:
    """One line for a total outage, with its cause."""
    reasons = Counter(part.rpartition(": ")[2] for s in report.failed for part in s.message.split("; ") if ": " in part)
    cause = f" ({reasons.most_common(1)[0][0]})" if reasons else ""
    what = f"None of the {len(report.failed)} sources could be reached"
    if mirror:
        return line(f"{what} through the mirror {mirror}{cause}. See `navtex help mirror-and-air-gap`")
    return line(
        f"{what}{cause}. Without access to the internet set https_proxy or read from a mirror: "
        "`navtex help mirror-and-air-gap`"
    )
