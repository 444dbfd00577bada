"""Alembic's environment: run by `navtex db upgrade`, which hands over its connection, or by `alembic` itself."""

from __future__ import annotations

from alembic import context

import feeds.storage.tables
import notifier.storage.push_tables
import notifier.storage.tables
from feeds.storage.database import Database, metadata
from feeds.storage.schema import is_ours

assert feeds.storage.tables
assert notifier.storage.push_tables
assert notifier.storage.tables


def migrate(connection: object) -> None:
    """Run the migrations on a connection, in its transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        include_name=is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    from notifier.config import load

    database = Database(load().database)
    with database.begin() as opened:
        migrate(opened)
