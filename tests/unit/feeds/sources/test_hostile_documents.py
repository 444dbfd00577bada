"""Documents that want to do harm: whatever a source is given, it reads it or says that it cannot, in bounded work."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.advisories.records import Record
from feeds.core.errors import ShapeError
from feeds.images.records import RegistryItem
from feeds.sources.all_sources import SOURCES
from feeds.sources.base import Item, Parsed
from tests.support.depth import bounded, examples, size
from tests.support.documents import SOURCE, atom, document, entry, page, read, records, rss

CVE, OTHER = "CVE-2024-41110", "CVE-2024-29018"
GHSA, SIBLING = "GHSA-v23v-6jw2-98fq", "GHSA-x86f-5xw2-fm2r"
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H"

ADVISORY = {
    "ghsa_id": GHSA,
    "cve_id": CVE,
    "html_url": f"https://github.com/moby/moby/security/advisories/{GHSA}",
    "summary": "A bypass",
    "description": "Docker Engine before 27.1.1 has a flaw.",
    "severity": "critical",
    "state": "published",
    "published_at": "2024-07-23T16:00:00Z",
    "updated_at": "2024-07-24T16:00:00Z",
    "withdrawn_at": None,
    "vulnerabilities": [
        {
            "package": {"ecosystem": "go", "name": "github.com/docker/docker"},
            "vulnerable_version_range": ">= 19.03.0, < 27.1.1",
            "patched_versions": "27.1.1, 26.1.5",
        }
    ],
    "cvss_severities": {"cvss_v3": {"vector_string": VECTOR, "score": 9.9}, "cvss_v4": {"vector_string": None}},
}
EVENTS = [{"introduced": "0"}, {"fixed": "20.10.25-1"}, {"introduced": "26"}, {"last_affected": "26.1"}]
DISTRIBUTED = {
    "id": f"DEBIAN-{CVE}",
    "upstream": [CVE],
    "aliases": [GHSA],
    "details": "Words.",
    "published": "2024-07-24T17:00:00Z",
    "severity": [{"type": "CVSS_V3", "score": VECTOR}],
    "affected": [
        {
            "package": {"ecosystem": "Debian:12", "name": "docker.io"},
            "ranges": [{"type": "ECOSYSTEM", "events": EVENTS}],
        }
    ],
    "references": [{"type": "ADVISORY", "url": "https://example.org/"}],
}
GO = {
    "id": "GO-2024-3005",
    "aliases": [CVE],
    "summary": "A bypass",
    "details": "Words.",
    "withdrawn": None,
    "affected": [
        {
            "package": {"name": f"github.com/{path}", "ecosystem": "Go"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "27.1.1+incompatible"}]}],
            "ecosystem_specific": {"custom_ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "19.03.0"}]}]},
        }
        for path in ("docker/docker", "moby/moby/v2")
    ],
}
PUBLISHED = {
    "cveMetadata": {"cveId": CVE, "state": "PUBLISHED", "assignerShortName": "GitHub_M", "datePublished": "2024-07-24"},
    "containers": {
        "cna": {
            "title": "A bypass",
            "descriptions": [{"lang": "en", "value": "Docker Engine before 27.1.1 has a flaw."}],
            "affected": [
                {
                    "vendor": "moby",
                    "product": "Docker Engine",
                    "defaultStatus": "affected",
                    "versions": [
                        {
                            "version": "19.03.0",
                            "lessThan": "27.1.1",
                            "status": "affected",
                            "versionType": "custom",
                            "changes": [{"at": "25.0.6", "status": "unaffected"}],
                        },
                        {"version": "29.0.0", "status": "unaffected"},
                    ],
                }
            ],
            "metrics": [{"format": "CVSS", "cvssV3_1": {"vectorString": VECTOR, "baseSeverity": "CRITICAL"}}],
        },
        "adp": [{"providerMetadata": {"shortName": "CISA-ADP"}, "metrics": [{"cvssV3_1": {"vectorString": VECTOR}}]}],
    },
}
REJECTED = {
    "cveMetadata": {"cveId": CVE, "state": "REJECTED", "dateRejected": "2024-07-24"},
    "containers": {"cna": {"rejectedReasons": [{"lang": "en", "value": "No."}]}},
}
LINE = {"name": "28", "releaseDate": "2025-02-20", "isEol": True, "eolFrom": "2026-05-13", "latest": {"name": "28.5.2"}}
# source, form, a document that it reads
VALID: dict[str, tuple[str, str, Any]] = {
    "advisories": ("moby-advisories", "api", [ADVISORY, ADVISORY | {"ghsa_id": SIBLING, "cve_id": OTHER}]),
    "tags": ("tags", "moby/moby", [{"name": f"docker-v29.5.{n}", "commit": {"sha": "ab"}} for n in range(2)]),
    "Go index": ("go-vulndb", "index", [{"path": "github.com/docker/docker", "vulns": [{"id": "GO-2024-3005"}]}]),
    "Go entry": ("go-vulndb", "entry", GO),
    "CVE record": ("cve-records", "api", PUBLISHED),
    "rejected CVE record": ("cve-records", "api", REJECTED),
    "OSV": ("osv", "Debian:12/docker.io", {"vulns": [DISTRIBUTED, DISTRIBUTED | {"upstream": [OTHER]}]}),
    "lines": ("end-of-life", "docker-engine", {"result": {"releases": [LINE, LINE | {"name": "29"}]}}),
    "KEV": ("kev", "json", {"vulnerabilities": [{"cveID": c, "dateAdded": "2024-08-01"} for c in (CVE, OTHER)]}),
    "EPSS": ("epss", "api", {"data": [{"cve": c, "epss": "0.1", "date": "2026-06-20"} for c in (CVE, OTHER)]}),
}
OTHERS: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e308, "", "x", "\0\u202e", "9" * 5000, "1." * 50, "2" * 30),
    *([], {}, [None], ["x"], [[]], [{}], [1], {"x": None}, {"x": {}}, {"x": [{"x": "x"}]}),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every node of a document."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inner:
        yield from places(child, (*path, name))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The same document with another value at one place."""
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


