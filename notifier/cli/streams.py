"""Standard streams that let a command come to its end, and to its exit status, whoever reads them."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

from feeds.core.errors import NavtexError


class _Stream(io.FileIO):
    """A file descriptor to write to. What nobody reads any more is dropped."""

    gone = False

    def write(self, data: Any, /) -> int:
        """Write; NavtexError if the disk is full or the like, and once only."""
        size = memoryview(data).nbytes
        if self.gone:
            return size
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            self.gone = True
            return size
        except OSError as error:
            self.gone = True
            raise NavtexError(f"cannot be written: {error.strerror}", where="standard output") from error


def prepare() -> None:
    """Make the standard streams fit for any reader, any locale, and for descriptors that are closed.

    A closed one is opened to nowhere, so that no file of ours gets its number.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the program
    sys.stdout = _opened(sys.stdout, 1, "replace")
    sys.stderr = _opened(sys.stderr, 2, "backslashreplace")


def _opened(old: TextIO | None, number: int, errors: str) -> TextIO:
    """A stream in the old one's encoding, in which every character can be written somehow."""
    encoding = "utf-8"
    if old is not None:
        try:
            if old.fileno() != number:
                return old
        except (OSError, ValueError):
            return old  # no file at all: somebody collects what is written
        old.flush()
        encoding = old.encoding or encoding
    if encoding.lower().replace("-", "").startswith("utf8"):
        errors = "backslashreplace"  # only halves of surrogate pairs
    stream = _Stream(number, "w", closefd=False)
    interactive = number == 2 or stream.isatty()
    return io.TextIOWrapper(io.BufferedWriter(stream), encoding, errors, line_buffering=interactive)


def as_utf8() -> None:
    """Write standard output in UTF-8 from here on, whatever the locale: JSON and CSV are read by programs."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() not in ("utf-8", "utf8"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def reader_gone() -> bool:
    """Whether nobody reads standard output any more, as after `| head`."""
    buffer = getattr(sys.stdout, "buffer", None)
    return bool(getattr(getattr(buffer, "raw", None), "gone", False))
