"""The answer of `navtex source list`.  Pure; its JSON is a contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from feeds.sources.health import SourceHealth
from notifier.schemas.fields import MOMENT, Count

DISABLED: Final = "disabled"


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One source and its state."""

    name: Annotated[str, Meta(description="its name")]
    title: Annotated[str, Meta(description="what it is")]
    url: Annotated[str, Meta(description="its web page")]
    state: Annotated[
        str,
        Meta(
            description="its state after the last poll",
            extra_json_schema={"enum": [*(h.value for h in SourceHealth), DISABLED]},
        ),
    ]
    last_success: Annotated[datetime | None, MOMENT, Meta(description="when a request last succeeded")]
    items: Annotated[Count, Meta(description="the number of entries it lists now")]
    message: Annotated[str, Meta(description="what went wrong, or empty")]


class MirrorRow(msgspec.Struct, frozen=True, kw_only=True):
    """The mirror that the sources were read from."""

    mirror: Annotated[str, Meta(description="its address or folder")]
    fetched_at: Annotated[datetime | None, MOMENT, Meta(description="when it was filled; null if it does not say so")]
    read_at: Annotated[datetime, MOMENT, Meta(description="when the last poll read it")]
    old: Annotated[bool, Meta(description="whether it was filled more than poll.mirror_days ago")]


class SourceList(msgspec.Struct, frozen=True, kw_only=True):
    """Every source."""

    sources: Annotated[tuple[SourceRow, ...], Meta(description="in the order in which they are polled")]
    mirror: Annotated[
        MirrorRow | None,
        Meta(description="the mirror that the last poll read; null if it read the sources themselves"),
    ]
