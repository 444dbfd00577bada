"""`--log-level` and `--log-format`. Apart from the log itself, so that `--help` need not load it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_CHOSEN = "navtex.log"
"""Where a call's root context keeps what its options say."""

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")


def log_options(command: F) -> F:
    """The two options: before any command, and behind those that run unattended."""
    for name, words, text in (
        ("level", LEVELS, "Minimum level to log."),
        ("format", FORMATS, "Log format; JSON writes one event per line."),
    ):
        command = click.option(
            f"--log-{name}", type=click.Choice(words), expose_value=False, callback=_choose, help=text
        )(command)
    return command


def _choose(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    context.find_root().meta.setdefault(_CHOSEN, {})[str(option.name).removeprefix("log_")] = value
    from notifier.cli.log import begin
    from notifier.config import Log, log_variables

    # before the configuration is read, for it may be what is wrong
    begin(Log(**{**log_variables(os.environ), **chosen()}))


def chosen() -> dict[str, str]:
    """What the options of this call say, by the names of `Log`."""
    context = click.get_current_context(silent=True)
    return dict(context.find_root().meta.get(_CHOSEN, {})) if context else {}
