"""Docker security announcements: docs.docker.com/security/security-announcements/.

One list of entries in three forms.  The page has the text and the anchors; the RSS has title and
link (and, until 2026-02, a date and a description); the markdown has what the page has.  Each form
is read on its own into records of the same id, the anchor, so that a broken form loses nothing.
Nearly every entry is about Docker Desktop; an entry can hold six CVEs and four products.  It
*refers* to CVEs and is never their alias; what it says of one CVE is a record of its own.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import unescape
from typing import ClassVar, NamedTuple

import msgspec

from feeds.advisories.authority import DOCKERS, Precedence, spoken
from feeds.advisories.prose import read_prose
from feeds.advisories.records import Kind, Record, Score, Severity, VersionStatement, cves_in, is_reserved
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Item, Parsed, Request, RequestContext, Source
from feeds.sources.readers import markup
from feeds.sources.readers.bodies import shortened, squeeze, text_body, unique
from feeds.sources.readers.markdown import anchor
from feeds.versions import products
from feeds.versions.ranges import Span

_BASE = "https://docs.docker.com/security/security-announcements"
_FORMS = ("page", "markdown", "rss")
"""The fullest form speaks first."""
_UPDATED = re.compile(
    r"^_?last updated (?P<month>[a-z]+)\.?,? (?:(?P<day>\d{1,2})(?:st|nd|rd|th)?,? )?(?P<year>\d{4})_?$",
    re.IGNORECASE,
)
_RATED = re.compile(r"[\[(](low|medium|high|critical)\b[^\])]*[\])]", re.IGNORECASE)
_DESKTOP_RELEASE = re.compile(r"docker desktop (?:for \w+ )?v?(\d+\.\d+\.\d+)\b.{0,300}security", re.IGNORECASE)
_FIXED_COLUMN = re.compile(r"\b(?:patched|fix(?:ed)?|resolved|remediated)\b", re.IGNORECASE)
_AFFECTED_COLUMN = re.compile(r"\b(?:affected|impacted|vulnerable)\b", re.IGNORECASE)
_MONTHS = tuple(name.lower() for name in calendar.month_name)


class _Section(NamedTuple):
    anchor: str
    title: str
    blocks: list[markup.Block]


class DockerAnnouncements(Source):
    """The announcements page, its RSS and its markdown variant."""

    complete: ClassVar[bool] = True

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """All three forms, every time; robots.txt governs the page, which is scraped."""
        for form, url in self.urls.items():
            yield Request(url=url, form=form, robots=form == "page")

    def parse(self, document: Document) -> Parsed:
        """One announcement a heading, and one vulnerability a CVE that it makes a statement on."""
        reader = {"page": _page, "markdown": _markdown, "rss": _rss}[document.form]
        sections = [s._replace(blocks=list(_worded(s.blocks))) for s in reader(document)]
        if not sections:
            raise ShapeError("no announcement on it; the layout may have changed", where=document.url)
        number = _FORMS.index(document.form)
        items: list[Item] = []
        for place, section in zip(range(len(sections), 0, -1), sections, strict=True):
            announcement = msgspec.structs.replace(_announcement(section, number, self.home), place=place)
            items.append(announcement)
            items.extend(_vulnerabilities(section, announcement, number))
        return Parsed(unique(items))


def _page(document: Document) -> Iterator[_Section]:
    root = markup.page(document)
    for article in root.iter("article"):
        current: _Section | None = None
        used: dict[str, int] = {}
        for element in article.iterchildren():
            if element.tag == "h2":
                if current:
                    yield current
                title = markup.text_of(element)
                current = _Section(element.get("id") or anchor(title, used), title, [])
            elif current is not None:
                current.blocks.extend(markup.blocks_of(element))
        if current:
            yield current


def _markdown(document: Document) -> Iterator[_Section]:
    current: _Section | None = None
    used: dict[str, int] = {}
    text = re.sub(r"(?m)^(#{1,6} .*)$", r"\1\n", text_body(document))
    for paragraph in re.split(r"\n\s*\n|\n(?=#|[-*|] )", text):
        line = squeeze(paragraph)
        heading = re.match(r"^(#{1,6}) (.*)", line)
        if heading and heading[1] == "##":
            if current:
                yield current
            title = _unmarked(heading[2])
            current = _Section(anchor(title, used), title, [])
        elif current is not None and line:
            current.blocks.extend(_markdown_block(heading, line))
    if current:
        yield current


def _markdown_block(heading: re.Match[str] | None, line: str) -> Iterator[markup.Block]:
    if heading:
        yield markup.Block(f"h{len(heading[1])}", _unmarked(heading[2]))
    elif line.startswith("|"):
        cells = tuple(_unmarked(cell) for cell in line.strip("| ").split("|")) if line.strip("|:- ") else ()
        if any(cells):
            # an empty cell in front has its bar, too
            cells = ("", *cells) if re.match(r"^\|\s*\|", line) else cells
            yield markup.Block("tr", squeeze(" ".join(cells)), cells=cells)
    else:
        yield markup.Block("li" if line[:2] in ("- ", "* ") else "p", _unmarked(line.lstrip("-*> ").replace("|", " ")))


def _worded(blocks: list[markup.Block]) -> Iterator[markup.Block]:
    """The blocks, with rows of tables as sentences: a column "Patched versions" says "fixed in" of its cells."""
    head: tuple[str, ...] = ()
    for block in blocks:
        if block.tag != "tr" or not block.cells:
            head = ()
            yield block
        elif _is_head(block):
            head = block.cells
            yield block
        else:
            yield from _row(block, head)


def _is_head(block: markup.Block) -> bool:
    """Whether a row says what is below it, as the first row of each of several tables does."""
    named = any(_FIXED_COLUMN.search(c) or _AFFECTED_COLUMN.search(c) for c in block.cells)
    return named and not re.search(r"\d", block.text) and not products.mentions(block.text)


def _row(block: markup.Block, head: tuple[str, ...]) -> Iterator[markup.Block]:
    columns = list(zip(head, block.cells, strict=False))
    subject = next((cell for cell in block.cells if products.mentions(cell)), "")
    fixed = [cell for name, cell in columns if _FIXED_COLUMN.search(name)]
    affected = [cell for name, cell in columns if _AFFECTED_COLUMN.search(name) and not _FIXED_COLUMN.search(name)]
    if not subject or not (fixed or affected):
        yield block
        return
    yield from (block._replace(text=f"{subject} {cell}") for cell in affected if cell not in ("", subject))
    yield from (block._replace(text=f"{subject} is fixed in {cell}") for cell in fixed if cell not in ("", subject))


def _unmarked(text: str) -> str:
    text = re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", text)
    return squeeze(unescape(re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", text)))


def _rss(document: Document) -> Iterator[_Section]:
    used: dict[str, int] = {}
    for item in markup.feed(document):
        if not item.title:
            continue
        # a link's anchor was once cut at fifty characters; the guid's is whole, and both were once left out
        named = item.guid.removeprefix("security-") if item.guid.startswith("security-") else ""
        place = named or item.link.partition("#")[2] or anchor(item.title, used)
        dated = [markup.Block("p", f"Last updated {item.published:%B %d, %Y}")] if item.published else []
        yield _Section(place, item.title, [*dated, *markup.blocks(markup.fragment(item.body))])


def _announcement(section: _Section, form: int, home: str) -> Record:
    text = "\n\n".join(b.text for b in section.blocks)
    said = [b.text for b in section.blocks if b.tag in ("p", "li") and not _UPDATED.match(b.text)]
    release = _DESKTOP_RELEASE.search(section.title)
    claims = (_of_release(section, release[1]),) if release else read_prose(f"{section.title}.\n\n{text}")
    return Record(
        # an entry about one CVE, or a release, may have its name for an anchor, and is another matter all the same
        id=f"announcement/{section.anchor}" if is_reserved(section.anchor) else section.anchor,
        kind=Kind.ANNOUNCEMENT,
        title=section.title,
        url=f"{home}#{section.anchor}",
        mentions=cves_in(f"{section.title} {text}"),
        summary=" ".join(said[:3]),
        published=next((d for b in section.blocks if (d := _updated(b.text))), None),
        claims=spoken(claims, DOCKERS),
        precedence=Precedence.PAGE.in_form(form),
    )


def _of_release(section: _Section, version: str) -> VersionStatement:
    """What a release announcement says of Docker Desktop: the ranges of its CVEs, where each of them has one."""
    passages = _bullets(section)
    claims = [_desktop_claims(words, version) for words in passages.values()]
    if not claims or not all(claims) or set(cves_in(section.title)) - set(passages):
        return _before(version, section.title)
    return VersionStatement(
        product="desktop",
        affected=tuple(dict.fromkeys(s for found in claims for c in found for s in c.affected)),
        fixed=(version,),
        prose=True,
        words=" … ".join(dict.fromkeys((section.title, *(c.words for found in claims for c in found)))),
    )


def _desktop_claims(words: str, version: str) -> tuple[VersionStatement, ...]:
    """The ranges of Docker Desktop in the words of one CVE that is fixed in a release."""
    found = (c for c in read_prose(words, about="desktop") if c.product == "desktop" and c.affected)
    return tuple(msgspec.structs.replace(c, fixed=c.fixed or (version,)) for c in found)


def _before(version: str, words: str) -> VersionStatement:
    return VersionStatement(product="desktop", affected=(Span("", version),), fixed=(version,), prose=True, words=words)


def _updated(text: str) -> datetime | None:
    match = _UPDATED.match(text)
    if match is None or match["month"].lower() not in _MONTHS:
        return None
    try:
        return datetime(int(match["year"]), _MONTHS.index(match["month"].lower()), int(match["day"] or 1), tzinfo=UTC)
    except ValueError:
        return None


def _vulnerabilities(section: _Section, announcement: Record, form: int) -> Iterator[Record]:
    """What the entry says of single CVEs: in a bullet of its own, or under a heading of its own."""
    release = _DESKTOP_RELEASE.search(section.title)
    passages = _bullets(section) if release else _headed(section)
    for cve, words in passages.items():
        claims = read_prose(words) if words else ()
        if release:
            default = _before(release[1], f"{section.title}: {words}" if words else section.title)
            claims = _desktop_claims(words, release[1]) or (default,)
        rated = _RATED.search(words)
        if claims:
            yield Record(
                id=cve,
                kind=Kind.VULNERABILITY,
                title=_title(cve, words, section.title),
                url=announcement.url,
                summary=words or section.title,
                published=announcement.published,
                scores=(Score(by="Docker", severity=Severity(rated[1].lower()), own=True),) if rated else (),
                claims=spoken(claims, DOCKERS),
                precedence=Precedence.ANNOUNCED_CVE.in_form(form),
            )


def _bullets(section: _Section) -> dict[str, str]:
    """The bullet of each CVE of a release announcement; all its words where it names one CVE only."""
    titled = cves_in(section.title)
    told = {named[0]: b.text for b in section.blocks if b.tag == "li" and len(named := cves_in(b.text)) == 1}
    if len(titled) == 1 and titled[0] not in told:
        words = [b.text for b in section.blocks if b.tag == "p" and not _UPDATED.match(b.text)]
        told[titled[0]] = "\n\n".join(words)
    return told


def _headed(section: _Section) -> dict[str, str]:
    """The words under each heading that names one CVE, the heading's first: "CVE-2024-21626 (High)"."""
    told: dict[str, list[markup.Block]] = {}
    subject = ""
    for block in section.blocks:
        if re.fullmatch(r"h[3-6]", block.tag):
            named = cves_in(block.text)
            subject = named[0] if len(named) == 1 else ""
        if subject:
            told.setdefault(subject, []).append(block)
    return {cve: "\n\n".join(_about(blocks)) for cve, blocks in told.items()}


