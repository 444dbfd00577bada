"""`navtex exposure`: its groups, its formats, and where it writes."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feeds.mirror.server import Mirror
from tests.conftest import DEMO, Program, program
from tests.unit.notifier.exporters.test_exporters import CHECKS

FLEET = """\
host,product,version,package,distro,tags
web-1,engine,25.0.5,docker-ce 5:25.0.5-1~ubuntu.22.04~jammy,ubuntu-22.04,env=prod
web-1,runc,1.1.11,,,
web-2,engine,25.0.5,docker-ce 5:25.0.5-1~ubuntu.22.04~jammy,ubuntu-22.04,env=prod
web-2,engine,26.1.4,,,
lab-1,engine,29.5.3,,,env=test
deb-1,engine,20.10.24+dfsg1,docker.io 20.10.24+dfsg1-1+deb12u1,debian-12,env=prod
=2+3,engine,29.5.0,,,"note==1+1"
"""


@pytest.fixture(scope="module")
def navtex(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A program that has run once on the demo's documents and knows a fleet."""
    made = program(tmp_path_factory.mktemp("exposure"))
    made("inventory", "import", stdin=FLEET)
    with Mirror(DEMO / "day-1", DEMO / "day-2") as mirror:
        made("run", NAVTEX_MIRROR=mirror.url)
    made("inventory", "import", stdin=FLEET)
    return made


def rows(navtex: Program, *options: str) -> list[dict[str, Any]]:
    answer = navtex.json("exposure", *options)
    (key,) = answer.keys() - {"generated_at"}
    found: list[dict[str, Any]] = answer[key]
    return found


def test_rows_come_worst_first_and_then_by_host(navtex: Program) -> None:
    ranks = {"critical": 5, "high": 4, None: 3, "medium": 2, "low": 1}
    found = rows(navtex)
    assert len(found) > 5
    keys = [(-ranks[r["severity"]], -(r["cvss"] or 0), r["advisory"], r["host"]) for r in found]
    assert keys == sorted(keys)


def test_what_cannot_be_decided_is_told_where_it_is_not_listed(navtex: Program) -> None:
    unknown = rows(navtex, "--verdict", "unknown", "--host", "deb-1")
    advisories = {r["advisory"] for r in unknown}
    told = navtex("exposure", "--host", "deb-1").stderr
    assert f"{len(advisories)} advisories (" in told
    assert "could not be assessed for 1 version; list them with --verdict unknown" in told
    assert "could not be assessed" not in navtex("exposure", "--host", "deb-1", "--verdict", "unknown").stderr
    assert "could not be assessed" not in navtex("exposure", "--host", "lab-1").stderr
    assert "No confirmed vulnerabilities." in navtex("plan", "--host", "deb-1").stdout


def test_reasons_stand_once_below_the_table_by_their_numbers(navtex: Program) -> None:
    listed = rows(navtex, "--verdict", "all")
    lines = navtex("exposure", "--verdict", "all", COLUMNS="80").stdout.splitlines()
    told = [line for line in lines if re.match(r"\(\d+\) ", line)]
    assert len(told) == len({r["reason"] for r in listed}) < len(listed)
    assert lines[-1] != told[0]
    assert {r for line in lines if (r := re.search(r"\((\d+)\) *$", line))}
    assert max(map(len, lines)) <= 80


def test_where_nothing_was_read_no_plan_and_no_exposure_is_an_all_clear(program_with: Callable[..., Program]) -> None:
    fresh = program_with()
    fresh("inventory", "import", stdin=FLEET)
    for command in ("plan", "exposure"):
        assert "No advisories yet: run `navtex poll` first." in fresh(command).stderr


def test_a_version_above_every_known_release_is_refused_with_near_ones(navtex: Program) -> None:
    done = navtex("check", "engine", "29.53", status=2)
    said = r"engine 29\.53 is not a release known on \d{4}-\d\d-\d\d; newest of its line is 29\."
    assert re.search(said, done.stderr)
    assert "Did you mean one of 29.5" in done.stderr
    assert done.stdout == ""
    assert "no release" not in navtex("check", "engine", "25.0.5").stderr


def test_an_advisorys_hosts_are_those_of_its_rows_each_once(navtex: Program) -> None:
    plain = rows(navtex, "--verdict", "all")
    grouped = rows(navtex, "--verdict", "all", "--group-by", "advisory")
    assert {g["advisory"]: g["hosts"] for g in grouped} == {
        name: len({r["host"] for r in plain if r["advisory"] == name}) for name in {r["advisory"] for r in plain}
    }
    assert any(sum(v["hosts"] for v in g["versions"]) > g["hosts"] for g in grouped)
    assert [g["advisory"] for g in grouped] == list(dict.fromkeys(r["advisory"] for r in plain))


