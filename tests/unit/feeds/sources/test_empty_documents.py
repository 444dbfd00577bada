"""A source's state, and that none can fall silent: a document without entries is a failure."""

from __future__ import annotations

import pytest

from feeds.core.errors import NavtexError, ShapeError
from feeds.sources.all_sources import SOURCES
from feeds.sources.health import SourceHealth, SourceState, state
from tests.support.documents import SOURCE, asks, document, page, read, rss

FORMS = [
    *((s.name, a.form) for s in SOURCES for a in asks(s, "CVE-2024-41110", packages=[("Debian:12", "docker.io")])[:1]),
    *(("docker-announcements", form) for form in ("rss", "markdown")),
    ("cis-benchmark", "rss"),
    ("go-vulndb", "entry"),
    *(("docker-packages", form) for form in ("apt/ubuntu/jammy", "rpm/centos/9", "primary/centos/9")),
    ("end-of-life", "containerd"),
    ("engine-modules", "go.mod/29.3.0"),
]
# repositories of ours that have no advisory, an inventory without open CVEs, CVEs without a score
MAY_BE_EMPTY = {
    **{s.name: [] for s in SOURCES if s.name.endswith("-advisories")},
    "osv": {},
    "epss": {"status": "OK", "total": 0, "data": []},
}
NOTHING = {
    "no byte": b"",
    "white space": b" \n",
    "an empty object": {},
    "an empty list": [],
    "null": None,
    "a number": 404,
    "a word": "maintenance",
    "an error as JSON": {"message": "API rate limit exceeded", "documentation_url": "https://docs.github.com"},
    "an error page": b"<!doctype html><html><head><title>502</title></head><body><h2>Bad gateway</h2></body></html>",
    "a page to sign in": b"<html><body><form><p>Sign in to go on</p></form></body></html>",
    "the page without its entries": page("<p>There is nothing here any more.</p>").encode(),
    "an empty feed": rss().encode(),
    "no words": b"# Docker security announcements\n",
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "something compressed": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "the wrong encoding": "<html><p>Docker (1.8.0)</p></html>".encode("utf-16"),
    "lists in lists": b"[" * 200_000,
    "a half object": b'{"vulnerabilities": [{"cveID": "CVE-2024-41110"',
    "other objects": [{"unlike": "anything"}, {"id": 1}],
    "other lists": {"result": {"releases": []}, "vulnerabilities": [], "data": {}, "vulns": {}, "containers": {}},
}


@pytest.mark.parametrize(
    ("answered", "failed", "expected"),
    [
        (1, 0, SourceHealth.HEALTHY),
        (40, 0, SourceHealth.HEALTHY),
        (0, 0, SourceHealth.HEALTHY),
        (39, 1, SourceHealth.DEGRADED),
        (1, 39, SourceHealth.DEGRADED),
        (0, 1, SourceHealth.FAILING),
        (0, 40, SourceHealth.FAILING),
    ],
)
def test_a_source_is_as_healthy_as_its_answers(answered: int, failed: int, expected: SourceHealth) -> None:
    assert state(answered=answered, failed=failed) is expected


def test_a_source_that_was_never_asked_is_not_healthy() -> None:
    never = SourceState("kev", SourceHealth.UNPOLLED)
    assert (never.state.value, never.last_success, never.failures) == ("unpolled", None, 0)


def test_every_source_is_looked_at_here() -> None:
    assert {name for name, _ in FORMS} == set(SOURCE)
    assert len(SOURCE) == len(SOURCES) == 24


@pytest.mark.parametrize(
    ("source", "form", "body"),
    [
        pytest.param(source, form, body, id=f"{source} {form}, {name}")
        for source, form in FORMS
        for name, body in NOTHING.items()
        if source not in MAY_BE_EMPTY or body != MAY_BE_EMPTY[source]
    ],
)
def test_a_document_without_entries_is_a_failure_not_silence(source: str, form: str, body: object) -> None:
    with pytest.raises(NavtexError) as error:
        SOURCE[source].parse(document(body, form))
    assert isinstance(error.value, ShapeError)
    assert error.value.where == "https://example.org/document"
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(("source", "body"), MAY_BE_EMPTY.items(), ids=MAY_BE_EMPTY)
def test_an_answer_that_says_none_is_an_answer(source: str, body: object) -> None:
    parsed = read(source, body, "Debian:12/docker.io" if source == "osv" else "api")
    assert [i for i in parsed.items if source != "epss"] == []
    assert parsed.follow == ()


def test_githubs_own_words_say_why_there_is_no_list() -> None:
    limited = {"message": "API rate limit exceeded for 192.0.2.1.\0\n" + "x" * 5000}
    with pytest.raises(ShapeError, match=r"no list of advisories: API rate limit exceeded for 192\.0\.2\.1\.") as error:
        SOURCE["moby-advisories"].parse(document(limited))
    assert "\0" not in str(error.value)
    assert len(str(error.value)) < 400
