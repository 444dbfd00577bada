"""Who sends a delivery: a name for one round of a process, and whether another's process is still there."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_HERE: set[str] = set()


@contextmanager
def claimant() -> Iterator[str]:
    """A name to claim with, as long as the block lasts: the host, the process, and what tells it from any other."""
    name = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(8)}"
    _HERE.add(name)
    try:
        yield name
    finally:
        _HERE.discard(name)


def ended(name: str) -> bool:
    """Whether the process that claimed with a name is known to have ended. Of other hosts nothing is known."""
    host, _, rest = name.rpartition(" ")[0].rpartition(" ")
    if name in _HERE or host != socket.gethostname() or not rest.isdecimal():
        return False
    if int(rest) == os.getpid():
        return True
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
