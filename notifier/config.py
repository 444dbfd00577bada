"""The configuration: a TOML file and the environment, made into one frozen Config.

Nothing needs a file.  The environment wins over it: NAVTEX_DATABASE_URL and NAVTEX_MIRROR; NAVTEX_CONFIG
says where the file is, when it is not in the user's configuration folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from platformdirs import user_config_path, user_data_path

from feeds.address import web_address
from feeds.errors import ConfigError


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[sources.NAME]`: whether to ask it, and other addresses of its forms."""

    enabled: bool = True
    urls: dict[str, str] = {}


class Polling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[poll]`: whom the sources may write to, the seconds that a host and a poll may take, and a mirror's age."""

    contact: str = ""
    host_seconds: float = 60.0
    poll_seconds: float = 120.0
    mirror_days: float = 7.0


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[mail]`: the sender of mails whose address names none."""

    sender: str = ""

    def __post_init__(self) -> None:
        from email.headerregistry import Address
        from email.utils import parseaddr

        if self.sender:
            try:
                Address(addr_spec=parseaddr(self.sender)[1])
            except (ValueError, IndexError):
                raise ValueError(f"`sender` is {self.sender!r}, which is no mail address") from None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting, with what is used when nothing is said."""

    database: str = ""
    mirror: str = ""
    ca_bundle: str = ""
    corrections: str = ""
    poll: Polling = Polling()
    mail: Mail = Mail()
    sources: dict[str, SourceSettings] = {}

    @property
    def disabled(self) -> frozenset[str]:
        """The sources that are not asked."""
        return frozenset(name for name, s in self.sources.items() if not s.enabled)

    @property
    def urls(self) -> dict[str, dict[str, str]]:
        """The addresses that are replaced, by source and form."""
        return {name: s.urls for name, s in self.sources.items() if s.urls}


EXAMPLE = """\
# Navtex works without this file: every line is a comment that shows what is used otherwise.

# Where it keeps what it knows. SQLite, or PostgreSQL (install navtex[postgresql]).
# The environment variable NAVTEX_DATABASE_URL wins over it.
# database = "sqlite:///{database}"
# database = "postgresql://navtex@db.example.org/navtex"

# Read the sources from a mirror: a request for https://HOST/PATH goes to MIRROR/HOST/PATH. Or from a folder
# that `navtex mirror fetch` filled, as a whole path. NAVTEX_MIRROR wins over it.
# mirror = "http://mirror.example.org"

# Certificates to trust instead of the system's, as one PEM file.
# ca_bundle = "/etc/ssl/company.pem"

# Your own corrections to wrong advisories, beside those that come with Navtex (docs/reference/corrections.md).
# corrections = "/etc/navtex/corrections.toml"

[poll]
# Shown to the sources, so that their operators can write to you.
# contact = "ops@example.org"
# Seconds that one host may take, retries included, and the whole poll.
# host_seconds = 60.0
# poll_seconds = 120.0
# Days after which a mirror is old, which is told.
# mirror_days = 7.0

[mail]
# The sender of mails, where a subscription's mailto:// address names none.
# sender = "navtex@example.org"

# A source can be left out, or read from another address; `navtex source list` shows the names.
# [sources.docker-blog]
# enabled = false
# [sources.moby-advisories.urls]
# api = "https://ghe.example.org/api/v3/repos/moby/moby/security-advisories?per_page=100"
"""


def default_path() -> Path:
    """Where the configuration is looked for when NAVTEX_CONFIG names no file."""
    return user_config_path("navtex", appauthor=False) / "config.toml"


def default_database() -> str:
    """The SQLite file in the user's data folder."""
    return f"sqlite:///{user_data_path('navtex', appauthor=False) / 'navtex.db'}"


def example() -> str:
    """A commented configuration file."""
    return EXAMPLE.format(database=default_database().removeprefix("sqlite:///"))


def load(environment: Mapping[str, str] | None = None) -> Config:
    """The configuration in force; ConfigError says which setting of which file is wrong."""
    environment = os.environ if environment is None else environment
    named = environment.get("NAVTEX_CONFIG")
    path = Path(named) if named else default_path()
    config = read(path) if named or path.exists() else Config()
    return msgspec.structs.replace(
        config,
        database=environment.get("NAVTEX_DATABASE_URL") or config.database or default_database(),
        mirror=_mirror(environment.get("NAVTEX_MIRROR", ""), "NAVTEX_MIRROR") or _mirror(config.mirror, str(path)),
    )


def read(path: Path) -> Config:
    """The configuration of one file."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="See `navtex config init`"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is no TOML: {error}", where=str(path)) from error
    try:
        return msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), where=str(path), remedy="See `navtex config init` for every setting") from error


def _mirror(text: str, where: str) -> str:
    """A mirror's address or folder as it was configured; ConfigError where it is neither."""
    if not text or (text.startswith("/") and "\0" not in text):
        return text.rstrip("/") if text.strip("/") else text
    if not text.startswith(("http://", "https://")):
        raise ConfigError(f"the mirror {text!r} is no http:// or https:// address and no whole path", where=where)
    return web_address(text, where).rstrip("/")
