"""Every page of both snapshots of the corpus, with no entry lost: what stands on it is counted here another way."""

from __future__ import annotations

import csv
import html.parser
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from feeds.advisories.facts import Exploited, Likelihood, Release, ReleaseLine, Tags
from feeds.advisories.records import Kind, Record, VersionStatement
from feeds.mirror.server import Mirror
from feeds.sources.all_sources import SOURCES
from feeds.sources.base import Document, Parsed, Request, RequestContext
from feeds.versions.upstream import Key, key
from tests.support.documents import AT, SOURCE, facts, read, records

pytestmark = pytest.mark.corpus

DOCS = "docs.docker.com"
ANNOUNCEMENTS = f"{DOCS}/security/security-announcements"
PROGRAMS = f"{DOCS}/engine/release-notes"
ADVISORIES = {
    "moby-advisories": "moby/moby",
    "buildkit-advisories": "moby/buildkit",
    "containerd-advisories": "containerd/containerd",
    "runc-advisories": "opencontainers/runc",
    "cli-advisories": "docker/cli",
    "compose-advisories": "docker/compose",
    "buildx-advisories": "docker/buildx",
}
SPOKEN = {"moby/moby": "engine", "docker/cli": "cli", "opencontainers/runc": "runc"} | {
    r: r.partition("/")[2] for r in ("containerd/containerd", "moby/buildkit", "docker/compose", "docker/buildx")
}
# what lies in the snapshots for other programs than this one
LACKING = {"docker-packages", "engine-modules", "docker-cna", "go-archive-advisories", "desktop-notes"}
"""Sources that are younger than the corpus."""
UNREAD = re.compile(
    r"endoflife\.date/api/[\w-]+\.json|vuln\.go\.dev/index/(?:db|vulns)\.json|api\.osv\.dev/v1/query/Go/.*"
)
# the modules of our products
OWN = re.compile(
    r"github\.com/(docker/(docker|cli|compose|buildx)|moby/(moby|buildkit)|containerd/containerd|opencontainers/runc)"
    r"(/v\d+)?"
)
# CVEs of what an engine contains, or only spoken of: decided by hand, reading the notes
NOT_THE_ENGINES = frozenset(
    f"CVE-{number}"
    for number in (
        *("2024-21626", "2024-23650", "2024-23651", "2024-23652", "2024-23653"),  # runc's and BuildKit's
        *("2024-24789", "2024-24790", "2024-24791", "2024-45336", "2024-45341"),  # Go's
        *("2024-45310", "2025-31133", "2025-52565", "2025-52881"),  # runc's
        *("2025-61727", "2025-61729", "2026-32288"),  # Go's
        *("2026-33747", "2026-33748"),  # BuildKit's
        *("2025-27144", "2026-31431"),  # a library's, and the kernel's
    )
)


@pytest.fixture(scope="module", params=[pytest.param("t0", marks=pytest.mark.long), "t1"])
def snapshot(corpus: Path, request: pytest.FixtureRequest) -> Path:
    return corpus / "mirror" / str(request.param)


@dataclass
class Read:
    """What came of asking every source all that it asks."""

    files: set[Path] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    parsed: list[tuple[str, Request, Parsed]] = field(default_factory=list)


@pytest.fixture(scope="module")
def everything(snapshot: Path) -> Read:
    """All that the sources ask, answered by a snapshot, further questions included."""
    with Mirror(snapshot) as mirror:
        return _asked(snapshot, mirror)


def _asked(snapshot: Path, mirror: Mirror) -> Read:
    cves = frozenset(p.stem for p in (snapshot / "cveawg.mitre.org/api/cve").iterdir())
    packages = frozenset((p.parent.name, p.stem) for p in (snapshot / "api.osv.dev/v1/query").glob("[!G]*/*.json"))
    done = Read()
    for source in SOURCES:
        queue = list(source.requests(RequestContext(cves=cves, packages=packages)))
        while queue:
            ask = queue.pop()
            at = mirror.find(_path(ask))
            if at is None:
                continue
            done.files.add(at)
            try:
                parsed = source.parse(Document(ask.url, ask.form, at.read_bytes(), {}, AT))
            except Exception as error:  # noqa: BLE001 - whatever a parser raises is what this looks for
                done.problems.append(f"{source.name} {at}: {error!r}")
                continue
            done.parsed.append((source.name, ask, parsed))
            queue.extend(parsed.follow)
    return done


