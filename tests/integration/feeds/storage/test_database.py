"""The database on both kinds: addresses, errors, transactions, times, and the run lock."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from feeds.core.errors import Busy, ConfigError, DatabaseError
from feeds.storage import tables
from feeds.storage.database import HEAD, Database, UtcDateTime
from tests.conftest import ROOT

AT = datetime(2026, 4, 15, 12, 0, 0, 123456, tzinfo=UTC)

HOLDER = """if True:
    import sys
    from feeds.storage.database import HEAD, Database, UtcDateTime
    with Database(sys.argv[1]).lock():
        print("held", flush=True)
        sys.stdin.read()
"""


@contextmanager
def another_run(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the run lock until its standard input is closed."""
    command = [sys.executable, "-c", HOLDER, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process


def test_while_another_process_runs_the_lock_is_busy(database: Database, database_url: str) -> None:
    with another_run(database_url):
        with (
            pytest.raises(Busy, match=r"another Navtex run is at work\. Wait for it to end") as caught,
            database.lock(),
        ):
            pass
        assert database.shown in str(caught.value)
        assert database.current(), "reading needs no lock"
    with database.lock():
        pass


def test_a_run_that_was_killed_leaves_no_lock(database: Database, database_url: str) -> None:
    with another_run(database_url) as process:
        process.kill()
    if not database.sqlite:
        with database.begin() as connection:  # waits until the server has seen the end of the other one
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": 0x4E61767465})
    with database.lock():
        pass


@pytest.mark.both
def test_processes_keep_out_of_each_other_s_stages_only(database: Database, database_url: str) -> None:
    other = Database(database_url)
    with database.stage("poll"), other.stage("match"):
        if not database.sqlite:  # there, the run lock keeps commands apart
            with pytest.raises(Busy, match="another process is at work at the stage 'poll'"), other.stage("poll"):
                pass
        with other.lock():
            pass
    with other.stage("poll"):
        pass
    other.close()


def test_the_lock_is_given_back_after_an_error(database: Database) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), database.lock():
            raise KeyError


def test_a_server_that_goes_away_during_a_run_is_told(postgres: sa.URL, tmp_path: Path) -> None:
    database = Database(postgres.render_as_string(hide_password=False))
    ending = sa.text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    with pytest.raises(DatabaseError), database.lock(), database.begin() as connection:
        connection.execute(ending)
    database.close()


def test_only_its_user_can_read_the_file(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new' / 'folder' / 'navtex.db'}")
    database.upgrade()
    with database.begin() as connection:
        connection.execute(sa.insert(tables.waiting), {"host": "a.example", "until": AT})
        files = sorted((tmp_path / "new" / "folder").iterdir())
        assert [f.name for f in files] == ["navtex.db", "navtex.db-shm", "navtex.db-wal"]
        assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "new" / "folder").stat().st_mode) == 0o700
    database.close()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_folders_files_and_locks_are_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        database = Database(f"sqlite:///{tmp_path / 'new' / 'folder' / 'navtex.db'}")
        with database.lock():
            database.upgrade()
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").rglob("*")}
        database.close()
    finally:
        os.umask(old)
    assert modes.pop("folder") == 0o700
    assert modes.keys() >= {"navtex.db", "navtex.db.lock"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["a?b.db", "a#b.db", "a?.db", "?", "100%.db", "a&b=c.db", "ä b.db", "a%3Fb.db"])
def test_a_path_with_special_characters_opens_the_file_that_is_named(tmp_path: Path, name: str) -> None:
    database = Database(f"sqlite:///{tmp_path / name}")
    database.upgrade()
    database.close()
    again = Database(database.url.render_as_string())
    assert again.current() == HEAD
    again.close()
    assert [p.name for p in tmp_path.iterdir() if p.suffix not in ("-wal", "-shm")] == [name.replace("%3F", "?")]


