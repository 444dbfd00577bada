"""`navtex doctor`."""

from __future__ import annotations

import click

from feeds.core.errors import ConfigError
from notifier import config as configs
from notifier.cli.common import format_option, now, settings, wrapped, write_json
from notifier.cli.log import exit_status
from notifier.schemas.doctor import DoctorReport


@click.command("doctor")
@format_option
@click.pass_context
def command(ctx: click.Context, form: str) -> None:
    """Check this installation and suggest fixes. Contacts no other machine."""
    from notifier.services.upkeep import machine_checks
    from notifier.services.upkeep.doctor import Diagnosis, diagnose

    path = configs.config_path()
    try:
        found = diagnose(settings(), path, now())
    except ConfigError as error:
        found = Diagnosis(DoctorReport(findings=(machine_checks.unusable(error),)), error)
    if form == "json":
        write_json(found.report)
    else:
        _print(found.report)
    ctx.exit(exit_status(found.error) if found.error else 0 if found.report.ok else 1)


def _print(report: DoctorReport) -> None:
    marks = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}
    for finding in report.findings:
        wrapped(f"{marks[finding.level]} {finding.what}", 0, hang=8)
        if finding.remedy:
            wrapped(finding.remedy, 8)
