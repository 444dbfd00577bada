"""`[due]`: how long a finding may stay open."""

from __future__ import annotations

import re

from notifier.config.tables import SettingError, Table


class DueSettings(Table, frozen=True):
    """`[due]`: how long a finding of each severity may stay open ("7d", "4w"), or one that is known exploited."""

    critical: str = ""
    high: str = ""
    unscored: str = ""
    medium: str = ""
    low: str = ""
    exploited: str = ""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            text = getattr(self, name)
            if text and not (re.fullmatch(r"[0-9]{1,4}[dw]", text) and 1 <= _days(text) <= 3650):
                problem = f'is {text!r}, and must be a number of days or weeks such as "7d" or "4w"'
                raise SettingError(name, problem)

    @property
    def days(self) -> dict[str, int]:
        """The same in days, without those that are empty."""
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: _days(text) for name, text in said.items() if text}


def _days(text: str) -> int:
    return int(text[:-1]) * (7 if text.endswith("w") else 1)
