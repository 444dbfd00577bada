"""Waking workers: jobs that are enqueued in the transaction whose work they go on with. Without workers, nothing is."""

from __future__ import annotations

from collections.abc import Iterable

from feeds.storage.database import Connection
from notifier.domain.jobs import MATCH, deliver_job
from notifier.domain.messages import Target
from notifier.storage import jobs


def wake_matching(connection: Connection) -> None:
    """Enqueue what follows when advisories or hosts have changed. Call it last in the transaction."""
    jobs.enqueue(connection, [MATCH])


def wake_delivery(connection: Connection, targets: Iterable[Target]) -> None:
    """Enqueue the delivery to the hosts of some targets. Call it last in the transaction."""
    if connection.dialect.name != "postgresql":
        return
    from notifier.services.installation.channel_addresses import channel_host  # here, for it loads every channel

    hosts = {channel_host(target.address) for target in targets}
    jobs.enqueue(connection, [deliver_job(host) for host in hosts])
