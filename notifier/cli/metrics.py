"""`navtex metrics`."""

from __future__ import annotations

import click

from notifier.cli.app import now, opened, settings
from notifier.cli.output import emit


@click.command("metrics")
def command() -> None:
    """Print metrics for Prometheus, in the OpenMetrics format.

    `[metrics] textfile` in the configuration lets each run, poll and notify write it to a file.
    """
    from notifier.services.run_records import metrics_text

    config = settings()
    with opened(config) as database:
        text = metrics_text(database, now(), config)
    emit([text], None)