def _about(blocks: list[markup.Block]) -> Iterator[str]:
    """The words under a heading, without the rows of a table about products that the sentences do not name."""
    named = {p for b in blocks if b.tag != "tr" for p, _, _ in products.mentions(b.text)}
    for block in blocks:
        row = {p for p, _, _ in products.mentions(block.text)} if block.tag == "tr" else set()
        if not named or row <= named:
            yield block.text


def _title(cve: str, words: str, fallback: str) -> str:
    """A title out of a bullet: what it says without its "Fixed CVE-..., where"."""
    lead = re.match(rf"(?:addressed|fixed)?\s*{cve}\s*[:,]?\s*(?:where\b)?\s*(?!\()", words, flags=re.IGNORECASE)
    if lead is None:
        return fallback
    text = re.split(r"(?<=\w)\. ", squeeze(_RATED.sub("", words[lead.end() :])))[0].strip(" .")
    text = shortened(re.sub(r"^allowing\b", "allows", text))
    return text[:1].upper() + text[1:] or fallback


SOURCE = DockerAnnouncements(
    name="docker-announcements",
    title="Docker security announcements",
    home=f"{_BASE}/",
    urls={"page": f"{_BASE}/", "rss": f"{_BASE}/index.xml", "markdown": f"{_BASE}.md"},
)
