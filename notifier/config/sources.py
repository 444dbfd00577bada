"""`mirror`, `[poll]` and `[sources]`: how sources are read."""

from __future__ import annotations

from msgspec import field

from feeds.core.addresses import web_address
from feeds.core.errors import ConfigError
from notifier.config.tables import Table


class Polling(Table, frozen=True):
    """`[poll]`: whom the sources may write to, the seconds that a host and a poll may take, and a mirror's age."""

    contact: str = ""
    host_seconds: float = 60.0
    poll_seconds: float = 120.0
    mirror_days: float = 7.0


class SourceSettings(Table, frozen=True):
    """`[sources.NAME]`: whether to ask it, other addresses of its forms, and entries that it must list."""

    enabled: bool = True
    urls: dict[str, str] = field(default_factory=dict)
    known: tuple[str, ...] = ()


def mirror_location(text: str, where: str) -> str:
    """A mirror's address or folder as it was configured; ConfigError if it is neither."""
    if not text or (text.startswith("/") and "\0" not in text):
        return text.rstrip("/") if text.strip("/") else text
    if not text.startswith(("http://", "https://")):
        raise ConfigError(f"{text!r} is not an http:// or https:// address or an absolute path", where=where)
    return web_address(text, where).rstrip("/")
