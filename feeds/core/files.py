"""Files that are written whole or not at all, and folders that only their user can enter."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
"""The mode of a file that only its user may read."""
PUBLIC = 0o644
PARTS = ".navtex-*.part"
"""The names of files that are being written; one that a killed process left is of no use."""
_DEFAULT = 0o664


@contextmanager
def replacing(path: Path, mode: int | None = PRIVATE, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Write a file that takes the place of `path` at the end, or leaves it as it was if the block fails.

    `mode` holds under any umask; None keeps the mode of the old file, or leaves a new one to the umask, but never lets
    everybody write. With `durable` the content is on the disk before the old file goes. OSError where it cannot be.
    """
    made = path.with_name(f".navtex-{secrets.token_hex(6)}.part")
    number = os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, mode or _DEFAULT)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            if (wanted := _mode(path, mode)) is not None:
                os.fchmod(file.fileno(), wanted)
            if durable:
                os.fsync(file.fileno())
        made.replace(path)
    except BaseException:
        with suppress(OSError):
            made.unlink()
        raise


def write(path: Path, content: str | bytes, mode: int | None = PRIVATE, *, durable: bool = True) -> None:
    """Write a file whole, text as UTF-8. See `replacing`."""
    with replacing(path, mode, durable=durable) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def create(path: Path, content: bytes) -> None:
    """Make a private file whole; FileExistsError where there is one, even if another process made it meanwhile."""
    made = path.with_name(f".navtex-{secrets.token_hex(6)}.part")
    try:
        write(made, content)
        os.link(made, path)
    finally:
        made.unlink(missing_ok=True)


def make_private(path: Path) -> None:
    """Make an empty file that only its user can read, under any umask. An existing one stays as it is."""
    try:
        number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, PRIVATE)
    except FileExistsError:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE))  # a link may lead to a new file
        return
    os.fchmod(number, PRIVATE)
    os.close(number)


def sync_folder(folder: Path) -> None:
    """Put a folder's own entries on the disk, after a file in it was renamed."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def private_folder(folder: Path) -> None:
    """Make a folder, and those above it, that only their user can enter, under any umask. Existing ones stay.

    OSError where one cannot be made.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        private_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(0o700)


def shared_folder(folder: Path) -> None:
    """Make a folder, and those above it, that others may enter as far as the umask permits. Never lets everybody write.

    OSError where one cannot be made.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        shared_folder(folder.parent)
    folder.mkdir(mode=0o775, exist_ok=True)


def _mode(path: Path, mode: int | None) -> int | None:
    """The mode to set; None if what the umask made of it is right."""
    if mode is not None:
        return mode
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return None
