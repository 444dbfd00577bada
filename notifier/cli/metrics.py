"""`navtex metrics`."""

from __future__ import annotations

import click

from notifier.cli.common import now, opened, settings
from notifier.cli.output import emit


@click.command("metrics")
def command() -> None:
    """Print metrics for Prometheus, in the OpenMetrics format.

    With `[metrics] textfile` in the configuration, each run, poll and notify also writes them to a file.
    """
    from notifier.services.upkeep.run_records import metrics_text

    config = settings()
    with opened(config) as database:
        text = metrics_text(database, now(), config)
    emit([text], None)