def _path(ask: Request) -> str:
    parts = urlsplit(ask.url)
    package = json.loads(ask.body)["package"] if ask.body else {}
    return "/".join((parts.netloc, parts.path, *(package[n] for n in ("ecosystem", "name") if package)))


def test_every_document_of_a_snapshot_is_asked_for_and_none_fails(snapshot: Path, everything: Read) -> None:
    assert everything.problems == []
    left = {p.relative_to(snapshot).as_posix() for p in snapshot.rglob("*") if p.is_file()} - {
        p.relative_to(snapshot.resolve()).as_posix() for p in everything.files
    }
    index = json.loads((snapshot / "vuln.go.dev/index/modules.json").read_text())
    others = {f"vuln.go.dev/ID/{v['id']}.json" for m in index if not OWN.fullmatch(m["path"]) for v in m["vulns"]}
    assert [path for path in sorted(left - others) if not UNREAD.fullmatch(path)] == []
    assert {name for name, _, _ in everything.parsed} == set(SOURCE) - LACKING


def test_every_item_of_a_document_has_a_key_of_its_own_and_can_be_stored(everything: Read) -> None:
    for name, ask, parsed in everything.parsed:
        keys = [item.key for item in parsed.items]
        assert len(keys) == len(set(keys)), (name, ask)
        for record in records(parsed):
            assert record.id.strip() == record.id != ""
            assert record.title
            assert record.url.startswith("https://")
            assert "\n" not in record.title
            assert "</" not in record.summary


def test_every_heading_of_the_announcements_is_an_entry_in_all_three_forms(snapshot: Path) -> None:
    text = (snapshot / ANNOUNCEMENTS / "index.html").read_text()
    article = text[text.index("<article") : text.index("</article>")]
    on_page = re.findall(r"<h2[^>]* id=([^\s>]+)", article)
    source = (snapshot / f"{ANNOUNCEMENTS}.md").read_text()
    in_markdown = [line[3:] for line in source.splitlines() if line.startswith("## ")]
    channel = ET.parse(snapshot / ANNOUNCEMENTS / "index.xml").getroot()  # noqa: S314 - a file of the corpus
    in_feed = [str(link.text).partition("#")[2] for link in channel.findall("channel/item/link")]
    assert len(on_page) > 15

    def entries(path: str, form: str) -> list[Record]:
        return records(read("docker-announcements", (snapshot / path).read_bytes(), form), Kind.ANNOUNCEMENT)

    page = entries(f"{ANNOUNCEMENTS}/index.html", "page")
    assert [r.id for r in page] == on_page
    markdown = entries(f"{ANNOUNCEMENTS}.md", "markdown")
    assert len(markdown) == len(in_markdown)
    assert [r.id for r in markdown] == on_page
    assert [r.id for r in entries(f"{ANNOUNCEMENTS}/index.xml", "rss")] == in_feed
    assert set(in_feed) <= set(on_page)


def test_every_cve_on_the_announcements_page_is_spoken_of(snapshot: Path) -> None:
    text = (snapshot / ANNOUNCEMENTS / "index.html").read_text()
    article = text[text.index("</nav></div>") : text.index("</article>")]
    shown = set(re.findall(r"CVE-\d{4}-\d+", re.sub(r"<[^>]+>", "", article)))
    parsed = read("docker-announcements", text, "page")
    assert set(chain.from_iterable(r.mentions for r in records(parsed, Kind.ANNOUNCEMENT))) == shown
    titles = [r.title for r in records(parsed, Kind.ANNOUNCEMENT) if r.title.startswith("Docker Desktop 4.")]
    titled = {cve for title in titles for cve in re.findall(r"CVE-[\d-]+\d", title)}
    assert titled
    assert titled <= {r.id for r in records(parsed, Kind.VULNERABILITY)}


