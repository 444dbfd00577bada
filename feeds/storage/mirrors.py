"""Which mirror the last poll read, and how old it was."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

import feeds
from feeds.sources.health import MirrorState
from feeds.storage import tables

_SOURCE = "mirror"


def note_mirror(connection: Connection, name: str, fetched_at: datetime | None, now: datetime) -> None:
    """Note which mirror was read, and when it had been filled; "" if the sources themselves were."""
    table = tables.document
    connection.execute(sa.delete(table).where(table.c.source == _SOURCE))
    if name:
        # `form` says whether the mirror tells its age
        values = {"url": f"{_SOURCE} {name}", "source": _SOURCE, "form": "dated" if fetched_at else "undated"}
        kept = {"etag": "", "last_modified": "", "follow": "[]", "reader": feeds.__version__}
        connection.execute(sa.insert(table), {**values, **kept, "checked_at": now, "read_at": fetched_at or now})


def mirror(connection: Connection) -> MirrorState | None:
    """The mirror that the last poll read; None if it read the sources themselves."""
    table = tables.document
    row = connection.execute(sa.select(table).where(table.c.source == _SOURCE)).first()
    if row is None:
        return None
    return MirrorState(
        row.url.removeprefix(f"{_SOURCE} "), row.read_at if row.form == "dated" else None, row.checked_at
    )
