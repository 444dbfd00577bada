"""Addresses of databases, and the engines that connect to them: SQLite files and PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url

from feeds.core.errors import ConfigError, DatabaseError
from feeds.core.files import make_private, private_folder

_SQLITE = re.compile(r"(sqlite(?:\+\w+)?):///(.*)", re.DOTALL)
_PARAMETER = re.compile(r"\?[\w.-]+=")
_SECRET = re.compile(r"pass(?!file)|secret|token|key$|credential", re.IGNORECASE)

_PATIENCE, _MOMENT = 30_000, 50
"""Milliseconds that a writer of an SQLite file waits for another one: as a rule, and where it would rather not wait."""


def is_missing(address: str) -> bool:
    """Whether an address names an SQLite file that does not exist. Nothing is created."""
    url = url_of(address)
    if url.get_backend_name() != "sqlite" or not url.database:
        return False
    try:
        Path(url.database).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # opening it says what is wrong
    return False


def is_secret(parameter: str) -> bool:
    """Whether a parameter of an address holds a secret.

    >>> is_secret("sslpassword"), is_secret("sslmode")
    (True, False)
    """
    return _SECRET.search(parameter) is not None


def url_of(text: str) -> URL:
    """The address of a database; ConfigError if it is none that can be used."""
    if found := _SQLITE.fullmatch(text):
        return _file_url(found[1], found[2])
    try:
        url = make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise ConfigError(
            "the database address is not valid", remedy="Write sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError(f"{url.drivername} databases are not supported", remedy="Use SQLite or PostgreSQL")
    if url.get_backend_name() == "sqlite" and not (url.database or url.host):
        raise _without_file()
    return url


def _file_url(driver: str, path: str) -> URL:
    """The address of an SQLite file. `?` and `#` are characters of its path, and escapes are decoded."""
    if _PARAMETER.search(path) or "\0" in unquote(path):
        raise ConfigError(
            "an SQLite address with parameters is not supported",
            remedy="Write sqlite:///PATH, and %3F for a ? in PATH",
        )
    if path in ("", ":memory:"):
        raise _without_file()
    return URL.create(driver, database=unquote(path))


def _without_file() -> ConfigError:
    return ConfigError("the database address names no file", remedy="Write sqlite:///PATH")


def engine_for(url: URL) -> Engine:
    """An engine for an address. The file of an SQLite database is made, for its owner only."""
    if url.get_backend_name() == "postgresql":
        try:
            return sa.create_engine(url, pool_pre_ping=True)
        except (ModuleNotFoundError, sa.exc.NoSuchModuleError) as error:
            raise ConfigError(
                "PostgreSQL needs its driver", remedy="In the checkout, run pip install '.[postgresql]'"
            ) from error
    try:
        engine = sa.create_engine(url)
    except (ModuleNotFoundError, sa.exc.ArgumentError) as error:
        raise ConfigError(
            "this form of SQLite address is not supported", where=str(url), remedy="Write sqlite:///PATH"
        ) from error
    if url.database:
        _prepare_file(Path(url.database))
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _prepare_file(path: Path) -> None:
    """Make the file and its folder, readable by nobody else."""
    try:
        private_folder(path.parent)
        make_private(path)
    except OSError as error:
        raise DatabaseError(
            f"cannot be opened: {error.strerror}", where=str(path), remedy="Check the folder and its permissions"
        ) from error


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    # transactions are begun below, explicitly, so that a writer takes its lock at once
    connection.isolation_level = None
    for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL", f"busy_timeout = {_PATIENCE}"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    write = options.get("navtex_write")
    if not write or options.get("navtex_patient", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {_MOMENT}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_PATIENCE}")
