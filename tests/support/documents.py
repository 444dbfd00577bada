"""What tests of the sources share: documents, and the sources that read them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from feeds.advisories.records import Kind, Record, VersionStatement
from feeds.sources.all_sources import SOURCES
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source

AT = datetime(2026, 6, 20, 12, tzinfo=UTC)
URL = "https://example.org/document"
SOURCE = {s.name: s for s in SOURCES}


def document(body: object, form: str = "api", url: str = URL, **headers: str) -> Document:
    """A document: text and bytes as they are, anything else as JSON."""
    if isinstance(body, str):
        body = body.encode()
    return Document(url, form, body if isinstance(body, bytes) else json.dumps(body).encode(), headers, AT)


def read(source: str, body: object, form: str = "api", url: str = URL, **headers: str) -> Parsed:
    """What a source reads in a document; everything in it must be fit to be stored."""
    parsed = SOURCE[source].parse(document(body, form, url, **headers))
    msgspec.json.encode(parsed)
    keys = [item.key for item in parsed.items]
    assert len(keys) == len(set(keys))
    return parsed


def records(parsed: Parsed, kind: Kind | None = None) -> list[Record]:
    """The records in a document, of one kind if it is named."""
    return [i for i in parsed.items if isinstance(i, Record) and kind in (None, i.kind)]


def only(parsed: Parsed, kind: Kind | None = None) -> Record:
    """The one record in a document."""
    (found,) = records(parsed, kind)
    return found


def facts(parsed: Parsed, kind: type[Any]) -> list[Any]:
    """The facts of a kind in a document."""
    return [i for i in parsed.items if isinstance(i, kind)]


def asks(source: Source, *cves: str, packages: Iterable[tuple[str, str]] = ()) -> list[Request]:
    """What a source asks first."""
    return list(source.requests(RequestContext(cves=frozenset(cves), packages=frozenset(packages))))


def said(claims: Iterable[VersionStatement]) -> list[tuple[str, list[str], list[str]]]:
    """Claims as a reader sees them: product, affected ranges, fixed releases."""
    return [(c.product, [str(s) for s in c.affected], list(c.fixed)) for c in claims]


def page(article: str) -> str:
    """A page of the documentation: a table of contents, and the article with it."""
    return (
        "<!doctype html><html lang=en><head><title>Docs</title><script>var a='<h2 id=x>4.0.0</h2>'</script></head>"
        "<body><nav><ul><li><a href=#a>Elsewhere</a></li></ul></nav><main>"
        f"<article class=prose><nav class=toc><ul><li><a href=#one>29.9.9</a></li></ul></nav><h1>All</h1>{article}"
        "</article></main><footer><h2 id=foot>Footer 1.2.3</h2></footer></body></html>"
    )


def rss(*items: str) -> str:
    """An RSS feed."""
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{"".join(items)}</channel></rss>'


def entry(**fields: str) -> str:
    """An item of an RSS feed; what its fields hold is escaped as text."""
    inner = "".join(f"<{name}>{_escaped(value)}</{name}>" for name, value in fields.items())
    return f"<item>{inner}</item>"


def atom(*releases: tuple[str, str], repository: str = "moby/moby") -> str:
    """GitHub's feed of releases: tags with their notes as HTML."""
    entries = "".join(
        f"<entry><id>tag:github.com,2008:Repository/1/{tag}</id><updated>2026-06-19T11:31:29Z</updated>"
        f'<link rel="alternate" type="text/html" href="https://github.com/{repository}/releases/tag/{tag}"/>'
        f'<title>{tag}</title><content type="html">{_escaped(notes)}</content></entry>'
        for tag, notes in releases
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Release notes</title>{entries}</feed>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
