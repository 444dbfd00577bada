"""Statements that every store needs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def insert(connection: Connection, table: sa.Table, **values: Any) -> int:
    """Insert a row; return its number."""
    return int(connection.execute(sa.insert(table).values(values).returning(table.c.id)).scalar_one())


def upsert(connection: Connection, table: sa.Table, row: dict[str, Any], key: list[str]) -> None:
    """Insert a row, or replace the one of the same key."""
    # the engine has loaded its own dialect already; importing the others here would slow every start
    dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    statement = dialect.insert(table)
    values = {k: v for k, v in row.items() if k not in key}
    connection.execute(statement.values(row).on_conflict_do_update(index_elements=key, set_=values))


def upsert_all(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]], key: list[str]) -> None:
    """Insert rows, or replace those of the same key. All rows have the same columns."""
    if not rows:
        return
    statement = import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)
    values = {name: statement.excluded[name] for name in rows[0] if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=values), list(rows))
