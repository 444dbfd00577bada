"""A database that the configuration names and that does not exist: who creates it, and who says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from feeds.mirror.server import Mirror
from tests.conftest import Program

HOSTS = "host,product,version\nweb-1,engine,29.5.0\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "navtex.db"


@pytest.fixture
def navtex(program_with: Callable[..., Program], path: Path, tmp_path: Path) -> Iterator[Program]:
    """Navtex with a database that does not exist, and sources of which there is no document."""
    (tmp_path / "nothing").mkdir()
    with Mirror(tmp_path / "nothing") as mirror:
        yield program_with(NAVTEX_DATABASE_URL=f"sqlite:///{path}", NAVTEX_MIRROR=mirror.url)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("notify",),
        ("notify", "--dry-run"),
        ("exposure", "--fail-on", "low"),
        ("plan",),
        ("check", "engine", "25.0.5"),
        ("explain", "web-1", "CVE-2024-41110"),
        ("advisory", "list"),
        ("inventory", "list"),
        ("inventory", "show", "web-1"),
        ("inventory", "remove", "web-1"),
        ("inventory", "packages"),
        ("source", "list"),
        ("subscription", "list"),
        ("subscription", "remove", "ops"),
        ("notification", "list"),
        ("silence", "list"),
        ("metrics",),
        ("db", "current"),
        ("db", "check"),
        ("db", "backup", "copy.db"),
    ],
    ids=" ".join,
)
def test_what_needs_data_says_that_there_is_no_database_and_creates_none(
    navtex: Program, path: Path, arguments: tuple[str, ...]
) -> None:
    done = navtex(*arguments, status=2)
    said = " ".join(done.stderr.split())
    assert f"database sqlite:///{path} does not exist; `navtex db init` creates it" in said
    assert not path.parent.exists()


@pytest.mark.parametrize("arguments", [("current",), ("check",), ("backup", "copy.db")], ids=" ".join)
def test_what_changes_nothing_creates_no_database_in_the_data_folder_either(
    program_with: Callable[..., Program], arguments: tuple[str, ...]
) -> None:
    navtex = program_with(empty=True)
    assert "does not exist; `navtex db init` creates it" in " ".join(navtex("db", *arguments, status=2).stderr.split())
    assert not list(navtex.home.iterdir())


def test_an_empty_database_is_called_empty(program_with: Callable[..., Program]) -> None:
    navtex = program_with(empty=True, NAVTEX_DATABASE_URL="sqlite:///new.db")
    (navtex.home / "new.db").touch()
    said = navtex("db", "check", status=1).stderr
    assert said == "sqlite:///new.db is empty; `navtex db upgrade` creates the schema\n"


def test_doctor_reports_the_missing_database(navtex: Program, path: Path) -> None:
    findings = navtex.json("doctor", status=2)["findings"]
    assert any("does not exist; `navtex db init` creates it" in f["what"] for f in findings)
    assert not path.parent.exists()


def test_a_path_in_the_configuration_is_no_other_than_one_in_the_environment(
    program_with: Callable[..., Program], path: Path
) -> None:
    navtex = program_with()
    config = navtex.home / "config.toml"
    config.write_text(f'database = "sqlite:///{path}"\n', encoding="utf-8")
    assert "does not exist" in navtex("run", status=2, NAVTEX_CONFIG=str(config)).stderr
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("db", "init"), 0),
        (("db", "upgrade"), 0),
        (("inventory", "import"), 0),
        (("inventory", "add", "web-1", "engine", "29.5.0"), 0),
        (("inventory", "collect", "--local"), 1),
        (("subscription", "add", "ops", "--to", "file:///tmp/x"), 0),
        (("poll", "moby-advisories"), 1),
        (("run", "--create"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_brings_data_creates_it(navtex: Program, path: Path, arguments: tuple[str, ...], status: int) -> None:
    navtex(*arguments, stdin=HOSTS, status=status, DOCKER_HOST="unix:///none.sock")
    assert path.stat().st_mode & 0o777 == 0o600
    navtex("inventory", "list")


def test_init_says_whether_it_was_there(navtex: Program, path: Path) -> None:
    assert navtex("db", "init").stderr == f"sqlite:///{path} was created\n"
    assert navtex("db", "init").stderr == f"sqlite:///{path} already exists\n"


def test_the_database_in_the_users_data_folder_is_created_on_first_use(program_with: Callable[..., Program]) -> None:
    navtex = program_with()
    assert navtex.json("inventory", "list") == {"hosts": []}
    assert (navtex.home / ".local/share/navtex/navtex.db").exists()
