"""`navtex mirror`, and reading from a mirror that is a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from feeds.core.errors import ConfigError, UsageProblem
from notifier.cli.app import count_of, line, now, opened, say, settings
from notifier.config import Config

if TYPE_CHECKING:
    from feeds.crawl.protocol import CrawlJob
    from feeds.mirror.builder import MirrorReport
    from feeds.sources.health import MirrorState
    from feeds.storage.database import Database

_LARGEST_LIST = 4 << 20


@click.group("mirror")
def command() -> None:
    """Copy what the sources answer into a folder, for machines without internet."""


@command.command("fetch")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--packages",
    "listed",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Also fetch OSV records for the packages in this list (from `navtex inventory packages`).",
)
@click.pass_context
def fetch(ctx: click.Context, folder: Path, listed: str | None) -> None:
    """Fetch what the sources answer into a folder, or update that folder."""
    from feeds.crawl.client import Crawl
    from feeds.mirror.builder import fetch as fill
    from notifier.cli.poll import check_forms, check_names, environment

    config = settings()
    check_names(tuple(config.sources))
    check_forms(config.urls)
    with Crawl(environment(config)) as crawl, opened(config) as database, served(config) as there:
        report = fill(crawl, _job(there, database, _listed(listed)), folder)
    _tell(report, folder)
    ctx.exit(0 if report.ok else 1)


def _job(config: Config, database: Database, listed: frozenset[tuple[str, str]]) -> CrawlJob:
    """Everything that a poll elsewhere would ask: CVEs of corrections and of what is known here, and packages."""
    from feeds import storage
    from feeds.advisories.records import is_cve
    from feeds.services.polling import reviewed
    from feeds.sources.base import RequestContext
    from notifier.cli.poll import job_of
    from notifier.storage import inventory

    corrected = reviewed(Path(config.corrections) if config.corrections else None)
    named = {name for o in corrected for piece in o.items if is_cve(name := piece.key.partition(":")[2])}
    with database.connect() as connection:
        wanted = RequestContext(
            cves=storage.cves(connection) | named,
            packages=inventory.packages(connection) | listed,
            channels=inventory.channels(connection),
        )
        waiting = storage.waiting(connection)
    return job_of(config, wanted=wanted, not_before=waiting)


def _listed(file: str | None) -> frozenset[tuple[str, str]]:
    from notifier.services.mirror_age import packages

    if file is None:
        return frozenset()
    try:
        with click.open_file(file, encoding="utf-8") as lines:
            text = lines.read(_LARGEST_LIST)
    except OSError as error:
        raise click.FileError(file, error.strerror) from error
    except UnicodeDecodeError as error:
        raise UsageProblem("it is no text in UTF-8", where=file) from error
    return packages(text.splitlines(), file)


def _tell(report: MirrorReport, folder: Path) -> None:
    for source, problems in report.failures.items():
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        say(line(f"{source}: {'; '.join(problems[:3])}{more}"))
    if report.problem:
        say(f"The fetch did not end well: {report.problem}")
    say(f"{count_of(report.files, 'file', 'files')} in {folder}; {report.missing} records are not published")


@contextmanager
def served(config: Config) -> Iterator[Config]:
    """The configuration with an address for its mirror: a folder is served on loopback as long as the block lasts.

    ConfigError where the folder is not there.
    """
    if not config.mirror.startswith("/"):
        yield config
        return
    from feeds.mirror.server import Mirror

    folder = Path(config.mirror)
    if not folder.is_dir():
        raise ConfigError("the mirror is no folder", where=config.mirror, remedy="See `navtex mirror fetch --help`")
    with Mirror(folder) as mirror:
        yield msgspec.structs.replace(config, mirror=mirror.url)


def note_age(config: Config, database: Database) -> MirrorState | None:
    """Keep which mirror was read just now and when it was filled; None where it were the sources themselves."""
    from feeds import storage
    from feeds.mirror import manifest

    at = manifest.fetched_at(config.mirror, config.ca_bundle) if config.mirror else None
    with database.begin() as connection:
        storage.note_mirror(connection, config.mirror, at, now())
        return storage.mirror(connection)


def tell_age(mirror: MirrorState | None, config: Config, at: datetime, *, only_old: bool = False) -> None:
    """Say how old a mirror is."""
    from notifier.services.mirror_age import REMEDY, age

    if mirror is None:
        return
    told, old = age(mirror, config.poll.mirror_days, at)
    if old:
        say(f"Warning: {told}. {REMEDY}")
    elif not only_old and mirror.fetched_at:
        say(f"{told[:1].upper()}{told[1:]}")