@pytest.mark.parametrize("name", ["navtex.db?mode=ro", "a?timeout=5&b=c", "a?b?c=d", "a%00b.db"])
def test_a_path_with_parameters_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"with parameters is not supported.*%3F"):
        Database(f"sqlite:///{tmp_path / name}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["password", "sslpassword", "oauth_client_secret", "pass%77ord"])
def test_secrets_among_the_parameters_are_not_shown(name: str) -> None:
    database = Database(f"postgresql://navtex@127.0.0.1:9/navtex?sslmode=prefer&{name}=hunter2")
    assert "hunter2" not in database.shown
    assert "sslmode=prefer" in database.shown
    with pytest.raises(DatabaseError) as caught:
        database.current()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_password_is_not_shown(scheme: str) -> None:
    database = Database(f"{scheme}://navtex:hunter2@127.0.0.1:9/navtex")
    assert database.shown == "postgresql+psycopg://navtex:***@127.0.0.1:9/navtex"
    with pytest.raises(DatabaseError, match=r"navtex:\*\*\*@.*refused.*that the server runs") as caught:
        database.current()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "is not valid. Write sqlite:///PATH or postgresql://USER@HOST/NAME"),
        ("/var/lib/navtex.db", "is not valid. Write sqlite:///PATH"),
        ("postgresql://navtex:hunter2@db.example.org:port/x", "is not valid. Write sqlite:///PATH"),
        ("mysql://navtex:hunter2@db.example.org/x", "mysql databases are not supported. Use SQLite or PostgreSQL"),
        ("postgresql+asyncpg://db.example.org/x", r"needs its driver. In the checkout, run pip install '.\[p"),
        ("postgresql+nonsense://db.example.org/x", r"needs its driver. In the checkout, run pip install '.\[p"),
        ("sqlite+nonsense:///x.db", "not supported. Write sqlite:///PATH"),
        ("sqlite+aiosqlite:///x.db", "not supported. Write sqlite:///PATH"),
        ("sqlite://x.db", "not supported. Write sqlite:///PATH"),
        *((it, "names no file. Write sqlite:///PATH") for it in ("sqlite://", "sqlite:///", "sqlite:///:memory:")),
    ],
)
def test_an_address_that_cannot_be_used_is_a_configuration_error_with_a_remedy(url: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        Database(url)
    assert "hunter2" not in str(caught.value)
    assert not Path("x.db").exists()


def test_a_file_that_cannot_be_made_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "navtex.db", tmp_path):
        with pytest.raises(DatabaseError, match=r"cannot be opened: .* Check the folder and its permissions") as caught:
            Database(f"sqlite:///{path}")
        assert str(path) in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="no folder is closed to root")
def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DatabaseError, match=r"cannot be opened: Permission denied\. Check the folder"):
        Database(f"sqlite:///{tmp_path / 'navtex.db'}")


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and quite a lot of them. " * 50)
    before = path.read_text()
    database = Database(f"sqlite:///{path}")
    with pytest.raises(DatabaseError, match=r"file is not a database\. Name another file"):
        database.upgrade()
    assert path.read_text() == before
    database.close()


def test_a_database_that_is_not_there_is_told(postgres: sa.URL) -> None:
    database = Database(postgres.set(database="navtex_nowhere").render_as_string(hide_password=False))
    with pytest.raises(DatabaseError, match=r'"navtex_nowhere" does not exist\. Create the database'):
        database.upgrade()
    database.close()


@pytest.mark.parametrize(
    "at",
    [AT, AT.astimezone(timezone(timedelta(hours=-7))), AT.astimezone(ZoneInfo("Asia/Kathmandu"))],
    ids=["utc", "-07:00", "+05:45"],
)
def test_a_moment_comes_back_in_utc(database: Database, at: datetime) -> None:
    with database.begin() as connection:
        connection.execute(sa.insert(tables.waiting), {"host": "a.example", "until": at})
        [(host, until)] = connection.execute(sa.select(tables.waiting))
        found = connection.execute(sa.select(tables.waiting).where(tables.waiting.c.until <= at)).all()
    assert (host, until, until.tzinfo) == ("a.example", AT, UTC)
    assert found


def test_a_moment_comes_back_in_utc_whatever_the_servers_zone(postgres: sa.URL) -> None:
    url = postgres.update_query_dict({"options": "-c timezone=Asia/Kathmandu"})
    database = Database(url.render_as_string(hide_password=False))
    with database.connect() as connection:
        assert connection.execute(sa.text("SHOW timezone")).scalar_one() == "Asia/Kathmandu"
        found = connection.execute(sa.select(sa.cast(sa.literal(AT, UtcDateTime), UtcDateTime))).scalar_one()
    assert (found, found.tzinfo) == (AT, UTC)
    database.close()


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.StatementError, match="has no time zone"), database.begin() as connection:
        connection.execute(sa.insert(tables.waiting), {"host": "a.example", "until": AT.replace(tzinfo=None)})


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    def waiting() -> list[str]:
        with database.connect() as connection:
            return list(connection.execute(sa.select(tables.waiting.c.host)).scalars())

    with pytest.raises(sa.exc.IntegrityError), database.begin() as connection:
        connection.execute(sa.insert(tables.waiting), [{"host": "a.example", "until": AT}] * 2)
    assert waiting() == []
    with database.begin() as connection:
        connection.execute(sa.insert(tables.waiting), {"host": "b.example", "until": AT})
        assert waiting() == []
    assert waiting() == ["b.example"]


def test_a_reader_sees_one_state_however_long_it_reads(database: Database) -> None:
    statement = sa.select(sa.func.count()).select_from(tables.waiting)
    with database.connect() as reader:
        before = reader.execute(statement).scalar_one()
        with database.begin() as writer:
            writer.execute(sa.insert(tables.waiting), {"host": "a.example", "until": AT})
        assert reader.execute(statement).scalar_one() == before
    with database.connect() as reader:
        assert reader.execute(statement).scalar_one() == before + 1


def test_the_folder_of_migrations_is_no_package_that_hides_the_library() -> None:
    assert (ROOT / "alembic" / "env.py").is_file()
    assert not (ROOT / "alembic" / "__init__.py").exists()
