"""Changes that a call made, in the audit log."""

from __future__ import annotations

from notifier.services.environment.audit_log import Facts, note
from notifier.web.calls import Call
from notifier.web.identities import actor_of


def noted(call: Call, action: str, target: str, before: Facts = None, after: Facts = None) -> None:
    """Add a change to the audit log: what was done ("silence.add") to what ("CVE-2024-41110")."""
    note(call.database, actor_of(call), call.now, action, target, before=before, after=after)
