"""Addresses of channels as the database holds them: sealed with a key that lies elsewhere.

The key is NAVTEX_SECRET_KEY, what the file of NAVTEX_SECRET_KEY_FILE holds, or `secret.key` beside the
configuration, which is made when the first address is sealed. A file may hold several keys, one a line: the
first seals, each opens. An address that only refers to its secret, or to this machine's disk, holds none and
is stored as it is. Equal addresses are sealed alike, so that the database still sees that they are equal.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path

from feeds.core import files
from feeds.core.errors import ChannelError, ConfigError
from feeds.core.secrets import content, from_environment
from notifier.config import config_path

REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*|file:[^}]+)\}")
"""What refers to a secret, see `notifier.security.references`."""
_MARK = "sealed:1:"
_BYTES = 64
_NAME = "NAVTEX_SECRET_KEY"


@cache
def _of_this_process() -> bytes:
    return os.urandom(_BYTES)


def signature(purpose: bytes, data: bytes) -> bytes:
    """What only this installation can write about some data. Without a key that can be read or made: this process."""
    try:
        key = _keys(_text(os.environ, make=True))[0]
    except ConfigError:
        key = _of_this_process()
    return hmac.digest(hmac.digest(key, purpose, "sha256"), data, "sha256")


def is_sealed(address: str) -> bool:
    """Whether this is what `seal` makes."""
    return address.startswith(_MARK)


def seal(address: str, environment: Mapping[str, str] | None = None) -> str:
    """An address as it is stored. ConfigError if there is no key and none can be made."""
    if is_sealed(address) or REFERENCE.fullmatch(address.strip()) or address.lower().startswith(("file:", "atom:")):
        return address
    key = _keys(_text(os.environ if environment is None else environment, make=True))[0]
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    sealed = AESSIV(key).encrypt(address.encode(), None)
    return f"{_MARK}{key_name(key)}:{base64.urlsafe_b64encode(sealed).decode()}"


def unsealed(address: str, environment: Mapping[str, str] | None = None) -> str:
    """A stored address as it was given. Without its key it stays sealed; `refused` says so when it is used."""
    if not is_sealed(address):
        return address
    try:
        return _opened(address, _keys(_text(os.environ if environment is None else environment)))
    except (ConfigError, ChannelError):
        return address


def refused(address: str, environment: Mapping[str, str] | None = None) -> ChannelError:
    """Why a sealed address cannot be opened."""
    remedy = f"Put the key back ({_place()}), or set the address again with `navtex subscription edit`"
    try:
        _opened(address, _keys(_text(os.environ if environment is None else environment)))
    except (ConfigError, ChannelError) as error:
        return ChannelError(f"its address cannot be opened: {error.what}", remedy=remedy)
    return ChannelError("its address was sealed twice", remedy="Set the address again with `navtex subscription edit`")


def _opened(address: str, available: tuple[bytes, ...]) -> str:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    name, _, text = address.removeprefix(_MARK).partition(":")
    key = next((k for k in available if key_name(k) == name), None)
    if key is None:
        others = ", ".join(map(key_name, available)) or "none"
        raise ChannelError(f"it is encrypted with the key {name}, but the available keys are {others}")
    try:
        return AESSIV(key).decrypt(base64.urlsafe_b64decode(text), None).decode()
    except (InvalidTag, ValueError):
        raise ChannelError("it was modified in the database") from None


def keys(*, make: bool = False) -> tuple[bytes, ...]:
    """The available keys, the one that encrypts first; with `make`, one is made if there is none.

    ConfigError if a key is not valid, or none can be made.
    """
    return _keys(_text(os.environ, make=make))


def key_name(key: bytes) -> str:
    """What tells keys apart, and tells nothing of them."""
    return hashlib.sha256(b"navtex key " + key).hexdigest()[:8]


@lru_cache(maxsize=16)
def _keys(text: str) -> tuple[bytes, ...]:
    found = []
    for number, line in enumerate(text.split(), 1):
        try:
            key = base64.b64decode(line, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != _BYTES:
            raise ConfigError(
                f"the key in line {number} is not valid", where=_place(), remedy=f"A key is {_BYTES} bytes as base64"
            )
        found.append(key)
    return tuple(found)


def _file() -> Path:
    return config_path().parent / "secret.key"


def _place() -> str:
    if os.environ.get(_NAME):
        return _NAME
    return os.environ.get(f"{_NAME}_FILE") or str(_file())


def _text(environment: Mapping[str, str], *, make: bool = False) -> str:
    given = from_environment(environment, "NAVTEX_SECRET_KEY")
    if given:
        return given
    path = _file()
    if make and not path.exists():
        _make(path)
    return content(path, "the key for addresses") if path.exists() else ""


def _make(path: Path) -> None:
    """Make a key. Of two processes that do so at once both get the same one, and nobody a half-written one."""
    key = base64.urlsafe_b64encode(os.urandom(_BYTES))
    try:
        files.private_folder(path.parent)
        with suppress(FileExistsError):
            files.create(path, key + b"\n")
    except OSError as error:
        raise ConfigError(
            f"the key that encrypts channel addresses cannot be created: {error.strerror}",
            where=str(path),
            remedy=f"Make the folder writable, or set {_NAME} or {_NAME}_FILE (see `navtex help configuration`)",
        ) from error
