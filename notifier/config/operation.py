"""`[retention]`, `[log]`, `[metrics]` and `[worker]`: how Navtex runs."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from notifier.config.tables import SettingError, Table

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


class Retention(Table, frozen=True):
    """`[retention]`: after how many days `navtex run` forgets digests, deliveries, notices and what is of no use."""

    days: Annotated[int, Meta(ge=30, le=36500)] = 400


class Log(Table, frozen=True):
    """`[log]`: how to write what happens (`text` or `json`), how much of it, and the file, otherwise standard error."""

    format: LogFormat = "text"
    level: LogLevel = "warning"
    file: str = ""


class Metrics(Table, frozen=True):
    """`[metrics]`: the file to which each run writes its metrics, for node_exporter's textfile collector."""

    textfile: str = ""


class Workers(Table, frozen=True):
    """`[worker]`: when workers poll, ask registries and collect from zones, as cron expressions in UTC."""

    poll: str = "17 * * * *"
    registries: str = "47 * * * *"
    collect: str = "37 * * * *"

    def __post_init__(self) -> None:
        from datetime import UTC, datetime

        from cronsim import CronSim, CronSimError

        for name in self.__struct_fields__:
            text = getattr(self, name)
            try:
                found = len(text.split()) == 5 and next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
            except (CronSimError, StopIteration):
                found = False
            if not found:
                raise SettingError(name, f"is {text!r}, which is not a cron expression")