def test_the_page_and_the_markdown_of_the_announcements_say_the_same(snapshot: Path) -> None:
    page = records(read("docker-announcements", (snapshot / ANNOUNCEMENTS / "index.html").read_bytes(), "page"))
    markdown = records(read("docker-announcements", (snapshot / f"{ANNOUNCEMENTS}.md").read_bytes(), "markdown"))
    assert [(r.kind, r.id, r.title) for r in page] == [(r.kind, r.id, r.title) for r in markdown]
    for one, other in zip(page, markdown, strict=True):
        assert set(one.mentions) == set(other.mentions)
        assert [(c.product, c.affected, c.fixed) for c in one.claims] == [
            (c.product, c.affected, c.fixed) for c in other.claims
        ]


def test_the_feed_of_the_announcements_in_its_earlier_form_loses_no_entry(corpus: Path) -> None:
    for at in (corpus / "extra" / "legacy-feed-2025-10").rglob("*.xml"):
        items = ET.parse(at).getroot().findall("channel/item")  # noqa: S314 - a file of the corpus
        found = records(read("docker-announcements", at.read_bytes(), "rss"), Kind.ANNOUNCEMENT)
        assert [r.title for r in found] == [" ".join(str(i.findtext("title")).split()) for i in items]
        # its links are cut off, or lead nowhere: the entries are those of the page all the same
        page = read(
            "docker-announcements", (corpus / "mirror" / "t1" / ANNOUNCEMENTS / "index.html").read_bytes(), "page"
        )
        assert {r.id for r in found} <= {r.id for r in records(page)}
        assert all(r.published for r in found)
        assert any(r.summary for r in found)
        return
    pytest.fail("the corpus has no such feed")


def test_every_edition_on_the_benchmarks_page_and_in_its_feed_is_a_benchmark(snapshot: Path, corpus: Path) -> None:
    places = [snapshot, corpus / "extra" / "cis-real-time-order"]
    listed = 0
    for page in (p for place in places for p in place.rglob("*.html") if "cisecurity" in str(p) or place != snapshot):
        text = page.read_text()
        shown = set(re.findall(r">Docker\s+(?:[\d.]+\s+)?\((\d+\.\d+\.\d+)\)<", text))
        found = records(read("cis-benchmark", text, "page"))
        assert {r.edition.version for r in found if r.edition} == shown
        listed += len(shown)
    assert listed >= 3
    feed = (snapshot / "www.cisecurity.org/feed/blog/index.xml").read_text()
    told = set(re.findall(r"CIS Docker Benchmark v(\d+\.\d+\.\d+)", feed))
    parsed = records(read("cis-benchmark", feed, "rss"))
    assert {r.edition.version for r in parsed if r.edition} == told
    assert all(r.published for r in parsed)


@pytest.mark.parametrize(("source", "repository"), ADVISORIES.items(), ids=ADVISORIES)
def test_every_published_advisory_of_a_repository_is_a_vulnerability(
    snapshot: Path, source: str, repository: str
) -> None:
    entries = json.loads((snapshot / f"api.github.com/repos/{repository}/security-advisories.json").read_text())
    found = {r.id: r for r in records(read(source, entries))}
    assert list(found) == [e["ghsa_id"] for e in entries]
    for entry in entries:
        record = found[entry["ghsa_id"]]
        assert record.aliases == ((entry["cve_id"],) if entry["cve_id"] else ())
        assert record.title == " ".join(entry["summary"].split())
        vectors = [v["vector_string"] for v in entry["cvss_severities"].values() if v and v["vector_string"]]
        assert [s.vector for s in record.scores if s.vector] == vectors
        assert len(record.scores) == len(vectors) + bool(entry["severity"])
        assert record.claims
        words = " ".join(c.words for c in record.claims)
        stated = [v for v in entry["vulnerabilities"] if v["vulnerable_version_range"]]
        missing = [v for v in stated if " ".join(v["vulnerable_version_range"].split()) not in words]
        # what is left out is about a library, which nobody installs
        assert [v["package"]["name"] for v in missing if "/api" not in v["package"]["name"]] == []


