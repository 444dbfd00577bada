"""What operators say of an advisory, as `exposure` shows it and tells other tools."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Program, program, with_database

NAME = "CVE-2024-41110"
SOON = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
END = f"{SOON}T23:59:59Z"
HOSTS = "host,product,version,tags\nlab-4,engine,25.0.5,env=prod\nlab-5,engine,25.0.5,\nlab-2,engine,29.5.3,\n"


@pytest.fixture(scope="module")
def navtex(tmp_path_factory: pytest.TempPathFactory, polled_template: Path) -> Program:
    """A program that has an inventory and was polled once, an assigned advisory, and two silences."""
    made = with_database(program(tmp_path_factory.mktemp("remarks") / "home"), polled_template)
    made("inventory", "import", stdin=HOSTS)
    made("advisory", "assign", NAME, "--owner", "Ann", "--due", SOON)
    silence = ("--until", SOON, "--author", "Bea")
    made("silence", "add", NAME, "--reason", "no plugin there", "--tag", "env=prod", *silence)
    why = ("--justification", "vulnerable_code_not_in_execute_path")
    made("silence", "add", "CVE-2026-34040", "--reason", "no plugin at all", *why, *silence)
    return made


def test_an_advisory_in_hand_is_shown_with_its_owner_and_day(navtex: Program) -> None:
    rows = {r["advisory"]: r for r in navtex.json("exposure", "--group-by", "advisory")["advisories"]}
    (hand,) = rows[NAME]["in_hand"]
    assert (hand["owner"], hand["due"], hand["overdue"]) == ("Ann", SOON, False)
    (silence,) = rows[NAME]["silenced"]
    assert (silence["author"], silence["scope"], silence["reason"]) == ("Bea", "tag env=prod", "no plugin there")
    text = " ".join(navtex("exposure", "--group-by", "advisory").stdout.split())
    assert "Note" in text
    assert "Assigned to Ann" in text.partition("(1) ")[2]


def test_due_dates_stay_whole_beside_notes_in_80_columns(navtex: Program) -> None:
    config = navtex.home / "due.toml"
    config.write_text('[due]\ncritical = "7d"\nhigh = "30d"\nmedium = "90d"\n')
    config.chmod(0o600)
    for options in (("--group-by", "advisory"), ("--advisory", NAME), ("--group-by", "host")):
        shown = navtex("exposure", *options, NAVTEX_CONFIG=str(config)).stdout
        assert re.search(r"\b20\d\d-\d\d-\d\d\b", shown.partition("─\n")[2]), shown
        assert not re.search(r"\b20\d\d-(\d\d-?\d?)?\s", shown), shown
        assert max(map(len, shown.splitlines())) <= 80


def test_rows_without_room_for_it_are_followed_by_the_names_of_what_is_silenced_or_in_hand(navtex: Program) -> None:
    for group in ((), ("--group-by", "host"), ("--group-by", "version")):
        told = navtex("exposure", *group).stderr
        assert f"Silenced or assigned: {NAME}, CVE-2026-34040. Use --group-by advisory" in told
    assert "Silenced or assigned" not in navtex("exposure", "--group-by", "advisory").stderr


def test_a_plan_is_followed_by_the_names_of_what_is_silenced_or_in_hand(navtex: Program) -> None:
    told = " ".join(navtex("plan").stderr.split())
    assert f"Silenced or assigned on some hosts: {NAME}, CVE-2026-34040. See `navtex" in told
    assert "Silenced" not in navtex("plan", "--host", "lab-2").stderr


def test_each_row_says_until_when_it_is_silenced_on_its_host(navtex: Program) -> None:
    rows = navtex.json("exposure")["exposures"]
    assert list(rows[0])[-4:] == ["silenced_until", "first_exposed", "due", "overdue"]
    ends = {(r["advisory"], r["host"]): r["silenced_until"] for r in rows}
    assert {key: end for key, end in ends.items() if end} == {
        (NAME, "lab-4"): END,
        ("CVE-2026-34040", "lab-4"): END,
        ("CVE-2026-34040", "lab-5"): END,
    }
    assert ends[NAME, "lab-5"] is None
    lines = csv.DictReader(io.StringIO(navtex("exposure", "--format", "csv").stdout))
    assert {(r["advisory"], r["host"]): r["silenced_until"] or None for r in lines} == ends


def test_each_host_says_how_many_of_its_advisories_are_silenced_there(navtex: Program) -> None:
    group = ("--group-by", "host")
    hosts = {h["host"]: h for h in navtex.json("exposure", *group)["hosts"]}
    assert {name: host["silenced"] for name, host in hosts.items()} == {"lab-4": 2, "lab-5": 1}
    assert hosts["lab-4"]["severity"] == "critical"
    assert hosts["lab-4"]["advisories"] == hosts["lab-5"]["advisories"] == 2
    lines = csv.DictReader(io.StringIO(navtex("exposure", *group, "--format", "csv").stdout))
    assert {line["host"]: line["silenced"] for line in lines} == {"lab-4": "2", "lab-5": "1"}


@pytest.mark.parametrize("columns", ["80", "120"])
def test_a_table_marks_silenced_rows_where_there_are_any(navtex: Program, columns: str) -> None:
    lines = navtex("exposure", COLUMNS=columns).stdout.splitlines()
    assert lines[0].split()[-1] == "Note"
    assert {tuple(line.split()[n] for n in (0, 3)) for line in lines if line.rstrip().endswith("(1)")} == {
        ("lab-4", NAME),
        ("lab-4", "CVE-2026-34040"),
        ("lab-5", "CVE-2026-34040"),
    }
    assert lines[-1] == f"(1) Silenced until {SOON}"
    assert max(map(len, lines)) <= int(columns)
    heading, _, *rows = navtex("exposure", "--group-by", "host", COLUMNS=columns).stdout.splitlines()
    place = heading.split().index("Silenced")
    assert {tuple(row.split()[n] for n in (0, place)) for row in rows} == {("lab-4", "2"), ("lab-5", "1")}


@pytest.mark.parametrize("options", [(), ("--group-by", "host")])
def test_a_table_of_hosts_on_which_nothing_is_silenced_says_nothing_of_it(
    navtex: Program, options: tuple[str, ...]
) -> None:
    shown = navtex("exposure", "--host", "lab-5", "--advisory", NAME, *options).stdout
    assert "lab-5" in shown
    assert not [word for word in ("Note", "Silenced") if word in shown]


def test_reasons_and_silences_are_notes_below_one_table(navtex: Program) -> None:
    lines = navtex("exposure", "--verdict", "affected", "--advisory", NAME, COLUMNS="100").stdout.splitlines()
    (silenced,) = (line for line in lines if line.startswith("lab-4"))
    (other,) = (line for line in lines if line.startswith("lab-5"))
    assert silenced.split()[-2:] == ["(1)", "(2)"]
    assert other.split()[-1] == "(1)"
    assert lines[-1] == f"(2) Silenced until {SOON}"


def test_a_version_is_on_no_host_and_silenced_nowhere(navtex: Program) -> None:
    rows = navtex.json("check", "engine", "25.0.5")["exposures"]
    assert {"CVE-2026-34040", NAME} <= {r["advisory"] for r in rows}
    assert {r["silenced_until"] for r in rows} == {None}


def test_the_page_says_beside_an_advisory_what_is_said_of_it(navtex: Program) -> None:
    text = navtex("exposure", "--format", "html").stdout
    assert f"Silenced for tag env=prod until {SOON} by Bea: no plugin there" in text
    assert f"Assigned to Ann, due {SOON}" in text


def exported(navtex: Program, form: str) -> Any:
    return json.loads(navtex("exposure", "--format", form).stdout)


def test_a_justified_silence_of_all_hosts_is_a_statement_that_none_is_affected(navtex: Program) -> None:
    stated = {s["vulnerability"]["name"]: s for s in exported(navtex, "openvex")["statements"]}
    silenced, other = stated["CVE-2026-34040"], stated[NAME]
    assert (silenced["status"], silenced["justification"]) == ("not_affected", "vulnerable_code_not_in_execute_path")
    assert "by Bea: no plugin at all" in silenced["status_notes"]
    assert other["status"] == "affected"
    assert "Silenced for tag env=prod" in other["status_notes"]
    assert "Assigned to Ann" in other["status_notes"]


def test_a_silence_stands_beside_what_its_hosts_run_and_nothing_else(navtex: Program, tmp_path: Path) -> None:
    navtex("inventory", "import", stdin="host,product,version,tags\nlab-9,engine,25.0.4,\n")
    try:
        stated = [s for s in exported(navtex, "openvex")["statements"] if s["vulnerability"]["name"] == NAME]
        notes = {p["@id"]: s["status_notes"] for s in stated for p in s["products"]}
        assert {i.rpartition("@v")[2]: "Silenced for tag env=prod" in n for i, n in notes.items()} == {
            "25.0.5": True,
            "25.0.4": False,
        }
    finally:
        navtex("inventory", "remove", "lab-9")


def test_every_format_has_the_justification_in_its_own_words(navtex: Program) -> None:
    csaf = {v["cve"]: v for v in exported(navtex, "csaf")["vulnerabilities"]}["CVE-2026-34040"]
    assert [f["label"] for f in csaf["flags"]] == ["vulnerable_code_not_in_execute_path"]
    assert list(csaf["product_status"]) == ["known_not_affected"]
    cyclonedx = {v["id"]: v for v in exported(navtex, "cyclonedx")["vulnerabilities"]}["CVE-2026-34040"]
    assert (cyclonedx["analysis"]["state"], cyclonedx["analysis"]["justification"]) == (
        "not_affected",
        "code_not_reachable",
    )


def test_a_silence_that_ended_is_said_no_more(navtex: Program, tmp_path: Path) -> None:
    number = next(s["number"] for s in navtex.json("silence", "list")["silences"] if s["advisory"] == "CVE-2026-34040")
    navtex("silence", "remove", str(number))
    stated = {s["vulnerability"]["name"]: s["status"] for s in exported(navtex, "openvex")["statements"]}
    assert stated["CVE-2026-34040"] == "affected"
