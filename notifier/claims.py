"""Who sends a delivery: a name for this process, and whether another one is still there."""

from __future__ import annotations

import os
import secrets
import socket

_MINE = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"


def mine() -> str:
    """This process, as a claim names it: its host, its number, and what tells it from others of that number."""
    return _MINE


def ended(claim: str) -> bool:
    """Whether the process that made a claim is known to have ended. Of other hosts nothing is known."""
    host, _, rest = claim.rpartition(" ")[0].rpartition(" ")
    if claim == _MINE or host != socket.gethostname() or not rest.isdecimal():
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
