"""Secrets of the environment: the value of NAME, or what the file holds that NAME_FILE names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from feeds.core.errors import ConfigError

_LARGEST = 16384


def from_environment(environment: Mapping[str, str], name: str) -> str:
    """A secret, "" if there is none; NAME wins over NAME_FILE. ConfigError if the file holds none."""
    value = environment.get(name, "")
    named = environment.get(f"{name}_FILE", "")
    return value or (content(Path(named), f"{name}_FILE") if named else "")


def content(path: Path, where: str) -> str:
    """What a file holds, without blanks around it; ConfigError, which never shows it, where that is nothing."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LARGEST).strip()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", where=where, remedy="Check the file and its permissions"
        ) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not text", where=where) from None
    if not text:
        raise ConfigError(f"{path} is empty", where=where)
    return text
