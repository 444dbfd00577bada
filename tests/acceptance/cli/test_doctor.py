from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from feeds.sources.health import SourceHealth, SourceState
from feeds.storage import tables
from feeds.storage.database import Database
from notifier.config import Config, Log, Metrics
from notifier.domain.runs import Run
from notifier.schemas.doctor import CheckResult
from notifier.services.upkeep import machine_checks
from notifier.services.upkeep.doctor import examine, source_states
from notifier.storage import monitoring
from tests.conftest import Program, World

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def navtex(program_with: Callable[..., Program], world: World) -> Program:
    return program_with(NAVTEX_MIRROR=world.url)


@pytest.fixture
def polled(program_with: Callable[..., Program], world: World) -> Program:
    return program_with(polled=True, NAVTEX_MIRROR=world.url)


def found(navtex: Program, status: int = 1, **variables: str) -> list[dict[str, str]]:
    return list(navtex.having(**variables).json("doctor", status=status)["findings"])


def worst(findings: list[dict[str, str]]) -> list[dict[str, str]]:
    return [f for f in findings if f["level"] == "problem"]


def database_of(navtex: Program) -> Path:
    return navtex.home / ".local" / "share" / "navtex" / "navtex.db"


def test_a_good_installation_has_no_problem_and_every_note_and_problem_has_a_remedy(polled: Program) -> None:
    polled("inventory", "import", stdin="host,product,version\nlab-1,engine,29.5.1\n")
    polled("subscription", "add", "ops", "--to", "json://127.0.0.1:1/", "--silent-start")
    polled("run")
    findings = found(polled, status=0)
    assert not worst(findings)
    assert [f["what"] for f in findings if f["level"] != "ok" and not f["remedy"]] == []
    said = "\n".join(f["what"] for f in findings)
    for looked_at in ("configuration", "permissions", "undamaged", " left", "clock", "navtex run", "sources", "hosts"):
        assert looked_at in said


def test_the_remedy_of_loose_permissions_is_a_command_that_mends_them(navtex: Program) -> None:
    navtex("config", "init")
    file = Path(navtex("config", "path").stdout.strip())
    secret = navtex.home / "token"
    secret.write_text("x")
    file.chmod(0o640)
    database_of(navtex).parent.mkdir(parents=True, exist_ok=True)
    navtex("db", "upgrade")
    database_of(navtex).chmod(0o666)
    database_of(navtex).parent.chmod(0o777)
    secret.chmod(0o604)
    problems = worst(found(navtex, NAVTEX_SLACK_FILE=str(secret)))
    assert {f["what"].removesuffix(" by others") for f in problems} == {
        f"{file} can be read",
        f"{database_of(navtex)} can be written",
        f"{secret} can be read",
        f"others can replace the files in {database_of(navtex).parent}",
    }
    for problem in problems:
        subprocess.run(problem["remedy"].split(), check=True)
    assert not worst(found(navtex, status=0, NAVTEX_SLACK_FILE=str(secret)))


