"""Whether a database's schema is what the tables say: Alembic's comparison, in words."""

from __future__ import annotations

from typing import Any

from feeds.storage.database import Database, metadata


def drift(database: Database) -> list[str]:
    """The differences between a database and the tables that are defined; [] if there are none.

    The caller has imported every module that defines tables.
    """
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [_words(d) for d in compare_metadata(context, metadata)]


def _words(difference: Any) -> str:
    if isinstance(difference, list):
        return "; ".join(_words(d) for d in difference)
    kind, *what = difference
    return f"{kind.replace('_', ' ')}: {', '.join(str(w) for w in what if w is not None)}"
