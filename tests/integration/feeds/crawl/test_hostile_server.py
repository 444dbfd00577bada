"""Forty hostile answers, met by the program itself: what `navtex poll` and `navtex source list` say of each."""

from __future__ import annotations

import gzip
import json
import re
import resource
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from feeds.mirror.server import Mirror
from feeds.sources.all_sources import SOURCES
from tests.conftest import DEMO, program
from tests.support import depth
from tests.support.unruly import (
    Behaviour,
    Reply,
    Unruly,
    claim_too_much,
    drip,
    endless,
    endless_headers,
    hang_up,
    no_http,
    reset,
)

PORTAL = "<!doctype html><html><title>Welcome</title><form>Your room number</form></html>"
GITHUB = "api.github.com/repos"
DOCS = "docs.docker.com"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
FEED = '<rss version="2.0"><channel><title>{0}</title><item><title>{0}</title></item></channel></rss>'
ODD = {"ghsa_id": "GHSA-2222-2222-2222", "summary": "A flaw", "state": "published", "vulnerabilities": []}


def to(address: str, status: int = 302) -> Reply:
    return Reply("moved", status, {"Location": address})


def packed(how: str, body: bytes) -> Reply:
    return Reply(body, headers={"Content-Encoding": how, "Set-Cookie": "session=1"})


