"""Answers of the API: the JSON of the command line, with a cursor, an ETag, and 304 where nothing changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from feeds.core.text import json_bytes
from notifier.web.api.cursors import Place, cursor, place
from notifier.web.handler_values import JSON, Answer, Call

_CHECKED = "private, no-cache"
"""May be kept, and must be asked for again."""
_REMEMBERED = 5
"""Rows before the end of a page that its cursor names: one of them is there still when the list goes on."""


def answer(call: Call, value: Any, **more: Any) -> Answer:
    """A value as JSON, with an ETag; 304 if the caller has the same already. The time of the answer does not count."""
    fields = {name: getattr(value, name) for name in value.__struct_fields__} | more
    body = json_bytes(fields)
    same = fields.pop("generated_at", None) is None
    return tagged(call, body, body if same else json_bytes(fields))


def tagged(call: Call, body: bytes, what_counts: bytes = b"") -> Answer:
    """A JSON document with an ETag of what counts of it; 304 if the caller has it."""
    tag = f'W/"{hashlib.sha256(what_counts or body).hexdigest()[:32]}"'
    headers = (("etag", tag), ("cache-control", _CHECKED), ("vary", "Authorization, Cookie"))
    if _known(call.headers.get("if-none-match", ""), tag):
        return Answer(304, b"", JSON, headers)
    return Answer(200, body, JSON, headers)


def paged(call: Call, value: Any, last: Place | None) -> Answer:
    """A page of a list, and the cursor of the next one."""
    return answer(call, value, next=cursor(call, last))


def part_of(call: Call, value: Any, rows: str, identity: Callable[[Any], Place], limit: int) -> Answer:
    """A page of a whole list that is at hand: what follows the last row that was answered and is still there."""
    whole: Sequence[Any] = getattr(value, rows)
    known = [[*identity(row)] for row in whole]
    after = after_of(call)
    start = _start(known, after) if after is not None else 0
    end = start + limit
    last = (end, *known[max(0, end - _REMEMBERED) : end]) if len(whole) > end else None
    return paged(call, msgspec.structs.replace(value, **{rows: tuple(whole[start:end])}), last)


def _start(known: Sequence[list[Any]], after: Place) -> int:
    """Where a list goes on after a place: its position, and what stood before it, the last one last.

    What was added or removed before that row moves the place along with it.
    """
    position = int(after[0])
    for removed, row in enumerate(reversed(after[1:])):
        places = [n + 1 for n, one in enumerate(known) if one == row]
        if places:
            return min(places, key=lambda n: abs(n - position + removed))
    return max(0, position - len(after) + 1)


def after_of(call: Call) -> Place | None:
    """The place where the page before ended."""
    return place(call, call.asked("cursor"))


def _known(header: str, tag: str) -> bool:
    held = {one.strip().removeprefix("W/") for one in header.split(",")}
    return "*" in held or tag.removeprefix("W/") in held
