"""Release notes of Docker Engine and Docker Desktop, on docs.docker.com.

One section a version; a version's heading is its number, at whatever level.  A section says which
vulnerabilities the release repairs (a VENDOR claim: "29.5.1 fixes CVE-..."), and some say that a
security issue was repaired without any id, which is kept as an announcement.

Each page has a markdown variant.  Both forms are read every time, and what they say of one release
is one, so that a form that breaks loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, NamedTuple

from feeds.advisories.authority import Precedence
from feeds.advisories.facts import Release
from feeds.advisories.records import ENGINE, Kind, Record, VersionStatement
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Item, Parsed, Request, RequestContext, Source
from feeds.sources.readers import markdown, markup, note_records
from feeds.sources.readers.bodies import unique, when
from feeds.sources.readers.note_parts import HEADINGS, Part

_BASE = "https://docs.docker.com/engine/release-notes"
_DESKTOP = "https://docs.docker.com/desktop/release-notes"
_MARKDOWN = ".md"
_LINK = re.compile(r"^(?:https://docs\.docker\.com)?/engine/release-notes/(\d+(?:\.\d+)?)/$")
_VERSION = re.compile(
    r"^(?:docker )?(?:engine )?(?:version |release )?v?(\d+\.\d+\.\d+(?:-[\w.]+)?)(?:\s*[(–—:-].*)?$", re.IGNORECASE
)
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


class _Section(NamedTuple):
    version: str
    anchor: str
    blocks: list[markup.Block]


@dataclass(frozen=True)
class ReleaseNotes(Source):
    """The release notes of a product: pages, the markdown of each, and lines that they link to."""

    about: str = ENGINE
    """The product."""
    repository: str = "moby/moby"
    name_of_product: str = "Docker Engine"

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """Each page and its markdown; robots.txt governs the pages, for they are scraped."""
        for form, url in self.urls.items():
            markdown = form.endswith(_MARKDOWN)
            yield Request(url=url, form=form, robots=not markdown, optional=markdown or self.recent)

    def parse(self, document: Document) -> Parsed:
        """For each version: the release, what it repairs, and what it repairs without naming it."""
        if document.form.endswith(_MARKDOWN):
            found, others = list(_in_markdown(markdown.blocks(document))), []
        else:
            root = markup.page(document)
            found = [s for article in root.iter("article") for s in _sections(article)]
            others = list(self._others(root)) if self.about == ENGINE else []
        if not found:
            raise ShapeError("no version on it; the layout may have changed", where=document.url)
        page = f"{document.url.removesuffix(_MARKDOWN)}/" if document.url.endswith(_MARKDOWN) else document.url
        return Parsed(unique(item for section in found for item in self._items(section, page)), tuple(others))

    def _others(self, root: Any) -> Iterator[Request]:
        for line in dict.fromkeys(m[1] for a in root.iter("a") if (m := _LINK.match(a.get("href") or ""))):
            if line not in self.urls:
                yield Request(url=f"{_BASE}/{line}/", form=line, robots=True, optional=True)

    def _items(self, section: _Section, page: str) -> Iterator[Item]:
        version, url = section.version, f"{page}#{section.anchor}"
        if any(f"no {version} release" in b.text for b in section.blocks[:3]):
            return
        day = next((at.date() for b in section.blocks[:3] if _DATE.match(b.text) and (at := when(b.text))), None)
        published = datetime.combine(day, time(), UTC) if day else None
        fixes = list(note_records.fixes(section.blocks, self.about, self.repository))
        named = tuple(dict.fromkeys(i for fix in fixes for i in fix.ids))
        yield Release(
            product=self.about,
            version=version,
            url=url,
            day=day,
            repairs=note_records.repairs(section.blocks),
            bundles=note_records.bundles(section.blocks, self.about),
        )
        yield Record(
            id=f"{self.about}-{version}",
            kind=Kind.RELEASE,
            title=f"{self.name_of_product} {version}",
            url=url,
            mentions=named,
            summary=f"Fixes {', '.join(named)}." if named else "",
            published=published,
            precedence=Precedence.RELEASE_NOTES,
        )
        for fix in fixes:
            yield note_records.record(fix, version, url, published)
        unnamed = note_records.unnamed(section.blocks, self.about)
        if unnamed:
            yield self._announcement(version, url, published, " ".join(unnamed))

    def _announcement(self, version: str, url: str, published: datetime | None, words: str) -> Record:
        return Record(
            id=f"{self.about}-{version}-security",
            kind=Kind.ANNOUNCEMENT,
            title=f"{self.name_of_product} {version}: security changes without an advisory",
            url=url,
            summary=words,
            published=published,
            claims=(VersionStatement(product=self.about, fixed=(version,), words=words),),
            precedence=Precedence.RELEASE_NOTES,
        )


def _in_markdown(found: Iterable[markup.Block]) -> Iterator[_Section]:
    current: _Section | None = None
    level = ""
    used: dict[str, int] = {}
    for block in found:
        is_heading = block.tag in HEADINGS
        named = markdown.anchor(block.text, used) if is_heading else ""
        heading = _VERSION.match(block.text) if is_heading else None
        if heading or (is_heading and _ends(block.tag, block.text, level)):
            if current:
                yield current
            level = block.tag if heading else ""
            current = _Section(heading[1], named, []) if heading else None
        elif current is not None:
            current.blocks.append(block)
    if current:
        yield current


def _sections(article: Any) -> Iterator[_Section]:
    current: _Section | None = None
    level = ""
    for element in _flat(article):
        heading = _VERSION.match(markup.text_of(element)) if element.tag in HEADINGS else None
        if heading or (element.tag in HEADINGS and _ends(element.tag, markup.text_of(element), level)):
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


def _ends(tag: str, text: str, level: str) -> bool:
    """Whether a heading ends a version's notes: one of its level or above it, unless it names a part of the notes."""
    return tag <= level and Part.of(text) is Part.OTHER


def _stray(element: Any) -> Iterator[markup.Block]:
    yield markup.Block("em", markup.text_of(element))
    if element.tail and element.tail.strip():
        yield markup.Block("p", element.tail.strip())


_LINES = ("29", "28", "27", "26.1", "25.0")

SOURCE = ReleaseNotes(
    name="release-notes",
    title="Docker Engine release notes",
    home=f"{_BASE}/",
    urls={line: f"{_BASE}/{line}/" for line in _LINES} | {f"{line}.md": f"{_BASE}/{line}.md" for line in _LINES},
)
DESKTOP = ReleaseNotes(
    name="desktop-notes",
    title="Docker Desktop release notes",
    home=f"{_DESKTOP}/",
    urls={"page": f"{_DESKTOP}/", "page.md": f"{_DESKTOP}.md"},
    about="desktop",
    recent=True,
    repository="docker/desktop",
    name_of_product="Docker Desktop",
)
