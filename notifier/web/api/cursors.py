"""Cursors: where a page of an answer ended, signed, for the same question by the same viewer alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from feeds.core.errors import UsageProblem
from notifier.security.encryption import signature
from notifier.web.handler_values import Call

Place = tuple[Any, ...]
_LENGTH = 16
"""Bytes of a signature."""
_PURPOSE = b"navtex api cursor"


def cursor(call: Call, place: Place | None) -> str | None:
    """The cursor of the page after a place; None if there is none."""
    if place is None:
        return None
    data = msgspec.json.encode(place)
    return f"{_text(data)}.{_text(_signed(call, data))}"


def place(call: Call, text: str) -> Place | None:
    """The place that a cursor says; None without a cursor. UsageProblem if it is none of this question's."""
    if not text:
        return None
    front, _, signed = text.partition(".")
    try:
        data, given = _bytes(front), _bytes(signed)
    except (ValueError, binascii.Error):
        data, given = b"", b""
    # compared as text, too: several texts may stand for the same bytes
    if given != _signed(call, data) or text != f"{_text(data)}.{_text(given)}":
        raise UsageProblem("the cursor is not one of this question", where="cursor", remedy="Begin without a cursor")
    return msgspec.json.decode(data, type=Place)


def _signed(call: Call, data: bytes) -> bytes:
    asked = sorted((name, *values) for name, values in call.query.items() if name not in ("cursor", "limit"))
    question = msgspec.json.encode((call.url, asked, call.viewer.scope), order="sorted")
    return signature(_PURPOSE, hashlib.sha256(question).digest() + data)[:_LENGTH]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
