"""Passwords, hashed by Argon2id, and random secrets, hashed by SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from functools import cache
from typing import TYPE_CHECKING

from feeds.core.errors import ConfigError, UsageProblem

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST = 12
"""Characters that a password must have."""
_MOST = 1024


@cache
def _hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ModuleNotFoundError:
        raise ConfigError("passwords need argon2-cffi", remedy="In the checkout, run pip install '.[web]'") from None
    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    """What is compared if there is no password, so that an unknown name takes as long as a known one."""
    return _hasher().hash(secrets.token_hex(16))


def hashed_password(password: str) -> str:
    """The hash of a new password; UsageProblem if it is too short or too long."""
    if not LEAST <= len(password) <= _MOST:
        raise UsageProblem(f"the password has {len(password)} characters, and needs {LEAST} to {_MOST}")
    return _hasher().hash(password)


def matches(hashed: str, password: str) -> bool:
    """Whether a password is the one that was hashed; False for the hash "". Takes the same time either way."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(hashed or _nobody(), password[: _MOST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return bool(hashed)


def new_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """The hash under which a random secret is stored. Text that no secret can be has one, too."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two hashes are the same, in a time that does not depend on them."""
    return secrets.compare_digest(one.encode(), other.encode())