def attempt(source: str, form: str, body: object) -> Parsed | None:
    """What comes of a document; None where the source says that it is none of its own. Nothing else may happen."""
    try:
        return read(source, body, form)
    except ShapeError as error:
        refusal = error
    assert refusal.where
    assert len(str(refusal)) < 400
    assert "\0" not in str(refusal)
    return None


def names(parsed: Parsed) -> set[str]:
    return {name for record in records(parsed) for name in record.names}


@pytest.mark.parametrize(("source", "form", "valid"), VALID.values(), ids=VALID)
def test_whatever_stands_at_any_place_is_read_or_refused(source: str, form: str, valid: Any) -> None:
    assert attempt(source, form, valid) is not None
    for path in places(valid):
        for other in OTHERS:
            parsed = attempt(source, form, put(valid, path, other))
            for record in records(parsed) if parsed else ():
                assert record.id
                assert record.title
                # an id that no database could keep, or a name that would fuse strangers
                assert all(re.fullmatch(r"[\w./-]+", name) for name in record.names), (path, other)


@pytest.mark.parametrize("name", ["advisories", "OSV"])
def test_one_broken_entry_costs_no_other(name: str) -> None:
    source, form, valid = VALID[name]
    for path in places(valid):
        first = next((part for part in path if isinstance(part, int)), None)
        if first is None or path[-1] == first:
            continue
        kept = {CVE, OTHER} - {CVE if first == 0 else OTHER}
        for other in OTHERS:
            parsed = attempt(source, form, put(valid, path, other))
            assert parsed is not None, (path, other)
            assert kept <= names(parsed), (path, other)


@pytest.mark.parametrize(("source", "form", "valid"), VALID.values(), ids=VALID)
def test_a_document_that_breaks_off_is_refused_wherever_it_does(source: str, form: str, valid: Any) -> None:
    body = json.dumps(valid).encode()
    for end in range(0, len(body), 7):
        assert attempt(source, form, body[:end]) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(value=json_values, at=st.integers(0, 200), name=st.sampled_from(sorted(VALID)))
@settings(max_examples=examples(300), deadline=None)
def test_any_value_at_any_place_is_read_or_refused(value: Any, at: int, name: str) -> None:
    source, form, valid = VALID[name]
    paths = list(places(valid))
    attempt(source, form, put(valid, paths[at % len(paths)], value))