@pytest.mark.parametrize("repository", SPOKEN)
def test_every_tag_of_a_release_is_known_with_its_commit(snapshot: Path, repository: str) -> None:
    entries = json.loads((snapshot / f"api.github.com/repos/{repository}/tags.json").read_text())
    (fact,) = facts(read("tags", entries, repository), Tags)
    releases = [(e["name"], e["commit"]["sha"]) for e in entries if _is_release(e["name"])]
    assert len(releases) > 5
    assert [(t.name, t.commit) for t in fact.tags] == releases
    assert fact.product == SPOKEN[repository]


def _is_release(tag: str) -> bool:
    number = tag.removeprefix("docker-").removeprefix("v")
    return number[:1].isdigit() and "." in number and "/" not in number


class Headings(html.parser.HTMLParser):
    """The headings of the article of a page, and the text right behind each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[list[str]] = []
        self._inside: list[str] = []
        self._open = ""
        self.feed(text[text.index("<article") : text.index("</article>")])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if re.fullmatch("h[2-4]", tag):
            self._open = tag
            self.found.append([tag, dict(attrs).get("id") or "", "", ""])

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self.found:
            self.found[-1][2 if self._open else 3] += data


@pytest.mark.parametrize("line", ["29", "28", "27", "26.1", "25.0"])
def test_every_version_on_a_page_of_release_notes_is_a_release_with_its_day(snapshot: Path, line: str) -> None:
    text = (snapshot / PROGRAMS / line / "index.html").read_text()
    shown = [(h[2].strip(), h[1], h[3].strip()[:10]) for h in Headings(text).found if h[2].strip().count(".") == 2]
    # "There's no 27.0.0 release": it has no day
    shown = [s for s in shown if s[0].replace(".", "").isdigit() and s[2][:2] == "20"]
    assert len(shown) >= 5
    parsed = read("release-notes", text, line, f"https://{PROGRAMS}/{line}/")
    found: list[Release] = facts(parsed, Release)
    assert [(r.version, r.url.partition("#")[2], str(r.day)) for r in found] == shown
    assert [r.id for r in records(parsed, Kind.RELEASE)] == [f"engine-{version}" for version, _, _ in shown]


@pytest.mark.parametrize("line", ["29", "28", "27", "26.1", "25.0"])
def test_every_cve_on_a_page_of_release_notes_was_looked_at(snapshot: Path, line: str) -> None:
    """A CVE that is told to be fixed is one; the others are dependencies', regressions or comparisons."""
    text = (snapshot / PROGRAMS / line / "index.html").read_text()
    article = re.sub(r"<[^>]+>", " ", text[text.index("<article") : text.index("</article>")])
    shown = set(re.findall(r"CVE-\d{4}-\d+", article))
    parsed = read("release-notes", text, line, f"https://{PROGRAMS}/{line}/")
    fixed = {r.id for r in records(parsed, Kind.VULNERABILITY)}
    assert fixed == shown - NOT_THE_ENGINES
    assert all(r.claims[0].product == "engine" for r in records(parsed, Kind.VULNERABILITY))


def test_every_final_release_in_a_feed_of_releases_is_one(snapshot: Path) -> None:
    pages = sorted((snapshot / "github.com").rglob("releases.atom"))
    assert len(pages) == 3
    for at in pages:
        repository = "/".join(at.parts[-3:-1])
        text = at.read_text()
        tags = re.findall(r'<link rel="alternate"[^>]*/releases/tag/([^"]+)"', text)
        assert len(tags) == text.count("<entry>")
        final = [t.removeprefix("docker-")[1:] for t in tags if re.fullmatch(r"(?:docker-)?v\d+\.\d+\.\d+", t)]
        parsed = read("release-feeds", text, repository)
        assert [r.version for r in facts(parsed, Release)] == final
        assert {r.product for r in facts(parsed, Release)} == {SPOKEN[repository]}
        assert all(r.day for r in facts(parsed, Release))


