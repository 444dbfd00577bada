from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any, get_args

import pytest

from notifier.cli.log_options import FORMATS, LEVELS
from notifier.config import LogFormat, LogLevel
from tests.conftest import Mailbox, Program, World

CSV = "host,product,version\nlab-1,engine,25.0.5\n"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug  |info   |warning|error  ) \S.*")


@pytest.fixture
def navtex(program_with: Callable[..., Program], world: World) -> Program:
    return program_with(NAVTEX_MIRROR=world.url)


@pytest.fixture
def polled(program_with: Callable[..., Program], world: World) -> Program:
    return program_with(polled=True, NAVTEX_MIRROR=world.url)


def events(text: str) -> list[dict[str, Any]]:
    """The events of a log in JSON, of which each line is one object."""
    return [json.loads(line) for line in text.splitlines()]


def configured(program: Program, text: str) -> Program:
    file = program.home / "navtex.toml"
    file.write_text(text, encoding="utf-8")
    return program.having(NAVTEX_CONFIG=str(file))


def test_the_words_of_the_options_are_those_of_the_configuration() -> None:
    assert get_args(LogFormat) == FORMATS
    assert get_args(LogLevel) == LEVELS


def test_a_run_that_went_well_says_nothing_and_in_a_log_each_step_is_one_json_line(
    navtex: Program, mailbox: Mailbox
) -> None:
    navtex("inventory", "import", stdin=CSV)
    navtex("subscription", "add", "ops", "--to", mailbox.address())
    done = navtex("run", "--log-format", "json", "--log-level", "info")
    told = {e["event"]: e for e in events(done.stderr)}
    assert next(iter(told)) == "begun"
    assert [*told][-1] == "ended"
    assert told["ended"]["status"] == 0
    assert told["polled"]["healthy"] == told["polled"]["sources"] > 10
    assert told["sent"]["subscription"] == "ops"
    assert told["sent"]["message"].startswith("sent to ops@example.org (ops): [Navtex] Welcome")
    assert "CVE-2024-41110" in told["advisories_new"]["advisories"]
    for one in told.values():
        assert one["level"] == "info"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"])
    quiet = navtex("run")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_the_options_stand_before_a_command_or_behind_it_and_win_over_environment_and_file(navtex: Program) -> None:
    navtex = configured(navtex, "[log]\nformat = 'json'\nlevel = 'error'\n")
    assert events(navtex("notify", "--log-level", "info").stderr)
    assert events(navtex("--log-level", "info", "notify").stderr)
    assert events(navtex("notify", NAVTEX_LOG_LEVEL="info").stderr)
    assert navtex("notify").stderr == ""
    lines = navtex("notify", "--log-format", "text", NAVTEX_LOG_LEVEL="info").stderr.splitlines()
    assert len(lines) == 2
    assert all(LINE.fullmatch(line) for line in lines)


@pytest.mark.parametrize(
    ("said", "name"), [({"NAVTEX_LOG_FORMAT": "xml"}, "NAVTEX_LOG_FORMAT"), ({"NAVTEX_LOG_LEVEL": "loud"}, "loud")]
)
def test_a_variable_with_another_word_is_an_error_that_names_it(
    navtex: Program, said: dict[str, str], name: str
) -> None:
    navtex = navtex.having(**said)
    assert name in navtex("notify", status=2).stderr
    assert name in navtex("--log-level", "info", "notify", status=2).stderr


def test_what_is_wrong_is_said_in_words_by_default_and_as_events_in_a_log(polled: Program, world: World) -> None:
    world.put("www.docker.com/blog/feed/index.xml", "<html>maintenance</html>")
    assert "docker-blog is failing: https://www.docker.com/blog/feed/: " in polled("run", status=1).stderr
    told = events(polled("run", "--log-format", "json", status=1).stderr)
    assert [(e["event"], e["level"], e["source"], e["state"], e["failures"]) for e in told] == [
        ("source", "warning", "docker-blog", "failing", 2)
    ]


def test_every_document_is_told_at_level_debug(navtex: Program) -> None:
    told = events(navtex("poll", "docker-blog", "--log-format", "json", "--log-level", "debug").stderr)
    (document,) = (e for e in told if e["event"] == "document")
    assert (document["source"], document["result"]) == ("docker-blog", "read")


def test_a_log_in_a_file_has_every_event_and_a_person_still_hears_what_is_wrong(polled: Program, world: World) -> None:
    file = polled.home / "navtex.log"
    navtex = configured(polled, f"[log]\nformat = 'json'\nlevel = 'info'\nfile = '{file}'\n")
    assert navtex("notify").stderr == ""
    world.put("www.docker.com/blog/feed/index.xml", "<html>maintenance</html>")
    assert navtex("run", status=1).stderr.startswith("docker-blog is failing: ")
    assert [e["command"] for e in events(file.read_text()) if e["event"] == "ended"] == ["notify", "run"]
    assert file.stat().st_mode & 0o007 == 0
    assert navtex("exposure", "--host", "nobody", status=2).stderr.startswith("Error: there is no host")
    assert events(file.read_text())[-1]["error"] == "UnknownName"


