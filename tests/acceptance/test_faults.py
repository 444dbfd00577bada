"""Real faults: each with a clear message, the right exit status, and nothing lost. `make faults` runs all of them.

Those marked `faults` need root (a disk of their own) or Debian's faketime, and are skipped where those are not.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from feeds.mirror.server import Mirror
from feeds.storage.database import HEAD, Database
from feeds.storage.schema import drift
from notifier.storage import outbox
from tests.conftest import DEMO, Program, program, running_postgres
from tests.support.loopback import over_http
from tests.support.samples import DAY, NOW, install, names, publish, record, run, subscribe

pytestmark = pytest.mark.long

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@contextmanager
def small_disk(at: Path, size: str = "8m") -> Iterator[Path]:
    """A disk of its own; skipped, saying so, where none can be mounted."""
    at.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "navtex-test", str(at)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"NOT TESTED: a small disk cannot be mounted here ({done.stderr.strip()})")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """No byte is left on it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for block in (1 << 16, 1 << 12, 1):
            try:
                while file.write(b"x" * block):
                    pass
            except OSError:
                continue
    yield
    filler.unlink()


@pytest.fixture
def mirror() -> Iterator[str]:
    with Mirror(DEMO / "day-1") as opened:
        yield opened.url


def prepared(navtex: Program) -> Path:
    """An inventory, and a subscription that writes into a folder."""
    digests = navtex.home / "digests"
    navtex("inventory", "import", str(DEMO / "inventory.csv"))
    navtex("subscription", "add", "ops", "--to", f"file://{digests}")
    return digests


def children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def alive(executable: Path) -> bool:
    """Whether a process still runs: one that has ended and waits for its parent has no executable."""
    try:
        return bool(executable.readlink())
    except OSError:
        return False


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.faults
def test_a_full_disk_loses_nothing(tmp_path: Path, mirror: str) -> None:
    with small_disk(tmp_path / "disk") as disk:
        navtex = program(
            tmp_path / "home", NAVTEX_MIRROR=mirror, NAVTEX_DATABASE_URL=f"sqlite:///{disk}/data/navtex.db"
        )
        digests = prepared(navtex)
        with filled(disk):
            said = navtex("run", status=1).stderr
            assert "Free some space" in said or "Check whether the disk is full" in said
            assert "Traceback" not in said
            assert not digests.exists()
            assert "full" in navtex("db", "backup", f"{disk}/copy.db", status=1).stderr
            assert [p.name for p in disk.iterdir() if "copy" in p.name] == []
        navtex("run")
        assert len(list(digests.glob("*.html"))) == 1
        navtex("run")
        assert len(list(digests.glob("*.html"))) == 1


@pytest.mark.faults
def test_a_full_disk_of_a_channel_only_puts_its_digest_off(tmp_path: Path, mirror: str) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        navtex = program(tmp_path / "home", NAVTEX_MIRROR=mirror)
        prepared(navtex)
        navtex("subscription", "add", "full", "--to", f"file://{disk}/digests")
        with filled(disk):
            said = navtex("run", status=1).stderr
            assert "No space left on device" in said
        assert len(list((navtex.home / "digests").glob("*.html"))) == 1, "the other one is there"
        (waiting,) = navtex.json("notification", "list", "--state", "pending")["notifications"]
        assert waiting["subscription"] == "full"
        assert "No space left" in waiting["answer"]


@pytest.mark.faults
def test_a_disk_that_becomes_read_only_is_told_and_loses_nothing(tmp_path: Path, mirror: str) -> None:
    with small_disk(tmp_path / "disk") as disk:
        navtex = program(
            tmp_path / "home", NAVTEX_MIRROR=mirror, NAVTEX_DATABASE_URL=f"sqlite:///{disk}/data/navtex.db"
        )
        digests = prepared(navtex)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for arguments in (("run",), ("notify",), ("subscription", "remove", "ops")):
            said = navtex(*arguments, status=1).stderr
            assert "Read-only file system" in said or "readonly" in said
            assert "Check" in said or "Make the file and its folder writable" in said
            assert "Traceback" not in said
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        navtex("run")
        assert len(list(digests.glob("*.html"))) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every file; see the test with a read-only disk")
def test_a_database_that_may_not_be_written_is_told(program_with: Callable[..., Program]) -> None:
    navtex = program_with()
    navtex("subscription", "list")
    file = navtex.home / ".local" / "share" / "navtex" / "navtex.db"
    file.chmod(0o400)
    assert "Check the folder and its permissions" in navtex("subscription", "list", status=1).stderr


