"""Release lines and when they end: endoflife.date/api/v1/products/NAME/.

A line's end is a date, or only "yes" or "no", and a date can be moved or taken back.  A line with
a date, and an ended one, is also news: an end-of-life notice to the hosts that run it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from msgspec.structs import replace

from feeds.advisories.facts import ReleaseLine
from feeds.advisories.records import Kind, Record
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Item, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import json_body, mapping, mappings, unique, when

_PRODUCTS = {"docker-engine": ("engine", "Docker Engine"), "containerd": ("containerd", "containerd")}


@dataclass(frozen=True)
class EndOfLife(Source):
    """The release lines of Docker Engine and containerd."""

    complete: ClassVar[bool] = True

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """One question a product; an API, which robots.txt does not govern."""
        for form, url in self.urls.items():
            yield Request(url=url, form=form)

    def parse(self, document: Document) -> Parsed:
        """Every line, and a notice for each that has an end, as old as the file: an older copy is noticed by it."""
        data = json_body(document)
        releases = mappings(mapping(mapping(data).get("result")).get("releases"))
        releases = [r for r in releases if _is_line(str(r.get("name")))]
        if not releases:
            raise ShapeError("no releases in it", where=document.url)
        product, label = _PRODUCTS[document.form]
        items: list[Item] = []
        for release in releases:
            line = _line(release, product, f"https://endoflife.date/{document.form}")
            items.append(line)
            if line.ends or line.ended:
                items.append(replace(_notice(line, label), modified=when(mapping(data).get("last_modified"))))
        return Parsed(unique(items))


def _is_line(name: str) -> bool:
    return bool(name) and all(part.isdecimal() and len(part) < 6 for part in name.split("."))


def _line(release: dict[str, Any], product: str, url: str) -> ReleaseLine:
    ends = release.get("eolFrom")
    return ReleaseLine(
        product=product,
        name=str(release["name"]),
        url=url,
        released=_day(release.get("releaseDate")),
        ends=_day(ends),
        ended=bool(release.get("isEol")),
        latest=str(mapping(release.get("latest")).get("name") or ""),
    )


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _notice(line: ReleaseLine, label: str) -> Record:
    when = f"on {line.ends.isoformat()}" if line.ends else "already"
    return Record(
        id=f"end-of-life/{line.product}-{line.name}",
        kind=Kind.END_OF_LIFE,
        title=f"{label} {line.name} end of life{f': {line.ends.isoformat()}' if line.ends else ''}",
        url=line.url,
        summary=f"Security support of {label} {line.name} ends {when}; its last release is {line.latest or 'unknown'}.",
        line=f"{line.product} {line.name}",
    )


SOURCE = EndOfLife(
    name="end-of-life",
    title="Release lines and their end of life",
    home="https://endoflife.date/docker-engine",
    urls={name: f"https://endoflife.date/api/v1/products/{name}/" for name in _PRODUCTS},
)
