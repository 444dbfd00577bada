"""What a post, a heading or a link may be called: never by another source's name; and whose record an answer is."""

from __future__ import annotations

import pytest

from feeds.advisories.merging import merge
from feeds.advisories.records import Kind, Read, canonical
from feeds.core.errors import ShapeError
from feeds.sources.readers.markup import Block
from feeds.sources.readers.note_records import fixes
from tests.support.documents import AT, entry, page, read, records, rss

NAMES = (
    "CVE-2031-10001",
    "cve-2031-10001",
    "GHSA-2222-3333-4444",
    "ghsa-2222-3333-4444",
    "GO-2031-0001",
    "engine-29.5.1",
    "engine-29.5.1-security",
    "runc-v1.2.3",
    "cis-docker-benchmark-1.8.0",
    "cis-docker-1.13-benchmark-1.0.0",
    "end-of-life/engine-29",
)


@pytest.mark.parametrize("name", NAMES)
def test_no_announcement_and_no_post_is_called_by_another_sources_name(name: str) -> None:
    article = f"<h2 id='{name}'>Docker Security Advisory</h2><p>Docker Engine 25.0.1 and earlier are affected.</p>"
    guid = entry(title="x", guid=f"security-{name}", link="https://docs.docker.com/x/#y")
    post = entry(title="Security advisory", link=f"https://www.docker.com/blog/{name}/", guid="https://x/?p=7")
    found = [
        *records(read("docker-announcements", page(article), "page")),
        *records(read("docker-announcements", rss(guid), "rss")),
        *records(read("docker-announcements", rss(entry(title="x", link=f"https://x/#{name}")), "rss")),
        *records(read("docker-blog", rss(post), "rss")),
        *records(read("docker-blog", rss(entry(title="Security advisory", link=f"https://x/b/{name}?a#b")), "rss")),
    ]
    assert canonical(name) not in {canonical(n) for r in found for n in r.names}


def test_a_heading_with_a_vulnerabilitys_name_leaves_it_alone() -> None:
    go = {
        "id": "GO-2031-0001",
        "aliases": ["CVE-2031-10001"],
        "affected": [{"package": {"name": "github.com/opencontainers/runc"}}],
    }
    article = "<h2 id='GO-2031-0001'>Docker Security Advisory</h2><p>runc 1.1.1 and earlier are affected.</p>"
    parsed = (read("go-vulndb", go, "entry"), read("docker-announcements", page(article), "page"))
    kinds = {a.name: a.kind for a in merge(Read(r, str(n), "d", AT) for n, p in enumerate(parsed) for r in records(p))}
    assert kinds == {
        "CVE-2031-10001": Kind.VULNERABILITY,
        "announcement/GO-2031-0001": Kind.ANNOUNCEMENT,
    }


@pytest.mark.parametrize(
    ("link", "ids"),
    [
        ("https://github.com/moby/moby/security/advisories/GHSA-2222-3333-4444", True),
        ("https://example.org/?to=https://github.com/moby/moby/security/advisories/GHSA-2222-3333-4444", False),
        ("https://example.org/github.com/moby/moby/security/advisories/GHSA-2222-3333-4444", False),
        ("https://example.org/#https://github.com/advisories/GHSA-2222-3333-4444", False),
    ],
)
def test_an_id_in_the_query_of_a_link_is_no_alias(link: str, *, ids: bool) -> None:
    block = Block("li", "Fix CVE-2031-10001.", links=(link,), labels=("details",))
    [fix] = fixes([Block("h3", "Security"), block], "engine", "moby/moby")
    assert fix.ids == (("CVE-2031-10001", "GHSA-2222-3333-4444") if ids else ("CVE-2031-10001",))


def test_the_record_of_another_cve_or_entry_is_a_failure() -> None:
    body = {"cveMetadata": {"cveId": "CVE-2031-10001", "state": "PUBLISHED"}, "containers": {"cna": {"title": "x"}}}
    base = "https://cveawg.mitre.org/api/cve"
    assert records(read("cve-records", body, url=f"{base}/CVE-2031-10001"))
    with pytest.raises(ShapeError, match="another CVE"):
        read("cve-records", body, url=f"{base}/CVE-2031-10002")
    go = {"id": "GO-2031-0001", "affected": [{"package": {"name": "github.com/opencontainers/runc"}}]}
    assert records(read("go-vulndb", go, "entry", url="https://vuln.go.dev/ID/GO-2031-0001.json"))
    with pytest.raises(ShapeError, match="another entry"):
        read("go-vulndb", go, "entry", url="https://vuln.go.dev/ID/GO-2031-0002.json")


def test_tags_of_another_repository_are_a_failure() -> None:
    tags = [{"name": "v1.2.3", "commit": {"sha": "a", "url": "https://api.github.com/repos/moby/moby/commits/a"}}]
    assert read("tags", tags, "moby/moby").items
    with pytest.raises(ShapeError, match="it lists tags of moby/moby"):
        read("tags", tags, "opencontainers/runc")


@pytest.mark.parametrize(("count", "fits"), [(3, True), (2, True), (1404, False)])
def test_a_catalogue_that_says_that_it_has_more_is_cut(count: int, *, fits: bool) -> None:
    entries = [{"cveID": f"CVE-2031-1000{n}", "dateAdded": "2031-01-01"} for n in range(3)]
    if fits:
        assert read("kev", {"count": count, "vulnerabilities": entries}, "json").items
    else:
        with pytest.raises(ShapeError, match="it says that it has 1404 entries, and has 3"):
            read("kev", {"count": count, "vulnerabilities": entries}, "json")
