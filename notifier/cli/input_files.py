"""The files that commands read: opened in one way, and refused with one error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from feeds.core.errors import UsageProblem

LONGEST = 64 << 20
"""The most bytes of a text that is read whole."""


@contextmanager
def stream_of(file: str | Path) -> Iterator[BinaryIO]:
    """The bytes of a file, or of standard input for "-"; UsageProblem if it cannot be opened."""
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - opened where only that can fail, closed below
    except OSError as error:
        raise _unreadable(file, error) from error
    with stream:
        yield stream


def text_of(file: str | Path) -> str:
    """The text of a file, or of standard input for "-"; UsageProblem if it cannot be read or is no text."""
    with stream_of(file) as stream:
        try:
            raw = stream.read(LONGEST + 1)
        except OSError as error:
            raise _unreadable(file, error) from error
    if len(raw) > LONGEST:
        raise UsageProblem(f"larger than {LONGEST >> 20} MiB", where=named(file))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageProblem(f"not text in UTF-8: {error}", where=named(file)) from error


def named(file: str | Path) -> str:
    """A file as messages name it."""
    return "standard input" if file == "-" else os.fspath(file)


def _unreadable(file: str | Path, error: OSError) -> UsageProblem:
    return UsageProblem(f"cannot be read: {error.strerror}", where=named(file))