@pytest.mark.faults
@pytest.mark.skipif(FAKETIME is None, reason="NOT TESTED: Debian's faketime is not installed, see `make faults`")
def test_a_clock_that_jumps_loses_and_repeats_nothing(tmp_path: Path, mirror: str) -> None:
    navtex = program(tmp_path / "home", NAVTEX_MIRROR=mirror)
    digests = prepared(navtex)
    with over_http() as server:
        for name in ("a", "b"):
            navtex("subscription", "add", name, "--to", server.url.replace("http://", "json://"))
        for jump in ("+400d", "+0d", "+20d", "+1d"):
            navtex("run", LD_PRELOAD=str(FAKETIME), FAKETIME=jump, FAKETIME_DONT_FAKE_MONOTONIC="1")
        assert len(server.bodies) == 2
        assert len(list(digests.glob("*.html"))) == 1
        assert navtex.json("notification", "list", "--state", "pending")["notifications"] == []


@pytest.mark.parametrize("jump", [timedelta(days=-3650), timedelta(days=-1), timedelta(days=20)])
def test_what_was_told_is_not_told_again_when_the_clock_jumps(
    database: Database, tmp_path: Path, jump: timedelta
) -> None:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    subscribe(database, f"file://{tmp_path}/ops")
    assert len(run(database, NOW).digests) == 1
    assert run(database, NOW + jump).digests == []
    # dates that the past clock took for the future are its own now, so a reminder may come early; news does not
    assert not [i for d in run(database, NOW + DAY).digests for i in d.items]
    publish(database, record("CVE-2026-2", below="25.0.6"), at=NOW + DAY)
    (digest,) = run(database, NOW + 2 * DAY).digests
    assert names(digest.items) == ["CVE-2026-2"]


@pytest.mark.parametrize("off", [timedelta(days=-1), timedelta(seconds=-1), timedelta(seconds=1), timedelta(days=365)])
def test_a_host_is_told_of_once_whatever_the_clock_was_when_others_were_told_of(
    database: Database, tmp_path: Path, off: timedelta
) -> None:
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    subscribe(database, f"file://{tmp_path}/ops")
    assert len(run(database, NOW + off).digests) == 1
    assert run(database, NOW + DAY).digests == []
    install(database, NOW + 2 * DAY, lab_2="25.0.5")
    (digest,) = run(database, NOW + 2 * DAY + off).digests
    assert [g.hosts.names for i in digest.items for g in i.groups] == [("lab-2",)]
    assert run(database, NOW + 3 * DAY).digests == []


def test_what_failed_while_the_clock_was_years_ahead_is_tried_when_it_is_right_again(
    database: Database, tmp_path: Path
) -> None:
    ahead = NOW + 3650 * DAY
    install(database, lab_1="25.0.5")
    publish(database, record("CVE-2026-1", below="25.0.6"))
    (tmp_path / "ops").write_text("no folder, for now")
    subscribe(database, f"file://{tmp_path}/ops")
    assert run(database, ahead).failed
    (tmp_path / "ops").unlink()
    assert len(run(database, NOW).delivered) == 1
    with database.connect() as connection:
        assert outbox.pending(connection) == 0


@pytest.mark.parametrize(
    "last", ['database = "sqli', "[dig", "stale_days = ", 'contact = "ops', "stale_days = 30\n[po"]
)
def test_a_half_written_configuration_stops_everything_before_it_begins(
    program_with: Callable[..., Program], tmp_path: Path, last: str
) -> None:
    whole = (
        f'database = "sqlite:///{tmp_path}/the.db"\n[digest]\nstale_days = 30\n[poll]\ncontact = "ops@example.org"\n'
    )
    file = tmp_path / "config.toml"
    file.write_text(whole[: whole.index(last) + len(last)])
    navtex = program_with(NAVTEX_CONFIG=str(file))
    said = navtex("run", status=2).stderr
    assert f"Error: {file}: " in said
    assert "Traceback" not in said
    assert not (tmp_path / "the.db").exists()
    file.write_text(whole)
    navtex("db", "init")


KILLED = """if True:
    import os, signal, sys
    import sqlalchemy as sa
    from feeds.storage.database import Database
    database, left = Database(sys.argv[1]), int(sys.argv[2])
    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def count(connection, cursor, statement, *rest):
        global left
        if statement.split()[0] in ("CREATE", "ALTER", "INSERT", "UPDATE", "DROP"):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    database.upgrade()
"""


