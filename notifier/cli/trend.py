"""`navtex trend`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from notifier.cli.common import DateType, json_text, now, opened, output_option, say, settings, table, wrapped
from notifier.cli.output import emit

if TYPE_CHECKING:
    from notifier.schemas.trend import Trend


@click.command("trend")
@click.option("--since", type=DateType(), metavar="DATE", help="First day to show. Default: 12 weeks ago.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="Output format; csv has a row for each number.",
)
@output_option
def command(since: datetime | None, form: str, output: Path | None) -> None:
    """Show how exposure changes over time: hosts by severity, findings opened and closed, their age, days to fix."""
    from notifier.exporters import csv_rows
    from notifier.schemas.trend import TrendCsvRow
    from notifier.schemas.trend import csv_rows as rows
    from notifier.services.findings.trend import trend
    from notifier.services.snapshot.settings import due_policy

    config, at = settings(), now()
    if since and since.date() > at.date():
        raise click.BadParameter(f"{since:%Y-%m-%d} is in the future", param_hint="--since")
    with opened(config) as database:
        found = trend(database, at, since.date() if since else None, due_policy(config.due))
    if form == "json":
        emit(json_text(found), output)
    elif form == "csv":
        emit(csv_rows.write(rows(found), TrendCsvRow), output)
    else:
        text = StringIO() if output else None
        _show(found, text)
        if text:
            emit([text.getvalue()], output)


def _show(found: Trend, file: IO[str] | None) -> None:
    _hosts(found, file)
    if found.findings_since is None:
        say("No hosts were imported yet.")
        return
    click.echo("", file=file)
    wrapped(f"Findings opened and closed, by week. Recorded since {found.findings_since}.", 0, file=file)
    rows = [
        [f"{w.week}{'' if w.whole else ' *'}", f"{w.opened:,}", f"{w.fixed:,}", f"{w.retired:,}"] for w in found.weeks
    ]
    table(["Week of", *_right(["Opened", "Fixed", "Retired"])], rows, empty="", file=file)
    if not all(w.whole for w in found.weeks):
        wrapped("* not a whole week", 0, file=file)
    _open(found, file)


def _hosts(found: Trend, file: IO[str] | None) -> None:
    if found.hosts_since is None:
        say("The numbers of hosts are not recorded yet; `navtex run` stores each day's.")
        return
    wrapped(f"Affected hosts by worst severity. Recorded since {found.hosts_since}.", 0, file=file)
    from notifier.schemas.trend import LEVELS

    last_of_week = {day.day.isocalendar()[:2]: day for day in found.days}
    rows = [
        [
            str(day.day),
            f"{day.hosts:,}",
            f"{day.affected:,}",
            *(f"{getattr(day.levels, level.value):,}" for level in LEVELS),
        ]
        for day in last_of_week.values()
    ]
    names = ["Hosts", "Affected", *(level.value.capitalize() for level in LEVELS)]
    table(["Day", *_right(names)], rows, empty="No day since then is recorded.", file=file)


def _open(found: Trend, file: IO[str] | None) -> None:
    from notifier.schemas.trend import AGE_WORDS

    click.echo("", file=file)
    wrapped("Open findings by age in days, and how many days fixes took (median).", 0, file=file)
    rows = [
        [
            age.level,
            f"{age.findings:,}",
            *(f"{getattr(age, field):,}" for field in AGE_WORDS),
            f"{age.overdue:,}",
            f"{fix.fixed:,}",
            "-" if fix.median_days is None else f"{fix.median_days:g}",
        ]
        for age, fix in zip(found.ages, found.fixes, strict=True)
    ]
    names = ["Open", "0-7", "8-30", "31-90", "91+", "Overdue", "Fixed", "Days to fix"]
    table(["Severity", *_right(names)], rows, empty="", file=file)


def _right(names: Iterable[str]) -> list[tuple[str, dict[str, Any]]]:
    """Columns of numbers."""
    return [(name, {"justify": "right"}) for name in names]
