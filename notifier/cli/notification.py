"""`navtex notification`."""

from __future__ import annotations

import click

from notifier.cli.notification_explain import explain


@click.group("notification")
def command() -> None:
    """What was sent to whom, and why."""


command.add_command(explain)
