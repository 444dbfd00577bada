"""The page of the audit log, for administrators."""

from __future__ import annotations

from notifier.services.audit_log import list_entries
from notifier.web.calls import Answer, Call, Permission, Route, page
from notifier.web.framing import frame_of

_SHOWN = 100


def show(call: Call) -> Answer:
    """The newest entries, or the ones before a number."""
    text = call.asked("before")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    found = list_entries(call.database, limit=_SHOWN + 1, before=before)
    older = found[_SHOWN - 1].number if len(found) > _SHOWN else None
    return page(call.templates.render("audit.html", frame=frame_of(call), entries=found[:_SHOWN], older=older))


ROUTES = (Route("/audit", show, needs=Permission.ADMINISTER, name="audit"),)
