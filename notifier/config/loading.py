"""Reads the configuration file and the environment, which wins over it.

Nothing needs a file.  NAVTEX_DATABASE_URL (or _FILE), NAVTEX_MIRROR, NAVTEX_LOG_FORMAT and NAVTEX_LOG_LEVEL set what
they name; NAVTEX_CONFIG says where the file is, when it is not in the user's configuration folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from feeds.core.errors import ConfigError
from feeds.core.secrets import from_environment
from notifier.config.locations import config_path, default_database
from notifier.config.operation import LogFormat, LogLevel
from notifier.config.settings import Config
from notifier.config.sources import mirror_location


def load(environment: Mapping[str, str] | None = None) -> Config:
    """The configuration in force; ConfigError says which setting of which file is wrong."""
    environment = os.environ if environment is None else environment
    path = config_path(environment)
    config = read(path) if environment.get("NAVTEX_CONFIG") or path.exists() else Config()
    return msgspec.structs.replace(
        config,
        database=from_environment(environment, "NAVTEX_DATABASE_URL") or config.database or default_database(),
        mirror=mirror_location(environment.get("NAVTEX_MIRROR", ""), "NAVTEX_MIRROR") or config.mirror,
        log=msgspec.structs.replace(config.log, **log_variables(environment)),
    )


def read(path: Path) -> Config:
    """The configuration of one file."""
    text = _text(path)
    try:
        return msgspec.convert(_parsed(text, path), Config)
    except msgspec.ValidationError as error:
        from notifier.config.problems import setting_problem  # only a wrong file needs it

        raise setting_problem(error, path, text) from error


def table(path: Path) -> dict[str, Any]:
    """The values that a file holds, unchecked; ConfigError if it cannot be read."""
    return _parsed(_text(path), path)


def example() -> str:
    """A commented configuration file."""
    text = Path(__file__).with_name("example.toml").read_text(encoding="utf-8")
    return text.replace("{database}", default_database().removeprefix("sqlite:///"))


def log_variables(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says of the log, by the names of `Log`."""
    said: dict[str, Any] = {}
    form, level = environment.get("NAVTEX_LOG_FORMAT"), environment.get("NAVTEX_LOG_LEVEL")
    for name, variable, value, known in (
        ("format", "NAVTEX_LOG_FORMAT", form, get_args(LogFormat)),
        ("level", "NAVTEX_LOG_LEVEL", level, get_args(LogLevel)),
    ):
        if value and value not in known:
            raise ConfigError(f"{value!r} is not one of {', '.join(known)}", where=variable)
        if value:
            said[name] = value
    return said


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        remedy = "`navtex config init` creates a commented file"
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), remedy=remedy) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from error


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from error
