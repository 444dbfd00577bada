"""The database: engine, pragmas, times in UTC, migrations and the run lock.  One MetaData for both packages."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.engine import Connection, Dialect

import feeds
from feeds.core.errors import Busy, DatabaseError
from feeds.core.files import PRIVATE
from feeds.core.resources import folder
from feeds.storage.engines import engine_for, is_secret, url_of

__all__ = ["HEAD", "Connection", "Database", "UtcDateTime", "explained", "metadata"]

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

HEAD = "0025"
"""The newest migration. Kept here so that an up-to-date database is recognised without Alembic."""


# Numbers that no other program is likely to use as advisory locks on the same database: the lock of a run, and what
# stands before the number of a stage.
_LOCK = 0x4E61767465
_STAGES = 0x4E617674


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment: goes in with its zone, comes out in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Into the database: UTC, without a zone where the database has none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        at = value.astimezone(UTC)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Out of the database: with its zone, which is UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """An open database. `connect` reads, `begin` writes in one transaction.

    `lock` lets one command at a time run, `stage` one process at a time work at a stage, and `serial` one transaction.
    """

    def __init__(self, url: str) -> None:
        self.url = url_of(url)
        self.engine = engine_for(self.url)

    @property
    def shown(self) -> str:
        """The address without its passwords, which may also be parameters of it."""
        hidden = {name: "***" for name in self.url.query if is_secret(name)}
        return self.url.update_query_dict(hidden).render_as_string(hide_password=True).replace("%2A%2A%2A", "***")

    @property
    def sqlite(self) -> bool:
        """Whether it is an SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection that reads one consistent state."""
        # SQLite reads a snapshot anyway; PostgreSQL would let each statement see what was committed meanwhile
        options = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._explained(), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def begin(self, *, patient: bool = True) -> Iterator[Connection]:
        """A connection in a transaction that is committed at the end, or rolled back on an error.

        An SQLite file has one writer at a time. Without `patient`, DatabaseError if another one is at work.
        """
        with (
            self._explained(),
            self.engine.connect().execution_options(navtex_write=True, navtex_patient=patient) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def savepoint(self, connection: Connection) -> Iterator[None]:
        """A part of a transaction that an error rolls back alone.

        What the database itself reports (a lost connection, a full disk) is a DatabaseError and ends the transaction.
        """
        with self._explained(), connection.begin_nested():
            yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DatabaseError as error:
            told = type(error) in (sa.exc.OperationalError, sa.exc.DatabaseError) or error.connection_invalidated
            if not told and error.statement is not None:
                raise  # a mistake of ours: a constraint, a statement
            reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
            raise DatabaseError(reason, where=self.shown, remedy=_remedy(reason)) from error

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def current(self) -> str | None:
        """The migration that the database is at; None for an empty one."""
        with self.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    def upgrade(self, revision: str = "head") -> bool:
        """Bring the schema to a revision; true when something was done. A newer schema is refused."""
        current = self.current()
        if current == HEAD and revision == "head":
            return False
        from alembic import command
        from alembic.script import ScriptDirectory

        config = self.alembic()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if current is not None and current not in known:
            raise DatabaseError(
                f"its schema ({current}) is newer than this version of Navtex supports ({HEAD})",
                where=self.shown,
                remedy="Upgrade Navtex, or restore a backup from before the newer version ran",
            )
        with self.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        return True

    def alembic(self) -> Any:
        """Alembic's configuration for this database."""
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(folder(feeds.__file__, "alembic")).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        return config

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run lock; Busy if another process holds it."""
        with self._file_lock() if self.sqlite else self._server_lock():
            yield

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Work at a stage that commands and workers share; Busy if another process works at it.

        On PostgreSQL this is an advisory lock, which ends with its connection. SQLite has no workers, and its commands
        hold the run lock.
        """
        if self.sqlite:
            yield
            return
        with self._server_lock(name):
            yield

    def serial(self, connection: Connection, name: str) -> None:
        """Wait until no other transaction works at the same; then none does until this one ends."""
        if not self.sqlite:
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_STAGES}, {_number(name)})"))

    @contextmanager
    def _file_lock(self) -> Iterator[None]:
        lock = FileLock(f"{self.url.database}.lock", mode=PRIVATE)
        try:
            with lock.acquire(blocking=False):
                yield
        except Timeout:
            raise _busy(self.shown) from None

    @contextmanager
    def _server_lock(self, stage: str = "") -> Iterator[None]:
        arguments = f"{_STAGES}, {_number(stage)}" if stage else str(_LOCK)
        with (
            self._explained(),
            self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            if not connection.execute(sa.text(f"SELECT pg_try_advisory_lock({arguments})")).scalar():
                raise _busy(self.shown, stage)
            try:
                yield
            finally:
                connection.execute(sa.text(f"SELECT pg_advisory_unlock({arguments})"))


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Make what SQLite's own module says a DatabaseError with its remedy."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise DatabaseError(str(error), where=where, remedy=_remedy(str(error))) from error


def _number(stage: str) -> int:
    """The number of a stage's lock, as PostgreSQL takes it."""
    return zlib.crc32(stage.encode()) - 2**31


def _busy(where: str, stage: str = "") -> Busy:
    what = f"another process is at work at the stage {stage!r}" if stage else "another Navtex run is at work"
    return Busy(what, where=where, remedy="Wait for it to end; nothing was changed")


def _remedy(reason: str) -> str:
    for sign, remedy in (
        ("locked", "Another program is writing to it; try again"),
        ("readonly", "Make the file and its folder writable for this user"),
        ("disk is full", "Free some space; nothing was lost"),
        ("No space left", "Free some space; nothing was lost"),
        ("disk I/O error", "Check whether the disk is full or broken; what was stored before is intact"),
        ("no such table", "Run `navtex db upgrade`"),
        ("does not exist", "Create the database, or run `navtex db upgrade`"),
        ("unable to open", "Check the path and its permissions"),
        ("not a database", "Name another file, or restore a backup"),
        ("malformed", "Restore a backup"),
        ("refused", "Check the address, and that the server runs"),
        ("connection option", "Correct the parameters of the address"),
        ("closed the connection", "Check the server, then try again; nothing was lost"),
        ("terminating connection", "Check the server, then try again; nothing was lost"),
    ):
        if sign in reason:
            return remedy
    return "Check the address of the database"
