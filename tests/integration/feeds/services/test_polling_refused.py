"""Values that a database refuses: the same hostile documents on SQLite and PostgreSQL, each refused by its name."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from feeds import storage
from feeds.core.limits import ADDRESS, HEADER, NAME, TITLE
from feeds.sources.health import SourceHealth
from feeds.storage.database import Database
from tests.support.documents import entry, rss
from tests.support.polling import MOBY, Poller, entries
from tests.support.unruly import Reply, Unruly

BLOG = "www.docker.com/blog/feed/"
TAGS = "api.github.com/repos/moby/moby/tags"
NUL, HALF = "\\u0000", "\\ud800"
LONG = "x" * 8000


def advisories(**changed: str) -> bytes:
    """A list of which one entry has changed fields, written as JSON escapes."""
    first, second = entries(2)
    text = json.dumps([{**first, **changed}, second])
    return text.replace("(NUL)", NUL).replace("(HALF)", HALF).encode()


def post(**fields: str) -> str:
    return rss(entry(**{"title": "Security advisory", "link": "https://www.docker.com/blog/a/", **fields}))


ALONE = frozenset({"a NUL in a title", "a NUL in a link", "a NUL in a text", "half a pair in a title", "a long link"})
"""What refuses one entry of a document, and no other."""

# what it is: the source, its place, the answer, and what is said of it
REFUSED: dict[str, tuple[str, str, Callable[[], Reply], str]] = {
    "a NUL in a title": ("moby-advisories", MOBY, lambda: Reply(advisories(summary="a(NUL)b")), "contains a NUL"),
    "a NUL in a link": ("moby-advisories", MOBY, lambda: Reply(advisories(html_url="https://a.example/(NUL)")), "NUL"),
    "a NUL in a text": ("moby-advisories", MOBY, lambda: Reply(advisories(description="(NUL)")), "contains a NUL"),
    "half a pair in a title": ("moby-advisories", MOBY, lambda: Reply(advisories(summary="a(HALF)b")), "surrogate"),
    "a long link": (
        "moby-advisories",
        MOBY,
        lambda: Reply(advisories(html_url=f"https://a.example/{LONG}")),
        "address",
    ),
    "a long name": (
        "docker-blog",
        BLOG,
        lambda: Reply(post(link=f"https://www.docker.com/blog/{LONG}/")),
        "name of more",
    ),
    "a long ETag": (
        "moby-advisories",
        MOBY,
        lambda: Reply(advisories(), headers={"ETag": LONG}),
        "header etag is longer",
    ),
    "a control in an ETag": (
        "moby-advisories",
        MOBY,
        lambda: Reply(advisories(), headers={"ETag": '"a\x01"'}),
        "control",
    ),
    "a NUL in an ETag": ("moby-advisories", MOBY, lambda: Reply(advisories(), headers={"ETag": '"a\0"'}), ""),
    "a NUL in a date": ("moby-advisories", MOBY, lambda: Reply(advisories(), headers={"Last-Modified": "a\0"}), ""),
    "a long next page": (
        "moby-advisories",
        MOBY,
        lambda: Reply(advisories(), headers={"Link": f'<https://api.github.com/{LONG[:1990]}>; rel="next"'}),
        "leads to an address of more",
    ),
    "a long tag": ("tags", TAGS, lambda: Reply(json.dumps([{"name": f"v1.0-{LONG}", "commit": {}}])), "entry of more"),
    "a NUL in a tag": ("tags", TAGS, lambda: Reply(f'[{{"name": "v1.0-{NUL}", "commit": {{}}}}]'), "with a NUL"),
}


@pytest.fixture
def poller(database: Database, site: Unruly) -> Poller:
    return Poller(database, site)


@pytest.mark.both
@pytest.mark.parametrize("what", REFUSED)
def test_what_a_database_refuses_is_refused_with_its_document_and_the_others_are_kept(
    poller: Poller, site: Unruly, what: str
) -> None:
    source, place, answer, said = REFUSED[what]
    site.reply(place, answer())
    report = poller(source, "runc-advisories")
    states = {s.name: s for s in report.sources}
    assert states[source].state is not SourceHealth.HEALTHY
    assert place.rstrip("/") in states[source].message
    assert said in states[source].message
    if what in ALONE:
        first, second = entries(2)
        assert states[source].state is SourceHealth.DEGRADED
        assert first["ghsa_id"] in states[source].message or first["cve_id"] in states[source].message
        kept = {
            name
            for a in poller.catalogue.advisories
            for r in a.records
            if r.source == source
            for name in r.record.names
        }
        assert second["ghsa_id"] in kept
        assert first["ghsa_id"] not in kept
    assert states["runc-advisories"].state is SourceHealth.HEALTHY
    assert {r.source for a in poller.catalogue.advisories for r in a.records} >= {"runc-advisories"}


def test_an_odd_entry_of_a_list_that_is_one_fact_is_left_out_until_the_list_is_right(
    poller: Poller, site: Unruly
) -> None:
    sha = {"sha": "a" * 40}
    right = [{"name": f"v1.0.{n}", "commit": sha} for n in range(4)]
    site.reply(TAGS, Reply(json.dumps([*right, {"name": f"v1.1-{LONG}", "commit": sha}]), headers={"ETag": '"1"'}))
    for _ in range(2):
        [state] = poller("tags").failed
        assert "tags:moby/moby' has an entry of more than 500 bytes: 'v1.1-xxx" in state.message
        with poller.database.connect() as connection:
            assert storage.tags(connection, "moby/moby") == {tag["name"] for tag in right}
    site.reply(TAGS, Reply(json.dumps(right)))
    assert poller("tags").ok


@pytest.mark.both
def test_what_is_within_the_bounds_is_kept(poller: Poller, site: Unruly) -> None:
    url = f"https://a.example/{'é' * ((ADDRESS - 18) // 2)}"
    listed = [{**entries(1)[0], "html_url": url, "summary": r"a backslash before u0000: \u0000"}]
    site.reply(MOBY, Reply(json.dumps(listed), headers={"ETag": "e" * HEADER}))
    assert poller("moby-advisories").ok
    assert poller.find(entries(1)[0]["cve_id"]).url == url
    slug = "s" * (NAME - len("publication:docker-blog/") - 2)
    site.reply(BLOG, Reply(post(link=f"https://www.docker.com/blog/{slug}/")))
    assert poller("docker-blog").ok


def test_a_title_is_cut_at_its_bound(poller: Poller, site: Unruly) -> None:
    listed = [{**entries(1)[0], "summary": "word " * 1000}, {**entries(2)[1], "summary": "w" * TITLE}]
    site.reply(MOBY, Reply(json.dumps(listed)))
    poller("moby-advisories")
    titles = {len(r.record.title) for one in listed for r in poller.find(one["cve_id"]).records}
    assert max(titles) == TITLE
    assert poller.find(listed[0]["cve_id"]).title.endswith("...")
