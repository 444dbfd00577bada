"""Text that is safe to show: without characters that steer a terminal or break a line.  Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec

# C0 and C1 without tab and line feed, marks of direction, separators, invisible operators, annotations, beams of notes,
# and tags with what is unassigned beside them
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)


def printable(text: str, keep: str = "") -> str:
    r"""Replace each character that is not printable with a blank, except those in `keep`.

    >>> printable("a\x1b[1mb\nc", keep="\n")
    'a [1mb\nc'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() or c in keep else " " for c in text)


def visible(text: str) -> str:
    r"""Remove characters that steer a terminal, turn the direction of text or hide in it; line ends and tabs stay.

    >>> visible("a\x1b[1m\u202eb\u200e\U000e0041\nc")
    'a[1mb\nc'
    """
    return _STEERING.sub("", text)


def one_line(text: str, limit: int = 0) -> str:
    r"""Return text as one line with single blanks; with `limit`, cut to that many characters and "...".

    >>> one_line(" one\r\n and\u2028the \x1b[1mother "), one_line("abcdef", 3)
    ('one and the [1mother', 'abc...')
    """
    line = " ".join(printable(text).split())
    return f"{line[:limit]}..." if limit and len(line) > limit else line


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what it counts.

    >>> counted(1, "host"), counted(0, "host"), counted(2, "delivery", "deliveries")
    ('1 host', '0 hosts', '2 deliveries')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def few(names: Sequence[str], limit: int, count: int | None = None) -> str:
    """The first of some names, and how many more there are. `count` is the number of all, if not all are given.

    >>> few(["web-1", "web-2", "web-3"], 2), few(["web-1"], 2), few(["web-1"], 2, 9)
    ('web-1, web-2 and 1 more', 'web-1', 'web-1 and 8 more')
    """
    named = names[:limit]
    more = (len(names) if count is None else count) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def escaped(text: str) -> str:
    r"""Return JSON in which those characters are escaped, which changes no value.

    >>> escaped('"a\u202eb\x9b"')
    '"a\\u202eb\\u009b"'
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return _STEERING.sub(lambda found: json.dumps(found[0])[1:-1], text)


def json_bytes(value: Any) -> bytes:
    r"""Return a value of msgspec's as JSON in which those characters are escaped.

    >>> json_bytes(("é", "\U000e0041"))
    b'["\xc3\xa9","\\udb40\\udc41"]'
    """
    return escaped(msgspec.json.encode(value).decode()).encode()


def json_text(value: Any, indent: int | None = None) -> str:
    r"""Return a value as JSON in which those characters are escaped, which changes no value.

    >>> json_text({"é": "a\u202eb\x9b"})
    '{"é": "a\\u202eb\\u009b"}'
    """
    return escaped(json.dumps(value, ensure_ascii=False, indent=indent))
