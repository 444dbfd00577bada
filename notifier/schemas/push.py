"""The answer to a push.  Pure; its JSON is a contract."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from notifier.schemas.fields import Count
from notifier.schemas.inventory import UnreadRow


class PushSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a push changed, counted in hosts."""

    hosts: Annotated[Count, Meta(description="the hosts that it is about")]
    new: Annotated[Count, Meta(description="hosts that were not in the inventory")]
    changed: Annotated[Count, Meta(description="hosts that run something else now, or have other tags")]
    same: Annotated[Count, Meta(description="hosts of which only the time when they were last seen is new")]
    bad: Annotated[tuple[UnreadRow, ...], Meta(description="the rows that could not be read, 100 at most")]
