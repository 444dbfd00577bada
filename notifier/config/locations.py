"""Where the configuration file and the database are, if nothing else is said."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_config_path, user_data_path

from feeds.core.addresses import sqlite_address


def default_path() -> Path:
    """The default path of the configuration file, used if NAVTEX_CONFIG is not set."""
    return user_config_path("navtex", appauthor=False) / "config.toml"


def config_path(environment: Mapping[str, str] | None = None) -> Path:
    """Where the configuration is, or would be."""
    named = (os.environ if environment is None else environment).get("NAVTEX_CONFIG")
    return Path(named) if named else default_path()


def default_database() -> str:
    """The SQLite file in the user's data folder."""
    return sqlite_address(user_data_path("navtex", appauthor=False) / "navtex.db")