# place: the source, how it answers, and what is said of it
MIRRORED: dict[str, tuple[str, Behaviour, str]] = {
    f"{GITHUB}/moby/moby/security-advisories": ("moby-advisories", Reply(PORTAL), "A web page came where data was due"),
    f"{GITHUB}/moby/buildkit/security-advisories": (
        "buildkit-advisories",
        packed("gzip", gzip.compress(b" " * (64 << 20), 1)),
        "larger than 32 MiB when it is unpacked",
    ),
    f"{GITHUB}/containerd/containerd/security-advisories": (
        "containerd-advisories",
        to(f"https://{GITHUB}/containerd/containerd/security-advisories?again"),
        "redirects in a circle",
    ),
    f"{GITHUB}/opencontainers/runc/security-advisories": (
        "runc-advisories",
        to("http://portal.example/login"),
        r"redirects from https to http \(portal.example\)",
    ),
    f"{GITHUB}/docker/cli/security-advisories": ("cli-advisories", endless_headers, "headers are larger than 128 KiB"),
    f"{GITHUB}/docker/compose/security-advisories": (
        "compose-advisories",
        Reply([ODD], headers={"Link": '<https://evil.example/next>; rel="next"'}),
        "leads to another host",
    ),
    f"{GITHUB}/docker/buildx/security-advisories": (
        "buildx-advisories",
        packed("gzip", gzip.compress(json.dumps([ODD] * 500).encode())[:-12]),
        "the answer is incomplete: the compressed data ends early",
    ),
    "www.cisa.gov": ("kev", Reply("[" * 1_000_000), "no JSON"),
    "api.first.org": ("epss", Reply({"data": [{"cve": "CVE-2024-21626", "epss": "NaN"}]}), "no EPSS score"),
    "api.osv.dev": ("osv", Reply(PORTAL), "A web page came where data was due"),
    "vuln.go.dev": ("go-vulndb", Reply('[{"path": "stdlib"}]'.encode("utf-16")), "no JSON"),
    "endoflife.date/api/v1/products/docker-engine/": ("end-of-life", endless, "larger than 32 MiB"),
    "endoflife.date/api/v1/products/containerd/": ("end-of-life", claim_too_much, "larger than 32 MiB"),
    "www.docker.com": ("docker-blog", drip, "no complete answer in time"),
    "www.cisecurity.org/benchmark/docker": ("cis-benchmark", to("file:///etc/passwd"), "of the kind file"),
    "www.cisecurity.org/feed/blog/": (
        "cis-benchmark",
        Reply(f'<!DOCTYPE rss [<!ENTITY l0 "ha">{LAUGHS}]>{FEED.format("&l11;")}'),
        r"broken feed|no RSS|larger|memory|seconds|entries",
    ),
    f"{DOCS}/security/security-announcements/": (
        "docker-announcements",
        Reply("<article>" + "<div>" * 200_000),
        "too deeply nested",
    ),
    f"{DOCS}/security/security-announcements/index.xml": (
        "docker-announcements",
        Reply(f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>{FEED.format("&x;")[:-20]}'),
        "broken feed",
    ),
    f"{DOCS}/security/security-announcements.md": (
        "docker-announcements",
        Reply(b"## \xff\xfe\0\x1b[2J" * 99),
        "no UTF-8 text",
    ),
    f"{DOCS}/engine/release-notes/29/": ("release-notes", to(f"https://{DOCS}/1"), "redirects more than 5 times"),
    f"{DOCS}/engine/release-notes/28/": ("release-notes", packed("br", b"\x1b"), "its compression was not requested"),
    f"{DOCS}/engine/release-notes/27/": (
        "release-notes",
        packed("gzip, gzip", gzip.compress(gzip.compress(b"<article>"))),
        "its compression was not requested",
    ),
    "github.com/moby/moby/releases.atom": (
        "release-feeds",
        Reply('<?xml version="1.0" encoding="rot13"?><feed xmlns="http://www.w3.org/2005/Atom">\xe9</feed>'),
        "broken feed|without entries|no RSS",
    ),
    "github.com/docker/cli/releases.atom": ("release-feeds", Reply(b"<feed>" + b"<a>" * (3 << 20)), "than 8 MiB"),
    "github.com/containerd/containerd/releases.atom": (
        "release-feeds",
        packed("deflate", zlib.compress(b"<feed>")[:-6] + b"broken"),
        "cannot be unpacked|data ends early",
    ),
    f"{GITHUB}/moby/moby/tags": ("tags", reset, "the connection failed|the answer broke off"),
    f"{GITHUB}/docker/cli/tags": ("tags", no_http, "the connection failed"),
    f"{GITHUB}/containerd/containerd/tags": ("tags", hang_up, "the connection failed"),
    "cveawg.mitre.org/api/cve/CVE-2024-21626": (
        "cve-records",
        to("https://169.254.169.254/latest/meta-data/"),
        "points to the private address 169.254.169.254",
    ),
    "cveawg.mitre.org/api/cve/CVE-2024-24557": ("cve-records", Reply("null"), "no CVE record"),
    "cveawg.mitre.org/api/cve/CVE-2024-41110": (
        "cve-records",
        Reply({"cveMetadata": {"cveId": ["CVE-2024-41110"]}, "containers": "all"}),
        "no CVE record",
    ),
}
CIRCLE = f"{GITHUB}/containerd/containerd/security-advisories?again"


@dataclass(frozen=True)
class Met:
    """What the program said of hostile answers."""

    said: str
    sources: dict[str, dict[str, Any]]
    table: str
    site: Unruly
    elsewhere: Unruly
    grew: int


def met(home: Path, site: Unruly, elsewhere: Unruly, config: str, **variables: str) -> Met:
    home.mkdir()
    (home / "config.toml").write_text(config)
    navtex = program(home, NAVTEX_CONFIG=str(home / "config.toml"), GITHUB_TOKEN="ghp_secret", **variables)
    inventory = "host,product,version,package,distro\nweb-1,engine,20.10.24,docker.io 20.10.24+dfsg1-1,debian-12\n"
    navtex("inventory", "import", stdin=inventory)
    done = navtex("poll", status=1)
    grew = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    sources = {s["name"]: s for s in navtex.json("source", "list")["sources"]}
    return Met(done.stderr + done.stdout, sources, navtex("source", "list").stdout, site, elsewhere, grew)


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Met]:
    """One poll of a mirror whose answers are hostile, and of some that are not."""
    with Mirror(DEMO / "day-1") as mirror, Unruly(mirror) as site, Unruly(mirror) as elsewhere:
        for place, (_, behaviour, _) in MIRRORED.items():
            if behaviour is not drip or depth.is_long():  # it lasts as long as a host may take, as test_trouble shows
                site.reply(place, behaviour)
        site.reply(CIRCLE, to(f"https://{CIRCLE.partition('?')[0]}?per_page=100"))
        for n in range(1, 9):
            site.reply(f"{DOCS}/{n}", to(f"https://{DOCS}/{n + 1}"))
        home = tmp_path_factory.mktemp("mirrored") / "home"
        yield met(home, site, elsewhere, "[poll]\nhost_seconds = 6\n", NAVTEX_MIRROR=site.url)


