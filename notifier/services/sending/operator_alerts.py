"""What the operators hear of Navtex itself, on their own channel: a message in the outbox like any other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from feeds import storage
from feeds.core.errors import ChannelError
from feeds.sources import health
from feeds.sources.health import Change, SourceState
from feeds.storage.database import Connection
from notifier.alerts.digest import key_of
from notifier.domain.messages import Message
from notifier.rendering.messages import message
from notifier.services.installation.channel_addresses import reachable_targets
from notifier.services.installation.worker_wakeups import wake_delivery
from notifier.storage import outbox


def tell_of_sources(
    connection: Connection,
    states: Iterable[SourceState],
    targets: Sequence[str],
    now: datetime,
    *,
    templates: Path | None = None,
) -> tuple[str, ...]:
    """Queue a message about sources whose state changed, once for each change; problems of channels come back.

    Without targets nothing is stored: operators that are configured later hear of the state at that time.
    """
    changed = health.changes(states)
    if not changed or not targets:
        return ()
    problems = tell(connection, render(changed, now, templates), targets)
    storage.told(connection, [c.source for c in changed], now)
    return problems


def render(changed: Sequence[Change], now: datetime, templates: Path | None = None) -> Message:
    """The message about sources whose state changed."""
    said = ",".join(f"{c.source.name}:{c.source.state}" for c in changed)
    key = key_of(f"operator\n{said}", now, ())
    values = {"changes": changed, "key": key, "created_at": now}
    return message("operator", key, now, values, templates)


def tell(connection: Connection, message: Message, addresses: Sequence[str]) -> tuple[str, ...]:
    """Queue a message for the operators; a problem for each address that cannot be used comes back.

    ChannelError where none can be used.
    """
    targets, problems = reachable_targets(addresses)
    if problems and not targets:
        raise ChannelError(problems[0])
    outbox.put_notice(connection, message, targets)
    wake_delivery(connection, targets)
    return tuple(problems)
