"""What commands answer: their JSON is a contract, and their tables fit the terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feeds.mirror.server import Mirror
from feeds.sources.docker_blog import RULES
from tests.conftest import DEMO, Program, program

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
FLEET = """\
host,product,version,package,distro,tags
lab-1,engine,29.5.0,,,env=test
lab-2,engine,29.5.3,,,env=test
lab-4,engine,25.0.5,docker-ce 5:25.0.5-1~ubuntu.22.04~jammy,ubuntu-22.04,env=prod;team=web
lab-4,runc,1.1.11,,,
lab-5,engine,20.10.24+dfsg1,docker.io 20.10.24+dfsg1-1+deb12u1,debian-12,env=prod
"""
EXPOSURE = {
    "host": (str, type(None)),
    "tags": (dict,),
    "product": (str,),
    "version": (str,),
    "package": (str, type(None)),
    "advisory": (str,),
    "aliases": (list,),
    "title": (str,),
    "verdict": (str,),
    "severity": (str, type(None)),
    "cvss": (float, int, type(None)),
    "kev": (bool,),
    "epss": (float, int, type(None)),
    "fixed_in": (list,),
    "upgrade_to": (str, type(None)),
    "url": (str,),
    "silenced_until": (str, type(None)),
}
ADVISORY = {
    "advisory": (str,),
    "aliases": (list,),
    "kind": (str,),
    "title": (str,),
    "severity": (str, type(None)),
    "published": (str, type(None)),
    "withdrawn": (str, type(None)),
    "url": (str,),
}
SOURCE = {"name": (str,), "url": (str,), "state": (str,), "last_success": (str, type(None)), "items": (int,)}
HOST = {"host": (str,), "tags": (dict,), "last_seen": (str,), "components": (list,)}
COMPONENT = {"product": (str,), "version": (str,), "package": (str, type(None))}


@pytest.fixture(scope="module")
def navtex(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A program that has polled the demo's first day and knows a fleet."""
    home = tmp_path_factory.mktemp("cli")
    made = program(home)
    with Mirror(DEMO / "day-1", DEMO / "day-2") as mirror:
        made("poll", NAVTEX_MIRROR=mirror.url)
    # afterwards: what a distribution says of its build was not asked, so nothing decides on it
    made("inventory", "import", stdin=FLEET)
    return made


def assert_shape(row: dict[str, Any], shape: dict[str, tuple[type, ...]]) -> None:
    missing = shape.keys() - row.keys()
    assert not missing
    assert not {k: row[k] for k, types in shape.items() if not isinstance(row[k], types)}


@pytest.mark.parametrize(
    ("arguments", "key", "shape"),
    [
        (["exposure"], "exposures", EXPOSURE),
        (["exposure", "--verdict", "all"], "exposures", EXPOSURE),
        (["check", "engine", "25.0.5"], "exposures", EXPOSURE),
        (["inventory", "list"], "hosts", HOST),
        (["advisory", "list"], "advisories", ADVISORY),
        (["source", "list"], "sources", SOURCE),
    ],
)
def test_a_list_stands_in_an_object_and_every_row_has_every_field(
    navtex: Program, arguments: list[str], key: str, shape: dict[str, tuple[type, ...]]
) -> None:
    answer = navtex.json(*arguments)
    assert len(answer[key]) > 2
    for row in answer[key]:
        assert_shape(row, shape)


@pytest.mark.parametrize("arguments", [["exposure"], ["check", "engine", "25.0.5"]])
def test_an_exposure_says_when_it_was_made(navtex: Program, arguments: list[str]) -> None:
    assert STAMP.fullmatch(navtex.json(*arguments)["generated_at"])


def test_exposure_says_of_each_host_what_affects_it_and_the_way_out(navtex: Program) -> None:
    rows = navtex.json("exposure")["exposures"]
    assert {r["verdict"] for r in rows} <= {"affected", "conflicting"}
    assert {r["host"] for r in rows} == {"lab-1", "lab-4"}
    (row,) = (r for r in rows if (r["host"], r["advisory"]) == ("lab-4", "CVE-2024-41110"))
    assert row["tags"] == {"env": "prod", "team": "web"}
    assert row["package"] == "docker-ce 5:25.0.5-1~ubuntu.22.04~jammy"
    assert row["aliases"] == ["GHSA-v23v-6jw2-98fq", "GO-2024-3005"]
    assert (row["severity"], row["upgrade_to"]) == ("critical", "29.5.3")
    assert row["fixed_in"][0] == "25.0.6"
    assert rows[0]["severity"] == "critical"


@pytest.mark.parametrize(
    ("options", "hosts"),
    [
        (["--host", "lab-1"], {"lab-1"}),
        (["--host", "*-4"], {"lab-4"}),
        (["--tag", "env=prod"], {"lab-4"}),
        (["--tag", "env=prod", "--tag", "team=data"], set()),
        (["--product", "runc"], {"lab-4"}),
        (["--advisory", "ghsa-v23v-6jw2-98fq"], {"lab-4"}),
        (["--advisory", "CVE-2026-41567"], {"lab-1", "lab-4"}),
        (["--severity", "critical", "--product", "engine"], {"lab-4"}),
        (["--verdict", "unknown", "--advisory", "CVE-2024-41110"], {"lab-5"}),
        (["--verdict", "not_affected", "--host", "lab-2"], {"lab-2"}),
    ],
)
def test_exposure_can_be_narrowed(navtex: Program, options: list[str], hosts: set[str]) -> None:
    rows = navtex.json("exposure", *options)["exposures"]
    assert {r["host"] for r in rows} == hosts
    if "runc" in options:
        assert {r["product"] for r in rows} == {"runc"}


