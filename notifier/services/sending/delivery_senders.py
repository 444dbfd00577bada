"""Who sends a delivery: a name for one round of a process, and whether another's process is still there."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notifier.domain.delivery_claims import ClaimOwner, Place

_HERE: set[str] = set()
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")


def here() -> Place:
    """Where this process runs. What the system does not say stays unknown: then nobody judges this process."""
    try:
        boot, namespace = _BOOT.read_text(encoding="ascii").strip(), str(_NAMESPACE.stat().st_ino)
    except (OSError, ValueError):
        boot = namespace = ""
    return Place(socket.gethostname(), boot, namespace)


@contextmanager
def claimant() -> Iterator[str]:
    """A name to claim with, as long as the block lasts: the place, the process, and what tells it from any other."""
    name = str(ClaimOwner(here(), os.getpid(), secrets.token_hex(8)))
    _HERE.add(name)
    try:
        yield name
    finally:
        _HERE.discard(name)


def ended(name: str) -> bool:
    """Whether the process that claimed with a name is known to have ended.

    Of another host, boot or PID namespace nothing is known: such a claim ends by its age alone.
    """
    owner = ClaimOwner.read(name)
    if name in _HERE or owner is None or not owner.place.shares_processes(here()):
        return False
    if owner.process == os.getpid():
        return True
    try:
        os.kill(owner.process, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
