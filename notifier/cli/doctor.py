"""`navtex doctor`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feeds.core.errors import ConfigError, DatabaseError
from notifier import config as configs
from notifier.cli.app import format_option, now, opened, settings, wrapped, write_json
from notifier.cli.log import exit_status

if TYPE_CHECKING:
    from notifier.services.checks import CheckResult


@click.command("doctor")
@format_option
@click.pass_context
def command(ctx: click.Context, form: str) -> None:
    """Check this installation and say how to fix what is wrong. Contacts no other machine."""
    path = Path(os.environ.get("NAVTEX_CONFIG") or configs.default_path())
    findings, status = _findings(path)
    if form == "json":
        write_json({"findings": findings})
    else:
        marks = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}
        for finding in findings:
            wrapped(f"{marks[finding.level]} {finding.what}", 0, hang=8)
            if finding.remedy:
                wrapped(finding.remedy, 8)
    ctx.exit(status)


def _findings(path: Path) -> tuple[list[CheckResult], int]:
    """What was found, as far as one could look, and the exit status."""
    from notifier.services import checks
    from notifier.services.doctor import examine

    found: list[CheckResult] = []
    try:
        config = settings()
        found.extend(checks.configuration(config, path))
        with opened(config) as database:
            found.extend(examine(config, path, database, now()))
    except (ConfigError, DatabaseError) as error:
        # what was looked at before it stands; what could not be looked at is missing
        return [*found, checks.unusable(error)], exit_status(error)
    return found, 1 if any(f.level is checks.CheckLevel.PROBLEM for f in found) else 0
