"""A new edition of the CIS benchmark, from the Center's page to the mail: who is told what and why, and the audits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lxml.html
import pytest

from feeds.mirror.server import Mirror
from feeds.sources.all_sources import SOURCES
from tests.conftest import Mailbox, Program, html_of, text_of
from tests.support.audits import bench
from tests.support.documents import entry, rss

ASKED = ("cis-benchmark", "end-of-life")
LINES = (
    ("29", "2025-11-10", False),
    ("28", "2025-02-20", "2026-05-13"),
    ("26.1", "2024-04-22", "2025-06-08"),
    ("25.0", "2024-01-19", False),
    ("23.0", "2023-02-01", "2024-05-19"),
)
FLEET = {"old-23": "23.0.6", "web-25": "25.0.5", "web-26": "26.1.4", "web-29": "29.5.0"}


def line(name: str, released: str, ends: str | bool) -> dict[str, Any]:
    return {"name": name, "releaseDate": released, "isEol": bool(ends), "eolFrom": ends or None}


def write(folder: Path, *editions: str) -> Path:
    """Documents as they are once these editions are listed."""
    listed = "".join(f"<p>Docker  ({e})</p>" for e in editions)
    releases = {"result": {"releases": [line(*one) for one in LINES]}}
    for path, text in (
        ("www.cisecurity.org/benchmark/docker/index.html", f"<html><body>{listed}</body></html>"),
        ("www.cisecurity.org/feed/blog/index.xml", rss(entry(title="A webinar", link="https://example.org/webinar"))),
        ("endoflife.date/api/v1/products/docker-engine/index.json", json.dumps(releases)),
        ("endoflife.date/api/v1/products/containerd/index.json", json.dumps(releases)),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with Mirror(write(tmp_path / "t0", "1.7.0", "1.6.0")) as mirror:
        yield mirror


@pytest.fixture
def navtex(program_with: Callable[..., Program], database_url: str, mirror: Mirror, tmp_path: Path) -> Program:
    config = tmp_path / "navtex.toml"
    config.write_text("\n".join(f"[sources.{s.name}]\nenabled = false" for s in SOURCES if s.name not in ASKED))
    return program_with(NAVTEX_DATABASE_URL=database_url, NAVTEX_MIRROR=mirror.url, NAVTEX_CONFIG=str(config))


def install(navtex: Program, **hosts: str) -> None:
    fleet = FLEET | {name.replace("_", "-"): version for name, version in hosts.items()}
    rows = "".join(f"{host},engine,{version}\n" for host, version in fleet.items())
    navtex("inventory", "import", stdin=f"host,product,version\n{rows}")


def audited(navtex: Program, host: str) -> None:
    navtex("benchmark", "import", "-", "--host", host, stdin=json.dumps(bench("1.6.0")))


def to_audit(navtex: Program) -> dict[str, list[str]]:
    return {h["host"]: h["reasons"] for h in navtex.json("benchmark", "audits")["hosts"]}


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_an_edition_is_told_to_the_hosts_it_is_for_and_says_which_to_audit_again(
    navtex: Program, mirror: Mirror, mailbox: Mailbox, tmp_path: Path
) -> None:
    install(navtex)
    navtex("subscription", "add", "audits", "--to", mailbox.address(), "--kind", "benchmark")
    navtex("run")
    (welcome,) = mailbox.mails
    assert welcome["Subject"] == "[Navtex] Welcome: 2 benchmark editions for audits"
    text = squeezed(text_of(welcome))
    assert "CIS Docker Benchmark v1.7.0 * engine 25.0.5 on web-25: Docker Engine 25.0 was maintained when it" in text
    assert "* engine 26.1.4 on web-26: Docker Engine 26.1 was maintained when it came out" in text
    assert "* engine 29.5.0 on web-29: Docker Engine 29 was released since it came out" in text
    assert "CIS Docker Benchmark v1.6.0 * engine 23.0.6 on old-23: Docker Engine 23.0 was maintained when it" in text
    assert "v1.8.0" not in text
    assert "audit" not in text.replace("“audits”", "").replace("for audits", ""), "no audit was imported yet"

    assert to_audit(navtex) == {host: ["never-audited"] for host in FLEET}
    for host in ("web-26", "web-29", "old-23"):
        audited(navtex, host)
    # 1.6.0 is the edition for old-23
    assert to_audit(navtex) == {
        "web-25": ["never-audited"], "web-26": ["older-edition"], "web-29": ["older-edition"]}  # fmt: skip
    navtex("run")
    assert len(mailbox.mails) == 1

    mirror.lay_over(write(tmp_path / "t1", "1.8.0", "1.7.0"))
    navtex("run")
    (_, news) = mailbox.mails
    assert news["Subject"] == "[Navtex] CIS Docker Benchmark v1.8.0"
    text = squeezed(text_of(news))
    assert "* engine 25.0.5 on web-25: Docker Engine 25.0 was maintained when it came out" in text
    assert "* engine 29.5.0 on web-29: Docker Engine 29 was released since it came out" in text
    assert "audit again: web-29 (last audited against CIS Docker Benchmark v1.6.0)" in text
    assert "never audited: web-25" in text
    assert "web-26" not in text
    assert "old-23" not in text
    page = squeezed(lxml.html.document_fromstring(html_of(news)).text_content())
    assert "→ audit again: web-29 (last audited against CIS Docker Benchmark v1.6.0)" in page
    assert "→ never audited: web-25" in page
    assert "No matching vulnerabilities" not in page

    install(navtex, old_23="29.7.2")
    navtex("run")
    assert len(mailbox.mails) == 2, "an upgrade is not news about a benchmark"
    assert to_audit(navtex)["old-23"] == ["older-edition", "before-upgrade"]
    (row,) = (h for h in navtex.json("benchmark", "audits", "--host", "old-23")["hosts"])
    assert row["due"] == "cis-docker-benchmark-1.8.0"
    assert navtex.json("benchmark", "list")["editions"][0]["hosts"] == {
        "count": 3, "names": ["old-23", "web-25", "web-29"]}  # fmt: skip


def test_the_json_of_a_digest_names_the_hosts_to_audit(navtex: Program, mirror: Mirror, tmp_path: Path) -> None:
    install(navtex)
    navtex("subscription", "add", "audits", "--to", f"file://{tmp_path}/out", "--kind", "benchmark", "--silent-start")
    navtex("run")
    audited(navtex, "web-29")
    mirror.lay_over(write(tmp_path / "t1", "1.8.0", "1.7.0"))
    navtex("run")
    (written,) = (tmp_path / "out").glob("*.json")
    (item,) = json.loads(written.read_text())["digest"]["items"]
    assert item["audits"] == {
        "again": [{"edition": "cis-docker-benchmark-1.6.0", "hosts": {"count": 1, "names": ["web-29"]}}],
        "never": {"count": 1, "names": ["web-25"]},
    }
