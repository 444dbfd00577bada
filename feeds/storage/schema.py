"""Whether a database's schema is what the tables say: Alembic's comparison, in words."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from feeds.storage.database import Database, metadata


def drift(database: Database) -> list[str]:
    """The differences between a database and the tables that are defined; [] if there are none.

    The caller has imported every module that defines tables.
    """
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.connect() as connection:
        options = {"compare_type": True, "include_name": is_ours}
        context = MigrationContext.configure(connection, opts=options)
        return [_words(d) for d in compare_metadata(context, metadata)]


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether something in a database belongs to our schema: the queue's tables are Procrastinate's own."""
    return not (
        kind in ("schema", "table") and name is not None and (name == "jobs" or name.startswith("procrastinate_"))
    )


def _words(difference: Any) -> str:
    if isinstance(difference, list):
        return "; ".join(_words(d) for d in difference)
    kind, *what = difference
    return f"{kind.replace('_', ' ')}: {', '.join(_name(w) for w in what if w is not None)}"


def _name(of: object) -> str:
    if isinstance(of, sa.Index | sa.Constraint) and of.table is not None:
        return f"{of.name or type(of).__name__} on {of.table.name}"
    return of.name if isinstance(of, sa.Table | sa.Column) else str(of)
