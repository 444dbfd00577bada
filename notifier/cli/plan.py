"""`navtex plan`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from feeds.advisories.records import Severity
from feeds.core.text import few
from notifier.cli.common import (
    LEVELS,
    NOTHING_KNOWN,
    json_text,
    now,
    opened,
    output_option,
    say,
    scope,
    scope_options,
    settings,
    wrapped,
)
from notifier.cli.common import line as one_line
from notifier.cli.output import emit

if TYPE_CHECKING:
    from feeds.advisories.records import Advisory
    from notifier.assessment.upgrade_plans import Option, Plan
    from notifier.schemas.plan import Plans
    from notifier.services.findings.plans import PlansAnswer

_NAMED = 5
"""The most hosts that the table names of a version."""


@click.command("plan")
@scope_options
@click.option("--severity", "least", type=LEVELS, help="Only versions with an open advisory of this severity or worse.")
@click.option(
    "--overdue", is_flag=True, help="Only versions with an overdue advisory, and only the hosts where it is overdue."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="Output format; csv has a row for each host and upgrade.",
)
@output_option
def command(
    hosts: tuple[str, ...],
    tags: dict[str, str],
    products: tuple[str, ...],
    least: str | None,
    overdue: bool,
    form: str,
    output: Path | None,
) -> None:
    """List the upgrades that fix the most, for each version in use, worst first."""
    from notifier.services.findings.plans import plans
    from notifier.services.snapshot.settings import due_policy

    config = settings()
    asked, worst = scope(hosts, tags, products), Severity(least) if least else None
    with opened(config) as database:
        found = plans(database, asked, now(), least=worst, due=due_policy(config.due), overdue=overdue)
    _write(found, form, output)
    if found.annotated:
        say(f"Silenced or assigned on some hosts: {', '.join(found.annotated)}. See `navtex advisory show`.")
    if not found.known:
        say(NOTHING_KNOWN)


def _write(found: PlansAnswer, form: str, output: Path | None) -> None:
    from notifier.exporters import csv_rows
    from notifier.schemas.plan import PlanCsvRow
    from notifier.schemas.plan import csv_rows as rows

    if form == "json":
        emit(json_text(found.value), output)
    elif form == "csv":
        emit(csv_rows.write(rows(found.value), PlanCsvRow), output)
    else:
        text = StringIO() if output else None
        shared = _Shared(found.value)
        for one, names in found.plans:
            _show(one, names, shared, text)
        if text:
            emit([text.getvalue()], output)
    if found.nothing and form == "table":
        say(found.nothing)


class _Shared:
    """The commands that several versions need, each with its hosts: shown where it comes first, then referred to."""

    def __init__(self, plans: Plans) -> None:
        self._hosts: dict[str, set[str]] = defaultdict(set)
        rows: Counter[str] = Counter()
        for row in plans.plans:
            for command in {o.command for o in row.options if o.command}:
                rows[command] += 1
                self._hosts[command].update(row.hosts.names)
        self._several = {command for command, count in rows.items() if count > 1}
        self._shown: dict[str, str] = {}

    def lines(self, command: str, runs: str) -> Iterator[str]:
        """What is shown of the command of an upgrade of `runs`."""
        if above := self._shown.get(command):
            yield f"the same command as for {above}"
            return
        yield f"$ {command}"
        if command in self._several:
            self._shown[command] = runs
            yield f"run it on {few(sorted(self._hosts[command]), _NAMED)}"


def _show(plan: Plan, hosts: tuple[str, ...], shared: _Shared, file: IO[str] | None) -> None:
    package = f" ({plan.component.package})" if plan.component.package else ""
    runs = f"{plan.component.product} {plan.component.version}{package}"
    click.echo(one_line(f"{runs} on {few(hosts, _NAMED)}"), file=file)
    wrapped(_maintenance(plan), 2, file=file)
    if not plan.open:
        known = "No confirmed vulnerabilities." if plan.undecided else "No known vulnerabilities."
        wrapped(known, 2, file=file)
    elif not plan.options:
        wrapped(f"Open: {_names([m.advisory for m in plan.open])}. No known release fixes any of them.", 2, file=file)
    for option in plan.options:
        _option(option, len(plan.open), file)
        for text in shared.lines(option.command, runs) if option.command else ():
            click.echo(one_line(f"     {text}"), file=file)
    if plan.undecided:
        wrapped(f"Could not be assessed: {_names([m.advisory for m in plan.undecided])}.", 2, file=file)
    click.echo("", file=file)


def _maintenance(plan: Plan) -> str:
    line = plan.line
    if line is None:
        return (
            "Its release line no longer gets security fixes."
            if plan.maintained is False
            else "The end of life of its release line is unknown."
        )
    if not plan.maintained:
        return f"Line {line.name} gets no security fixes" + (f" since {line.ends}." if line.ends else " any more.")
    return f"Line {line.name} is maintained" + (f" until {line.ends}." if line.ends else "; no end date announced.")


def _option(option: Option, total: int, file: IO[str] | None) -> None:
    click.echo("\n" + one_line(f"  -> {_heading(option)}"), file=file)
    if option.waiting:
        wrapped(f"on {few(option.waiting.names, _NAMED)}", 5, file=file)
    if total:
        closes = f": {_names(option.closes)}" if option.closes else ""
        wrapped(f"closes {len(option.closes)} of {total}{closes}", 5, file=file)
    if option.leaves:
        wrapped(f"leaves open: {_names(option.leaves)}", 5, file=file)
    for text in _package(option):
        wrapped(text, 5, file=file)
    for regression in option.regressions:
        wrapped(str(regression), 5, file=file)


def _package(option: Option) -> Iterator[str]:
    from notifier.assessment.upgrade_plans import Way

    if option.way is not Way.RESTART:
        yield from option.words


def _heading(option: Option) -> str:
    from notifier.assessment.upgrade_plans import Way

    if option.way is Way.RESTART:
        return f"restart: {option.to} is installed but not running"
    words = {Way.OWN_LINE: "", Way.LATER_RELEASE: " of line {}"}.get(option.way, " {}")
    line = words.format(option.line.name) if option.line else ""
    verb = "ended" if option.maintained is False else "ends"
    ends = f", which {verb} {option.line.ends}" if option.line and option.line.ends else ""
    return f"{option.to}  ({option.way}{line}{ends})"


def _names(advisories: tuple[Advisory, ...] | list[Advisory]) -> str:
    return few([f"{a.name} ({a.severity})" if a.severity else a.name for a in advisories], 8)
