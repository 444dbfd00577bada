"""Where an answer goes: standard output, or a file that is whole or not there."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click


def emit(chunks: Iterable[str], path: Path | None) -> None:
    """Write text as it comes, to a file if one is named. The file is replaced at the end, or not at all."""
    if path is None:
        for chunk in chunks:
            sys.stdout.write(chunk)
        return
    try:
        _replace(chunks, path)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from error


def _replace(chunks: Iterable[str], path: Path) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        made = Path(file.name)
        try:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
            made.chmod(mode)
            made.replace(path)
        except BaseException:
            made.unlink()
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
