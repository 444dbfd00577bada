"""A command ends with its own status and its output is well formed, whoever reads it and in whatever locale."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import DEMO, Program, program, with_database

NAVTEX = f"{shlex.quote(sys.executable)} -m notifier.cli"
HOST = "bücher-1"
LOCALES = [
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
    {"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"},
]


@pytest.fixture(scope="module")
def navtex(tmp_path_factory: pytest.TempPathFactory, polled_template: Path) -> Program:
    """A program with the demo's fleet and first day, and a host whose name and tags are not ASCII. Made once."""
    made = with_database(program(tmp_path_factory.mktemp("streams") / "home"), polled_template)
    made("inventory", "import", str(DEMO / "inventory.csv"))
    rows = f"host,product,version,tags\n{HOST},engine,25.0.5,team=日本\n"
    made("inventory", "import", "--product", "engine", "-", stdin=rows)
    return made


def shell(navtex: Program, script: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        env={**navtex.environment, **variables},
        cwd=navtex.home,
        capture_output=True,
        check=False,
    )


COMMANDS = (
    "exposure --fail-on high",
    "exposure --fail-on high --format json",
    "exposure --fail-on high --format csv",
    "exposure --fail-on high --format sarif",
    "exposure --fail-on high --group-by host --format json",
    "check engine 25.0.5 --fail-on high",
    "check engine 25.0.5 --fail-on high --format json",
)


READERS = ("| true", "| head -n 1", "| grep -q .", ">&-", ">&- 2>&-", "<&- >&- 2>&-")
EACH_ONCE = list(zip(COMMANDS, READERS, strict=False))


@pytest.mark.parametrize(("command", "reader"), EACH_ONCE)
def test_a_level_that_is_met_exits_with_3(navtex: Program, command: str, reader: str) -> None:
    test_a_level_that_is_met_exits_with_3_whoever_reads(navtex, command, reader)


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("reader", READERS)
def test_a_level_that_is_met_exits_with_3_whoever_reads(navtex: Program, command: str, reader: str) -> None:
    done = shell(navtex, f"{NAVTEX} {command} {reader}")
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("reader", [pytest.param("| true", marks=pytest.mark.long), ">&-"])
def test_a_level_that_is_not_met_exits_with_0(navtex: Program, reader: str) -> None:
    done = shell(navtex, f"{NAVTEX} exposure --fail-on high --host swarm-3 {reader}")
    assert done.returncode == 0


@pytest.mark.parametrize("reader", ["| true", pytest.param(">&-", marks=pytest.mark.long)])
def test_a_problem_that_doctor_finds_is_told_by_its_status_without_a_reader(navtex: Program, reader: str) -> None:
    config = navtex.home / "c.toml"
    config.write_text("ca_bundle = '/nowhere.pem'\n")
    assert shell(navtex, f"{NAVTEX} doctor {reader}", NAVTEX_CONFIG=str(config)).returncode == 1


def test_a_closed_output_is_not_the_database(navtex: Program) -> None:
    done = shell(navtex, f"{NAVTEX} inventory list --format json >&- <&-; {NAVTEX} db check 2>&1")
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["exposure --format json", "check engine 25.0.5"])
def test_a_full_disk_is_an_error_in_one_line(navtex: Program, command: str) -> None:
    done = shell(navtex, f"{NAVTEX} {command} > /dev/full")
    assert done.returncode == 1
    assert b"Error: standard output: cannot be written: No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("locale", [pytest.param(LOCALES[1], marks=pytest.mark.long), LOCALES[2]])
def test_json_and_csv_are_utf8_in_any_locale(navtex: Program, locale: dict[str, str]) -> None:
    for command in ("inventory list", "exposure"):
        value = json.loads(shell(navtex, f"{NAVTEX} {command} --format json", **locale).stdout.decode("utf-8"))
        hosts = [h for h in next(v for v in value.values() if isinstance(v, list)) if h["host"] == HOST]
        assert hosts[0]["tags"] == {"team": "日本"}
    rows = csv.DictReader(
        shell(navtex, f"{NAVTEX} exposure --format csv", **locale).stdout.decode("utf-8").splitlines()
    )
    assert [r["tags"] for r in rows if r["host"] == HOST][:1] == ["team=日本"]


TABLES = ("inventory list", "exposure", "plan", f"inventory show {HOST}", "help", "doctor")


@pytest.mark.parametrize(("command", "locale"), [(c, LOCALES[n % len(LOCALES)]) for n, c in enumerate(TABLES)])
def test_tables_do_not_fail(navtex: Program, locale: dict[str, str], command: str) -> None:
    test_tables_do_not_fail_in_any_locale(navtex, locale, command)


@pytest.mark.long
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("command", TABLES)
def test_tables_do_not_fail_in_any_locale(navtex: Program, locale: dict[str, str], command: str) -> None:
    done = shell(navtex, f"{NAVTEX} {command}", **locale)
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 1)
    assert done.stdout


@pytest.mark.parametrize("form", ["json", "table", *(pytest.param(f, marks=pytest.mark.long) for f in ("csv", "html"))])
def test_what_is_written_to_a_file_is_the_same_in_any_locale(navtex: Program, form: str) -> None:
    assert shell(navtex, f"{NAVTEX} exposure --format {form} -o here.{form}", **LOCALES[1]).returncode == 0
    assert HOST in (navtex.home / f"here.{form}").read_text(encoding="utf-8")


def test_a_device_is_written_to_and_not_replaced(navtex: Program) -> None:
    (navtex.home / "sink").symlink_to("/dev/null")
    navtex("exposure", "--format", "json", "-o", "sink")
    assert Path("/dev/null").is_char_device()
    assert (navtex.home / "sink").is_symlink()
    piped = shell(navtex, f"{NAVTEX} exposure --format json -o /dev/stdout | cat")
    assert json.loads(piped.stdout)["exposures"]
