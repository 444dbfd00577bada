"""The options of `navtex subscription add` and `edit`: filters and schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from feeds.advisories.records import Kind
from notifier.cli.common import LEVELS, scope_options
from notifier.domain.schedule import BREAKS, IMMEDIATE, REMINDERS

F = TypeVar("F", bound=Callable[..., Any])


def filter_options(command: F) -> F:
    """Which news: `--host`, `--tag`, `--product`, `--severity` and the like."""
    for option in reversed(
        (
            scope_options,
            click.option("--severity", type=LEVELS, help="Only this severity or worse, or unscored."),
            click.option(
                "--kind",
                "kinds",
                multiple=True,
                type=click.Choice([k.value for k in Kind]),
                help="Only this kind of news (repeatable).",
            ),
            click.option(
                "--keyword",
                "keywords",
                multiple=True,
                metavar="WORD",
                help="Only news containing this word (repeatable; any may match).",
            ),
            click.option("--kev", is_flag=True, help="Only vulnerabilities known to be exploited (CISA KEV)."),
            click.option(
                "--epss",
                type=click.FloatRange(0, 1),
                metavar="MIN",
                help="Only an EPSS score (0 to 1) of at least this, or unscored.",
            ),
            click.option(
                "--everything",
                is_flag=True,
                help="Also publications, releases and other news that affects no host.",
            ),
        )
    ):
        command = option(command)
    return command


def schedule_options(*, defaults: bool) -> Callable[[F], F]:
    """When: `--schedule`, `--zone`, `--quiet` and the like, with their defaults, or None for what is not given."""

    def default(value: str) -> dict[str, Any]:
        return {"default": value, "show_default": bool(value)} if defaults else {}

    def decorate(command: F) -> F:
        for option in reversed(
            (
                click.option(
                    "--schedule",
                    "every",
                    metavar="WHEN",
                    help="When to send: immediate, hourly, daily, weekly, or a cron expression.",
                    **default(IMMEDIATE),
                ),
                click.option(
                    "--zone",
                    metavar="ZONE",
                    help="Time zone for --schedule and --quiet, such as Europe/Berlin.",
                    **default("UTC"),
                ),
                click.option(
                    "--quiet",
                    metavar="FROM-TO",
                    help="Quiet hours, when nothing is sent, such as 22:00-07:00.",
                    **default(""),
                ),
                click.option(
                    "--break-schedule",
                    "breaks",
                    type=click.Choice(BREAKS),
                    help="What to send at once, ignoring schedule and quiet hours.",
                    **default("both"),
                ),
                click.option(
                    "--remind",
                    type=click.Choice(REMINDERS),
                    help="How often to send a reminder of what is still open.",
                    **default("monthly"),
                ),
            )
        ):
            command = option(command)
        return command

    return decorate
