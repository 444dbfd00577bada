"""A backup of a database in use, and what a restore takes, refuses and keeps."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from feeds.core.errors import Busy, DatabaseError, UsageProblem
from feeds.storage import tables
from feeds.storage.backup import back_up, restore
from feeds.storage.database import HEAD, Database
from tests.conftest import Program
from tests.integration.feeds.storage.test_database import another_run
from tests.support.samples import NOW


def put(database: Database, *hosts: str) -> None:
    with database.begin() as connection:
        connection.execute(sa.insert(tables.waiting), [{"host": h, "until": NOW} for h in hosts])


def waiting(file: Path | Database) -> list[str]:
    database = file if isinstance(file, Database) else Database(f"sqlite:///{file}")
    with database.connect() as connection:
        found = list(connection.execute(sa.select(tables.waiting.c.host).order_by("host")).scalars())
    database.close()
    return found


def sound(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


@pytest.fixture
def backup(sqlite_database: Database, tmp_path: Path) -> Path:
    put(sqlite_database, "kept.example")
    back_up(sqlite_database, tmp_path / "backup.db")
    return tmp_path / "backup.db"


def test_a_backup_is_one_file_of_one_moment_while_others_write(sqlite_database: Database, tmp_path: Path) -> None:
    begun, ended = threading.Event(), threading.Event()

    def write() -> None:
        for number in range(100_000):
            if ended.is_set():
                return
            put(sqlite_database, f"{number:06}.a.example", f"{number:06}.b.example")
            if number == 20:
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(60)
        back_up(sqlite_database, tmp_path / "backup.db")
    finally:
        ended.set()
        writer.join()
    assert [p.name for p in tmp_path.iterdir() if "backup" in p.name] == ["backup.db"]
    assert sound(tmp_path / "backup.db")
    found = waiting(tmp_path / "backup.db")
    assert len(found) >= 42
    assert len(found) % 2 == 0, "a transaction is in it whole or not at all"
    assert found == waiting(sqlite_database)[: len(found)]


def test_only_its_user_can_read_a_backup(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_backup_is_written_over_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("something else")
    with pytest.raises(UsageProblem, match="the file exists"):
        back_up(sqlite_database, tmp_path / "there")
    assert (tmp_path / "there").read_text() == "something else"


def test_a_damaged_database_gives_no_backup(sqlite_database: Database, tmp_path: Path) -> None:
    sqlite_database.close()
    damage(tmp_path / "navtex.db")
    with pytest.raises(DatabaseError, match=r"damaged|malformed"):
        back_up(sqlite_database, tmp_path / "backup.db")
    assert not [p for p in tmp_path.iterdir() if "backup" in p.name]


def damage(file: Path) -> None:
    """Overwrite the middle of every page but the first."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(file.read_bytes())
    for page in range(size, len(content), size):
        content[page : page + 64] = b"\xff" * 64
    file.write_bytes(content)


def test_a_restore_brings_back_what_was_and_keeps_what_is(
    sqlite_database: Database, backup: Path, tmp_path: Path
) -> None:
    put(sqlite_database, "later.example")
    with sqlite_database.begin() as connection:
        connection.execute(sa.delete(tables.waiting).where(tables.waiting.c.host == "kept.example"))
    before = backup.read_bytes()
    kept = restore(sqlite_database, backup, NOW)
    assert waiting(sqlite_database) == ["kept.example"]
    assert kept is not None
    assert waiting(kept) == ["later.example"]
    assert backup.read_bytes() == before
    for file in (tmp_path / "navtex.db", kept):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    put(sqlite_database, "new.example")
    assert waiting(kept) == ["later.example"], "the two are apart"
    assert sound(tmp_path / "navtex.db")


def test_two_restores_keep_two_files(sqlite_database: Database, backup: Path) -> None:
    kept = {restore(sqlite_database, backup, NOW + timedelta(seconds=n)) for n in range(2)}
    assert len(kept) == 2
    assert all(k and k.is_file() for k in kept)


def test_a_damaged_database_is_replaced_and_kept(sqlite_database: Database, backup: Path, tmp_path: Path) -> None:
    sqlite_database.close()
    (tmp_path / "navtex.db").write_bytes(b"no database at all, but perhaps somebody can still read it" * 100)
    (tmp_path / "navtex.db-wal").write_bytes(b"neither is this")
    kept = restore(sqlite_database, backup, NOW)
    assert kept is not None
    assert kept.read_bytes().startswith(b"no database")
    assert waiting(sqlite_database) == ["kept.example"]


def test_where_there_was_no_database_nothing_is_kept(backup: Path, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'elsewhere' / 'navtex.db'}")
    assert restore(database, backup, NOW) is None
    assert waiting(database) == ["kept.example"]


def test_a_backup_of_an_older_navtex_is_brought_up_to_date(sqlite_database: Database, tmp_path: Path) -> None:
    put(sqlite_database, "kept.example")
    config = sqlite_database.alembic()
    with sqlite_database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    back_up(sqlite_database, tmp_path / "old.db")
    sqlite_database.upgrade()
    restore(sqlite_database, tmp_path / "old.db", NOW)
    assert sqlite_database.current() == HEAD
    assert waiting(sqlite_database) == ["kept.example"]


def newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def changed(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("ALTER TABLE item DROP COLUMN gone_at")


def foreign(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE something (else_ TEXT)")


def orphaned(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO alias VALUES ('CVE-2026-1', 77)")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-8192])


def text(file: Path) -> None:
    file.write_text("a page that says 404\n" * 100)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (newer, rf"schema \(9999\) is newer.*\({HEAD}\)"),
        (changed, "its schema is not Navtex's: .*gone_at"),
        (foreign, "is not a Navtex database"),
        (orphaned, "a row of alias refers to a missing row"),
        (damage, "damaged|malformed"),
        (cut, "damaged|malformed"),
        (text, "not a database"),
        (Path.unlink, "no such file"),
    ],
)
def test_what_is_no_sound_backup_changes_nothing(
    sqlite_database: Database, backup: Path, tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    put(sqlite_database, "later.example")
    spoil(backup)
    files = {p.name for p in tmp_path.iterdir()} - {"navtex.db-wal", "navtex.db-shm"}
    with pytest.raises((DatabaseError, UsageProblem), match=told) as caught:
        restore(sqlite_database, backup, NOW)
    assert str(backup) in str(caught.value)
    assert waiting(sqlite_database) == ["kept.example", "later.example"]
    left = {p.name for p in tmp_path.iterdir()} - {"navtex.db-wal", "navtex.db-shm", "navtex.db.lock"}
    assert left == files - {"navtex.db.lock"}


def test_while_a_run_is_at_work_nothing_is_restored(sqlite_database: Database, backup: Path) -> None:
    put(sqlite_database, "later.example")
    with another_run(sqlite_database.url.render_as_string(hide_password=False)), pytest.raises(Busy):
        restore(sqlite_database, backup, NOW)
    assert waiting(sqlite_database) == ["kept.example", "later.example"]


def test_while_another_program_has_the_file_open_nothing_is_restored(
    sqlite_database: Database, backup: Path, tmp_path: Path
) -> None:
    script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute('BEGIN IMMEDIATE')\n"
    script += "c.execute('DELETE FROM waiting')\nprint('writing', flush=True)\nsys.stdin.read()\nc.execute('ROLLBACK')"
    arguments = [sys.executable, "-c", script, str(tmp_path / "navtex.db")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"writing\n"
        with pytest.raises(Busy, match="another program uses the database"):
            restore(sqlite_database, backup, NOW)
        assert other.stdin is not None
        other.stdin.close()
    assert waiting(sqlite_database) == ["kept.example"]


def test_the_commands_back_up_and_restore(program_with: Callable[..., Program]) -> None:
    program = program_with()
    program("subscription", "add", "ops", "--to", "file:///srv/ops")
    assert "was backed up to monday.db" in program("db", "backup", "monday.db").stderr
    program("subscription", "remove", "ops")
    said = program("db", "restore", "monday.db").stderr
    assert " from monday.db; the old database is kept as " in said
    assert [s["name"] for s in program.json("subscription", "list")["subscriptions"]] == ["ops"]
    assert "the file exists" in program("db", "backup", "monday.db", status=2).stderr
    assert "no such file" in program("db", "restore", "tuesday.db", status=2).stderr
    (program.home / "tuesday.db").write_text("nothing of the kind, and long enough to be looked at\n" * 20)
    assert "not a database" in program("db", "restore", "tuesday.db", status=1).stderr
    mode = {stat.S_IMODE(p.stat().st_mode) for p in (program.home / "monday.db",)}
    assert mode == {0o600}


def test_postgresql_has_its_own_programs_and_its_password_is_not_shown(program_with: Callable[..., Program]) -> None:
    program = program_with(NAVTEX_DATABASE_URL="postgresql://navtex:hunter2@db.example.org:5433/navtex")
    for action, tool in (("backup", "pg_dump"), ("restore", "pg_restore")):
        said = program("db", action, "my file.dump", status=2).stderr
        assert f"Run: {tool} " in said
        assert "'my file.dump'" in said
        assert "postgresql://navtex@db.example.org:5433/navtex" in said
        assert "hunter2" not in said


def test_the_command_for_postgresql_holds_no_secret_parameter(tmp_path: Path) -> None:
    database = Database("postgresql://navtex@db.example.org/navtex?password=hunter2&sslmode=require")
    with pytest.raises(UsageProblem, match="sslmode=require") as caught:
        back_up(database, tmp_path / "backup.db")
    assert "hunter2" not in str(caught.value)


def test_a_killed_backup_leaves_nothing_for_ever(sqlite_database: Database, tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys\nfrom feeds.storage import backup\n"
        "with backup._new_file(pathlib.Path(sys.argv[1])) as copy:\n"
        "    copy.write_bytes(b'half')\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    place = tmp_path / "backups" / "sunday.db"
    place.parent.mkdir()
    killed = subprocess.run([sys.executable, "-c", script, str(place)], check=False)
    assert killed.returncode == -9
    assert len(list(place.parent.iterdir())) == 1
    back_up(sqlite_database, place.with_name("monday.db"))
    assert [p.name for p in place.parent.iterdir()] == ["monday.db"]


def test_a_backup_that_is_at_work_is_not_swept(sqlite_database: Database, tmp_path: Path) -> None:
    script = (
        "import pathlib, sys\nfrom feeds.storage import backup\n"
        "with backup._new_file(pathlib.Path(sys.argv[1])) as copy:\n"
        "    print('made', flush=True)\n    sys.stdin.read()\n    print(copy.exists())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "sunday.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "made\n"
        back_up(sqlite_database, tmp_path / "monday.db")
        assert other.communicate()[0] == "True\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(sqlite_database: Database, tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)
    with pytest.raises(DatabaseError, match="no file can be created there"):
        back_up(sqlite_database, tmp_path / "shut" / "backup.db")


def test_a_folder_that_does_not_exist_is_told(sqlite_database: Database, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="nowhere: no such folder"):
        back_up(sqlite_database, tmp_path / "nowhere" / "backup.db")
