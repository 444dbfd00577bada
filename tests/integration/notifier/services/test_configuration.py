"""`config show`: what is in force, where it comes from, and no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feeds.core.errors import ConfigError, NavtexError
from notifier.services.installation.configuration import effective, write_example
from tests.conftest import Program

FILE = """
database = "postgresql://navtex:pl4nted@db.example.org/navtex?sslpassword=pl4nted"
mirror = "https://mirror.example.org/x?token=pl4nted"
[poll]
host_seconds = 30
[operator]
to = ["mailtos://me:pl4nted@mail.example.org?to=ops@example.org", "slack://T0/B0/pl4nted"]
[log]
level = "info"
[sources.docker-blog]
enabled = false
[sources.moby-advisories.urls]
api = "https://ghe.example.org/advisories?access_token=pl4nted"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    return path


def shown(environment: dict[str, str]) -> dict[str, tuple[Any, str, str | None]]:
    return {s.name: (s.value, s.origin.value, s.variable) for s in effective(environment).settings}


def test_each_value_says_where_it_comes_from(file: Path) -> None:
    found = shown({"NAVTEX_CONFIG": str(file), "NAVTEX_MIRROR": "/srv/mirror", "NAVTEX_LOG_LEVEL": "debug"})
    assert found["mirror"] == ("/srv/mirror", "environment", "NAVTEX_MIRROR")
    assert found["log.level"] == ("debug", "environment", "NAVTEX_LOG_LEVEL")
    assert found["log.format"] == ("text", "default", None)
    assert found["poll.host_seconds"] == (30.0, "file", None)
    assert found["poll.poll_seconds"] == (120.0, "default", None)
    assert found["sources.docker-blog.enabled"] == (False, "file", None)
    assert found["retention.days"][1:] == ("default", None)


def test_a_database_from_a_file_of_the_environment_is_named(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("postgresql://navtex:pl4nted@db/x\n")
    found = shown({"NAVTEX_CONFIG": str(file), "NAVTEX_DATABASE_URL_FILE": str(secret)})
    assert found["database"] == ("postgresql://navtex:****@db/x", "environment", "NAVTEX_DATABASE_URL_FILE")


@pytest.mark.parametrize("form", ["table", "json"])
def test_no_secret_is_shown(program_with: Callable[..., Program], file: Path, form: str) -> None:
    printed = program_with(NAVTEX_CONFIG=str(file))("config", "show", "--format", form).stdout
    assert "pl4nted" not in printed
    assert "".join(printed.split()).count("****") >= 4


@pytest.mark.parametrize("name", ["password", "sslpassword", "PASSWORD", "pass%77ord"])
def test_no_secret_parameter_of_a_database_is_shown(program_with: Callable[..., Program], name: str) -> None:
    navtex = program_with(
        NAVTEX_DATABASE_URL=f"postgresql://navtex@127.0.0.1:1/navtex?{name}=pl4nted&connect_timeout=2"
    )
    for command, status in (("config show", 0), ("doctor", 1), ("doctor --format json", 1), ("host", 2)):
        done = navtex(*command.split(), status=status)
        assert "pl4nted" not in done.stdout + done.stderr
    done = navtex("db", "current", status=1)
    assert "pl4nted" not in done.stderr
    assert "navtex@127.0.0.1:1/navtex" in done.stderr


def test_the_command_prints_the_services_value(program_with: Callable[..., Program], file: Path) -> None:
    navtex = program_with(NAVTEX_CONFIG=str(file), NAVTEX_MIRROR="/srv/mirror")
    environment = {"NAVTEX_CONFIG": str(file), "NAVTEX_DATABASE_URL": "", "NAVTEX_MIRROR": "/srv/mirror"}
    value = json.loads(msgspec.json.encode(effective(environment)))
    printed = navtex.json("config", "show")
    assert [s for s in printed["settings"] if s["name"] not in ("database", "templates")] == [
        s for s in value["settings"] if s["name"] not in ("database", "templates")
    ]
    assert (printed["file"], printed["exists"]) == (str(file), True)


def test_without_a_file_everything_is_a_default(tmp_path: Path, program_with: Callable[..., Program]) -> None:
    printed = program_with(NAVTEX_MIRROR="").json("config", "show")
    assert printed["exists"] is False
    assert {s["origin"] for s in printed["settings"]} == {"default"}


def test_a_wrong_setting_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[poll]\nhost_second = 3\n")
    with pytest.raises(ConfigError, match="host_second"):
        effective({"NAVTEX_CONFIG": str(tmp_path / "c.toml")})


def test_the_example_is_private_and_replaces_nothing_unasked(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    write_example(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(NavtexError, match="--force"):
        write_example(path)
    path.write_text("x = 1")
    write_example(path, force=True)
    assert "x = 1" not in path.read_text()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        write_example(tmp_path / "file" / "config.toml")
