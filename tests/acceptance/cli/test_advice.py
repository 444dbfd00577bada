"""The upgrade that is advised is the same in every output, and can be installed."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest

from feeds.mirror.server import Mirror
from tests.conftest import DEMO, Program, program

PUBLISHED = ("25.0.5", "26.1.4", "28.5.2", "29.0.0", "29.5.2", "29.5.3")
JAMMY = "5:{}-1~ubuntu.22.04~jammy"
FLEET = """host,product,version,package,distro
jammy-1,engine,25.0.5,docker-ce 5:25.0.5-1~ubuntu.22.04~jammy,ubuntu-22.04
jammy-2,engine,25.0.5,docker-ce 5:25.0.5-1~ubuntu.22.04~jammy,
jammy-3,engine,25.0.5,,ubuntu-22.04
el-1,engine,25.0.5,docker-ce 3:25.0.5-1.el9,rocky-9.4
static-1,engine,25.0.5,,
other-1,engine,25.0.5,,fedora-40
new-1,engine,29.5.0,,ubuntu-22.04
odd-1,engine,29.53,,
odd-2,engine,20.10.43,,
runc-1,runc,1.1.11,containerd.io 1.6.27-1,ubuntu-22.04
debian-1,engine,20.10.24,docker.io 20.10.24+dfsg1-1+deb12u1,debian-12
"""
EXPECTED = {
    "jammy-1": ("29.5.3", "5:29.5.3-1~ubuntu.22.04~jammy", True),
    "jammy-2": ("29.5.3", "5:29.5.3-1~ubuntu.22.04~jammy", True),
    "jammy-3": ("29.5.3", "5:29.5.3-1~ubuntu.22.04~jammy", True),
    "el-1": ("29.5.3", "3:29.5.3-1.el9", True),
    "static-1": ("29.5.3", "docker-29.5.3.tgz", True),
    "other-1": ("29.5.3", None, False),
}


def indexes(folder: Path) -> Path:
    """What download.docker.com publishes: an apt index, RPM metadata and the static builds."""
    root = folder / "download.docker.com" / "linux"
    apt = root / "ubuntu" / "dists" / "jammy" / "stable" / "binary-amd64" / "Packages.gz"
    rpm = root / "centos" / "9" / "x86_64" / "stable" / "repodata"
    static = root / "static" / "stable" / "x86_64" / "index.html"
    for path in (apt, rpm / "x", static):
        path.parent.mkdir(parents=True)
    paragraphs = (f"Package: docker-ce\nArchitecture: amd64\nVersion: {JAMMY.format(v)}\n" for v in PUBLISHED)
    apt.write_bytes(gzip.compress("\n".join(paragraphs).encode()))
    (rpm / "repomd.xml").write_text(
        '<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">'
        '<location href="repodata/primary.xml.gz"/></data></repomd>'
    )
    entries = "".join(
        '<package type="rpm"><name>docker-ce</name><arch>x86_64</arch>'
        f'<version epoch="3" ver="{v}" rel="1.el9"/></package>'
        for v in PUBLISHED
    )
    primary = f'<metadata xmlns="http://linux.duke.edu/metadata/common">{entries}</metadata>'
    (rpm / "primary.xml.gz").write_bytes(gzip.compress(primary.encode()))
    static.write_text("".join(f'<a href="docker-{v}.tgz">docker-{v}.tgz</a>\n' for v in PUBLISHED))
    return folder


@pytest.fixture(scope="module")
def navtex(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A program with a fleet of several channels, after a poll of the demo's documents and of package indexes."""
    made = program(tmp_path_factory.mktemp("advice"))
    made("inventory", "import", stdin=FLEET)
    with Mirror(DEMO / "day-1", DEMO / "day-2", indexes(tmp_path_factory.mktemp("packages"))) as mirror:
        made("poll", NAVTEX_MIRROR=mirror.url)
    return made


def advice(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        row["upgrade_to"] or None,
        row["minimum"] or None,
        row["upgrade_package"] or None,
        str(row["package_verified"]).lower() if row["package_verified"] not in (None, "") else None,
        tuple(row["source_only"].split() if isinstance(row["source_only"], str) else row["source_only"]),
    )


def test_every_output_advises_the_same(navtex: Program) -> None:
    exposures = navtex.json("exposure")["exposures"]
    told = {(e["host"], e["advisory"]): advice(e) for e in exposures}
    assert {h for h, _ in told} >= EXPECTED.keys()
    rows = csv.DictReader(io.StringIO(navtex("exposure", "--format", "csv").stdout))
    assert {(r["host"], r["advisory"]): advice(r)[0] for r in rows} == {at: one[0] for at, one in told.items()}
    plans = navtex.json("plan")["plans"]
    for plan in plans:
        advised = {o["to"] for o in plan["options"] if o["advised"]}
        assert len(advised) <= 1
        options = {o["to"]: o for o in plan["options"]}
        for host in plan["hosts"]["names"]:
            for name in plan["open"]:
                to, _, package, *_ = told[host, name]
                assert to is None or (name in options[to]["closes"] and options[to]["package"] == package)
                assert to in advised or not any(name in options[a]["closes"] for a in advised)
    for host, name in list(told)[:6]:
        for one in navtex.json("explain", host, name)["verdicts"]:
            if one["verdict"] == "affected":
                assert advice(one) == told[host, name]
    checked = navtex.json("check", "engine", "25.0.5")["exposures"]
    assert {e["advisory"]: advice(e) for e in checked} == {n: a for (h, n), a in told.items() if h == "static-1"}
    groups = navtex.json("exposure", "--group-by", "version")["versions"]
    for group in groups:
        assert {advice(a)[0] for a in group["advisories"]} <= {one[0] for one in told.values()}


