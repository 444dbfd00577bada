"""`navtex poll`."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from feeds.core.text import few
from notifier.cli.common import line, now, opened, settings
from notifier.cli.log import event, plain
from notifier.cli.log_options import log_options
from notifier.cli.mirror import tell_age
from notifier.cli.unattended_runs import running

if TYPE_CHECKING:
    from feeds.crawl.protocol import FetchResult
    from feeds.services.polling import PollReport


@click.command("poll")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--accept", multiple=True, metavar="SOURCE", help="Accept a list from this source that is much shorter than before."
)
@log_options
def command(sources: tuple[str, ...], accept: tuple[str, ...]) -> None:
    """Poll all sources, or those named, and store what is new."""
    from notifier.services.installation.crawl_settings import check_sources, start_crawl

    config = settings()
    check_sources(config, (*sources, *accept))
    with running("poll", config) as this:
        with (
            start_crawl(config, os.environ) as crawl,
            opened(config, create=True) as database,
            database.lock(),
            progress() as seen,
        ):
            from notifier.services.pipeline.polling import PollOptions, poll

            polled = poll(config, database, crawl, PollOptions(sources, frozenset(accept), seen), now())
        tell(polled.report, aloud=True, mirror=config.mirror)
        tell_age(polled.mirror, config, now())
        this.status = 0 if polled.report.ok else 1


@contextmanager
def progress() -> Iterator[Callable[[FetchResult], None]]:
    """A function to call with each document: it counts them on a terminal, and else logs them."""
    if not (plain() and sys.stderr.isatty()):
        yield _document
        return
    seen = 0

    def count(outcome: FetchResult) -> None:
        nonlocal seen
        seen += 1
        click.echo(f"\r\x1b[K{seen} documents, {outcome.source}", nl=False, err=True)

    try:
        yield count
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def _document(outcome: FetchResult) -> None:
    """Log one document."""
    text = f"{outcome.url} {outcome.result}{f': {outcome.reason}' if outcome.reason else ''}"
    event("document", text, level="debug", source=outcome.source, url=outcome.url, result=outcome.result)


def tell(report: PollReport, *, aloud: bool, mirror: str = "") -> None:
    """Log what failed and what is new; with `aloud` a person sees it, too. `mirror` is what was read, or ""."""
    for source in report.failed:
        text = line(f"{source.name} is {source.state.value}: {source.message}")
        # in a total outage one line says it for all
        level = "debug" if report.unreached else "warning"
        event("source", text, level=level, source=source.name, state=source.state.value, failures=source.failures)
    for warning in report.warnings:
        event("registry_credentials", line(warning), level="warning")
    for entry in report.ahead:
        event("future_date", line(entry), level="warning")
    if report.problem:
        event("poll_broken", f"The poll is incomplete: {report.problem}", level="warning")
    healthy = len(report.sources) - len(report.failed)
    text = f"{healthy} of {len(report.sources)} polled sources are healthy"
    event("polled", text, sources=len(report.sources), healthy=healthy)
    changes = report.changes
    for what, names in (("new", changes.new), ("changed", changes.changed), ("withdrawn", changes.withdrawn)):
        if names:
            event(f"advisories_{what}", f"{len(names)} {what}: {few(names, 8)}", aloud=aloud, advisories=names)
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
        f"{what}{cause}. Without internet access, set https_proxy or use a mirror: `navtex help mirror-and-air-gap`"
    )