@given(body=st.binary(max_size=200))
@settings(max_examples=examples(100), deadline=None)
def test_any_bytes_are_read_or_refused_by_every_source(body: bytes) -> None:
    for source in SOURCES:
        for form in (*source.urls, "api", "Debian:12/docker.io"):
            if form in ("rss", "page", "markdown") or source.name not in ("docker-announcements", "end-of-life"):
                attempt(source.name, form, body)


MARKED = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>press</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<svg><script>alert(1)</script></svg>",
    "<style>body{display:none}</style>",
    "<!-- comment -->",
    "<![CDATA[data]]>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
)
TEXTS = (
    "bidi \u202e gnp.exe \u202c \u2066 x \u2069",
    "terminal \x1b[31m \x9b31m \x07",
    "zero \u200b width \ufeff",
    "combined " + "e\u0301" * 200,
    "surrogate \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "CVE-2024-" + "1" * 40,
    "Docker Engine before " + "9" * 60 + ".1",
    "Docker " * 300,
    "template {{ 7*7 }} ${7*7} %s %n",
)


def announced(words: str) -> str:
    return page(f"<h2 id=kept>Kept {words}</h2><p>{words}</p><ul><li>{words}</li></ul><h2 id=next>Next</h2>")


@pytest.mark.parametrize("words", [*MARKED, *TEXTS])
def test_strange_words_cost_no_entry_of_a_page(words: str) -> None:
    found = {
        r.id
        for r in records(read("docker-announcements", announced(words), "page"))
        if "kept" in r.id or r.id == "next"
    }
    assert found == {"kept", "next"}
    notes = page(f"<h2 id=a>29.5.2</h2><p>{words}</p><h2 id=b>29.5.1</h2><ul><li>Fix {CVE}</li></ul>")
    assert {"engine-29.5.2", "engine-29.5.1", CVE} <= {r.id for r in records(read("release-notes", notes, "29"))}
    editions = page(f"<p>{words}</p><p>Docker (1.8.0)</p>")
    assert [r.id for r in records(read("cis-benchmark", editions, "page"))] == ["cis-docker-benchmark-1.8.0"]


@pytest.mark.parametrize("words", [w for w in (*MARKED, *TEXTS) if "\x1b" not in w])
def test_strange_words_cost_no_entry_of_a_feed(words: str) -> None:
    body = rss(
        entry(title=f"Security update {words}", link="https://www.docker.com/blog/one/", description=words),
        entry(title="Security update", link="https://www.docker.com/blog/two/"),
    )
    assert [r.id for r in records(read("docker-blog", body, "rss"))] == ["docker-blog/one", "docker-blog/two"]
    released = atom(
        ("v1.4.3", f"<p>{words}</p><ul><li>Fix {CVE}</li></ul>"), ("v1.4.2", ""), repository="opencontainers/runc"
    )
    found = {r.id for r in records(read("release-feeds", released, "opencontainers/runc"))}
    assert {"runc-1.4.3", "runc-1.4.2"} <= found
    # what is listed below words about the engine is not a fix of runc
    assert (CVE in found) is (not words.startswith("Docker "))


@pytest.mark.parametrize("words", MARKED)
def test_no_markup_of_a_stranger_comes_out_of_a_page_or_a_feed(words: str) -> None:
    parsed = [
        read("docker-announcements", announced(words), "page"),
        read("docker-announcements", rss(entry(title=f"Kept {words}", link="#kept", description=words)), "rss"),
        read(
            "docker-blog",
            rss(entry(title=f"White paper {words}", link="https://a.example/b/", description=words)),
            "rss",
        ),
        read("release-notes", page(f"<h2 id=a>29.5.1</h2><p>Fix {CVE} {words}</p>"), "29"),
    ]
    texts = [t for p in parsed for i in p.items for t in _texts(i)]
    assert any("Kept" in t for t in texts)
    # what was escaped twice is text that speaks of markup, and stays text
    spoken = "&lt;" in words
    assert [t for t in texts if not spoken and re.search(r"<\w|</|-->|\]\]>", t)] == []


def _texts(item: Item | RegistryItem) -> Iterator[str]:
    if isinstance(item, Record):
        yield from (item.title, item.summary, *(c.words for c in item.claims))


def test_a_link_is_kept_as_it_is_for_the_one_who_shows_it_to_judge() -> None:
    post = entry(title="White paper", link="javascript:alert(1)")
    assert [r.url for r in records(read("docker-blog", rss(post), "rss"))] == ["javascript:alert(1)"]


