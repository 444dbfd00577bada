"""CIS Docker benchmarks: www.cisecurity.org, the product page and the blog's feed.

The page lists the editions that can be had ("Docker  (1.8.0)"; for one engine line "Docker 1.10
(1.0.0)"), without a date.  The feed tells in a sentence which editions a month brought ("CIS
Docker Benchmark v1.8.0", "CIS Docker 1.13.0 Benchmark v1.0.0"), and its date is the edition's.
The page drops old editions, which therefore are not withdrawn.  Whatever names an edition, it links to the page, where
every edition can be downloaded.  Dates and old editions come from the reviewed list
(`feeds.advisories.cis_editions`), too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from feeds.advisories.authority import Precedence
from feeds.advisories.cis_editions import PAGE, edition_id, written
from feeds.advisories.records import Kind, Record
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers import markup
from feeds.sources.readers.bodies import unique

_LISTED = re.compile(
    r"^Docker\s*(?:(?:CE|Community Edition|EE|Enterprise Edition)\s*)?(?P<line>\d+(?:\.\d+)+)?"
    r"\s*\(v?(?P<version>\d+(?:\.\d+)+)\)$",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"CIS Docker (?:(?:CE|Community Edition|EE|Enterprise Edition) )?(?P<line>\d+(?:\.\d+)+ )?Benchmark"
    r"(?:\s+v?(?P<version>\d+(?:\.\d+)+))?",
    re.IGNORECASE,
)


class CisBenchmark(Source):
    """The benchmark's page and the blog feed of the Center for Internet Security."""

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """Both; robots.txt governs the page, which is scraped."""
        yield Request(url=self.urls["page"], form="page", robots=True)
        yield Request(url=self.urls["rss"], form="rss")

    def parse(self, document: Document) -> Parsed:
        """One benchmark record an edition."""
        if document.form == "page":
            return Parsed(unique(_page(document)))
        entries = markup.feed(document)
        return Parsed(unique(_feed(entries)), entries=len(entries))


def _page(document: Document) -> list[Record]:
    root = markup.page(document)
    texts = (markup.text_of(element) for element in root.iter("p", "li", "td", "option", "a", "span"))
    found = [match for text in texts if (match := _LISTED.match(text))]
    if not found:
        raise ShapeError("no Docker edition on it; the layout may have changed", where=document.url)
    return [_record(m["line"], m["version"], precedence=Precedence.PAGE) for m in found]


def _feed(entries: list[markup.FeedItem]) -> Iterator[Record]:
    # the oldest post that names an edition dates it; the feed begins with the newest
    for item in reversed(entries):
        for match in _NAMED.finditer(f"{item.title}. {item.summary} {markup.plain(item.body)}"):
            if match["line"] or match["version"]:
                yield _record(
                    match["line"],
                    match["version"],
                    item.published,
                    (item.link,) if item.link else (),
                    precedence=Precedence.PAGE.in_form(1),
                )


def _record(
    line: str | None,
    version: str | None,
    published: datetime | None = None,
    references: tuple[str, ...] = (),
    *,
    precedence: int,
) -> Record:
    edition = written(line, version)
    middle = f" {edition.line}" if edition.line else ""
    return Record(
        id=edition_id(edition.line, edition.version),
        kind=Kind.BENCHMARK,
        title=f"CIS Docker{middle} Benchmark v{edition.version}",
        url=PAGE,
        published=published,
        references=references,
        summary=edition.summary,
        edition=edition,
        precedence=precedence,
    )


SOURCE = CisBenchmark(
    name="cis-benchmark",
    title="CIS Docker benchmarks",
    home=PAGE,
    urls={"page": PAGE, "rss": "https://www.cisecurity.org/feed/blog/"},
)
