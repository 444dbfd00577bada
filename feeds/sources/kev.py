"""CISA's catalogue of known exploited vulnerabilities: www.cisa.gov, one JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from feeds.advisories.facts import Exploited
from feeds.advisories.list_facts import shrunk
from feeds.advisories.records import is_cve
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import json_body


class KnownExploited(Source):
    """The whole catalogue; which of it matters is for others to see."""

    complete: ClassVar[bool] = True

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """The one document; data for programs, which robots.txt does not govern."""
        yield Request(url=self.urls["json"], form="json")

    def parse(self, document: Document) -> Parsed:
        """One fact: every CVE in it with the day it was added."""
        data = json_body(document)
        entries = data.get("vulnerabilities") if isinstance(data, dict) else None
        if not isinstance(entries, list) or not entries:
            raise ShapeError("no catalogue of exploited vulnerabilities", where=document.url)
        if isinstance(count := data.get("count"), int) and shrunk(len(entries), count):
            raise ShapeError(f"it says that it has {count} entries, and has {len(entries)}", where=document.url)
        added = {
            str(e["cveID"]): day
            for e in entries
            if isinstance(e, dict) and is_cve(str(e.get("cveID"))) and (day := _day(e.get("dateAdded")))
        }
        if not added:
            raise ShapeError("no entry of the catalogue can be read", where=document.url)
        return Parsed((Exploited(added=added),))


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


SOURCE = KnownExploited(
    name="kev",
    title="Known exploited vulnerabilities",
    home="https://www.cisa.gov/known-exploited-vulnerabilities-catalog",
    urls={"json": "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"},
)
