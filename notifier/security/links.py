"""Links that are only in the mail that carries them: derived from the key that encrypts addresses, stored nowhere.

The database has the hash of a confirmation's token and nothing of a recipient's. The same key gives the same token, so
that a mail that is sent again is the same to the byte. Any key of the file reads a token, the first makes new ones.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from notifier.security.encryption import key_name, keys

_BYTES = 16
_NUMBER = 4


def hashed(token: str) -> str:
    """What the database holds of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def random_token() -> str:
    """A token of 256 random bits, which nobody can derive."""
    return secrets.token_urlsafe(32)


def new_seed() -> str:
    """What a confirmation's token is derived from: the name of the key, and 128 random bits."""
    return f"{key_name(keys(make=True)[0])}:{secrets.token_hex(_BYTES)}"


def confirmation_token(seed: str) -> str:
    """The token of a seed; "" if its key is no longer there."""
    name = seed.partition(":")[0]
    key = next((k for k in keys() if key_name(k) == name), None)
    return _text(_derived(key, "confirm", seed)) if key else ""


def unsubscribe_token(subscription: int, recipient: str) -> str:
    """The token with which a recipient leaves a subscription: always the same, and unlike any other's."""
    key = keys(make=True)[0]
    number = subscription.to_bytes(_NUMBER, "big")
    mark = _mark(key, subscription, recipient)
    return _text(number + mark + _signature(key, number + mark))


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """What a token says: the subscription, and a mark by which its recipient is recognised."""

    subscription: int
    mark: bytes
    key: bytes

    def names(self, recipient: str) -> bool:
        """Whether this is the recipient that the token was made for."""
        return hmac.compare_digest(self.mark, _mark(self.key, self.subscription, recipient))


def read_unsubscribe(token: str) -> UnsubscribeLink | None:
    """What a token says; None if Navtex did not make it."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _NUMBER + 2 * _BYTES or _text(raw) != token:
        return None
    said, signature = raw[:-_BYTES], raw[-_BYTES:]
    for key in keys():
        if hmac.compare_digest(signature, _signature(key, said)):
            return UnsubscribeLink(int.from_bytes(said[:_NUMBER], "big"), said[_NUMBER:], key)
    return None


def _mark(key: bytes, subscription: int, recipient: str) -> bytes:
    return _derived(key, "recipient", f"{subscription} {recipient.lower()}")[:_BYTES]


def _signature(key: bytes, said: bytes) -> bytes:
    return _derived(key, "unsubscribe", said.hex())[:_BYTES]


def _derived(key: bytes, purpose: str, text: str) -> bytes:
    return hmac.digest(key, f"navtex {purpose}\0{text}".encode(), "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