def test_a_hosts_numbers_are_those_of_its_rows(navtex: Program) -> None:
    plain = rows(navtex)
    grouped = {g["host"]: g for g in rows(navtex, "--group-by", "host")}
    assert grouped.keys() == {r["host"] for r in plain}
    for host, group in grouped.items():
        advisories = {r["advisory"]: r["severity"] for r in plain if r["host"] == host}
        assert group["advisories"] == len(advisories) == sum(group["severities"].values())
        assert group["severities"]["critical"] == sum(s == "critical" for s in advisories.values())
        assert {f"{v['product']} {v['version']}" for v in group["versions"]} == {
            f"{r['product']} {r['version']}" for r in plain if r["host"] == host
        }
    assert grouped["web-1"]["tags"] == {"env": "prod"}
    assert next(iter(grouped)) in ("web-1", "web-2")


def test_a_versions_numbers_are_those_of_its_rows(navtex: Program) -> None:
    plain = rows(navtex)
    for group in rows(navtex, "--group-by", "version"):
        of = [r for r in plain if all(r[k] == group[k] for k in ("product", "version", "package"))]
        assert group["hosts"] == len({r["host"] for r in of})
        assert {a["advisory"] for a in group["advisories"]} == {r["advisory"] for r in of}


@pytest.mark.parametrize("group", ["advisory", "host", "version"])
def test_filters_hold_in_groups_too(navtex: Program, group: str) -> None:
    narrowed = ("--group-by", group, "--tag", "env=prod", "--product", "engine", "--severity", "high")
    text = json.dumps(rows(navtex, *narrowed))
    assert "25.0.5" in text
    assert "runc" not in text
    assert '"version": "29.5.0"' not in text
    assert rows(navtex, "--group-by", group, "--kev") == []


@pytest.mark.parametrize("options", [[], ["--group-by", "advisory"], ["--group-by", "host"], ["--group-by", "version"]])
def test_csv_has_the_rows_of_json_and_no_formula(navtex: Program, options: list[str]) -> None:
    text = navtex("exposure", *options, "--format", "csv").stdout
    lines = list(csv.DictReader(io.StringIO(text)))
    expected = rows(navtex, *options)
    assert len(lines) == len(expected) > 2
    assert list(lines[0]) == list(expected[0])
    assert not [c for line in lines for c in line.values() if c[:1] in tuple("=+-@")]
    if options in ([], ["--group-by", "host"]):
        assert {r["host"] for r in expected} == {line["host"].removeprefix("'") for line in lines}
        assert "'=2+3" in {line["host"] for line in lines}


@pytest.mark.parametrize(
    ("options", "name"),
    [
        *((["--verdict", "all"], name) for name in CHECKS),
        ([], "openvex"),
        *(pytest.param([], name, marks=pytest.mark.long) for name in CHECKS if name != "openvex"),
    ],
)
def test_what_other_tools_get_is_what_their_standard_says(navtex: Program, name: str, options: list[str]) -> None:
    text = navtex("exposure", *options, "--format", name).stdout
    CHECKS[name](text)
    assert "CVE-2024-41110" in text
    assert ("pkg:github/moby/moby@docker-v29.5.3" in text) is bool(options)


def test_a_document_names_its_author(navtex: Program) -> None:
    options = ("--author", "Example Ltd", "--namespace", "https://example.org")
    publisher = json.loads(navtex("exposure", "--format", "csaf", *options).stdout)["document"]["publisher"]
    assert publisher == {"category": "user", "name": "Example Ltd", "namespace": "https://example.org"}


@pytest.mark.parametrize("form", ["table", "json", "csv", "openvex", "html"])
def test_an_answer_goes_into_a_file(navtex: Program, tmp_path: Path, form: str) -> None:
    file = tmp_path / "answer"
    file.write_text("what was there before")
    file.chmod(0o640)
    done = navtex("exposure", "--format", form, "--output", str(file))
    assert done.stdout == ""
    text = file.read_text(encoding="utf-8")
    assert "CVE-2024-41110" in text
    assert "what was there before" not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_stays_as_it_was_when_there_is_no_answer(navtex: Program, tmp_path: Path) -> None:
    file = tmp_path / "answer"
    file.write_text("what was there before")
    done = navtex("exposure", "--host", "lab-1", "--format", "openvex", "--output", str(file), status=2)
    assert "needs at least one statement" in done.stderr
    assert file.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [file]
    away = navtex("exposure", "--output", str(tmp_path / "no" / "answer"), status=2)
    assert "cannot be written" in away.stderr