@pytest.mark.parametrize("statements", [1, 7, 23])
def test_a_migration_that_is_killed_in_the_middle_never_was_and_the_next_one_completes(
    database: Database, database_url: str, statements: int
) -> None:
    config = database.alembic()
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        connection.execute(
            sa.text(
                "INSERT INTO subscription (id, name, targets, filters, created_at, paused, silent_start)"
                """ VALUES (1, 'ops', '["file:///srv/x"]', '{}', '2026-04-15 12:00:00', false, false)"""
            )
        )
    database.close()
    killed = subprocess.run([sys.executable, "-c", KILLED, database_url, str(statements)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert database.current() == "0001"
    assert database.upgrade() is True
    assert database.current() == HEAD
    assert drift(database) == []
    with database.connect() as connection:
        assert connection.execute(sa.text("SELECT name FROM subscription")).scalars().all() == ["ops"]


@pytest.mark.parametrize("arguments", ["run", "notify", "doctor", "subscription list"])
def test_a_newer_schema_stops_every_command_and_stays_as_it_is(
    program_with: Callable[..., Program], tmp_path: Path, arguments: str
) -> None:
    database = Database(f"sqlite:///{tmp_path}/navtex.db")
    database.upgrade()
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    done = program_with(NAVTEX_DATABASE_URL=f"sqlite:///{tmp_path}/navtex.db")(*arguments.split(), status=1)
    # doctor lists it among its findings
    said = " ".join((done.stdout if arguments == "doctor" else done.stderr).split())
    assert f"its schema (9999) is newer than this version of Navtex supports ({HEAD})" in said
    assert "Upgrade Navtex" in said
    assert database.current() == "9999"
    database.close()


@pytest.mark.parametrize("where", ["closed port", "no such name"])
def test_without_a_network_what_is_known_stays_and_what_is_due_goes_out(
    program_with: Callable[..., Program], mirror: str, where: str
) -> None:
    away = f"http://127.0.0.1:{closed_port()}" if where == "closed port" else "http://navtex.invalid"
    navtex = program_with(NAVTEX_MIRROR=mirror)
    digests = prepared(navtex)
    navtex("poll")
    known = len(navtex.json("advisory", "list")["advisories"])
    said = navtex("run", status=1, NAVTEX_MIRROR=away).stderr
    assert "Traceback" not in said
    assert said.startswith("None of the ")
    assert len(list(digests.glob("*.html"))) == 1, "the welcome was due"
    assert len(navtex.json("advisory", "list")["advisories"]) == known
    navtex("run")
    assert len(list(digests.glob("*.html"))) == 1


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "navtex.invalid"])
def test_a_channel_that_cannot_be_reached_only_puts_its_digest_off(
    program_with: Callable[..., Program], mirror: str, host: str
) -> None:
    navtex = program_with(NAVTEX_MIRROR=mirror)
    digests = prepared(navtex)
    navtex("subscription", "add", "away", "--to", f"json://{host.format(port=closed_port())}/hook")
    said = navtex("run", status=1).stderr
    assert "(away): " in said
    assert "Traceback" not in said
    assert len(list(digests.glob("*.html"))) == 1
    (waiting,) = navtex.json("notification", "list", "--state", "pending")["notifications"]
    assert waiting["subscription"] == "away"


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "navtex.invalid"])
def test_a_database_server_that_cannot_be_reached_is_told(program_with: Callable[..., Program], host: str) -> None:
    address = f"postgresql://navtex:hunter2@{host.format(port=closed_port())}/navtex"
    said = program_with(NAVTEX_DATABASE_URL=address)("run", status=1).stderr
    assert said.startswith("Error: postgresql+psycopg://navtex:****@")
    assert "Check the address" in said
    assert "hunter2" not in said
    assert "Traceback" not in said


def test_postgresql_that_is_killed_and_comes_back_loses_nothing(tmp_path: Path, mirror: str) -> None:
    with running_postgres("killed-") as url:
        address = url.set(database="navtex_template", drivername="postgresql").render_as_string(hide_password=False)
        navtex = program(tmp_path / "home", NAVTEX_MIRROR=mirror, NAVTEX_DATABASE_URL=address)
        digests = prepared(navtex)
        navtex("poll")
        database = Database(address)
        with database.connect() as connection:
            data = Path(connection.execute(sa.text("SHOW data_directory")).scalar_one())
            connection.execute(sa.text("CHECKPOINT"))
        database.close()
        server = int((data / "postmaster.pid").read_text().splitlines()[0])
        start = Path(f"/proc/{server}/cmdline").read_bytes().split(b"\0")[:-1]
        binary = Path(f"/proc/{server}/exe").readlink()
        owner = Path(f"/proc/{server}").stat()
        family = [Path("/proc", pid, "exe") for pid in (str(server), *children(server))]
        os.kill(server, signal.SIGKILL)
        while any(map(alive, family)):
            os.sched_yield()
        said = navtex("run", status=1).stderr
        assert said.startswith("Error: postgresql+psycopg://")
        assert "Traceback" not in said
        assert not digests.exists()
        pg_ctl = binary.with_name("pg_ctl")
        options = shlex.join(a.decode() for a in start[1:])
        again: list[str | Path] = [pg_ctl, "-D", data, "-w", "-l", data / "log-again", "-o", options, "start"]
        as_owner: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "cwd": "/"}
        for _ in range(60):  # until the last of the old server's processes is gone
            if subprocess.run(again, check=False, capture_output=True, **as_owner).returncode == 0:
                break
        navtex("run")
        assert len(list(digests.glob("*.html"))) == 1
        navtex("run")
        assert len(list(digests.glob("*.html"))) == 1
