"""Checks of the machine around an installation: files, database, disk, clock, and whether cron runs it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from feeds.core.errors import ConfigError, DatabaseError, UnknownName
from feeds.core.text import counted
from feeds.storage.database import Connection, Database
from feeds.storage.schema import drift
from notifier.config import Config
from notifier.schemas.doctor import CheckLevel, CheckResult
from notifier.services.installation.crawl_settings import check_sources
from notifier.storage import monitoring

_ROOM = 200 << 20
"""Free bytes below which a disk is reported. A poll needs far less."""
_BEHIND = timedelta(minutes=5)
_OLD_NEWS = timedelta(days=45)
"""The sources together have never published nothing for so long."""
_IDLE = timedelta(days=2)
_SOURCES = "`navtex source list` says which source could not be read, and why"
_DELIVERIES = "`navtex notification list` which delivery failed"
_WHY = {"run": f"{_SOURCES}; {_DELIVERIES}", "poll": _SOURCES, "notify": "`navtex notification list` says what failed"}
"""By command: what to run to see why its status was not 0."""


def configuration(config: Config, file: Path) -> Iterator[CheckResult]:
    """Whether what the configuration names exists."""
    if file.exists():
        yield CheckResult.ok(f"the configuration {file} can be read")
    else:
        yield CheckResult.ok(f"no configuration file ({file}); the defaults are used")
    for setting, named in (("ca_bundle", config.ca_bundle), ("corrections", config.corrections)):
        if named and not os.access(named, os.R_OK):
            yield CheckResult.problem(f"{named} cannot be read", f"Correct `{setting}` in {file}")
    try:
        check_sources(config)
    except (ConfigError, UnknownName) as error:
        yield CheckResult.problem(f"{error.what}", f"Correct it in {file}. {error.remedy}")
    for setting, named in (("log.file", config.log.file), ("metrics.textfile", config.metrics.textfile)):
        folder = Path(named).parent
        if named and not os.access(named if setting == "log.file" and Path(named).exists() else folder, os.W_OK):
            yield CheckResult.problem(
                f"{named} cannot be written", f"Create {folder} and make it writable for this user"
            )


def files(config: Config, config_file: Path, database: Database) -> list[Path]:
    """The files that nobody else should read: they hold, or may hold, addresses with passwords and tokens."""
    found = [config_file]
    if database.sqlite and database.url.database:
        found.append(Path(database.url.database))
    passwords = os.environ.get("PGPASSFILE") or "~/.pgpass"
    if not database.sqlite:
        found.append(Path(passwords).expanduser())
    named = (
        value for name, value in sorted(os.environ.items()) if name.startswith("NAVTEX_") and name.endswith("_FILE")
    )
    return [*found, *(Path(value) for value in named)]


def private(paths: Iterable[Path]) -> Iterator[CheckResult]:
    """Whether other users can read the files, or replace them through their folder.

    What belongs to another user (a mounted secret, a volume) is a note: it may be the only way to have it.
    """
    found = [path for path in paths if path.exists()]
    for path in found:
        mode, level = _mode(path)
        if mode & 0o077:
            who = "written" if mode & 0o022 else "read"
            yield CheckResult(level, f"{path} can be {who} by others", f"chmod 600 {path}")
    for folder in dict.fromkeys(path.parent for path in found):
        mode, level = _mode(folder)
        if mode & 0o022 and not mode & stat.S_ISVTX:
            yield CheckResult(level, f"others can replace the files in {folder}", f"chmod go-w {folder}")
    yield CheckResult.ok(f"checked the permissions of {counted(len(found), 'file')}")


def _mode(path: Path) -> tuple[int, CheckLevel]:
    """The permissions of a file, and how serious loose ones are."""
    said = path.stat()
    return stat.S_IMODE(said.st_mode), CheckLevel.PROBLEM if said.st_uid == os.geteuid() else CheckLevel.NOTE


def database(database: Database) -> Iterator[CheckResult]:
    """Whether the schema is the expected one, and the file undamaged."""
    differences = drift(database)
    for difference in differences[:5]:
        yield CheckResult.problem(f"the schema of {database.shown} differs: {difference}", "Restore a backup")
    with database.connect() as connection:
        damage = monitoring.damage(connection)
        size = monitoring.size(connection)
    for what in damage:
        yield CheckResult.problem(f"the database {database.shown} is damaged: {what}", "Restore a backup")
    if not (differences or damage):
        yield CheckResult.ok(f"the database {database.shown} is at {database.current()}, undamaged, {_bytes(size)}")


def room(config: Config, database: Database) -> Iterator[CheckResult]:
    """Whether there is room where the database, the log and the metrics are written."""
    named = [config.log.file, config.metrics.textfile, database.url.database if database.sqlite else ""]
    seen: set[int] = set()
    for folder in dict.fromkeys(Path(n).resolve().parent for n in named if n):
        if not folder.is_dir() or folder.stat().st_dev in seen:
            continue
        seen.add(folder.stat().st_dev)
        free = shutil.disk_usage(folder).free
        if free < _ROOM:
            yield CheckResult.problem(f"{folder} has {_bytes(free)} left", "Free some space before it is full")
        else:
            yield CheckResult.ok(f"{folder} has {_bytes(free)} left")


def clock(connection: Connection, now: datetime) -> Iterator[CheckResult]:
    """Whether the clock is behind stored data, or so far ahead that every source would seem silent."""
    newest = monitoring.newest(connection)
    if newest is not None and newest > now + _BEHIND:
        what = (
            f"the clock says {now:%Y-%m-%d %H:%M} UTC, but the newest stored entry is from {newest:%Y-%m-%d %H:%M} UTC"
        )
        remedy = "Set the clock. If it was ahead before, deliveries wait until it has caught up"
        yield CheckResult.problem(what, remedy)
        return
    said = monitoring.last_modified(connection, since=now - _IDLE)
    if said is not None and now - said > _OLD_NEWS:
        what = f"the newest document of any source is from {said:%Y-%m-%d}, {(now - said).days} days ago"
        yield CheckResult.note(what, "Either the mirror is old, or this machine's clock is ahead")
    elif said is not None and said > now + _BEHIND:
        what = f"the clock says {now:%Y-%m-%d %H:%M} UTC, but a source's document is from {said:%Y-%m-%d %H:%M} UTC"
        yield CheckResult.problem(what, "Set the clock")
    else:
        yield CheckResult.ok(f"the clock says {now:%Y-%m-%d %H:%M} UTC, which agrees with the stored data")


def runs(connection: Connection, now: datetime) -> Iterator[CheckResult]:
    """Whether Navtex is run regularly, and how its last runs ended."""
    known = {run.command: run for run in monitoring.runs(connection)}
    unattended = [run for name, run in known.items() if name in ("run", "poll")]
    if not unattended:
        yield CheckResult.note("no `navtex run` has finished yet", "See `navtex help run-from-cron`")
        return
    last = max(unattended, key=lambda run: run.ended_at)
    if now - last.ended_at > _IDLE:
        what = f"the last run ended {(now - last.ended_at).days} days ago"
        yield CheckResult.problem(what, "Check that cron or the timer is active: `navtex help run-from-cron`")
    for run in known.values():
        how = f"the last `navtex {run.command}` ended at {run.ended_at:%Y-%m-%d %H:%M} UTC with status {run.status}"
        if run.status == 0:
            yield CheckResult.ok(f"{how}, after {run.seconds:.0f} seconds")
        else:
            good = f"last success at {run.succeeded_at:%Y-%m-%d %H:%M} UTC" if run.succeeded_at else "no success yet"
            yield CheckResult.note(f"{how}; {good}", _WHY.get(run.command, f"`navtex {run.command}` says why"))


def unusable(error: ConfigError | DatabaseError) -> CheckResult:
    """The finding for the error that kept the rest from being checked."""
    where = f"{error.where}: " if error.where else ""
    return CheckResult.problem(f"{where}{error.what}", error.remedy)


def _bytes(number: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