def test_every_post_that_the_rule_is_for_is_kept_and_no_other(snapshot: Path) -> None:
    at = snapshot / "www.docker.com/blog/feed/index.xml"
    items = ET.parse(at).getroot().findall("channel/item")  # noqa: S314 - a file of the corpus
    wanted = []
    for item in items:
        title = str(item.findtext("title"))
        filed = {str(c.text).lower() for c in item.findall("category")}
        telling = ("security advisory", "security update", "security bulletin", "best practice", "white paper")
        if filed & {"security", "best practices"} or any(t in title.lower() for t in telling):
            wanted.append(title)
    found = records(read("docker-blog", at.read_bytes(), "rss"))
    assert [r.title for r in found] == wanted
    assert len(wanted) < len(items)
    assert all(r.published and r.reason for r in found)


def test_every_record_of_a_cve_is_read_with_what_its_authority_says(snapshot: Path) -> None:
    paths = sorted((snapshot / "cveawg.mitre.org/api/cve").glob("*.json"))
    assert paths
    for at in paths:
        data = json.loads(at.read_text())
        (record,) = records(read("cve-records", data))
        cna = data["containers"]["cna"]
        assert record.id == data["cveMetadata"]["cveId"] == at.stem
        assert (record.withdrawn is not None) is (data["cveMetadata"]["state"] == "REJECTED")
        vectors = [v for container in (cna, *data["containers"].get("adp", [])) for v in _vectors(container)]
        assert [s.vector for s in record.scores if s.vector] == vectors, at.stem
        assert [s.own for s in record.scores] == [True] * len(list(_vectors(cna))) + [False] * len(
            list(chain.from_iterable(_vectors(c) for c in data["containers"].get("adp", [])))
        )
        words = " ".join(c.words for c in record.claims)
        ours = {"docker engine", "moby", "docker", "runc", "containerd", "buildkit", "docker desktop", "compose"}
        for entry in cna.get("affected", []):
            if str(entry.get("product")).lower() in ours and str(entry.get("vendor")).lower() != "red hat":
                for version in entry.get("versions", []):
                    if version["status"] == "affected" and version["version"] not in ("n/a", "unspecified"):
                        assert " ".join(version["version"].split()) in words, (at.stem, version)


def _vectors(container: dict[str, Any]) -> Iterator[str]:
    for metric in container.get("metrics", []):
        for name, value in metric.items():
            if name.startswith("cvssV"):
                yield value["vectorString"]


def test_every_entry_of_the_index_of_the_go_database_is_followed_and_read(snapshot: Path, everything: Read) -> None:
    index = json.loads((snapshot / "vuln.go.dev/index/modules.json").read_text())
    begins = (
        "github.com/docker/",
        "github.com/moby/",
        "github.com/containerd/containerd",
        "github.com/opencontainers/",
    )
    wanted = {v["id"] for m in index if OWN.fullmatch(m["path"]) for v in m["vulns"]}
    near = {v["id"] for m in index if m["path"].startswith(begins) for v in m["vulns"]}
    answers = {
        ask.url.rpartition("/")[2].removesuffix(".json"): parsed
        for name, ask, parsed in everything.parsed
        if name == "go-vulndb" and ask.form == "entry"
    }
    assert wanted <= set(answers) <= near
    for name, parsed in answers.items():
        data = json.loads((snapshot / f"vuln.go.dev/ID/{name}.json").read_text())
        (record,) = records(parsed)
        assert record.id == name
        assert list(record.aliases) == data.get("aliases", [])
        assert (record.withdrawn is not None) is ("withdrawn" in data)
        modules = {a["package"]["name"] for a in data["affected"] if OWN.fullmatch(a["package"]["name"])}
        for module in modules - {"github.com/docker/docker", "github.com/docker/cli"}:
            assert any(c.words.startswith(f"{module}:") for c in record.claims) or _says_nothing(data, module), name


def _says_nothing(data: dict[str, Any], module: str) -> bool:
    ranges = [r for a in data["affected"] if a["package"]["name"] == module for r in a["ranges"]]
    return [r["events"] for r in ranges] == [[{"introduced": "0"}]]


