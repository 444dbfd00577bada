"""Secrets that an address refers to: `${NAME}` of the environment, `${file:/path}`.

The reference is kept and shown; what it stands for is looked up when something is sent.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from feeds.core.errors import ChannelError
from notifier.security.encryption import REFERENCE as _REFERENCE
from notifier.security.encryption import is_sealed, refused

_PASSWORD = re.compile(r"(://[^/:@?]*:|[?&](?:pass|password|token|key|secret)=)([^/@?&]+)(?=@|&|$)", re.IGNORECASE)
_LARGEST = 16384


def has_references(address: str) -> bool:
    """Whether an address refers to anything."""
    return _REFERENCE.search(address) is not None


def shown_with_references(address: str) -> str:
    """An address that refers to its secrets, as it may be shown: a password that stands in it is hidden."""
    return _PASSWORD.sub(lambda found: found[0] if has_references(found[2]) else f"{found[1]}****", address)


def resolved(address: str) -> str:
    """The address with what it refers to; ChannelError says which reference leads nowhere.

    What stands for a part of an address is percent-encoded; what stands for all of it is taken as it is.
    """
    if is_sealed(address):
        raise refused(address)
    whole = _REFERENCE.fullmatch(address.strip())
    if whole:
        return _value(whole["name"])
    return _REFERENCE.sub(lambda found: quote(_value(found["name"]), safe=""), address)


def _value(name: str) -> str:
    if name.startswith("file:"):
        return _content(Path(name.removeprefix("file:")))
    value = os.environ.get(name, "")
    if not value:
        raise ChannelError(f"the address refers to ${{{name}}}, but this environment variable is not set")
    return value


def _content(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LARGEST).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ChannelError(f"the address refers to {path}, which cannot be read: {error}") from error
    if not text:
        raise ChannelError(f"the address refers to {path}, which is empty")
    return text