def test_exposure_reflects_an_import_at_once(navtex: Program, tmp_path: Path) -> None:
    database = tmp_path / "copy.db"
    source = next(navtex.home.rglob("navtex.db"))
    database.write_bytes(source.read_bytes())
    here = navtex.having(NAVTEX_DATABASE_URL=f"sqlite:///{database}")
    assert here.json("exposure", "--host", "lab-9*")["exposures"] == []
    here("inventory", "import", stdin="host,product,version\nlab-9,engine,25.0.5\n")
    assert here.json("exposure", "--host", "lab-9")["exposures"]


def test_check_is_about_no_host(navtex: Program) -> None:
    rows = navtex.json("check", "engine", "25.0.5")["exposures"]
    assert {(r["host"], r["product"], r["version"]) for r in rows} == {(None, "engine", "25.0.5")}
    assert navtex.json("check", "engine", "29.5.3")["exposures"] == []


def test_inventory_list_has_components_with_their_packages(navtex: Program) -> None:
    hosts = {h["host"]: h for h in navtex.json("inventory", "list")["hosts"]}
    for component in (c for h in hosts.values() for c in h["components"]):
        assert_shape(component, COMPONENT)
    assert STAMP.fullmatch(hosts["lab-4"]["last_seen"])
    assert [(c["product"], c["package"]) for c in hosts["lab-4"]["components"]] == [
        ("engine", "docker-ce 5:25.0.5-1~ubuntu.22.04~jammy"),
        ("runc", None),
    ]
    assert [h["host"] for h in navtex.json("inventory", "list", "--tag", "env=prod")["hosts"]] == ["lab-4", "lab-5"]
    assert navtex.json("inventory", "show", "lab-4") == hosts["lab-4"]


def test_advisory_list_can_be_narrowed_and_one_is_shown_by_any_of_its_names(navtex: Program) -> None:
    kinds = {a["kind"] for a in navtex.json("advisory", "list")["advisories"]}
    assert {"vulnerability", "announcement", "benchmark", "publication"} <= kinds
    benchmarks = navtex.json("advisory", "list", "--kind", "benchmark")["advisories"]
    assert "CIS Docker Benchmark v1.8.0" in {b["title"] for b in benchmarks}
    assert {b["kind"] for b in benchmarks} == {"benchmark"}
    shown = navtex.json("advisory", "show", "GHSA-V23V-6JW2-98FQ")
    assert_shape(shown, ADVISORY)
    assert shown["advisory"] == "CVE-2024-41110"
    assert {c["product"] for c in shown["claims"]} >= {"engine"}


def test_a_blog_post_is_shown_with_the_rule_that_kept_it(navtex: Program) -> None:
    posts = navtex.json("advisory", "list", "--kind", "publication")["advisories"]
    assert posts
    for post in posts:
        (reason,) = navtex.json("advisory", "show", post["advisory"])["kept_because"]
        assert reason in {rule.reason for rule in RULES}
        assert f"Kept because: {reason}" in " ".join(navtex("advisory", "show", post["advisory"]).stdout.split())


def test_source_list_says_how_each_source_does(navtex: Program) -> None:
    sources = {s["name"]: s for s in navtex.json("source", "list")["sources"]}
    announcements = sources["docker-announcements"]
    assert announcements["state"] == "healthy"
    assert announcements["items"] > 0
    assert STAMP.fullmatch(announcements["last_success"])
    assert announcements["url"].startswith("https://docs.docker.com/")


@pytest.mark.parametrize(
    "arguments",
    [
        ["exposure"],
        ["check", "engine", "25.0.5"],
        ["check", "engine", "25.0.5", "--verdict", "all"],
        ["inventory", "list"],
        ["inventory", "show", "lab-4"],
        ["advisory", "list"],
        ["advisory", "show", "CVE-2024-41110"],
        ["source", "list"],
        ["subscription", "list"],
    ],
)
def test_tables_fit_80_columns(navtex: Program, arguments: list[str]) -> None:
    shown = navtex(*arguments).stdout
    too_long = [line for line in shown.splitlines() if len(line.rstrip()) > 80 and "http" not in line]
    assert too_long == []


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        ("table", 1),
        pytest.param("json", 1, marks=pytest.mark.long),
        pytest.param("table", 0, marks=pytest.mark.long),
        ("json", 0),
    ],
)
def test_a_reader_who_goes_away_is_no_error(navtex: Program, form: str, lines: int) -> None:
    command = f"{sys.executable} -m notifier.cli advisory list --format {form}"
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n {lines}; exit ${{PIPESTATUS[0]}}"],
        env=navtex.environment,
        cwd=navtex.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == lines
    assert done.returncode == 0


def test_a_level_that_is_met_exits_with_3_and_lists_all_the_same(navtex: Program) -> None:
    for level in ("low", "critical", "any"):
        done = navtex("exposure", "--fail-on", level, "--format", "json", status=3)
        assert json.loads(done.stdout)["exposures"]
    assert navtex("check", "engine", "25.0.5", "--fail-on", "high", status=3).stdout
    assert navtex("exposure", "--host", "lab-2", "--fail-on", "any").stdout == ""
    assert navtex("check", "engine", "29.5.3", "--fail-on", "any").stdout == ""


def test_messages_go_to_standard_error_and_json_alone_to_standard_output(program_with: Callable[..., Program]) -> None:
    fresh = program_with()
    for arguments in (["exposure"], ["check", "engine", "25.0.5"], ["advisory", "list"], ["inventory", "list"]):
        done = fresh(*arguments, "--format", "json")
        assert json.loads(done.stdout)
    assert "navtex poll" in fresh("check", "engine", "25.0.5", "--format", "json").stderr
    done = fresh("exposure")
    assert done.stdout == ""
    assert "inventory is empty" in done.stderr.lower()
