"""Engine release notes: docs.docker.com/engine/release-notes/LINE/.

One page a line, one section a version; a version's heading is its number, at whatever level.  A
section says which vulnerabilities the release repairs (a VENDOR claim: "29.5.1 fixes CVE-..."), and
some say that a security issue was repaired without any id, which is kept as an announcement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from typing import Any, NamedTuple

from feeds.advisories.facts import Release
from feeds.advisories.records import Kind, Record, VersionStatement
from feeds.advisories.standing import Precedence
from feeds.core.errors import ShapeError
from feeds.sources import markup, notes
from feeds.sources.base import Document, Item, Parsed, Request, RequestContext, Source
from feeds.sources.parsing import unique, when
from feeds.sources.parts import HEADINGS, Part

_BASE = "https://docs.docker.com/engine/release-notes"
_LINK = re.compile(r"^(?:https://docs\.docker\.com)?/engine/release-notes/(\d+(?:\.\d+)?)/$")
_VERSION = re.compile(
    r"^(?:docker )?(?:engine )?(?:version |release )?v?(\d+\.\d+\.\d+(?:-[\w.]+)?)(?:\s*[(–—:-].*)?$", re.IGNORECASE
)
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


class _Section(NamedTuple):
    version: str
    anchor: str
    blocks: list[markup.Block]


class ReleaseNotes(Source):
    """The pages of the engine's lines; lines that they link to are read, too."""

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """One page a line; robots.txt governs them, for they are scraped."""
        for form, url in self.urls.items():
            yield Request(url=url, form=form, robots=True)

    def parse(self, document: Document) -> Parsed:
        """For each version: the release, what it repairs, and what it repairs without naming it."""
        root = markup.page(document)
        others = tuple(self._others(root))
        sections = [s for article in root.iter("article") for s in _sections(article)]
        if not sections:
            raise ShapeError("no version on it; the layout may have changed", where=document.url)
        items = unique(item for section in sections for item in _items(section, document.url))
        return Parsed(items, others)

    def _others(self, root: Any) -> Iterator[Request]:
        for line in dict.fromkeys(m[1] for a in root.iter("a") if (m := _LINK.match(a.get("href") or ""))):
            if line not in self.urls:
                yield Request(url=f"{_BASE}/{line}/", form=line, robots=True, optional=True)


def _sections(article: Any) -> Iterator[_Section]:
    current: _Section | None = None
    level = ""
    for element in _flat(article):
        heading = _VERSION.match(markup.text_of(element)) if element.tag in HEADINGS else None
        if heading or _ends(element, level):
            if current:
                yield current
            # below any other heading of its level, nothing is of the version any more
            level = element.tag if heading else ""
            current = _Section(heading[1], element.get("id") or "", []) if heading else None
        elif current is not None:
            current.blocks.extend(markup.blocks_of(element) if element.tag != "em" else _stray(element))
    if current:
        yield current


def _flat(article: Any) -> Iterator[Any]:
    """The elements of an article, those in boxes that hold headings included."""
    for element in article.iterchildren():
        boxed = element.tag in ("div", "section", "article") and next(element.iterdescendants(*HEADINGS), None)
        if boxed is None or boxed is False:
            yield element
        else:
            yield from _flat(element)


def _ends(element: Any, level: str) -> bool:
    """Whether a heading ends a version's notes: one of its level or above it, unless it names a part of the notes."""
    if element.tag not in HEADINGS or element.tag > level:
        return False
    return Part.of(markup.text_of(element)) is Part.OTHER


def _stray(element: Any) -> Iterator[markup.Block]:
    yield markup.Block("em", markup.text_of(element))
    if element.tail and element.tail.strip():
        yield markup.Block("p", element.tail.strip())


def _items(section: _Section, page: str) -> Iterator[Item]:
    version, url = section.version, f"{page}#{section.anchor}"
    if any(f"no {version} release" in b.text for b in section.blocks[:3]):
        return
    day = next((at.date() for b in section.blocks[:3] if _DATE.match(b.text) and (at := when(b.text))), None)
    published = datetime.combine(day, time(), UTC) if day else None
    found = list(notes.fixes(section.blocks, "engine", "moby/moby"))
    named = tuple(dict.fromkeys(i for fix in found for i in fix.ids))
    yield Release(
        product="engine",
        version=version,
        url=url,
        day=day,
        repairs=notes.repairs(section.blocks),
        bundles=notes.bundles(section.blocks, "engine"),
    )
    yield Record(
        id=f"engine-{version}",
        kind=Kind.RELEASE,
        title=f"Docker Engine {version}",
        url=url,
        mentions=named,
        summary=f"Fixes {', '.join(named)}." if named else "",
        published=published,
        precedence=Precedence.RELEASE_NOTES,
    )
    for fix in found:
        yield notes.record(fix, version, url, published)
    unnamed = notes.unnamed(section.blocks, "engine")
    if unnamed:
        yield Record(
            id=f"engine-{version}-security",
            kind=Kind.ANNOUNCEMENT,
            title=f"Docker Engine {version}: security changes without an advisory",
            url=url,
            summary=" ".join(unnamed),
            published=published,
            claims=(VersionStatement(product="engine", fixed=(version,), words=" ".join(unnamed)),),
            precedence=Precedence.RELEASE_NOTES,
        )


SOURCE = ReleaseNotes(
    name="release-notes",
    title="Docker Engine release notes",
    home=f"{_BASE}/",
    urls={line: f"{_BASE}/{line}/" for line in ("29", "28", "27", "26.1", "25.0")},
)
