"""What the operators hear of Navtex itself, on their own channel: a message in the outbox like any other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from feeds import storage
from feeds.sources import health
from feeds.sources.health import Change, SourceState
from feeds.storage.database import Connection
from notifier.alerts.digest import key_of
from notifier.channels import expand
from notifier.domain.messages import Message
from notifier.rendering.messages import message
from notifier.security.references import resolved
from notifier.storage import outbox


def tell_of_sources(
    connection: Connection,
    states: Iterable[SourceState],
    targets: Sequence[str],
    now: datetime,
    *,
    templates: Path | None = None,
) -> list[Change]:
    """Put a message about sources whose state changed into the outbox, once a change.

    Without targets nothing is noted: who sets them later hears how it stands then.
    """
    changed = health.changes(states)
    if changed and targets:
        tell(connection, render(changed, now, templates), targets)
        storage.told(connection, [c.source for c in changed], now)
        return changed
    return []


def render(changed: Sequence[Change], now: datetime, templates: Path | None = None) -> Message:
    """The message about sources whose state changed."""
    said = ",".join(f"{c.source.name}:{c.source.state}" for c in changed)
    key = key_of(f"operator\n{said}", now, ())
    values = {"changes": changed, "key": key, "created_at": now}
    return message("operator", key, now, values, templates)


def tell(connection: Connection, message: Message, targets: Sequence[str]) -> None:
    """Put a message for the operators into the outbox."""
    expanded = [t._replace(address=address) for address in targets for t in expand(resolved(address))]
    outbox.put_notice(connection, message, expanded)
