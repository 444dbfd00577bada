"""Addresses: how a channel is named. Mail, Slack, `file:///FOLDER` and `atom:///FILE` are read here, others by Apprise.

What Apprise parses is checked (`intact`) before it is used.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from feeds.core.errors import ChannelError
from notifier.channels import address_check
from notifier.channels.apprise_parsing import parse, scheme
from notifier.channels.mail_address import SCHEMES as MAIL
from notifier.channels.mail_address import mail_address
from notifier.channels.slack_address import is_slack, slack_address
from notifier.domain.jobs import LOCAL
from notifier.domain.messages import Target
from notifier.security.encryption import is_sealed
from notifier.security.redaction import escaped, forms


def expand(address: str) -> tuple[Target, ...]:
    """The targets of an address, one for each recipient, so that one failing recipient delays no other.

    ChannelError where the address cannot be understood, or where part of it would be lost.
    """
    if scheme(address) in ("file", "atom"):
        local(address)
        return (Target(address),)
    if scheme(address) in MAIL:
        return tuple(Target(address, r) for r in mail_address(address).recipients)
    if is_slack(address):
        return tuple(Target(address, c) for c in slack_address(address).channels) or (Target(address),)
    address_check.check_signs(address)
    address_check.check_kept(address, parse(address))
    return (Target(address),)


def described(address: str) -> str:
    """In words, what was understood of an address: where messages go, and how. Holds no secret."""
    if scheme(address) in MAIL:
        return mail_address(address).described()
    if is_slack(address):
        return slack_address(address).described()
    return shown(address)


def shown(address: str) -> str:
    """The address as it may be shown: without passwords and tokens. `sealed://****` is one whose key is missing."""
    if scheme(address) in ("file", "atom"):
        return address
    if is_sealed(address):
        return "sealed://****"
    try:
        if scheme(address) in MAIL:
            return mail_address(address).shown()
        if is_slack(address):
            return slack_address(address).shown()
        address_check.check_signs(address)
        return _without_tokens(str(parse(address).url(privacy=True)).partition("?")[0])
    except ChannelError:
        return f"{scheme(address)}://****" if "://" in address else "****"


def _without_tokens(address: str) -> str:
    """Without the parts of a webhook's path that look like what nobody could guess: long, and with digits."""
    head, mark, path = address.partition("://")
    host, *parts = path.split("/")
    hidden = ("****" if "@" not in unquote(p) and _TOKEN.fullmatch(unquote(p)) else p for p in parts)
    return f"{head}{mark}{'/'.join((host, *hidden))}"


_TOKEN = re.compile(r"(?=.*\d)(?=.*[A-Za-z]).{12,}", re.DOTALL)


def host_of(address: str) -> str:
    """The host of a mail server or webhook, the service that Apprise delivers to otherwise; "local" for files."""
    if scheme(address) in ("file", "atom"):
        return LOCAL
    if is_slack(address):
        return "slack"
    with suppress(ChannelError, ValueError):
        if scheme(address) in MAIL:
            return mail_address(address).smtp_host.lower()
        if scheme(address) in ("json", "jsons"):
            return (urlsplit(address).hostname or "json").lower()
    return scheme(address)[:32]


def redacted(text: str, address: str) -> str:
    """A text without the secret words of an address (those that `shown` hides), in whatever encoding they left."""
    for secret in _secrets(address):
        text = text.replace(secret, "****")
    for word in _secret_words(address):
        text = escaped(unquote(word)).sub("****", text)
    return text


@lru_cache(maxsize=1024)
def _secrets(address: str) -> tuple[str, ...]:
    return tuple(sorted({f for word in _secret_words(address) for f in forms(word)}, key=len, reverse=True))


@lru_cache(maxsize=1024)
def _secret_words(address: str) -> tuple[str, ...]:
    if scheme(address) in ("file", "atom"):
        return ()
    open_ = {scheme(address), *re.split(r"[^\w.-]+", unquote(shown(address)).lower())}
    words = set(re.split(r"[/:?&=,;@#+]+", address)) | _values(address)
    found = {w for w in words if len(w) > 3 and w.lower() not in open_ and not _said_openly(w, address)}
    return tuple(sorted(found, key=len, reverse=True))


def _values(address: str) -> set[str]:
    """The parts of an address as they are meant, without the signs that an address needs."""
    with suppress(ValueError):
        parts = urlsplit(address)
        fields = [v for values in parse_qs(parts.query).values() for v in values]
        return {unquote(p) for p in (parts.username, parts.password, *parts.path.split("/"), *fields) if p}
    return set()


_OPEN = ("to", "cc", "bcc", "from", "reply", "name", "smtp", "mode", "format", "overflow", "verify")


def _said_openly(word: str, address: str) -> bool:
    """Whether a word is a field's name or stands in a field that holds no secret."""
    fields = [pair.partition("=") for pair in urlsplit(address).query.split("&")] if "?" in address else []
    return any(word == name or (name in _OPEN and word in unquote(value)) for name, _, value in fields)


def local(address: str) -> Path:
    """The file or folder that a `file://` or `atom://` address names; ChannelError where it names none."""
    parts = urlsplit(address)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/") or "\0" in unquote(parts.path):
        if scheme(address) == "atom":
            raise ChannelError(
                "an atom:// address needs the absolute path of a file", remedy="Write atom:///var/www/navtex.xml"
            )
        raise ChannelError(
            "a file:// address needs the absolute path of a folder", remedy="Write file:///var/lib/navtex/digests"
        )
    return Path(unquote(parts.path))


def kind(parsed: Any) -> str:
    """Which way a parsed address goes: "json", or "" for Apprise's own."""
    return {"NotifyJSON": "json"}.get(type(parsed).__name__, "")