def test_loose_permissions_of_what_is_somebody_elses_are_a_note(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    (folder / "secret").touch(0o644)
    try:
        for path in (folder / "secret", folder):
            os.chown(path, 65534, 65534)
            path.chmod(0o775)
    except PermissionError:
        pytest.skip("only root can give a file away")
    assert [f.level for f in machine_checks.private([folder / "secret", folder / "missing"])] == ["note", "note", "ok"]


def test_a_damaged_database_is_a_problem_and_what_could_be_looked_at_is_still_told(polled: Program) -> None:
    file = database_of(polled)
    pages = file.read_bytes()
    middle = len(pages) // 2 // 4096 * 4096
    file.write_bytes(pages[:middle] + os.urandom(8 * 4096) + pages[middle + 8 * 4096 :])
    findings = found(polled)
    assert [f for f in worst(findings) if "Restore a backup" in f["remedy"]]
    assert [f for f in findings if f["level"] == "ok"]


def test_rows_that_refer_to_nothing_are_found(navtex: Program) -> None:
    navtex("inventory", "import", stdin="host,product,version\nlab-1,engine,29.5.1\n")
    with sqlite3.connect(database_of(navtex)) as connection:
        connection.execute("DELETE FROM tagset")
    connection.close()
    assert "a row of host refers to nothing in tagset" in worst(found(navtex))[0]["what"]


def test_a_schema_that_somebody_changed_is_a_problem(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE last_run ADD COLUMN mood TEXT"))
    (finding,) = machine_checks.database(database)
    assert (finding.level, "mood" in finding.what) == ("problem", True)


@pytest.mark.parametrize(
    ("variables", "status", "said"),
    [
        ({"NAVTEX_DATABASE_URL": "postgresql://navtex:hunter2@127.0.0.1:1/navtex"}, 1, "127.0.0.1"),
        ({"NAVTEX_DATABASE_URL": "sqlite:////proc/nowhere/navtex.db"}, 2, "/proc/nowhere"),
        ({"NAVTEX_DATABASE_URL": "mysql://navtex:hunter2@db/navtex"}, 2, "mysql"),
        ({"NAVTEX_CONFIG": "/nowhere/navtex.toml"}, 2, "/nowhere/navtex.toml"),
    ],
)
def test_what_keeps_the_doctor_from_looking_is_itself_a_finding(
    navtex: Program, variables: dict[str, str], status: int, said: str
) -> None:
    (problem,) = worst(found(navtex, status=status, **variables))
    assert said in problem["what"]
    assert problem["remedy"]
    assert "hunter2" not in str(problem)
    assert said in navtex.having(**variables)("doctor", status=status).stdout.replace("\n        ", "")


def test_what_the_configuration_names_and_does_not_exist_is_found(navtex: Program) -> None:
    file = navtex.home / "navtex.toml"
    file.write_text(
        "ca_bundle = '/nowhere/ca.pem'\ncorrections = '/nowhere/own.toml'\n[sources.docker-blgo]\nenabled = false\n"
        "[metrics]\ntextfile = '/nowhere/navtex.prom'\n",
        encoding="utf-8",
    )
    file.chmod(0o600)
    said = [f["what"] for f in worst(found(navtex, NAVTEX_CONFIG=str(file)))]
    assert said == [
        "/nowhere/ca.pem cannot be read",
        "/nowhere/own.toml cannot be read",
        "there is no source 'docker-blgo'",
        "/nowhere/navtex.prom cannot be written",
    ]


def test_a_source_that_fails_is_a_problem_with_its_reason(polled: Program, world: World) -> None:
    world.put("www.docker.com/blog/feed/index.xml", "<html>maintenance</html>")
    polled("poll", "docker-blog", status=1)
    (problem,) = worst(found(polled))
    assert problem["what"].startswith("the source docker-blog is failing, last read 20")
    assert " UTC: https://www.docker.com/blog/" in problem["what"]


def test_sources_that_fail_alike_are_one_finding_and_none_that_is_healthy_is_not_ok(navtex: Program) -> None:
    config = navtex.home / "impatient.toml"
    config.write_text("[poll]\nhost_seconds = 1\n")  # no time to try again
    nowhere = {"NAVTEX_MIRROR": "http://127.0.0.1:1", "NAVTEX_CONFIG": str(config)}
    told = navtex("run", status=1, **nowhere).stderr.splitlines()
    (outage,) = told
    number = int(outage.split()[3])
    assert outage.startswith(
        f"None of the {number} sources could be reached through the mirror http://127.0.0.1:1 (the c"
    )
    findings = found(navtex)
    failing, healthy = (f for f in worst(findings) if "sources" in f["what"])
    assert failing["what"].startswith(f"{number} sources are failing, never read: docker-announcements, docker-blog")
    assert healthy["what"] == f"none of the {number} sources is healthy"
    assert "navtex source list" in failing["remedy"]
    assert not [f for f in findings if "sources are healthy" in f["what"]]
    (run,) = (f for f in findings if "`navtex run`" in f["what"])
    assert "navtex source list" in run["remedy"]
    assert "the connection was refused" in str(navtex.json("source", "list"))


def state(name: str, state: SourceHealth, success: datetime | None = None) -> SourceState:
    return SourceState(name, state, f"why {name}", last_success=success)


def test_what_ails_one_source_is_told_with_its_reason_and_of_several_the_names() -> None:
    first, later = state("a", SourceHealth.FAILING, AT), state("b", SourceHealth.FAILING, AT + timedelta(days=1))
    never, lacking, good = (
        state("c", SourceHealth.FAILING),
        state("d", SourceHealth.DEGRADED, AT),
        state("e", SourceHealth.HEALTHY, AT),
    )

    def said(asked: int, *states: SourceState) -> list[tuple[str, str]]:
        return [(f.level, f.what) for f in source_states(asked, states)]

    assert said(1, good) == [("ok", "1 of 1 sources are healthy")]
    assert said(3, good, lacking, first) == [
        ("problem", "the source d is degraded, last read 2026-06-01 12:00 UTC: why d"),
        ("problem", "the source a is failing, last read 2026-06-01 12:00 UTC: why a"),
        ("note", "1 of 3 sources are healthy"),
    ]
    assert said(2, first, later) == [
        ("problem", "2 sources are failing, last read 2026-06-01 12:00 UTC or later: a, b"),
        ("problem", "none of the 2 sources is healthy"),
    ]
    assert said(3, first, never)[0] == (
        "problem",
        "2 sources are failing, last read 2026-06-01 12:00 UTC or never: a, c",
    )
    assert said(3, good, good) == [("note", "2 of 3 sources are healthy")]


def test_a_clock_that_is_behind_what_was_done_is_a_problem(database: Database) -> None:
    with database.begin() as connection:
        monitoring.note(connection, Run("run", AT, AT, 1, 0, AT))
    with database.connect() as connection:
        assert [f.level for f in machine_checks.clock(connection, AT)] == ["ok"]
        assert [f.level for f in machine_checks.clock(connection, AT - timedelta(minutes=4))] == ["ok"]
        (finding,) = machine_checks.clock(connection, AT - timedelta(hours=3))
    assert finding.level == "problem"
    assert finding.what.startswith(
        "the clock says 2026-06-01 09:00 UTC, but the newest stored entry is from 2026-06-01 12"
    )


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ("Mon, 01 Jun 2026 11:00:00 GMT", "ok"),
        ("Wed, 01 Apr 2026 11:00:00 GMT", "note"),
        ("Mon, 01 Jun 2026 18:00:00 GMT", "problem"),
        ("yesterday", "ok"),
    ],
)
def test_a_clock_is_compared_with_the_dates_that_servers_gave(database: Database, said: str, level: str) -> None:
    values = {"url": "https://x.example/", "source": "x", "form": "x", "etag": "", "follow": "[]", "reader": "1"}
    with database.begin() as connection:
        table = tables.document
        connection.execute(sa.insert(table).values(**values, last_modified=said, checked_at=AT, read_at=AT))
    with database.connect() as connection:
        assert [f.level for f in machine_checks.clock(connection, AT)] == [level]
        # what was asked for long ago says nothing of today
        assert [f.level for f in machine_checks.clock(connection, AT + timedelta(days=400))] == ["ok"]


