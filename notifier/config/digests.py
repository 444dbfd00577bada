"""`[digest]`: what digests say."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from notifier.config.tables import Table


class Digests(Table, frozen=True):
    """`[digest]`: after how many days without an import a host counts as not seen, and how many hosts are named."""

    stale_days: Annotated[int, Meta(ge=1, le=3650)] = 14
    hosts: Annotated[int, Meta(ge=1, le=100)] = 5
    """The most hosts that a digest names of each version; the others are counted."""
