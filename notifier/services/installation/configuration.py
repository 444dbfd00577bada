"""The configuration in force and where each value comes from; and a commented file to start with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from feeds.core import files
from feeds.core.errors import ConfigError, NavtexError
from notifier import config as configs
from notifier.schemas.config import ConfigReport, Setting, SettingOrigin
from notifier.security.redaction import redact
from notifier.security.references import has_references

_VARIABLES = {
    "database": ("NAVTEX_DATABASE_URL", "NAVTEX_DATABASE_URL_FILE"),
    "mirror": ("NAVTEX_MIRROR",),
    "log.format": ("NAVTEX_LOG_FORMAT",),
    "log.level": ("NAVTEX_LOG_LEVEL",),
}
"""By setting: the variables that set it, the strongest first."""


def effective(environment: Mapping[str, str]) -> ConfigReport:
    """Every setting with its value in force and its origin, without secrets. ConfigError if a setting is wrong."""
    path = configs.config_path(environment)
    config = configs.load(environment)
    given = dict(_flat(configs.table(path))) if path.exists() else {}
    values = dict(_flat(msgspec.to_builtins(config)))
    values["templates"] = str(config.template_folder or "")
    settings = tuple(_setting(name, value, given, environment) for name, value in values.items())
    return ConfigReport(file=str(path), exists=path.exists(), settings=settings)


def _setting(name: str, value: Any, given: Mapping[str, Any], environment: Mapping[str, str]) -> Setting:
    variable = next((v for v in _VARIABLES.get(name, ()) if environment.get(v)), None)
    origin = SettingOrigin.ENVIRONMENT if variable else SettingOrigin.FILE if name in given else SettingOrigin.DEFAULT
    secret = value and name.endswith("secret") and not has_references(value)
    return Setting(name=name, value="****" if secret else _shown(value), origin=origin, variable=variable)


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested tables, each by its dotted name."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _shown(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_shown(v) for v in value]
    return redact(value) if isinstance(value, str) else value


def write_example(path: Path, *, force: bool = False) -> None:
    """Write a commented configuration file, which only its user can read.

    NavtexError if there is one and `force` is not set; ConfigError if it cannot be written.
    """
    if path.exists() and not force:
        raise NavtexError("the file exists", where=str(path), remedy="Replace it with --force")
    try:
        files.private_folder(path.parent)
        files.write(path.resolve(), configs.example())
    except OSError as error:
        raise ConfigError(
            f"cannot be written: {error.strerror}", where=str(path), remedy="Check the folder and its permissions"
        ) from error