def test_every_fixed_version_of_a_distributions_package_is_its_claim(snapshot: Path) -> None:
    paths = sorted((snapshot / "api.osv.dev/v1/query").glob("[!G]*/*.json"))
    assert len(paths) == 5
    for at in paths:
        ecosystem, package = at.parent.name, at.stem
        answers = json.loads(at.read_text()).get("vulns", [])
        found = {r.id: r for r in records(read("osv", at.read_bytes(), f"{ecosystem}/{package}"))}
        assert set(found) == {cve for v in answers for cve in v["upstream"] if cve.startswith("CVE-")}
        for vulnerability in answers:
            fixed = [
                event["fixed"]
                for a in vulnerability["affected"]
                if a["package"] == {**a["package"], "name": package, "ecosystem": ecosystem}
                for r in a["ranges"]
                for event in r["events"]
                if "fixed" in event
            ]
            for cve in vulnerability["upstream"]:
                claims: tuple[VersionStatement, ...] = found[cve].claims
                assert {(c.package, c.ecosystem) for c in claims} == {(package, ecosystem)}
                assert set(fixed) <= {v for c in claims for v in c.fixed}


@pytest.mark.parametrize("product", ["docker-engine", "containerd"])
def test_every_release_line_is_known_with_its_end(snapshot: Path, product: str) -> None:
    body = (snapshot / f"endoflife.date/api/v1/products/{product}/index.json").read_bytes()
    releases = json.loads(body)["result"]["releases"]
    parsed = read("end-of-life", body, product)
    lines: list[ReleaseLine] = facts(parsed, ReleaseLine)
    assert [line.name for line in lines] == [r["name"] for r in releases]
    assert [(str(line.ends) if line.ends else None, line.ended) for line in lines] == [
        (r["eolFrom"], r["isEol"]) for r in releases
    ]
    notices = [r for r in releases if r["eolFrom"] or r["isEol"]]
    assert len(records(parsed, Kind.END_OF_LIFE)) == len(notices)


def test_every_exploited_cve_and_every_score_is_known(snapshot: Path) -> None:
    text = (snapshot / "www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json").read_text()
    (catalogue,) = facts(read("kev", text, "json"), Exploited)
    assert set(catalogue.added) == set(re.findall(r'"cveID"\s*:\s*"(CVE-\d+-\d+)"', text))
    assert len(catalogue.added) > 1000
    text = (snapshot / "api.first.org/data/v1/epss/index.json").read_text()
    (scores,) = facts(read("epss", text), Likelihood)
    shown = dict(re.findall(r'"cve"\s*:\s*"(CVE-[\d-]+)",\s*"epss"\s*:\s*"([\d.]+)"', text))
    assert scores.scores == {cve: float(score) for cve, score in shown.items()}
    assert len(shown) > 5


def test_the_releases_of_the_corpus_are_among_the_tags(corpus: Path) -> None:
    with (corpus / "releases.csv").open(newline="") as file:
        wanted = [(r["product"], r["version"], r["date"]) for r in csv.DictReader(file)]
    tags: set[tuple[str, Key]] = set()
    for repository, product in SPOKEN.items():
        body = (corpus / f"mirror/t1/api.github.com/repos/{repository}/tags.json").read_bytes()
        (fact,) = facts(read("tags", body, repository), Tags)
        tags |= {(product, key(t.name)) for t in fact.tags}
    missing = {(p, v) for p, v, day in wanted if (p, key(v)) not in tags and day < "2026-06-20" and "-" not in v}
    # tagged in docker/docker-ce, which was both for a year
    elsewhere = {m for m in missing if m[0] in ("engine", "cli") and (17, 6) <= key(m[1])[:2] <= (18, 6)}
    assert missing == elsewhere


def test_a_poll_asks_github_as_often_as_the_page_says(corpus: Path) -> None:
    """One request for each repository's advisories and for each hundred tags: "about thirty-five" of 60 an hour."""
    asked = [
        a.url for s in SOURCES for a in s.requests(RequestContext()) if a.url.startswith("https://api.github.com/")
    ]
    further = 0
    for repository in SPOKEN:
        tags = json.loads((corpus / f"mirror/t1/api.github.com/repos/{repository}/tags.json").read_bytes())
        further += (len(tags) - 1) // 100
    assert 30 <= len(asked) + further <= 40