@pytest.mark.parametrize(
    "options",
    [
        "--format json",
        *(pytest.param(o, marks=pytest.mark.long) for o in ("", "--format csv", "--format json --group-by host")),
    ],
)
def test_a_reader_who_goes_away_is_no_error(navtex: Program, options: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m notifier.cli exposure {options} | head -n 0; exit ${{PIPESTATUS[0]}}"],
        env=navtex.environment,
        cwd=navtex.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == navtex("exposure", *options.split()).stderr


def test_a_level_that_is_met_exits_with_3_in_every_form(navtex: Program) -> None:
    for options in (["--group-by", "host"], ["--format", "csv"], ["--format", "sarif"], ["--format", "html"]):
        assert navtex("exposure", "--fail-on", "critical", *options, status=3).stdout
    assert navtex("exposure", "--fail-on", "critical", "--host", "=2+3", "--format", "csv").stdout
    assert navtex("exposure", "--fail-on", "any", "--verdict", "not_affected", "--format", "csv").stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--host", "nosuch*"], "no host in the inventory matches"),
        (["--tag", "env=pord"], "no host in the inventory matches"),
        (["--host", "lab-1", "--product", "runc"], "no matching host runs runc"),
    ],
)
def test_a_gate_is_not_passed_by_a_scope_that_holds_nothing(
    navtex: Program, tmp_path: Path, options: list[str], told: str
) -> None:
    file = tmp_path / "answer"
    done = navtex("exposure", *options, "--fail-on", "high", "--output", str(file), status=2)
    assert f"nothing was checked: {told}" in " ".join(done.stderr.split())
    assert "`navtex inventory list`" in done.stderr
    assert not file.exists()
    navtex("exposure", *options)


def test_a_gate_is_not_passed_where_nothing_is_known(program_with: Callable[..., Program]) -> None:
    fresh = program_with()
    fresh("inventory", "import", stdin=FLEET)
    for command in (["exposure"], ["check", "engine", "25.0.5"]):
        done = fresh(*command, "--fail-on", "any", status=2)
        assert "no vulnerability is known yet" in done.stderr
        assert "`navtex poll`" in done.stderr
        fresh(*command)


def test_a_gate_for_one_advisory_is_passed_by_hosts_that_it_leaves_alone(program_with: Callable[..., Program]) -> None:
    fresh = program_with(polled=True)
    fresh("inventory", "import", stdin="host,product,version\nold,engine,25.0.5\nnew,engine,29.5.3\n")
    gate = ("exposure", "--advisory", "CVE-2024-41110", "--fail-on", "any")
    fresh(*gate, "--host", "new")
    fresh(*gate, status=3)
    assert "no matching host runs runc" in fresh(*gate, "--product", "runc", status=2).stderr


def test_a_gate_is_not_passed_by_an_empty_inventory(program_with: Callable[..., Program]) -> None:
    fresh = program_with(polled=True)
    assert "the inventory is empty" in fresh("exposure", "--fail-on", "any", status=2).stderr
    fresh("exposure")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ["--group-by", "host", "--format", "sarif"],
            "--group-by cannot be used with --format sarif, only with table, json, csv",
        ),
        (["--author", "me"], "--author can only be used with --format openvex, csaf, sarif, cyclonedx"),
        (
            ["--namespace", "https://example.org", "--format", "openvex"],
            "--namespace can only be used with --format csaf",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(navtex: Program, options: list[str], told: str) -> None:
    assert told in " ".join(navtex("exposure", *options, status=2).stderr.split())


@pytest.mark.parametrize("columns", ["80", "120"])
@pytest.mark.parametrize("options", [[], ["advisory"], ["host"], ["version"]])
def test_tables_fit_the_terminal(navtex: Program, options: list[str], columns: str) -> None:
    group = ["--group-by", *options] if options else []
    shown = navtex("exposure", *group, COLUMNS=columns).stdout
    assert "engine 25.0.5" in shown
    assert [line for line in shown.splitlines() if len(line.rstrip()) > int(columns)] == []


@pytest.mark.parametrize("options", [[], ["advisory"], ["host"], ["version"]])
def test_tables_have_no_column_for_what_nobody_said(navtex: Program, options: list[str]) -> None:
    group = ["--group-by", *options] if options else []
    heading = navtex("exposure", *group).stdout.splitlines()[0]
    assert "Host" in heading
    assert not [name for name in ("Note", "Silenced", "Said of it") if name in heading]


def test_the_page_tells_of_the_day_that_the_run_kept(navtex: Program) -> None:
    text = navtex("exposure", "--format", "html").stdout
    assert text.startswith("<!doctype html>")
    assert "There is no history yet" not in text
    assert "<svg" in text
    assert "web-1, web-2" in text
    assert "hosts lab-*" in navtex("exposure", "--format", "html", "--host", "lab-*").stdout
