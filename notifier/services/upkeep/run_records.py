"""The last run of each unattended command, as it is stored and as metrics show it."""

from __future__ import annotations

from datetime import datetime

from feeds.storage.database import Database
from notifier.config import Config
from notifier.domain.runs import Run
from notifier.storage import monitoring


def note_run(database: Database, run: Run) -> None:
    """Store a run as its command's last one."""
    with database.begin() as connection:
        monitoring.note(connection, run)


def metrics_text(database: Database, now: datetime, config: Config) -> str:
    """All metrics in the OpenMetrics format."""
    from notifier.services.upkeep import metrics

    with database.connect() as connection:
        return metrics.text(metrics.gather(connection, now, config))
