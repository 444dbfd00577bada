"""`inventory add`, `list --stale` and `--limit`, and what `import --explain` and `--no-client` show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from feeds.storage.database import Database
from notifier.storage import tables
from tests.conftest import Program

VERSION = """\
Client: Docker Engine - Community
 Version:           28.5.2
 API version:       1.51
 Context:           {context}

Server: Docker Engine - Community
 Engine:
  Version:          29.5.0
  API version:      1.54 (minimum version 1.44)
 docker-init:
  Version:          0.19.0
"""
DPKG = """\
docker-ce 5:29.5.0-1~debian.12~bookworm amd64 install ok installed
bash 5.2.15-2+b7 amd64 install ok installed
tar 1.34+dfsg-1.2 amd64 install ok installed
containerd 1.6.20~ds1-1+deb12u1 amd64 deinstall ok config-files
"""


@pytest.fixture
def navtex(program_with: Callable[..., Program]) -> Program:
    return program_with()


def runs(navtex: Program, host: str) -> dict[str, str]:
    return {c["product"]: c["version"] for c in navtex.json("inventory", "show", host)["components"]}


def test_what_is_added_by_hand_adds_up_and_a_new_version_replaces_the_old(navtex: Program) -> None:
    navtex("inventory", "import", "-", "--tag", "env=prod", stdin="host,product,version\nweb-1,compose,2.39.1\n")
    package = ("--package", "docker.io 26.1.5+dfsg1-9", "--distro", "debian-13")
    assert navtex("inventory", "add", "lab-1", "engine", "29.5.0", "--tag", "env=lab").stderr == (
        "1 host added, 0 changed, 0 unchanged\n"
    )
    navtex("inventory", "add", "lab-1", "runc", "1.3.4")
    navtex("inventory", "add", "lab-1", "engine", "v29.5.1")
    navtex("inventory", "add", "web-1", "engine", "26.1.5+dfsg1", *package)
    assert runs(navtex, "lab-1") == {"engine": "29.5.1", "runc": "1.3.4"}
    assert runs(navtex, "web-1") == {"engine": "26.1.5+dfsg1", "compose": "2.39.1"}
    web: dict[str, Any] = navtex.json("inventory", "show", "web-1")
    assert web["tags"] == {"env": "prod"}
    assert web["components"][1] == {
        "product": "engine", "version": "26.1.5+dfsg1", "package": "docker.io 26.1.5+dfsg1-9", "distro": "debian-13"
    }  # fmt: skip
    assert navtex.json("inventory", "show", "lab-1")["seen_by"] == "inventory add"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lab-1", "engine", "latest"), "'latest' is not a version"),
        (("lab-1", "enigne", "29.5.0"), "'enigne' is not one of"),
        (("  ", "engine", "29.5.0"), "the host is missing"),
        (("lab-1", "engine", "29.5.0", "--tag", "env"), "is not of the form NAME=VALUE"),
    ],
)
def test_what_cannot_be_added_is_refused_with_the_reason(
    navtex: Program, arguments: tuple[str, ...], message: str
) -> None:
    done = navtex("inventory", "add", *arguments, status=2)
    assert message in " ".join(done.stderr.split())
    assert navtex.json("inventory", "list") == {"hosts": []}


def test_what_a_person_adds_stands_against_what_a_daemon_said_earlier(navtex: Program) -> None:
    navtex("inventory", "import", "--host", "web-1", stdin=VERSION.format(context="default"))
    navtex("inventory", "add", "web-1", "engine", "29.6.0")
    assert runs(navtex, "web-1") == {"engine": "29.6.0", "cli": "28.5.2"}
    navtex("inventory", "import", "--host", "web-1", stdin=VERSION.format(context="default"))
    assert runs(navtex, "web-1") == {"engine": "29.5.0", "cli": "28.5.2"}


def seen(database: str, days: dict[str, int]) -> None:
    """Let hosts have been seen so many days ago."""
    opened, host = Database(database), tables.host
    with opened.begin() as connection:
        for name, age in days.items():
            at = datetime.now(UTC) - timedelta(days=age, minutes=1)
            connection.execute(sa.update(host).where(host.c.name == name).values(last_seen=at))
    opened.close()


def test_stale_hosts_are_those_that_no_import_named_for_the_configured_days(
    program_with: Callable[..., Program],
) -> None:
    navtex = program_with()
    database = f"sqlite:///{navtex.home}/navtex.db"
    navtex.environment["NAVTEX_DATABASE_URL"] = database
    rows = "".join(f"h-{n},engine,29.5.0\n" for n in range(4))
    navtex("inventory", "import", stdin=f"host,product,version\n{rows}")
    assert "each was imported within the last 14 days" in navtex("inventory", "list", "--stale").stderr
    seen(database, {"h-1": 13, "h-2": 14, "h-3": 40})

    def stale(*arguments: str) -> list[str]:
        return [h["host"] for h in navtex.json("inventory", "list", "--stale", *arguments)["hosts"]]

    assert stale() == ["h-2", "h-3"]
    assert stale("--host", "h-3") == ["h-3"]
    assert stale("--limit", "1") == ["h-2"]
    config = navtex.home / "config.toml"
    config.write_text("[digest]\nstale_days = 30\n", encoding="utf-8")
    navtex.environment["NAVTEX_CONFIG"] = str(config)
    assert stale() == ["h-3"]


def test_a_limit_cuts_the_list_and_says_how_many_more_match(navtex: Program) -> None:
    rows = "".join(f"h-{n},engine,29.5.0\nh-{n},runc,1.3.4\n" for n in range(5))
    navtex("inventory", "import", stdin=f"host,product,version\n{rows}z-1,runc,1.3.4\n")
    listed = navtex.json("inventory", "list", "--product", "engine", "--limit", "2")["hosts"]
    assert [(h["host"], [c["product"] for c in h["components"]]) for h in listed] == [
        ("h-0", ["engine"]),
        ("h-1", ["engine"]),
    ]
    assert "3 more not listed (--limit)." in (navtex("inventory", "list", "--product", "engine", "--limit", "2").stderr)
    assert navtex("inventory", "list", "--limit", "6").stderr == ""
    navtex("inventory", "list", "--limit", "0", status=2)


def test_an_import_is_explained(navtex: Program) -> None:
    done = navtex("inventory", "import", "-", "--host", "web-1", "--explain", stdin=DPKG)
    assert done.stdout.startswith("Format: dpkg (most of its first lines are packages")
    assert "web-1  installed\n  engine 29.5.0  docker-ce 5:29.5.0-1~debian.12~bookworm\n" in done.stdout
    assert "2 packages: not an engine or one of its parts" in done.stdout
    found = navtex.json("inventory", "import", "-", "--host", "web-1", "--explain", "--from", "dpkg", stdin=DPKG)
    assert (found["format"], found["explanation"]["recognised_by"]) == ("dpkg", "--from names the format")
    assert [h["host"] for h in found["explanation"]["hosts"]] == ["web-1"]
    assert found["hosts"] == {"new": 0, "changed": 0, "unchanged": 1, "removed": 0}


def test_the_explanation_of_rows_has_the_bad_ones_once(navtex: Program) -> None:
    rows = "host,product,version\na,engine,29.5.0\nb,engine,latest\n"
    done = navtex("inventory", "import", "--explain", stdin=rows, status=1)
    assert done.stdout.count("line 3") == 1
    assert "line 3" not in done.stderr
    found = navtex.json("inventory", "import", "-", stdin=rows, status=1)
    assert [row["where"] for row in found["bad_rows"]] == ["line 3"]
    assert found["explanation"] is None


def test_whether_the_client_was_left_out_is_explained(navtex: Program) -> None:
    def imported(context: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        asked = ("inventory", "import", "-", "--host", "web-1", "--explain", *arguments)
        found = navtex.json(*asked, stdin=VERSION.format(context=context))
        left = {one["what"]: one["reason"] for one in found["explanation"]["left_out"]}
        return [c["product"] for c in found["explanation"]["hosts"][0]["components"]], left

    here, left = imported("default")
    assert (here, "client 28.5.2" in left) == (["engine", "cli"], False)
    assert left["docker-init 0.19.0"] == "it is not a product that Navtex follows"
    there, left = imported("web-1")
    assert (there, left["client 28.5.2"]) == (["engine"], "it asked the context web-1, so it is on another machine")
    asked, left = imported("default", "--no-client")
    assert (asked, left["cli 28.5.2"]) == (["engine"], "--no-client was given")


def test_a_version_that_is_no_known_release_is_pointed_out_when_it_is_added(
    program_with: Callable[..., Program],
) -> None:
    navtex = program_with(polled=True)
    assert "engine 29.5.77 is not a known release" in navtex("inventory", "add", "lab-9", "engine", "29.5.77").stderr
    assert navtex("inventory", "add", "lab-9", "engine", "29.5.1").stderr == "0 hosts added, 1 changed, 0 unchanged\n"
