"""The JSON of a command is the service's value, serialised; and the published schemas are those of the structs."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feeds.advisories.records import Edition, Kind, Severity
from feeds.storage.backup import back_up
from feeds.storage.database import Database
from notifier.config import Config
from notifier.domain.components import Component, Host
from notifier.domain.filters import Scope
from notifier.schemas.published import PUBLISHED, schema
from notifier.services.catalogue.advisories import AdvisoryQuery, advisories, advisory
from notifier.services.catalogue.audits import host_audits
from notifier.services.catalogue.benchmarks import benchmark, benchmarks
from notifier.services.catalogue.sources import sources
from notifier.services.findings.exposure import ExposureQuery, assessed
from notifier.services.findings.exposure_rows import GroupBy, exposure_answer
from notifier.services.findings.plans import plans
from notifier.services.findings.verdict_explanations import explain_verdict
from notifier.services.findings.version_check import check_version
from notifier.services.hosts.host_storing import ImportOptions
from notifier.services.hosts.importing import ReadOptions, import_text
from notifier.services.hosts.inventory import HostQuery, host, hosts
from notifier.services.upkeep.doctor import diagnose
from notifier.storage import inventory
from tests.conftest import ROOT, Program
from tests.support.samples import NOW, START, publish, record

OLD, KIT = Component("engine", "25.0.5", "docker-ce 5:25.0.5-1", "debian-12"), Component("buildkit", "0.12.4")
NAME = "CVE-2026-1"
EDITION = "cis-docker-benchmark-1.8.0"


@pytest.fixture
def fleet(sqlite_database: Database) -> Database:
    found = (*(Host(f"web-{n}", (OLD, KIT), {"env": "prod"}) for n in range(9)), Host("lab-1", (KIT,)))
    with sqlite_database.begin() as connection:
        inventory.take(connection, found, {}, START)
    publish(
        sqlite_database,
        record(NAME, below="29.0.0", products=("engine", "buildkit")),
        record("CVE-2026-2", below="26.0.0", severity=Severity.LOW),
        record("CVE-2026-3", below="26.0.0", severity=None),
        record(
            EDITION, kind=Kind.BENCHMARK, severity=None, products=(), edition=Edition("1.8.0", "", ("25.0",), "2025-07")
        ),
    )
    return sqlite_database


def exposure_of(group: GroupBy | None) -> Callable[[Database], msgspec.Struct]:
    def asked(database: Database) -> msgspec.Struct:
        with assessed(database, ExposureQuery(), NOW) as (connection, found):
            return exposure_answer(connection, found, group)

    return asked


def edition_exposure(database: Database) -> msgspec.Struct:
    with assessed(database, ExposureQuery(advisories=(EDITION,)), NOW) as (connection, found):
        return exposure_answer(connection, found)


SOME_HOSTS = HostQuery(Scope(hosts=("web-*",), products=("engine",)), limit=3)
ANSWERS: list[tuple[str, Callable[[Database], msgspec.Struct]]] = [
    ("exposure", exposure_of(None)),
    ("exposure --group-by advisory", exposure_of(GroupBy.ADVISORY)),
    ("exposure --group-by version", exposure_of(GroupBy.VERSION)),
    ("exposure --group-by host", exposure_of(GroupBy.HOST)),
    ("plan --host web-*", lambda d: plans(d, Scope(hosts=("web-*",)), NOW).value),
    ("plan --severity high", lambda d: plans(d, Scope(), NOW, least=Severity.HIGH).value),
    ("check engine 25.0.5", lambda d: check_version(d, Component("engine", "25.0.5"), NOW).value),
    (f"explain web-1 {NAME}", lambda d: explain_verdict(d, "web-1", NAME, NOW).value),
    ("advisory list --limit 2", lambda d: advisories(d, AdvisoryQuery(limit=2)).value),
    (f"advisory show {NAME}", lambda d: advisory(d, NAME, NOW)),
    (f"exposure --advisory {EDITION}", edition_exposure),
    (f"explain web-1 {EDITION}", lambda d: explain_verdict(d, "web-1", EDITION, NOW).value),
    ("benchmark audits --all", lambda d: host_audits(d, Scope(), NOW, everything=True).value),
    ("benchmark list", lambda d: benchmarks(d, NOW).value),
    (f"benchmark show {EDITION}", lambda d: benchmark(d, EDITION, NOW)),
    ("inventory list", lambda d: hosts(d, HostQuery(), NOW).value),
    ("inventory list --host web-* --product engine --limit 3", lambda d: hosts(d, SOME_HOSTS, NOW).value),
    ("inventory list --stale", lambda d: hosts(d, HostQuery(stale_days=14), NOW).value),
    ("inventory show web-1", lambda d: host(d, "web-1")),
    ("source list", lambda d: sources(d, Config(), NOW).value),
    ("source list --limit 3", lambda d: sources(d, Config(), NOW, 3).value),
]


@pytest.mark.parametrize(("command", "service"), ANSWERS)
def test_the_json_of_a_command_is_the_services_value(
    fleet: Database, program_with: Callable[..., Program], command: str, service: Callable[[Database], msgspec.Struct]
) -> None:
    printed = program_with(NAVTEX_DATABASE_URL=str(fleet.url)).json(*command.split())
    value = msgspec.to_builtins(service(fleet))
    assert printed.pop("generated_at", None) is not None or "generated_at" not in value
    value.pop("generated_at", None)
    assert printed == json.loads(json.dumps(value))
    assert any(printed.values())


INPUT = """host,product,version
web-1,engine,29.5.0
new-1,engine,29.5.0
new-2,engine,latest
"""


@pytest.mark.parametrize("explain", [False, True])
def test_the_json_of_an_import_is_the_services_value(
    fleet: Database, program_with: Callable[..., Program], tmp_path: Path, explain: bool
) -> None:
    copy = tmp_path / "copy.db"
    back_up(fleet, copy)
    asked = ["inventory", "import", "-", *(["--explain"] if explain else []), "--format", "json"]
    printed = program_with(NAVTEX_DATABASE_URL=f"sqlite:///{copy}")(*asked, stdin=INPUT, status=1).stdout
    options = ReadOptions(explain=explain), ImportOptions("standard input")
    answer = import_text(fleet, io.BytesIO(INPUT.encode()), "standard input", options, NOW)
    assert json.loads(printed) == json.loads(json.dumps(msgspec.to_builtins(answer.value)))
    assert (answer.value.hosts.new, answer.value.hosts.changed, answer.value.bad) == (1, 1, 1)
    assert answer.complete is False
    assert (answer.value.explanation is not None) is explain


def test_a_plan_names_every_host_and_its_csv_has_a_row_for_each(
    fleet: Database, program_with: Callable[..., Program]
) -> None:
    navtex = program_with(NAVTEX_DATABASE_URL=str(fleet.url))
    plan = navtex.json("plan", "--product", "engine")["plans"][0]
    assert plan["hosts"] == {"count": 9, "names": [f"web-{n}" for n in range(9)]}
    lines = navtex("plan", "--product", "engine", "--format", "csv").stdout.splitlines()
    assert lines[0].startswith("host,product,version")
    assert [line.split(",")[0] for line in lines[1:]] == [f"web-{n}" for n in range(9) for _ in plan["options"]]
    assert navtex.json("plan", "--severity", "critical")["plans"], "unscored advisories count"


def test_a_short_option_names_the_file_of_an_answer(
    fleet: Database, program_with: Callable[..., Program], tmp_path: Path
) -> None:
    navtex = program_with(NAVTEX_DATABASE_URL=str(fleet.url))
    for command in ("exposure", "plan"):
        file = tmp_path / command
        assert navtex(command, "--format", "json", "-o", str(file)).stdout == ""
        assert json.loads(file.read_text(encoding="utf-8"))["generated_at"]
    assert navtex("-V").stdout == navtex("--version").stdout


def test_the_json_of_doctor_is_the_services_value(fleet: Database, program_with: Callable[..., Program]) -> None:
    navtex = program_with(NAVTEX_DATABASE_URL=str(fleet.url))
    config = Config(database=str(fleet.url))
    report = diagnose(config, navtex.home / ".config" / "navtex" / "config.toml", datetime.now(UTC)).report

    def same(value: Any) -> Any:  # times and free space pass
        return json.loads(re.sub(r"\d+(\.\d+)?", "0", json.dumps(value)))

    assert same(navtex.json("doctor", status=0 if report.ok else 1)) == same(msgspec.to_builtins(report))


def test_the_published_schemas_are_those_of_the_structs(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts/schemas.py", tmp_path], check=True)
    folder = ROOT / "docs/reference/schemas"
    differing = [f.name for f in tmp_path.iterdir() if f.read_text() != (folder / f.name).read_text()]
    assert differing == [], "run `make schemas`"
    assert {f.stem for f in tmp_path.iterdir()} == PUBLISHED.keys()


def test_a_schema_has_no_references_and_says_what_may_be_null() -> None:
    found: dict[str, Any] = schema(*PUBLISHED["plan"])
    row = found["properties"]["plans"]["items"]["properties"]
    assert row["maintained"]["type"] == ["boolean", "null"]
    assert row["options"]["items"]["properties"]["waiting"]["type"] == ["object", "null"]
    assert "$ref" not in json.dumps(found)
