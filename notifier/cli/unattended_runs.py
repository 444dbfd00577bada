"""Around a command that runs unattended: logs it, stores it as the last run, and writes the metrics file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feeds.core.errors import Busy, NavtexError
from notifier.cli.common import now, opened
from notifier.cli.log import event, exit_status
from notifier.config import Config

if TYPE_CHECKING:
    from notifier.domain.runs import Run


@dataclass(slots=True)
class Running:
    """A command at work. Its exit status, which the command sets."""

    status: int = 0


@contextmanager
def running(command: str, config: Config) -> Iterator[Running]:
    """A command at work, up to its exit with the status that it set. An error is told of by whoever catches it.

    A run that finds another at work is none, and leaves no trace but its message.
    """
    began, clock = now(), time.monotonic()
    event("begun", f"{command} begins", command=command)
    this = Running()
    problem: BaseException | None = None
    try:
        yield this
    except BaseException as error:
        problem = error
        raise
    finally:
        if not isinstance(problem, Busy):
            _end(command, config, began, time.monotonic() - clock, problem, this.status)
    click.get_current_context().exit(this.status)


def _end(
    command: str, config: Config, began: datetime, seconds: float, problem: BaseException | None, status: int
) -> None:
    if isinstance(problem, NavtexError):
        status = exit_status(problem)
    elif isinstance(problem, KeyboardInterrupt):
        status = 130
    elif problem is not None:
        status = 1
    run = _run(command, began, seconds, status)
    text = f"{command} ended with status {status} after {seconds:.1f} seconds"
    event("ended", text, command=command, status=status, seconds=round(seconds, 3))
    try:
        text = _kept(config, run)
    except Exception as error:  # noqa: BLE001 - what the command itself met is told by its caller, and goes before
        if problem is None:
            event("not_noted", f"The run could not be recorded: {error}", level="warning")
        text = _alone(config, run)
    if config.metrics.textfile:
        _written(Path(config.metrics.textfile), text)


def _run(command: str, began: datetime, seconds: float, status: int) -> Run:
    from notifier.domain.runs import Run

    ended = now()
    return Run(command, began, ended, seconds, status, ended if status == 0 else None)


def _kept(config: Config, run: Run) -> str:
    """Store a run, and return all metrics, or "" if no file for them is configured."""
    from notifier.services.upkeep.run_records import metrics_text, note_run

    with opened(config) as database:
        note_run(database, run)
        return metrics_text(database, now(), config) if config.metrics.textfile else ""


def _alone(config: Config, run: Run) -> str:
    if not config.metrics.textfile:
        return ""
    from notifier.services.upkeep import metrics

    return metrics.text(metrics.of_runs([run]))


def _written(path: Path, text: str) -> None:
    from notifier.services.upkeep import metrics

    try:
        metrics.write(path, text)
    except OSError as error:
        remedy = "Create its folder and make it writable for this user"
        event(
            "metrics_not_written", f"{path}: the metrics cannot be written: {error.strerror}. {remedy}", level="warning"
        )
