"""Opening, upgrading, checking, backing up and restoring the database."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import notifier.storage.tables  # noqa: F401 - defines every table, those of feeds included
from feeds.core.errors import ConfigError
from feeds.storage import backup
from feeds.storage.database import HEAD, Database
from feeds.storage.engines import is_missing
from feeds.storage.schema import drift
from notifier.config import default_database


@dataclass(frozen=True, slots=True)
class Upgraded:
    """An upgrade: the database's address without secrets, its revision now, and whether anything was done."""

    database: str
    revision: str
    changed: bool


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """The database's address without secrets, and how its schema differs from the expected one."""

    database: str
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore: the database's address without secrets, and where the old one is kept (None: there was none)."""

    database: str
    kept: Path | None


@contextmanager
def opened(url: str, *, create: bool = False) -> Iterator[Database]:
    """The database with an up-to-date schema, closed at the end of the block.

    The file in the user's data folder is created on first use. A file that the configuration names is created with
    `create` only, because an address is probably misspelt if an inventory is expected there. ConfigError if it is
    missing.
    """
    with _as_it_is(url, create=create or url == default_database()) as database:
        database.upgrade()
        gc.freeze()  # what is loaded by now stays; it need not be searched for garbage again and again
        yield database


@contextmanager
def _as_it_is(url: str, *, create: bool = False) -> Iterator[Database]:
    """The database, whatever its schema. ConfigError if it is a file that is missing, unless `create`."""
    if not create and is_missing(url):
        raise ConfigError(
            f"database {url} does not exist; `navtex db init` creates it",
            remedy="Check NAVTEX_DATABASE_URL and `database` in the configuration",
        )
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def init(url: str) -> Upgraded:
    """Create the database with its schema, unless it exists; `changed` says whether it was created."""
    with _as_it_is(url, create=True) as database:
        empty = database.current() is None
        database.upgrade()
        return Upgraded(database.shown, HEAD, changed=empty)


def upgrade(url: str) -> Upgraded:
    """Upgrade the schema. A database that does not exist is created."""
    with _as_it_is(url, create=True) as database:
        return Upgraded(database.shown, HEAD, changed=database.upgrade())


def current(url: str) -> str | None:
    """The revision of the database's schema; None for an empty database. Changes nothing."""
    with _as_it_is(url) as database:
        return database.current()


def ready(database: Database) -> str:
    """Why an open database cannot be used as it is; "" if it can. DatabaseError if it cannot be reached."""
    return "" if database.current() == HEAD else "the schema of the database is not the expected one"


def check(url: str) -> SchemaCheck:
    """Compare the schema with the one that this version expects. Changes nothing."""
    with _as_it_is(url) as database:
        if database.current() is None:
            return SchemaCheck(database.shown, (f"{database.shown} is empty; `navtex db upgrade` creates the schema",))
        return SchemaCheck(database.shown, tuple(drift(database)))


def back_up(url: str, file: Path) -> str:
    """Copy the database to a new file. Returns the database's address without secrets. Errors: see `backup.back_up`."""
    with _as_it_is(url) as database:
        backup.back_up(database, file)
        return database.shown


def restore(url: str, file: Path, now: datetime) -> Restored:
    """Replace the database with a backup, which is checked first. Errors: see `backup.restore`."""
    with _as_it_is(url, create=True) as database:
        kept = backup.restore(database, file, now)
        return Restored(database.shown, kept)
