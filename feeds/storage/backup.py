"""A copy of an SQLite database while it is in use, and such a copy put in its place.

PostgreSQL has programs of its own for both; the error names the command.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from feeds.core import files
from feeds.core.addresses import sqlite_address
from feeds.core.errors import Busy, DatabaseError, UsageProblem
from feeds.storage.database import Database, explained
from feeds.storage.engines import is_secret
from feeds.storage.schema import drift

_BESIDE = ("-wal", "-shm", "-journal")
_WORK = ".navtex-backup-"
"""How the name of a folder begins in which a copy is made."""
_OLD = 86400


def back_up(database: Database, file: Path) -> None:
    """Write one consistent state of the database to a new file, which only its user can read.

    Others may write meanwhile. UsageProblem if the file exists, its folder does not, or the database is not an SQLite
    file; DatabaseError where it cannot be written, or the database is damaged: then there is no file.
    """
    source = _path(database, f"pg_dump --format=custom --file={shlex.quote(str(file))} --dbname={_server(database)}")
    if os.path.lexists(file):
        raise UsageProblem(
            "the file exists", where=str(file), remedy="Choose another file; existing files are never overwritten"
        )
    if not file.parent.is_dir():
        raise UsageProblem("no such folder", where=str(file.parent), remedy="Create it, or choose another file")
    with _new_file(file) as copy:
        _copy(source, copy)
        _check(copy, shown=source, remedy="Restore an older backup")
        _settle(copy)
        copy.replace(file)


def restore(database: Database, file: Path, at: datetime) -> Path | None:
    """Put a backup in the database's place; where the old one is kept comes back, None if it was empty.

    The backup is copied, checked and brought to this Navtex's schema before anything is touched, and stays
    as it is. Busy while a run, or anybody, uses the database.
    """
    place = _path(
        database, f"pg_restore --clean --if-exists --dbname={_server(database)} {shlex.quote(str(file))}"
    ).resolve()
    if not file.is_file():
        raise UsageProblem("no such file", where=str(file), remedy="Use a file created by `navtex db backup`")
    if place.exists() and file.samefile(place):
        raise UsageProblem(
            "this is the database itself", where=str(file), remedy="Use a file created by `navtex db backup`"
        )
    with database.lock(), _new_file(place) as copy:
        _copy(file, copy)
        _check(copy, shown=file, remedy="Restore another backup; nothing was changed")
        _modernise(copy, shown=file)
        database.close()
        _close_up(place)
        kept = _keep(place, at)
        copy.replace(place)
        files.sync_folder(place.parent)
    return kept


def _path(database: Database, command: str) -> Path:
    if not database.sqlite:
        raise UsageProblem("this command is for SQLite only", where=database.shown, remedy=f"Run: {command}")
    return Path(database.url.database or "")


def _server(database: Database) -> str:
    """The address for PostgreSQL's own programs. A password comes from PGPASSWORD or ~/.pgpass, never from here."""
    if database.sqlite:
        return ""
    url = database.url.set(drivername="postgresql")._replace(password=None)
    plain = url.difference_update_query([name for name in url.query if is_secret(name)])
    return shlex.quote(plain.render_as_string(hide_password=False))


@contextmanager
def _new_file(beside: Path) -> Iterator[Path]:
    """An empty file of mode 0600 on the same disk; it is gone afterwards unless it was renamed."""
    sweep(beside.parent)
    try:
        with _work_folder(beside.parent) as made:
            copy = made / "copy.db"
            files.make_private(copy)
            try:
                yield copy
            except OSError as error:
                raise DatabaseError(f"cannot be written: {error.strerror}", where=str(beside)) from error
    except OSError as error:
        raise DatabaseError(
            f"no file can be created there: {error.strerror}", where=str(beside.parent), remedy="Check the folder"
        ) from error


@contextmanager
def _work_folder(parent: Path) -> Iterator[Path]:
    """A private folder that is locked while it is in use. The lock ends with its process, however that ends."""
    while True:
        made = Path(tempfile.mkdtemp(prefix=_WORK, dir=parent))
        number = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(OSError):  # a file system without locks: see `sweep`
            fcntl.flock(number, fcntl.LOCK_EX)
        if made.exists():
            break
        os.close(number)  # another process swept it before it was locked
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(number)


def sweep(folder: Path) -> None:
    """Remove what backups and restores that were killed left in a folder. What is in use stays, as it is locked.

    Where a file system has no locks, what is older than a day goes.
    """
    for left in folder.glob(f"{_WORK}*"):
        with suppress(OSError):
            number = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if _unused(number):
                    shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(number)


def _unused(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return time.time() - os.fstat(number).st_mtime > _OLD
    return True


def _copy(source: Path, to: Path) -> None:
    with explained(str(source)), _opened(source) as old, _opened(to) as new:
        old.backup(new)


@contextmanager
def _opened(path: Path, patience: float = 10) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=patience)) as connection:
        connection.isolation_level = None
        yield connection


def _check(copy: Path, *, shown: Path, remedy: str) -> None:
    """DatabaseError where the file is damaged or was never Navtex's."""
    with explained(str(shown)), _opened(copy) as connection:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        astray = connection.execute("PRAGMA foreign_key_check").fetchone()
        ours = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    if found != "ok" or astray:
        raise DatabaseError(
            f"is damaged: {found if found != 'ok' else f'a row of {astray[0]} refers to a missing row'}",
            where=str(shown),
            remedy=remedy,
        )
    if not ours:
        raise DatabaseError("is not a Navtex database", where=str(shown), remedy="Choose another file")


def _modernise(copy: Path, *, shown: Path) -> None:
    """Bring a copy to the schema that this Navtex knows; DatabaseError where it cannot be, or is newer."""
    database = Database(sqlite_address(copy))
    try:
        database.upgrade()
        differences = drift(database)
    except DatabaseError as error:
        raise DatabaseError(error.what, where=str(shown), remedy=error.remedy) from error
    finally:
        database.close()
    if differences:
        what = f"its schema is not Navtex's: {differences[0]}"
        raise DatabaseError(what, where=str(shown), remedy="Restore another backup; nothing was changed")
    _settle(copy)


def _settle(copy: Path) -> None:
    """Make it one file, on the disk."""
    with explained(str(copy)), _opened(copy) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with copy.open("rb") as file:
        os.fsync(file.fileno())


def _close_up(place: Path) -> None:
    """Bring what SQLite keeps beside the file into it; Busy if somebody uses it. A damaged file is left as it is."""
    if not place.exists():
        return
    try:
        with _opened(place, patience=1) as connection:
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            return
        mode = ""
    except sqlite3.DatabaseError:
        return
    if mode != "delete":
        raise Busy("another program uses the database", where=str(place), remedy="Wait for it to end, or stop it")


def _keep(place: Path, at: datetime) -> Path | None:
    """Give the old file, and what is left beside it, a second name."""
    if not place.exists() or not place.stat().st_size:
        return None
    kept = place.with_name(f"{place.name}.before-{at:%Y%m%dT%H%M%S%f}Z")
    for end in _BESIDE:
        with suppress(FileNotFoundError):
            Path(f"{place}{end}").rename(f"{kept}{end}")
    try:
        os.link(place, kept)
    except OSError:  # a file system without hard links
        shutil.copy2(place, kept)
    return kept
