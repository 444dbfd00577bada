"""Hosts that came to a component from another one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from notifier.storage import bulk, tables


def runs(connection: Connection) -> dict[int, datetime]:
    """When each import was."""
    table = tables.inventory_import
    return {r.id: r.at for r in connection.execute(sa.select(table.c.id, table.c.at))}


def after(connection: Connection, moments: Mapping[int, datetime], since: datetime) -> sa.ColumnElement[bool]:
    """Whether a departure came with an import after a moment."""
    return bulk.in_list(connection, tables.departure.c["import"], [n for n, at in moments.items() if at > since])


def came(connection: Connection, moments: Mapping[int, datetime], since: datetime) -> sa.Select[Any]:
    """The components that an installation's host left when it came, if that was after a moment."""
    departed, installation = tables.departure, tables.installation
    return sa.select(departed.c.component).where(
        departed.c.host == installation.c.host,
        departed.c["import"] == installation.c["import"],
        after(connection, moments, since),
    )
