"""Text without the secrets that addresses and headers hold.  Pure; what logs and errors show goes through it."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "****"
_LEAST = 4
"""Characters of Base64 that are long enough to look for."""
_URL_SAFE = str.maketrans("+/", "-_")

# Addresses whose path may be shown. Every other scheme is a channel's, where tokens stand anywhere.
_OPEN = frozenset({"http", "https", "file", "sqlite", "postgresql", "postgres", "ssh", "unix", "tcp"})
_MAIL = frozenset({"mailto", "mailtos"})
_WEB = frozenset({"http", "https"})

# A name and a password, and not a host and its port.
_USER = re.compile(r"[^/?#@:]*:(?!\d{1,5}(?:[/?#]|$))")

_ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]{1,30})://([^\s\"'<>`“”‘’]*)", re.IGNORECASE)
_NAMED = (
    r"[\w-]*(?:token|secret|passw(?:or)?d|passwd|passphrase|pass|pwd|api[_-]?key|key|auth|signature|sig|credentials?)"
)
_FIELD = re.compile(r"([?&;])([\w%.+-]+)=[^&#;\s]*")
_SECRET_NAME = re.compile(_NAMED, re.IGNORECASE)
_MASKED = re.compile(r"(?:(?:.\.\.\..|\*{4})(?:/+|$))+")
_HEADER = re.compile(
    r"\b(authorization|proxy-authorization|cookie|x-api-key)(['\"]?\s*[:=]\s*['\"]?)[^'\"\r\n]+", re.IGNORECASE
)
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_TOKEN = re.compile(
    r"\b(?:gh[opsur]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\d{6,12}:[\w-]{30,})"
)
# What follows these in a web address is a webhook's token: Slack, Discord, Teams, Mattermost, Rocket.Chat, Telegram.
_HOOK = re.compile(r"(/(?:services/|webhooks?/|webhookb2/|hooks?/|workflows/|bot(?=\d)))[^?#\s]+", re.IGNORECASE)


def redact(text: str, known: Iterable[str] = ()) -> str:
    """The text with every password, token and webhook that can be recognised, and every value in `known`, hidden.

    Known values are found in Base64 (Basic and PLAIN logins), URL-encoded and escaped in JSON, too.
    """
    for secret in known:
        for form in forms(secret) if len(secret) >= 4 else ():
            text = text.replace(form, HIDDEN)
        text = escaped(unquote(secret)).sub(HIDDEN, text) if len(secret) >= 4 else text
    text = _ADDRESS.sub(_address, text)
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    return _TOKEN.sub(HIDDEN, text)


@lru_cache(maxsize=256)
def escaped(secret: str) -> re.Pattern[str]:
    """What finds a secret of which any characters are encoded for an address, however often, or for a page.

    Which characters those are differs from program to program.
    """
    parts = []
    for char in secret:
        encoded = "".join(f"%(?:25)*{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        page = f"&#0*{ord(char)};|&#x0*{ord(char):X};"
        parts.append(f"(?:{re.escape(char)}|{re.escape(html.escape(char))}|(?i:{encoded}|{page}))")
    return re.compile("".join(parts))


def forms(secret: str) -> list[str]:
    """A secret as it may be written, the longest form first."""
    raw = secret.encode("utf-8", "surrogatepass")
    found = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    found |= {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    # an answer may be JSON within JSON
    found |= {json.dumps(one)[1:-1] for one in found} | {raw.hex(), raw.hex().upper()}
    for before in range(3):
        # what stands before it moves it within Base64's groups of three; characters that share bits are left out
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        core = encoded[(0, 2, 3)[before] : len(encoded) - bool((before + len(raw)) % 3)]
        found |= {core, core.translate(_URL_SAFE)} if len(core) >= _LEAST else set()
    return sorted(found, key=len, reverse=True)


def _address(found: re.Match[str]) -> str:
    scheme, rest = found[1], found[2]
    family = scheme.lower().partition("+")[0]
    if family not in _OPEN and family not in _MAIL:
        if _MASKED.fullmatch(rest):  # as Apprise shows an address
            return found[0]
        return f"{scheme}://{HIDDEN}"
    rest = _FIELD.sub(_field, _without_user(rest, keep_name=family not in _WEB | _MAIL))
    return f"{scheme}://{_HOOK.sub(_hook, rest) if family in _WEB else rest}"


def _field(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}={HIDDEN}" if _SECRET_NAME.fullmatch(unquote(found[2])) else found[0]


def _hook(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}"


def _without_user(rest: str, *, keep_name: bool) -> str:
    """An address's rest without its user's password, which may itself hold an @, / or ? that nobody escaped."""
    end = rest.partition("?")[0].rfind("@")
    if end < 0 and _USER.match(rest):
        end = rest.rfind("@")
    if end < 0 or ("/" in rest[:end] and not _USER.match(rest)):
        return rest
    name, colon, _ = rest[:end].partition(":")
    user = f"{name}{':' + HIDDEN if colon else ''}" if keep_name else HIDDEN
    return f"{user}{rest[end:]}"
