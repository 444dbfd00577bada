"""Changes that a call made, in the audit log."""

from __future__ import annotations

from notifier.services.installation.audit_log import Facts, note
from notifier.web.callers import actor_of
from notifier.web.handler_values import Call


def noted(call: Call, action: str, target: str, before: Facts = None, after: Facts = None) -> None:
    """Add a change to the audit log: what was done ("silence.add") to what ("CVE-2024-41110")."""
    note(call.database, actor_of(call), call.now, action, target, before=before, after=after)