def test_a_log_that_cannot_be_written_is_an_error_that_names_it(navtex: Program) -> None:
    navtex = configured(navtex, "[log]\nfile = '/proc/nowhere/navtex.log'\n")
    done = navtex("notify", status=2)
    assert "/proc/nowhere/navtex.log" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "status", "kind"),
    [
        ({"NAVTEX_DATABASE_URL": "postgresql://navtex:hunter2@127.0.0.1:1/navtex"}, 1, "DatabaseError"),
        ({"NAVTEX_DATABASE_URL": "mysql://navtex:hunter2@db/navtex"}, 2, "ConfigError"),
        ({"NAVTEX_CONFIG": "/nowhere/navtex.toml"}, 2, "ConfigError"),
    ],
)
def test_the_error_that_ends_a_run_is_an_event_with_its_remedy_and_without_a_secret(
    navtex: Program, variables: dict[str, str], status: int, kind: str
) -> None:
    done = navtex.having(**variables)("run", "--log-format", "json", status=status)
    last = events(done.stderr)[-1]
    assert (last["event"], last["level"], last["error"], last["status"]) == ("failed", "error", kind, status)
    assert last["remedy"]
    assert "hunter2" not in done.stderr


def test_no_secret_of_a_channel_or_of_the_environment_gets_into_a_log(navtex: Program) -> None:
    navtex("inventory", "import", stdin=CSV)
    navtex("subscription", "add", "a", "--to", "jsons://user:Tr0ub4dor@127.0.0.1:1/hook?token=Tr0ub4dor")
    navtex("subscription", "add", "b", "--to", "mailto://user:Tr0ub4dor@127.0.0.1:1?from=a@b.example&to=c@d.example")
    navtex("subscription", "add", "c", "--to", "slack://T1234/B1234/Tr0ub4dorTr0ub4dorTr0ub4d")
    done = navtex(
        "run",
        "--log-format",
        "json",
        "--log-level",
        "debug",
        status=1,
        GITHUB_TOKEN="Tr0ub4dor",
        https_proxy="http://127.0.0.1:1",
    )
    assert {e["subscription"] for e in events(done.stderr) if e["event"] == "not_sent"} == {"a", "b", "c"}
    assert "Tr0ub4dor" not in done.stderr


def logged(code: str) -> subprocess.CompletedProcess[str]:
    """What the log writes of what a few lines of Python do with it."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


HOSTILE = "one\\ntwo \\x1b[31mred\\u2028 three \\u202e"


@pytest.mark.parametrize("form", ["json", "text"])
def test_whatever_stands_in_an_event_it_stays_on_one_line_and_steers_no_terminal(form: str) -> None:
    done = logged(
        "from notifier.cli.log import begin, event\nfrom notifier.config import Log\n"
        f"begin(Log(format='{form}', level='info'))\nevent('x', '{HOSTILE}', field='{HOSTILE}', many=['{HOSTILE}'])\n"
    )
    (line,) = done.stderr.splitlines()
    assert all(c.isprintable() for c in line)
    if form == "json":
        (told,) = events(done.stderr)
        assert told["field"] == told["message"] == told["many"][0]
        assert told["field"].startswith("one\ntwo")


@pytest.mark.parametrize("form", ["json", "text"])
def test_of_a_library_only_warnings_are_told_with_their_secrets_hidden(form: str) -> None:
    done = logged(
        "import logging\nfrom notifier.cli.log import begin\nfrom notifier.config import Log\n"
        f"begin(Log(format='{form}', level='debug'))\nlog = logging.getLogger('urllib3.connection')\n"
        "log.info('GET /services/T/B/hunter2')\n"
        "try:\n    raise OSError('https://me:hunter2@example.org')\nexcept OSError:\n"
        "    log.warning('Retrying %s', 'https://hooks.slack.com/services/T/B/hunter2', exc_info=True)\n"
    )
    (line,) = done.stderr.splitlines()
    assert "urllib3.connection" in line
    assert "Retrying https://hooks.slack.com/services/****" in line
    assert "OSError" in line
    assert "hunter2" not in line


@pytest.mark.parametrize("settings", ["", "level='info'", "format='json', level='debug'"])
def test_what_a_library_says_below_a_warning_is_not_even_made(settings: str) -> None:
    """uvicorn quotes every message of every request if its logger has a level as low as that."""
    done = logged(
        "import logging\nfrom notifier.cli.log import begin, event\nfrom notifier.config import Log\n"
        f"begin(Log({settings}))\nlog = logging.getLogger('uvicorn.asgi')\n"
        "print(log.isEnabledFor(logging.INFO), log.isEnabledFor(logging.WARNING))\n"
        "event('x', 'hello', aloud=True)\n"
    )
    assert done.stdout == "False True\n"
    assert "hello" in done.stderr


def test_a_mistake_of_the_programs_own_is_one_event_with_its_traceback() -> None:
    done = logged(
        "from notifier.cli.log import begin, crash\nfrom notifier.config import Log\nbegin(Log(format='json'))\n"
        "def broken():\n    raise ZeroDivisionError('https://me:hunter2@example.org')\n"
        "try:\n    broken()\nexcept ZeroDivisionError as error:\n    crash(error)\n"
    )
    (told,) = events(done.stderr)
    assert (told["event"], told["error"], told["status"]) == ("crashed", "ZeroDivisionError", 1)
    assert "in broken" in told["traceback"]
    assert "hunter2" not in done.stderr
