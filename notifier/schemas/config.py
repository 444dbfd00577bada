"""The answer of `navtex config show`.  Pure; its JSON is a contract."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta


class SettingOrigin(StrEnum):
    """Where the value of a setting comes from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting and its value in force."""

    name: Annotated[str, Meta(description="its name in the file, tables joined by dots")]
    value: Annotated[Any, Meta(description="its value, a string, number, boolean or list; secrets are hidden")]
    origin: Annotated[
        SettingOrigin,
        Meta(description="where the value comes from", extra_json_schema={"enum": [*(o.value for o in SettingOrigin)]}),
    ]
    variable: Annotated[str | None, Meta(description="the environment variable that sets it")]


class ConfigReport(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration in force."""

    file: Annotated[str, Meta(description="where the configuration file is, or would be")]
    exists: Annotated[bool, Meta(description="whether there is one")]
    settings: Annotated[tuple[Setting, ...], Meta(description="every setting, in the order of the example file")]
