"""`navtex mirror`, and the warning of an old one."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feeds.core.text import counted
from notifier.cli.common import line, opened, say, settings
from notifier.cli.input_files import named, text_of
from notifier.config import Config

if TYPE_CHECKING:
    from feeds.mirror.builder import MirrorReport
    from feeds.sources.health import MirrorState


@click.group("mirror")
def command() -> None:
    """Copy the sources' documents into a folder, for machines without internet."""


@command.command("fetch")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--packages",
    "listed",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Also fetch records about the packages in this list (see `navtex inventory packages`).",
)
@click.pass_context
def fetch(ctx: click.Context, folder: Path, listed: str | None) -> None:
    """Fetch the sources' documents into a folder, or update that folder."""
    from notifier.services.installation.crawl_settings import check_sources, start_crawl

    config = settings()
    check_sources(config)
    packages = _listed(listed)
    with start_crawl(config, os.environ) as crawl, opened(config, create=True) as database:
        from notifier.services.pipeline.mirrors import fetch_mirror

        report = fetch_mirror(config, database, crawl, folder, packages)
    _tell(report, folder)
    ctx.exit(0 if report.ok else 1)


def _listed(file: str | None) -> frozenset[tuple[str, str]]:
    from notifier.services.installation.mirror_age import packages

    if file is None:
        return frozenset()
    return packages(text_of(file).splitlines(), named(file))


def _tell(report: MirrorReport, folder: Path) -> None:
    for source, problems in report.failures.items():
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        say(line(f"{source}: {'; '.join(problems[:3])}{more}"))
    if report.problem:
        say(f"The fetch is incomplete: {report.problem}")
    say(f"{counted(report.files, 'file')} in {folder}; {report.missing} records are not published")


def tell_age(mirror: MirrorState | None, config: Config, at: datetime, *, only_old: bool = False) -> None:
    """Say how old a mirror is."""
    from notifier.services.installation.mirror_age import REMEDY, age

    if mirror is None:
        return
    told, old = age(mirror, config.poll.mirror_days, at)
    if old:
        say(f"Warning: {told}. {REMEDY}")
    elif not only_old and mirror.fetched_at:
        say(f"{told[:1].upper()}{told[1:]}")