def test_nobody_calling_navtex_any_more_is_a_problem(database: Database) -> None:
    with database.connect() as connection:
        assert [f.level for f in machine_checks.runs(connection, AT)] == ["note"]
    with database.begin() as connection:
        monitoring.note(connection, Run("run", AT, AT, 1, 0, AT))
        monitoring.note(connection, Run("poll", AT, AT - timedelta(days=9), 1, 1))
    with database.connect() as connection:
        assert [f.level for f in machine_checks.runs(connection, AT)] == ["note", "ok"]
        late = list(machine_checks.runs(connection, AT + timedelta(days=9)))
    assert late[0].level == "problem"
    assert late[0].what == "the last run ended 9 days ago"


def test_hosts_that_no_import_names_any_more_are_a_problem_and_named(navtex: Program) -> None:
    navtex("inventory", "import", stdin="host,product,version\nlab-1,engine,29.5.1\nlab-2,engine,29.5.1\n")
    database = Database(f"sqlite:///{database_of(navtex)}")
    later = datetime.now(UTC) + timedelta(days=30)
    try:
        findings = list(examine(Config(), navtex.home / "none.toml", database, later))
    finally:
        database.close()
    (stale,) = (f for f in findings if "were last seen more than" in f.what)
    assert stale.level == "problem"
    assert stale.what.startswith("2 hosts")
    assert stale.what.endswith("lab-1, lab-2")


def test_a_full_disk_is_a_problem_before_it_is_full(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small], capture_output=True, check=False
    ).returncode:
        pytest.skip("this user cannot mount a small disk")
    try:
        database = Database(f"sqlite:///{small}/navtex.db")
        config = Config(log=Log(file=f"{small}/navtex.log"), metrics=Metrics(textfile=f"{tmp_path}/navtex.prom"))
        findings = list(machine_checks.room(config, database))
        database.close()
    finally:
        subprocess.run(["umount", small], check=True)
    assert findings[0] == CheckResult.problem(f"{small} has 8 MiB left", "Free some space before it is full")
    assert len(findings) == 2


ASKS = """
import sys
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        sys.stderr.write(f"asked {event} {arguments}\\n")
sys.addaudithook(hook)
from notifier.cli import main
main(["doctor"])
"""


def test_the_doctor_asks_nobody_on_the_network(navtex: Program) -> None:
    navtex("inventory", "import", stdin="host,product,version\nlab-1,engine,29.5.1\n")
    navtex("subscription", "add", "a", "--to", "mailtos://u:p@mail.example.org?from=a@example.org&to=b@example.org")
    navtex("subscription", "add", "b", "--to", "slack://T1234/B1234/Tr0ub4dorTr0ub4dorTr0ub4d")
    done = subprocess.run(
        [sys.executable, "-c", ASKS], capture_output=True, text=True, check=False, env=navtex.environment
    )
    assert "the subscription b goes to https://hooks.slack.com/" in done.stdout
    assert done.stderr == ""
