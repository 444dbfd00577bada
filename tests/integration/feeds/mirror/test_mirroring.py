"""A mirror is filled on one machine and read on another, which then knows the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from feeds.core import limits
from feeds.core.errors import ShapeError
from feeds.crawl.client import Crawl
from feeds.crawl.protocol import CrawlJob, FetchResult, FetchStatus
from feeds.mirror import layout, manifest
from feeds.mirror.builder import fetch
from feeds.mirror.server import Mirror
from feeds.sources.all_sources import SOURCES
from feeds.sources.health import MirrorState
from notifier.services.installation import mirror_age
from tests.conftest import DEMO, Program, World, program, with_database
from tests.support.polling import MOBY, entries
from tests.support.samples import NOW
from tests.support.unruly import Reply, Unruly

HOSTS = "host,product,version,package,distro\nweb-1,engine,20.10.24,docker.io 20.10.24+dfsg1-1,debian-12\n"
CVE = "cveawg.mitre.org/api/cve/CVE-2024-21626.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "carried"


ASKED = ("cve-records", "docker-blog", "kev", "moby-advisories")
FEW = "".join(f"[sources.{source.name}]\nenabled = false\n" for source in SOURCES if source.name not in ASKED)


@pytest.fixture
def connected(tmp_path: Path, site: Unruly, sqlite_template: Path) -> Program:
    """The program on a machine that reaches the sources, of which it asks a few."""
    config = tmp_path / "few.toml"
    config.write_text(FEW)
    made = program(tmp_path / "connected", NAVTEX_MIRROR=site.url, NAVTEX_CONFIG=str(config))
    return with_database(made, sqlite_template)


@pytest.fixture
def apart(tmp_path: Path, folder: Path, sqlite_template: Path) -> Program:
    """The program on a machine that has only the folder."""
    return with_database(program(tmp_path / "apart", NAVTEX_MIRROR=str(folder)), sqlite_template)


def test_what_a_killed_fetch_left_is_removed_by_the_next(folder: Path, connected: Program) -> None:
    for left in (folder / ".navtex-spool" / "1", folder / "api.github.com" / ".navtex-0123.part"):
        left.parent.mkdir(parents=True)
        left.write_bytes(b"half")
    connected("mirror", "fetch", str(folder))
    assert (folder / manifest.NAME).is_file()
    left_over = [p.name for p in folder.rglob(".navtex-*")]
    assert left_over in ([], [".navtex-mirror.lock"])


def noted(folder: Path) -> dict[str, dict[str, Any]]:
    documents = json.loads((folder / manifest.NAME).read_text())["documents"]
    return {d["url"]: d for d in documents}


def advisories(navtex: Program) -> Any:
    return navtex.json("advisory", "list")["advisories"]


@pytest.mark.long
def test_who_reads_the_folder_knows_what_who_asks_the_sources_knows(
    tmp_path: Path, site: Unruly, folder: Path, apart: Program, sqlite_template: Path
) -> None:
    first, second, third = entries(3)
    later = "api.github.com/repositories/7/security-advisories"
    site.reply(MOBY, Reply([first], headers={"Link": f'<https://{later}?after=a>; rel="next"'}))
    site.reply(f"{later}?after=a", Reply([second], headers={"Link": f'<https://{later}?after=b>; rel="next"'}))
    site.reply(f"{later}?after=b", Reply([third]))
    osv = site.mirror.find("api.osv.dev/v1/query/Debian:12/docker.io")
    assert osv is not None
    site.reply("api.osv.dev", Reply(osv.read_bytes()))
    apart("inventory", "import", stdin=HOSTS)
    packages = tmp_path / "packages.txt"
    packages.write_text(apart("inventory", "packages").stdout)
    assert packages.read_text().splitlines() == ["Debian:12 docker.io", "Debian:12 docker.io-app"]

    connected = program(tmp_path / "all", NAVTEX_MIRROR=site.url)
    connected("mirror", "fetch", str(folder), "--packages", str(packages))
    asked = {a.path for a in site.asked}
    there = with_database(program(tmp_path / "there", NAVTEX_MIRROR=site.url), sqlite_template)
    there("inventory", "import", stdin=HOSTS)
    there("poll")
    said = apart("poll").stderr

    assert "was filled" in said
    assert advisories(apart) == advisories(there)
    assert {e["cve_id"] for e in entries(3)} <= {a["advisory"] for a in advisories(apart)}
    for command in (["exposure", "--verdict", "all"], ["plan"]):
        here, other = apart.json(*command), there.json(*command)
        assert {k: v for k, v in here.items() if k != "generated_at"} == {
            k: v for k, v in other.items() if k != "generated_at"
        }
    states = {s["name"]: s["state"] for s in apart.json("source", "list")["sources"]}
    assert {name for name, state in states.items() if state != "healthy"} == {"engine-modules"}
    assert states["engine-modules"] == "unpolled"  # the host's release has no module file
    assert {d["url"].removeprefix("https:/").partition("#")[0] for d in noted(folder).values()} == {
        p for p in asked if not p.endswith("/robots.txt")
    }


def test_a_second_fetch_renews_keeps_what_fails_and_drops_what_is_gone(
    world: World, site: Unruly, folder: Path, connected: Program
) -> None:
    connected("mirror", "fetch", str(folder))
    before = noted(folder)
    feed = "https://www.docker.com/blog/feed/"
    kept = (folder / "www.docker.com/blog/feed/index.xml").read_bytes()
    assert before[feed]["status"] == 200
    assert (folder / CVE).is_file()
    world.put(f"{MOBY}.json", entries(2))
    site.reply("www.docker.com", Reply("<p>Sign in"))
    site.reply(CVE.removesuffix(".json"), Reply("gone", 404))
    said = connected("mirror", "fetch", str(folder), status=1).stderr
    assert "docker-blog: https://www.docker.com/blog/feed/: no RSS or Atom feed" in said
    after = noted(folder)
    assert (folder / "www.docker.com/blog/feed/index.xml").read_bytes() == kept
    assert after[feed]["fetched_at"] == before[feed]["fetched_at"]
    assert after[feed]["problem"] == "no RSS or Atom feed"
    assert [e["cve_id"] for e in json.loads((folder / f"{MOBY}.json").read_text())] == [e["cve_id"] for e in entries(2)]
    assert not (folder / CVE).exists()
    assert after[f"https://{CVE.removesuffix('.json')}"]["status"] == 404
    assert not [p for p in folder.rglob("*") if p.name.startswith((".navtex-", "tmp")) and p.suffix != ".lock"]


def test_a_list_of_which_a_page_fails_stays_as_it_was(site: Unruly, folder: Path, connected: Program) -> None:
    first, second = entries(2)
    link = {"Link": '<https://api.github.com/repositories/7/x?after=1>; rel="next"'}
    site.reply(MOBY, Reply([first], headers=link))
    site.reply("api.github.com/repositories/7/x", Reply([second]), Reply("<p>Sign in"))
    connected("mirror", "fetch", str(folder))
    whole = (folder / f"{MOBY}.json").read_bytes()
    assert len(json.loads(whole)) == 2
    connected("mirror", "fetch", str(folder), status=1)
    assert (folder / f"{MOBY}.json").read_bytes() == whole


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path: Path, folder: Path, connected: Program) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder.mkdir()
    (folder / "www.docker.com").symlink_to(outside)
    (folder / "www.cisa.gov").write_text("a file where a folder is due")
    said = connected("mirror", "fetch", str(folder), status=1).stderr
    assert "a link leads out of the folder" in said
    assert "a file and a folder have the same name" in said
    assert not list(outside.iterdir())
    assert (folder / f"{MOBY}.json").is_file()


def test_one_fetch_at_a_time(folder: Path, connected: Program) -> None:
    from filelock import FileLock

    folder.mkdir()
    with FileLock(folder / ".navtex-mirror.lock"):
        assert "another fetch" in connected("mirror", "fetch", str(folder), status=4).stderr


@pytest.mark.parametrize("over_http", [False, True], ids=["folder", "address"])
def test_an_old_mirror_is_told_of_by_poll_source_list_and_doctor(
    tmp_path: Path, folder: Path, apart: Program, *, over_http: bool
) -> None:
    folder.mkdir()
    (folder / "www.docker.com").symlink_to(DEMO / "day-1")  # leads out of it: not followed
    for host in ("api.github.com", "endoflife.date"):
        (folder / host).mkdir()
    at = datetime.now(UTC) - timedelta(days=9)
    config = tmp_path / "config.toml"
    config.write_text("[poll]\nmirror_days = 10\n")
    (folder / manifest.NAME).write_text(json.dumps({"navtex": "0.1.0", "fetched_at": at.isoformat()}))
    with Mirror(folder) as mirror:
        name = mirror.url if over_http else str(folder)
        told = f"the mirror {name} was filled 9 days ago"
        assert f"Warning: {told}" in apart("poll", "docker-blog", status=1, NAVTEX_MIRROR=name).stderr
        assert [p for p, _ in mirror.requests if p.endswith(manifest.NAME)] == [f"/{manifest.NAME}"] * over_http
    assert f"Warning: {told}" in apart("source", "list").stderr
    row = apart.json("source", "list")["mirror"]
    assert (row["mirror"], row["old"], row["fetched_at"]) == (name, True, at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    findings = apart.json("doctor", status=1)["findings"]
    assert [f["level"] for f in findings if told in f["what"]] == ["problem"]
    assert "Warning" not in apart("source", "list", NAVTEX_CONFIG=str(config)).stderr


def test_a_mirror_that_does_not_say_when_it_was_filled_is_not_called_old(site: Unruly, connected: Program) -> None:
    assert "mirror" not in connected("poll", "docker-blog").stderr
    assert connected.json("source", "list")["mirror"] == {
        "mirror": site.url,
        "fetched_at": None,
        "read_at": connected.json("source", "list")["mirror"]["read_at"],
        "old": False,
    }


def test_a_folder_that_is_not_there_is_wrong_use(apart: Program, folder: Path) -> None:
    said = apart("poll", status=2).stderr
    assert str(folder) in said
    assert "navtex mirror fetch" in said


@pytest.mark.parametrize("text", ["Debian:12\n", "# ours\n\nDebian:12 dock\x07er\n"])
def test_a_list_that_is_none_is_told_with_its_line(tmp_path: Path, folder: Path, connected: Program, text: str) -> None:
    (tmp_path / "list").write_text(text)
    said = connected("mirror", "fetch", str(folder), "--packages", str(tmp_path / "list"), status=2).stderr
    assert f"line {len(text.splitlines())} is not a package" in said
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "body", "file"),
    [
        ("https://a.example/", b"<html>", "a.example/index.html"),
        ("https://A.Example:8443/x/?page=2", b" {}", "a.example:8443/x/index.json"),
        ("https://a.example/x/releases.atom", b"<?xml ?>", "a.example/x/releases.atom"),
        ("https://a.example/x/CVE-1.0", b"{}", "a.example/x/CVE-1.0.json"),
        ("https://a.example/feed", b"\n<rss>", "a.example/feed/index.xml"),
        ('https://o.example/q#{"package":{"ecosystem":"SUSE:15 SP6","name":"a/../b"}}', b"{}",
         "o.example/q/SUSE:15 SP6/a%2F..%2Fb.json"),
    ],
)  # fmt: skip
def test_each_answer_has_its_file(name: str, body: bytes, file: str) -> None:
    assert layout.file_of(name, body) == file


@pytest.mark.parametrize(
    "name",
    [
        "https://a.example/../../etc/passwd",
        "https://a.example/%2e%2e/%2e%2e/x",
        "https://../x",
        "https://a.example/a%00b",
        "https://a.example/a\x1b[2J",
        "https://a.example/a\\b",
        "https://a.example/" + "x" * 250,
        'https://o.example/q#{"package":{"ecosystem":"../..","name":"x"}}',
        'https://o.example/q#{"package":"x"}',
        "https://o.example/q#[]",
    ],
)
def test_an_address_that_no_file_may_have_is_refused(name: str) -> None:
    with pytest.raises(ShapeError):
        layout.file_of(name, b"{}")


@pytest.mark.parametrize("parts", [(b"[]", b"{}"), (b"[1]", b"<html>"), (b"1", b"2"), (b"[" * 5000, b"[]")])
def test_parts_of_different_kinds_are_not_put_together(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(ShapeError):
        layout.merged(parts)


def test_parts_are_put_together_once_each() -> None:
    assert json.loads(layout.merged([b'[{"a": 1}]', b'[{"a": 1}, {"a": 2}]'])) == [{"a": 1}, {"a": 2}]
    pages = [b'{"vulns": [1], "next_page_token": "x"}', b'{"vulns": [2]}']
    assert json.loads(layout.merged(pages)) == {"vulns": [1, 2]}


@pytest.mark.parametrize(
    ("days", "told", "old"),
    [(0, "moments ago", False), (1.5, "36 hours ago", False), (7.5, "7 days ago", True), (-3, "moments ago", False)],
)
def test_the_age_of_a_mirror_in_words(days: float, told: str, *, old: bool) -> None:
    now = datetime(2026, 4, 15, 12, tzinfo=UTC)
    found = mirror_age.age(MirrorState("/m", now - timedelta(days=days), now), 7, now)
    assert told in found[0]
    assert found[1] is old


def test_a_mirrors_list_of_files_is_read_up_to_its_limit(tmp_path: Path) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    for padding, known in ((100, at), (limits.MIRROR_LIST, None)):
        text = json.dumps({"navtex": "1", "fetched_at": at.isoformat(), "documents": [], "more": "x" * padding})
        (tmp_path / manifest.NAME).write_text(text)
        assert manifest.fetched_at(str(tmp_path)) == known


class Bringing:
    """A crawl that brings so many answers of 64 MiB, all of which failed."""

    complete, problem = True, ""

    def __init__(self, answers: int) -> None:
        self._answers = answers

    def run(self, _: CrawlJob) -> Iterator[FetchResult]:
        body = b" " * (64 << 20)
        for n in range(self._answers):
            url = f"https://kev.example/{n}"
            yield FetchResult(
                source="kev", form="json", url=url, at=NOW, complete=False, result=FetchStatus.FAILED, body=body
            )


@pytest.mark.parametrize(("answers", "problem"), [(64, ""), (65, "the answers are larger than 4 GiB")])
def test_a_mirror_takes_no_more_than_its_limit(folder: Path, answers: int, problem: str) -> None:
    report = fetch(cast("Crawl", Bringing(answers)), CrawlJob(), folder)
    assert report.problem == problem
