"""Writing many rows at once: plain tuples to SQLite's driver, COPY to PostgreSQL's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

Row = tuple[Any, ...]
_FEW = 1000
"""Rows that go to PostgreSQL as parameters; more are copied."""


def insert_rows(connection: Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows that are known to be new."""
    if not rows:
        return
    names = ", ".join(_quoted(c) for c in columns)
    if _sqlite(connection):
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - names of our own
        connection.exec_driver_sql(statement, list(rows))
    elif len(rows) <= _FEW:
        each, values = _arrays(connection, table, columns, rows)
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) SELECT * FROM {each}", values)  # noqa: S608
    else:
        _copy(connection, f"COPY {table.name} ({names}) FROM STDIN", rows)


def update_rows(connection: Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Give rows new values: each row has the values of `columns`, and last the `id`."""
    if not rows:
        return
    if _sqlite(connection):
        values = ", ".join(f"{_quoted(c)} = ?" for c in columns)
        statement = f"UPDATE {table.name} SET {values} WHERE id = ?"  # noqa: S608
        connection.exec_driver_sql(statement, list(rows))
        return
    names = [*columns, "id"]
    values = ", ".join(f"{_quoted(c)} = changed.{_quoted(c)}" for c in columns)
    update = f"UPDATE {table.name} SET {values} FROM {{}} WHERE changed.id = {table.name}.id"  # noqa: S608
    if len(rows) <= _FEW:
        each, parameters = _arrays(connection, table, names, rows)
        connection.exec_driver_sql(update.format(f"{each} AS changed({', '.join(map(_quoted, names))})"), parameters)
        return
    types = ", ".join(f"{_quoted(n)} {_kind(connection, table, n)}" for n in names)
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE changed ({types}) ON COMMIT DROP")
    _copy(connection, f"COPY changed ({', '.join(map(_quoted, names))}) FROM STDIN", rows)
    connection.exec_driver_sql(update.format("changed"))
    connection.exec_driver_sql("DROP TABLE changed")


def delete_pairs(connection: Connection, table: sa.Table, columns: tuple[str, str], rows: Sequence[Row]) -> None:
    """Delete the rows that two whole numbers name."""
    if not rows:
        return
    if _sqlite(connection):
        statement = f"DELETE FROM {table.name} WHERE {columns[0]} = ? AND {columns[1]} = ?"  # noqa: S608
        connection.exec_driver_sql(statement, list(rows))
        return
    connection.exec_driver_sql(
        f"DELETE FROM {table.name} USING unnest(%s::int[], %s::int[]) AS gone(a, b)"  # noqa: S608
        f" WHERE {columns[0]} = gone.a AND {columns[1]} = gone.b",
        ([a for a, _ in rows], [b for _, b in rows]),
    )


def select_in(
    connection: Connection, table: sa.Table, columns: Sequence[str], key: str, values: Sequence[Any]
) -> Iterable[Row]:
    """The rows whose `key` is one of many values, without what SQLAlchemy would do to each."""
    names = ", ".join(map(_quoted, columns))
    parameter: Any = list(values)
    condition = "= ANY(%s)"
    if _sqlite(connection):
        condition, parameter = "IN (SELECT value FROM json_each(?))", json.dumps(list(values))
    statement = f"SELECT {names} FROM {table.name} WHERE {_quoted(key)} {condition}"  # noqa: S608
    return connection.exec_driver_sql(statement, (parameter,)).cursor.fetchall()


def in_list(connection: Connection, column: sa.ColumnElement[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """`column IN values` as one parameter, however many there are."""
    if _sqlite(connection):
        each = sa.func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(sa.select(each.c.value))
    return column == sa.func.any(sa.cast(list(values), sa.ARRAY(column.type)))


def moment(connection: Connection, at: datetime) -> Any:
    """A moment as the driver takes it where SQLAlchemy is not asked."""
    utc = at.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(" ", "microseconds") if _sqlite(connection) else utc


def day(connection: Connection, on: date) -> Any:
    """A day as the driver takes it where SQLAlchemy is not asked."""
    return on.isoformat() if _sqlite(connection) else on


def _copy(connection: Connection, statement: str, rows: Iterable[Row]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _arrays(
    connection: Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]
) -> tuple[str, tuple[list[Any], ...]]:
    """Rows as PostgreSQL's `unnest` of a parameter for each column, and the parameters."""
    marks = ", ".join(f"%s::{_kind(connection, table, c)}[]" for c in columns)
    return f"unnest({marks})", tuple(map(list, zip(*rows, strict=True)))


def _kind(connection: Connection, table: sa.Table, column: str) -> str:
    return table.c[column].type.compile(connection.dialect)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
