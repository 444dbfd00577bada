"""The log of what people and programs changed. It only grows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from feeds.core.text import json_text
from feeds.storage.database import Connection, Database
from notifier.domain.access import Actor
from notifier.schemas.access import AuditEntry
from notifier.schemas.fields import whole
from notifier.security.redaction import redact
from notifier.storage import audit_log

Facts = Mapping[str, Any] | msgspec.Struct | None
_LONGEST = 200
"""Characters of a name that a stranger wrote."""


def note(
    database: Database,
    actor: Actor,
    now: datetime,
    action: str,
    target: str,
    *,
    before: Facts = None,
    after: Facts = None,
) -> None:
    """Add an entry: who did what ("silence.add") to what ("CVE-2024-41110"), and its state before and after.

    Secrets in addresses are hidden.
    """
    with database.begin() as connection:
        note_in(connection, actor, now, action, target, before=before, after=after)


def note_in(
    connection: Connection,
    actor: Actor,
    now: datetime,
    action: str,
    target: str,
    *,
    before: Facts = None,
    after: Facts = None,
) -> None:
    """Add an entry in the transaction of the change itself."""
    entry = audit_log.Entry(0, now, actor, action, _short(redact(target)), _text(before), _text(after))
    audit_log.add(connection, entry)


def list_entries(database: Database, *, limit: int = 100, before: int | None = None) -> tuple[AuditEntry, ...]:
    """The newest entries, or those with a number below `before`, newest first."""
    with database.connect() as connection:
        found = audit_log.entries(connection, limit=limit, before=before)
    return tuple(
        AuditEntry(
            number=e.id,
            at=whole(e.at),
            who=e.actor.name,
            way=e.actor.way.value,
            client=e.actor.client,
            action=e.action,
            target=e.target,
            before=e.before,
            after=e.after,
        )
        for e in found
    )


def _text(facts: Facts) -> str:
    return "" if facts is None else json_text(_hidden(msgspec.to_builtins(facts, str_keys=True)))


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(one) for one in value]
    return redact(value) if isinstance(value, str) else value


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
