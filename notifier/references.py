"""Secrets that an address refers to: `${NAME}` of the environment, `${file:/path}`.

The reference is kept and shown; what it stands for is looked up when something is sent.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from feeds.errors import ChannelError

_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*|file:[^}]+)\}")
_LARGEST = 16384


def has_references(address: str) -> bool:
    """Whether an address refers to anything."""
    return _REFERENCE.search(address) is not None


def resolved(address: str) -> str:
    """The address with what it refers to; ChannelError says which reference leads nowhere.

    What stands for a part of an address is percent-encoded; what stands for all of it is taken as it is.
    """
    whole = _REFERENCE.fullmatch(address.strip())
    if whole:
        return _value(whole["name"])
    return _REFERENCE.sub(lambda found: quote(_value(found["name"]), safe=""), address)


def _value(name: str) -> str:
    if name.startswith("file:"):
        return _content(Path(name.removeprefix("file:")))
    value = os.environ.get(name, "")
    if not value:
        raise ChannelError(f"the address refers to ${{{name}}}, and the environment has no such variable")
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