@pytest.mark.parametrize("host", EXPECTED)
def test_what_is_advised_is_in_the_index_character_for_character(navtex: Program, host: str) -> None:
    to, package, verified = EXPECTED[host]
    rows = navtex.json("exposure", "--host", host, "--advisory", "CVE-2026-41567")["exposures"]
    assert [(r["upgrade_to"], r["upgrade_package"], r["package_verified"]) for r in rows] == [(to, package, verified)]
    (plan,) = navtex.json("plan", "--host", host)["plans"]
    (option,) = [o for o in plan["options"] if o["advised"]]
    if package:
        assert package in option["command"]
        assert "25.0.17" in rows[0]["source_only"]
    shown = " ".join(navtex("plan", "--host", host).stdout.split())
    places = {"el-1": "package for rocky-9.4", "static-1": "static build", "jammy-2": "package for ubuntu jammy"}
    said = f"(source only: no {places.get(host, 'package for ubuntu-22.04')})" if package else "package not verified"
    assert said in shown


def test_a_plan_joins_twins_and_groups_the_hosts_by_command(navtex: Program) -> None:
    answer = navtex.json("plan", "--host", "jammy-*")
    assert [p["hosts"]["names"] for p in answer["plans"]] == [["jammy-1", "jammy-3"], ["jammy-2"]]
    assert answer["plans"][0]["package"] == "docker-ce 5:25.0.5-1~ubuntu.22.04~jammy"
    (command,) = answer["commands"]
    assert command["command"] == "apt-get install --only-upgrade docker-ce=5:29.5.3-1~ubuntu.22.04~jammy"
    assert command["hosts"] == {"count": 3, "names": ["jammy-1", "jammy-2", "jammy-3"]}
    rows = csv.DictReader(io.StringIO(navtex("plan", "--host", "jammy-*", "--format", "csv").stdout))
    assert {r["host"] for r in rows} == {"jammy-1", "jammy-2", "jammy-3"}
    shown = navtex("plan", "--host", "jammy-*").stdout
    assert shown.count(command["command"]) == 1
    assert f"$ {command['command']}\n     run it on jammy-1, jammy-2, jammy-3\n" in shown
    assert "the same command as for engine 25.0.5" in shown


def test_twins_are_one_row_of_exposure_by_version(navtex: Program) -> None:
    groups = navtex.json("exposure", "--group-by", "version", "--host", "jammy-*")["versions"]
    assert sorted(g["hosts"] for g in groups) == [1, 2]
    assert {g["package"] for g in groups} == {"docker-ce 5:25.0.5-1~ubuntu.22.04~jammy"}


def test_the_digest_says_what_has_no_package_and_names_the_package_that_is_advised(navtex: Program) -> None:
    navtex("subscription", "add", "all", "--to", f"file://{navtex.home}/out")
    text = " ".join(navtex("subscription", "preview", "all").stdout.split())
    assert "upgrade engine 25.0.5 to 29.5.3" in text
    assert "(source only: no package for ubuntu-22.04)" in text
    assert "package docker-ce 5:29.5.3-1~ubuntu.22.04~jammy" in text
    assert "odd-1: 29.53 is not a release known on" in text
    assert "odd-2: 20.10.43 is not a release known on" in text


def test_runc_of_dockers_packages_comes_with_containerd_io(navtex: Program) -> None:
    rows = navtex.json("exposure", "--host", "runc-1")["exposures"]
    notes = {r["upgrade_note"] for r in rows if r["upgrade_to"]}
    assert notes
    assert all(n.startswith("upgrade containerd.io (version that brings runc 1.") for n in notes)


def test_a_version_that_was_never_released_is_not_assessed_anywhere(navtex: Program) -> None:
    found = navtex("inventory", "import", stdin="host,product,version\nodd-1,engine,29.53\nodd-3,engine,29.53\n")
    assert found.stderr.count("engine 29.53 is not a known release; nearest: 29.5") == 1
    verdicts = navtex.json("exposure", "--host", "odd-1", "--verdict", "all")["exposures"]
    assert "not_affected" not in {v["verdict"] for v in verdicts}
    examined = " ".join(navtex("doctor").stdout.split())
    assert "engine 29.53 on odd-1, odd-3 is not a release known on" in examined
    navtex("exposure", "--host", "odd-1", "--fail-on-unknown", status=3)
    navtex("exposure", "--host", "static-1", "--fail-on-unknown")
    navtex("check", "engine", "20.10.43", status=2)
