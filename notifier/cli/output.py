"""Where an answer goes: standard output, or a file that is whole or not there."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from feeds.core import files
from notifier.cli.streams import as_utf8, reader_gone


def emit(chunks: Iterable[str], path: Path | None) -> None:
    """Write text as it comes, to a file if one is named. The file is replaced at the end, or not at all."""
    if path is None:
        as_utf8()
        for chunk in chunks:
            sys.stdout.write(chunk)
            if reader_gone():
                return
        return
    try:
        _write(chunks, path)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from error


def _write(chunks: Iterable[str], path: Path) -> None:
    if path.exists() and not path.is_file():  # a device or a pipe
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(chunks)
        return
    with files.replacing(path.resolve(), mode=None) as whole:  # a link stays, and what it leads to is replaced
        whole.writelines(chunk.encode(errors="backslashreplace") for chunk in chunks)
