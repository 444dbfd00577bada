from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from feeds.storage.database import Database
from notifier.cli import COMMANDS, cli
from tests.conftest import Mailbox, Program, World, program
from tests.support.loopback import Answer, over_http

CSV = "host,product,version\nlab-1,engine,29.5.0\nlab-2,engine,29.5.3\n"


@pytest.fixture
def navtex(program_with: Callable[..., Program], world: World) -> Program:
    return program_with(NAVTEX_MIRROR=world.url)


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command there is, groups included."""
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_has_help_that_fits_100_columns(path: tuple[str, ...]) -> None:
    context = click.Context(cli, info_name="navtex", max_content_width=100)
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(context, name)
        assert found is not None
        command = found
        context = click.Context(command, context, info_name=name, max_content_width=100)
    text = command.get_help(context)
    assert text.startswith(" ".join(("Usage: navtex", *path)))
    assert command.help
    assert [line for line in text.splitlines() if len(line) > 100 and "://" not in line] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_speaks_of_each_as_the_command_does_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    # the list is shorter, but it begins the same
    assert (command.help or "").split()[:2] == COMMANDS[name][1].split()[:2]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["run", "--help"], ["subscription", "add", "-h"]])
def test_help_is_an_answer(tmp_path: Path, arguments: list[str]) -> None:
    done = program(tmp_path / "home")(*arguments)
    assert done.stdout.startswith("Usage: navtex")
    assert done.stderr == ""
    assert list((tmp_path / "home").iterdir()) == []


def test_help_loads_nothing_that_it_does_not_need() -> None:
    heavy = (
        "scrapy",
        "sqlalchemy",
        "alembic",
        "apprise",
        "jinja2",
        "rich",
        "lxml",
        "feedparser",
        "twisted",
        "slack_sdk",
    )
    code = (
        "import sys\n"
        "from notifier.cli import main\n"
        "try:\n    main(['--help'])\n"
        f"except SystemExit as e:\n    sys.exit(repr([m for m in {heavy!r} if m in sys.modules]) + str(e.code))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Usage: navtex")
    assert done.stderr.strip() == "[]0"


def test_without_a_word_said_the_database_is_in_the_users_data_folder_and_theirs_alone(
    program_with: Callable[..., Program],
) -> None:
    navtex = program_with(empty=True)
    navtex("inventory", "import", stdin=CSV)
    (database,) = navtex.home.rglob("navtex.db")
    assert database.is_relative_to(navtex.home / ".local" / "share")
    assert database.stat().st_mode & 0o077 == 0
    assert [h["host"] for h in navtex.json("inventory", "list")["hosts"]] == ["lab-1", "lab-2"]


def test_a_good_poll_exits_with_0_and_one_with_a_broken_source_with_1_and_its_name(
    navtex: Program, world: World
) -> None:
    assert "new" in navtex("poll").stderr
    world.put("www.docker.com/blog/feed/index.xml", "<html>maintenance</html>")
    done = navtex("poll", status=1)
    assert "docker-blog" in done.stderr
    assert done.stdout == ""
    states = {s["name"]: s["state"] for s in navtex.json("source", "list")["sources"]}
    assert states["docker-blog"] == "failing"
    assert states["docker-announcements"] == "healthy"


def test_a_delivery_that_fails_exits_with_1_and_is_made_by_a_later_run(
    program_with: Callable[..., Program], world: World, mailbox: Mailbox, tmp_path: Path
) -> None:
    navtex = program_with(polled=True, NAVTEX_MIRROR=world.url)
    navtex("inventory", "import", stdin=CSV)
    blocked = tmp_path / "blocked"
    blocked.touch()
    navtex("subscription", "add", "ops", "--to", mailbox.address(), "--to", f"file://{blocked}/mails")
    done = navtex("run", status=1)
    assert f"{blocked}/mails" in done.stderr
    assert "not sent" in done.stderr
    assert len(mailbox.mails) == 1
    assert navtex("notify").stderr == ""
    assert len(mailbox.mails) == 1


def test_bad_rows_of_an_import_exit_with_1_and_the_good_ones_are_kept(navtex: Program, tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text(f"{CSV}lab-3,engine,newest\n", encoding="utf-8")
    done = navtex("inventory", "import", str(path), status=1)
    assert f"{path}, line 4: lab-3" in done.stderr
    assert "1 row could not be read" in done.stderr
    assert len(navtex.json("inventory", "list")["hosts"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["expousre"], "Did you mean 'exposure'?"),
        (["inventory", "imprt"], "Did you mean 'import'?"),
        (["xyzzy"], "No such command 'xyzzy'.\n"),
        (["poll", "docker-blgo"], "docker-blgo"),
        (["poll", "--accept", "docker-blgo"], "docker-blgo"),
        (["exposure", "--severity", "awful"], "awful"),
        (["exposure", "--tag", "prod"], "NAME=VALUE"),
        (["exposure", "--advisory", "CVE-1999-1"], "CVE-1999-1"),
        (["check", "docker", "25.0.5"], "did you mean 'engine'?"),
        (["check", "podman", "25.0.5"], "compose, desktop\n"),
        (["explain", "docker@25.0.5", "CVE-1999-1"], "Did you mean engine@25.0.5?"),
        (["inventory", "import", "/nowhere/hosts.csv"], "/nowhere/hosts.csv: cannot be read: No such file"),
        (["inventory", "collect", "--ssh-hosts", "/nowhere/hosts"], "/nowhere/hosts: cannot be read: No such file"),
        (["benchmark", "import", "/nowhere/log.json"], "/nowhere/log.json: cannot be read: No such file"),
        (["mirror", "fetch", "/proc/mirror", "--packages", "/nowhere"], "/nowhere: cannot be read: No such file"),
        (["subscription", "sync", "/nowhere/ours.toml"], "/nowhere/ours.toml: cannot be read: No such file"),
        (["db", "restore", "/nowhere/navtex.db"], "/nowhere/navtex.db: no such file"),
        (["db", "backup", "/nowhere/navtex.db"], "/nowhere: no such folder"),
        (["demo", "--dir", "/proc/demo"], "/proc/demo: cannot be created"),
        (["check", "engine", "newest"], "newest"),
        (["check", "engine"], "VERSION"),
        (["exposure", "--host", "nobody"], "nobody"),
        (["plan", "--host", "nobody"], "nobody"),
        (["inventory", "list", "--host", "nobody"], "nobody"),
        (["inventory", "show", "nobody"], "nobody"),
        (["inventory", "remove", "nobody"], "nobody"),
        (["inventory", "import", "--from", "xml"], "xml"),
        (["inventory", "import", "--tag", "x"], "NAME=VALUE"),
        (["advisory", "show", "CVE-1999-1"], "CVE-1999-1"),
        (["advisory", "list", "--kind", "gossip"], "gossip"),
        (["subscription", "add", "ops"], "--to"),
        (["subscription", "add", "ops", "--to", "nonsense://me:hunter2@host"], "nonsense"),
        (
            ["subscription", "add", "ops", "--to", "/tmp/a b"],
            "it is a path, not an address. For a folder, write file:///",
        ),
        (["subscription", "add", "ops", "--to", "~/digests"], "For a folder, write file:///WHOLE/PATH"),
        (["subscription", "add", "ops", "--to", "ops@example.org"], "Write mailto://SERVER?from=ADDRESS&to=ADDRESS"),
        (["subscription", "add", "ops", "--to", "hooks.example.org/hunter2"], "does not begin with a scheme"),
        (
            ["silence", "add", "X", "--reason", "x", "--until", "31.12.2026"],
            "is not a date (YYYY-MM-DD or ",
        ),
        (["advisory", "acknowledge", "X", "--owner", "A", "--due", "soon"], "is not a date (YYYY-MM-DD)\n"),
        (["subscription", "remove", "nobody"], "nobody"),
        (["subscription", "pause", "nobody"], "nobody"),
        (["subscription", "test", "nobody"], "nobody"),
        (["subscription", "preview", "nobody"], "nobody"),
        (["source", "list", "--format", "yaml"], "yaml"),
    ],
)
def test_wrong_use_exits_with_2_and_says_what_is_wrong(
    program_with: Callable[..., Program], arguments: list[str], said: str
) -> None:
    done = program_with()(*arguments, status=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [("databse = 'x'\n", "databse"), ("[poll\n", "TOML"), ("[poll]\nhost_seconds = 'soon'\n", "host_seconds")],
)
def test_a_broken_configuration_exits_with_2_and_names_file_and_setting(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "navtex.toml"
    path.write_text(text, encoding="utf-8")
    done = program(tmp_path / "home")("source", "list", status=2, NAVTEX_CONFIG=str(path))
    assert str(path) in done.stderr
    assert said in done.stderr


def test_a_configuration_that_names_an_unknown_source_exits_with_2(tmp_path: Path) -> None:
    path = tmp_path / "navtex.toml"
    path.write_text("[sources.docker-blgo]\nenabled = false\n", encoding="utf-8")
    for command in ("poll", "run"):
        assert "docker-blgo" in program(tmp_path / "home")(command, status=2, NAVTEX_CONFIG=str(path)).stderr


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("mysql://host/navtex", 2, "mysql"),
        ("what is this", 2, "database address"),
        ("postgresql://navtex:hunter2@127.0.0.1:1/navtex", 1, "127.0.0.1"),
        ("sqlite:////proc/nowhere/navtex.db", 2, "/proc/nowhere"),
        (f"sqlite:///{Path(__file__).resolve()}", 1, "test_cli.py"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(
    tmp_path: Path, url: str, status: int, said: str
) -> None:
    done = program(tmp_path / "home")("source", "list", status=status, NAVTEX_DATABASE_URL=url)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("command", ["run", "poll", "notify"])
def test_while_another_run_is_at_work_it_exits_with_4(
    program_with: Callable[..., Program], world: World, database: Database, command: str
) -> None:
    url = database.url.render_as_string(hide_password=False)
    navtex = program_with(NAVTEX_MIRROR=world.url, NAVTEX_DATABASE_URL=url)
    with database.lock():
        done = navtex(command, status=4)
    assert "another Navtex run is at work" in done.stderr
    assert world.mirror.requests == []
    navtex("notify")


def test_the_local_engine_is_collected_over_docker_host(navtex: Program) -> None:
    with over_http(Answer(body='{"Version":"29.5.0","ApiVersion":"1.54"}')) as engine:
        address = engine.url.replace("http://", "tcp://")
        navtex("inventory", "collect", "--host", "here", "--tag", "env=lab", DOCKER_HOST=address)
    (host,) = navtex.json("inventory", "list")["hosts"]
    assert (host["host"], host["tags"], host["components"][0]["version"]) == ("here", {"env": "lab"}, "29.5.0")
    assert "DOCKER_HOST" in navtex("inventory", "collect", status=1, DOCKER_HOST=address).stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_an_import_reads_what_windows_writes(navtex: Program, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "fleet.csv"
    path.write_bytes(CSV.replace("\n", "\r\n").encode(encoding))
    navtex("inventory", "import", str(path))
    assert len(navtex.json("inventory", "list")["hosts"]) == 2


def test_docker_version_is_imported_under_the_given_name(navtex: Program) -> None:
    text = '{"Client":{"Version":"29.5.0","ApiVersion":"1.54"},"Server":{"Version":"25.0.5","ApiVersion":"1.44"}}'
    assert "--host" in navtex("inventory", "import", stdin=text, status=1).stderr
    navtex("inventory", "import", "-", "--host", "lab-7", stdin=text)
    (host,) = navtex.json("inventory", "list")["hosts"]
    assert (host["host"], {c["product"]: c["version"] for c in host["components"]}) == (
        "lab-7",
        {"engine": "25.0.5", "cli": "29.5.0"},
    )


def test_a_configuration_is_written_once_and_changes_nothing(navtex: Program) -> None:
    navtex("config", "init")
    path = Path(navtex("config", "path").stdout.strip())
    assert path.is_relative_to(navtex.home)
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("# mine\n", encoding="utf-8")
    assert str(path) in navtex("config", "init", status=1).stderr
    assert path.read_text(encoding="utf-8") == "# mine\n"
    navtex("config", "init", "--force")
    navtex("source", "list")
    assert "navtex.db" in path.read_text(encoding="utf-8")
