"""The page of the audit log, for administrators."""

from __future__ import annotations

from typing import Any

import msgspec

from notifier.services.installation.audit_log import list_entries
from notifier.web.handler_values import Answer, Call, Permission, Route, page
from notifier.web.page_frame import frame_of

_SHOWN = 100


def show(call: Call) -> Answer:
    """The newest entries, or the ones before a number."""
    text = call.asked("before")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    found = list_entries(call.database, limit=_SHOWN + 1, before=before)
    older = found[_SHOWN - 1].number if len(found) > _SHOWN else None
    entries = [(one, changes(one.before, one.after)) for one in found[:_SHOWN]]
    return page(call.templates.render("audit.html", frame=frame_of(call), entries=entries, older=older))


def changes(before: str, after: str) -> tuple[tuple[str, str, str], ...]:
    """What differs between two states, as JSON: each field with both values as text, "" where there is none.

    >>> changes('{"role": "viewer", "tags": {}}', '{"role": "admin", "tags": {}}')
    (('role', 'viewer', 'admin'),)
    >>> changes("", '{"tags": {"env": "prod"}, "hosts": ["web-*", "ci"]}')
    (('tags', '', 'env=prod'), ('hosts', '', 'web-*, ci'))
    """
    old, new = _fields(before), _fields(after)
    pairs = ((name, _words(old.get(name)), _words(new.get(name))) for name in {**old, **new})
    return tuple(one for one in pairs if one[1] != one[2])


def _fields(text: str) -> dict[str, Any]:
    found = msgspec.json.decode(text) if text else {}
    return found if isinstance(found, dict) else {"value": found}


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_words(one)}" for name, one in value.items() if one not in (None, "", [], {}))
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


ROUTES = (Route("/audit", show, needs=Permission.ADMINISTER, name="audit"),)