LONG = size(2_000_000)  # characters: what is quadratic takes an hour of two million, and half a minute of a tenth
SECONDS = 10.0
LINES = {
    "a word": "a",
    "words": "word ",
    "blanks": " ",
    "dashes": "-",
    "digits": "1",
    "dotted digits": "1.",
    "brackets": "[",
    "parentheses": "(",
    "quotes": '"',
    "product after product": "docker ",
    "half a foreign product": "x-docker-",
    "fix after fix": "fix ",
    "fixes of nothing": "fixes security ",
    "half an id": "CVE-2024-",
    "half an advisory": "GHSA-2222-",
    "id after id": f"{CVE} ",
    "version after version": "1.2.3, ",
    "range after range": "before 1.2.3 ",
    "comparators": ">= 1.2.3, ",
}


def huge(unit: str) -> str:
    return (unit * (LONG // len(unit) + 1))[:LONG]


@pytest.mark.parametrize("unit", LINES.values(), ids=LINES)
def test_a_long_line_is_read_in_bounded_work(unit: str) -> None:
    line = huge(unit)
    advisory = ADVISORY | {"description": line, "vulnerabilities": [{"vulnerable_version_range": line}]}
    notes = page(f"<h2 id=a>29.5.1</h2><ul><li>{CVE} fix {line}</li></ul>")
    with bounded(SECONDS):
        assert names(read("moby-advisories", [advisory | {"summary": line}])) >= {GHSA, CVE}
        found = names(read("release-notes", notes, "29"))
    assert "engine-29.5.1" in found
    # a fix of a product that is not the engine is none of the engine's
    assert (CVE in found) is (unit != "x-docker-")


@pytest.mark.parametrize(
    "unit", ["<", "</", "<div>", "<p>", "<b>", "<a href=x>", "<!--", "&", "&amp;", "<td>", "<ul><li>"]
)
def test_much_unfinished_markup_is_read_or_refused_in_bounded_work(unit: str) -> None:
    line = huge(unit)[: LONG // 4]
    post = rss(entry(title="White paper", link="https://a.example/b", description=line))
    with bounded(SECONDS):
        attempt("docker-announcements", "page", page(f"<h2 id=a>A</h2>{line}"))
        attempt("release-notes", "29", page(f"<h2 id=a>29.5.1</h2>{line}"))
        assert attempt("docker-blog", "rss", post)


def test_blank_lines_before_the_first_element_of_a_feed_take_no_time() -> None:
    post = rss(entry(title="White paper", link="https://a.example/b"))
    for before in ("", '<?xml version="1.0"?>', "<!DOCTYPE rss>"):
        with bounded(SECONDS):
            assert attempt("docker-blog", "rss", before + "\n" * LONG + post[post.index("<rss") :])


# forms that differ by address only are tried once, and feeds too: one reader refuses them before a source sees anything
ALIKE = {"release-feeds": "moby/moby", "release-notes": "29", "tags": "moby/moby"}
NESTED = [
    (source.name, form)
    for source in SOURCES
    for form in source.urls
    if form == ALIKE.get(source.name, form) and form != "rss"
]


@pytest.mark.parametrize(("source", "form"), NESTED)
def test_deep_nesting_is_refused_and_breaks_nothing(source: str, form: str) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}"), ("<div>", "</div>"), ("<a>", "</a>"), ("> ", "")):
        depth = size(100_000)
        assert attempt(source, form, opening * depth + "1" + closing * depth) is None


def test_very_many_entries_are_read_in_bounded_work() -> None:
    listed = [{"name": f"v1.0.{n}", "commit": {"sha": str(n)}} for n in range(size(200_000))]
    with bounded(SECONDS):
        (fact,) = read("tags", listed, "opencontainers/runc").items
    assert len(msgspec.to_builtins(fact)["tags"]) == len(listed)


def test_every_source_says_where_a_document_is_that_it_refuses() -> None:
    for source in SOURCES:
        for form in chain(source.urls):
            with pytest.raises(ShapeError) as error:
                SOURCE[source.name].parse(document(b"\x00", form, "https://mirror.example/x"))
            assert str(error.value).startswith("https://mirror.example/x: ")
