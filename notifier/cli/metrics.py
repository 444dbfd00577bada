"""`navtex metrics`."""

from __future__ import annotations

import click

from notifier.cli.app import now, opened, settings


@click.command("metrics")
def command() -> None:
    """Print metrics for Prometheus, in the OpenMetrics format.

    `[metrics] textfile` in the configuration lets each run, poll and notify write it to a file.
    """
    from notifier.services import metrics

    config = settings()
    with opened(config) as database, database.connect() as connection:
        text = metrics.text(metrics.gather(connection, now(), stale_days=config.digest.stale_days))
    click.echo(text, nl=False)
