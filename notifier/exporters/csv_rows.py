"""Rows as CSV, safe to open in a spreadsheet: no cell is read as a formula.  Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Generator, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from feeds.core.text import printable
from feeds.core.times import stamp

_FORMULA = re.compile(r"[=+\-@\t\r\n]|\s+[=+\-@]")


def write(rows: Iterable[msgspec.Struct], kind: type[msgspec.Struct]) -> Generator[str]:
    """The lines, the first of them the fields of `kind`; lists are joined by spaces, groups by `; `."""
    names = [f.name for f in msgspec.structs.fields(kind)]
    yield line(names)
    for row in rows:
        yield line([getattr(row, name) for name in names])


def line(cells: Sequence[Any]) -> str:
    """One line, with its end."""
    text = io.StringIO()
    csv.writer(text).writerow([cell(value) for value in cells])
    return text.getvalue()


def cell(value: Any) -> str:
    """A value as a cell, on one line. Text that a spreadsheet would read as a formula is prefixed with an apostrophe.

    >>> cell("=1+1"), cell({"env": "prod", "team": "web"}), cell(("25.0.6", "26.1.5")), cell(None)
    ("'=1+1", 'env=prod;team=web', '25.0.6 26.1.5', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return printable(_defused(_text(value)))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, dict):
        return ";".join(f"{name}={text}" for name, text in value.items())
    if isinstance(value, tuple):
        return ("; " if any(" " in _text(v) for v in value) else " ").join(_text(v) for v in value)
    return str(value)


def _defused(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text