@pytest.mark.parametrize(
    "place", [pytest.param(p, marks=pytest.mark.long if what[1] is drip else []) for p, what in MIRRORED.items()]
)
def test_each_hostile_answer_is_told_with_its_place_and_reason(mirrored: Met, place: str) -> None:
    source, _, reason = MIRRORED[place]
    found = mirrored.sources[source]
    assert found["state"] in ("failing", "degraded")
    said = next(line for line in mirrored.said.splitlines() if line.startswith(f"{source} is {found['state']}: "))
    for message in (found["message"], said):
        assert re.search(rf"https://{re.escape(place)}[^;]*: [^;]*({reason})|({reason})", message), message
    assert len(found["message"]) < 3000
    assert not re.search(r"twisted|Traceback|\w+Exception\b|object at 0x", found["message"])
    assert found["message"].isprintable()


def test_the_others_go_on(mirrored: Met) -> None:
    assert mirrored.sources["cve-records"]["state"] == "degraded"
    assert mirrored.sources["cve-records"]["items"] > 3
    assert mirrored.sources["release-feeds"]["state"] in ("degraded", "failing")
    assert "the crawl ended early" not in mirrored.said
    assert {name for name, s in mirrored.sources.items() if s["state"] == "unpolled"} <= {"engine-modules"}, (
        "asked only for engines that some host runs"
    )


def test_memory_stays_bounded(mirrored: Met) -> None:
    assert mirrored.grew < 900 << 10  # kilobytes


def test_no_other_host_is_asked_and_no_cookie_or_referer_is_sent(mirrored: Met) -> None:
    assert not mirrored.site.to("evil.example")
    assert not mirrored.site.to("169.254.169.254")
    assert not mirrored.site.to("portal.example")
    assert not [a for a in mirrored.site.asked if {"cookie", "referer"} & a.headers.keys()]
    assert "ghp_secret" not in json.dumps([a.headers for a in mirrored.site.asked])


DIRECT = {
    "moby-advisories": ("http://localhost:{site}/x", "private address localhost"),
    "buildkit-advisories": ("http://127.0.0.2:{else}/x", "private address 127.0.0.2"),
    "containerd-advisories": ("http://[::1]:{else}/x", "private address ::1"),
    "runc-advisories": ("http://2130706433:{else}/x", "private address 2130706433"),
    "cli-advisories": ("http://0x7f.1:{else}/x", "private address 0x7f.1"),
    "compose-advisories": ("http://0177.0.0.1:{else}/x", "private address 0177.0.0.1"),
    "buildx-advisories": ("http://[::ffff:127.0.0.1]:{else}/x", "private address ::ffff"),
    "kev": ("http://127.0.0.1:{else}/x", "private address 127.0.0.1:"),
    "docker-blog": ("http://user:secret@127.0.0.1:{site}/x", "with a user or a name that no host can have"),
    "go-vulndb": ("http://10.0.0.1/x", "private address 10.0.0.1"),
    "epss": ("http://[fd00:ec2::254]/latest/", "private address fd00:ec2::254"),
    "osv": ("gopher://127.0.0.1:{else}/x", "of the kind gopher"),
}
FORMS = {"kev": "json", "docker-blog": "rss", "go-vulndb": "index"}
OFF = [source.name for source in SOURCES if source.name not in DIRECT]


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Met]:
    """One poll of sources at an internal address that somebody configured, which redirect to others."""
    with Mirror(DEMO / "day-1") as mirror, Unruly(mirror) as site, Unruly(mirror) as elsewhere:
        ports = {"site": site.url.rpartition(":")[2], "else": elsewhere.url.rpartition(":")[2]}
        config = "".join(f"[sources.{name}]\nenabled = false\n" for name in OFF)
        for name, (address, _) in DIRECT.items():
            site.reply(name, to(address.format(**ports)))
            config += f'[sources.{name}.urls]\n{FORMS.get(name, "api")} = "{site.url}/{name}"\n'
        home = tmp_path_factory.mktemp("direct") / "home"
        yield met(home, site, elsewhere, config)


@pytest.mark.parametrize("source", DIRECT)
def test_a_redirect_to_a_private_address_is_not_followed(direct: Met, source: str) -> None:
    assert direct.sources[source]["state"] == "failing"
    assert DIRECT[source][1] in direct.sources[source]["message"]
    assert direct.site.to(source), "it was asked where it was configured, on loopback"


def test_nothing_was_asked_there_and_nothing_secret_was_sent(direct: Met) -> None:
    assert not direct.elsewhere.asked
    assert not direct.site.to("x")
    assert not [a for a in direct.site.asked if "authorization" in a.headers]
    assert "secret@" not in direct.said + direct.table
