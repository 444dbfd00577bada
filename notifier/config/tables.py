"""What every table of the configuration is made of."""

from __future__ import annotations

import msgspec


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file. A setting that is not one of its fields is an error."""


class SettingError(ValueError):
    """A value that a setting cannot have; `key` is the setting's name in its table, empty if it is the table's."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"`{key}` {problem}" if key else problem)
        self.key, self.problem = key, problem
