"""`navtex doctor`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from notifier import config as configs
from notifier.cli.app import format_option, opened, settings, wrapped, write_json


@click.command("doctor")
@format_option
@click.pass_context
def command(ctx: click.Context, form: str) -> None:
    """What is wrong with this installation, and what to do about it. Asks nothing outside of this machine."""
    from notifier.doctor import examine

    config = settings()
    with opened(config) as database:
        path = Path(os.environ.get("NAVTEX_CONFIG") or configs.default_path())
        findings = list(examine(config, path, database))
    if form == "json":
        write_json({"findings": findings})
    else:
        marks = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}
        for finding in findings:
            wrapped(f"{marks[finding.level]} {finding.what}", 0, hang=8)
            if finding.remedy:
                wrapped(finding.remedy, 8)
    ctx.exit(1 if any(f.level == "problem" for f in findings) else 0)
