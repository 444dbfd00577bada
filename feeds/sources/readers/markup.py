"""Reading pages and feeds: the only import of lxml and feedparser.  Pure.

Everything that comes out is plain text: no markup of a stranger goes any further than here.
"""

from __future__ import annotations

import calendar
import codecs
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import lxml.etree
import lxml.html

from feeds.core.errors import ShapeError
from feeds.core.limits import PAGE
from feeds.sources.base import Document
from feeds.sources.readers.bodies import squeeze

_BLOCKS = frozenset(["p", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "dt", "dd", "div"])
_SKIPPED = frozenset({"script", "style", "nav", "button", "svg"})
# a parser takes all that follows one of these for its text, until it is closed
_HIDING = "script|style|textarea|title|iframe|xmp|noembed|noframes|plaintext"
_OPENS = re.compile(rf"<(?:(?P<tag>{_HIDING})(?=[\s/>])|(?P<comment>!--)(?!-?>))", re.IGNORECASE)
_CLOSES = re.compile(rf"</(?P<tag>{_HIDING})(?=[\s/>])|(?P<comment>--)!?>", re.IGNORECASE)


def page(document: Document) -> lxml.html.HtmlElement:
    """The document as a page; ShapeError where it is none."""
    _bounded(document)
    body = document.body.removeprefix(codecs.BOM_UTF8)
    if body.lstrip()[:1] != b"<":
        raise ShapeError("no HTML", where=document.url)
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=False)
    try:
        # Latin-1 gives every byte a character and back
        shown = _unhidden(body.decode("latin-1")).encode("latin-1")
        root = lxml.html.document_fromstring(shown, parser=parser)
    except (lxml.etree.LxmlError, ValueError) as error:
        raise ShapeError(f"no HTML: {error}", where=document.url) from error
    if any(e.type_name == "ERR_RESOURCE_LIMIT" for e in parser.error_log):
        # libxml2 leaves out all that follows
        raise ShapeError("too deeply nested to be read to its end", where=document.url)
    return _broken(root)


def _unhidden(markup: str) -> str:
    """The same markup without openings that nothing closes: a stray `<style>` hides nothing that comes after it."""
    closed = {_hider(m): m.start() for m in _CLOSES.finditer(markup)}

    def opening(match: re.Match[str]) -> str:
        name = _hider(match)
        if match.start() < closed.get(name, -1) and name != "plaintext":
            return match[0]
        return "" if match["comment"] else "<span"

    return _OPENS.sub(opening, markup)


def _hider(match: re.Match[str]) -> str:
    return (match["tag"] or "comment").lower()


def _bounded(document: Document) -> None:
    if len(document.body) > PAGE:
        raise ShapeError(f"it is larger than {PAGE >> 20} MiB, as no page or feed is", where=document.url)


def _broken(root: Any) -> Any:
    """The same tree without programs and comments, and with a blank where a line breaks: "one<br>two" are two words."""
    lxml.etree.strip_elements(root, "script", "style", with_tail=False)
    lxml.etree.strip_tags(root, lxml.etree.Comment, lxml.etree.ProcessingInstruction)
    for element in root.iter("br"):
        element.tail = f" {element.tail or ''}"
    return root


def fragment(markup: str) -> Any:
    """A piece of HTML as one element that holds it."""
    # behind a comment, which is taken out again, `<html>` is no document of its own: lxml asserts that one has a body
    return _broken(lxml.html.fragment_fromstring(f"<!---->{_unhidden(markup) or ' '}", create_parent="div"))


def text_of(element: Any) -> str:
    """An element's text on one line."""
    return squeeze("".join(element.itertext()))


class Block(NamedTuple):
    """A piece of text as a reader sees it: a paragraph, a heading, a list item, a row of a table.

    `links` are the addresses in it and `labels` the text of each; `above` holds the items of the lists that it is
    nested in, and `cells` the cells of a row.
    """

    tag: str
    text: str
    links: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()


def blocks(element: Any, above: tuple[str, ...] = ()) -> Iterator[Block]:
    """Every innermost block below an element, in the order of reading; a row's cells are set apart by blanks."""
    for child in element.iterchildren():
        yield from blocks_of(child, above)


def blocks_of(element: Any, above: tuple[str, ...] = ()) -> Iterator[Block]:
    """The same of an element itself, which may be one block; what has neither words nor links is none."""
    if element.tag in _SKIPPED:
        return
    if element.tag == "tr":
        cells = tuple(text_of(cell) for cell in element.iterchildren())
        yield from (row._replace(cells=cells) for row in _block(element, " ".join(cells), above))
    elif element.tag == "li":
        yield from _list_item(element, above)
    elif element.tag not in _BLOCKS or next(element.iterdescendants(*_BLOCKS), None) is not None:
        yield from blocks(element, above)
    else:
        yield from _block(element, "".join(element.itertext()), above)


def _block(element: Any, text: str, above: tuple[str, ...]) -> Iterator[Block]:
    text, anchors = squeeze(text), _links(element) if len(element) else ()
    if text or anchors:
        links, labels = tuple(a for a, _ in anchors), tuple(label for _, label in anchors)
        yield Block(element.tag, text, links, above, labels)


def _list_item(item: Any, above: tuple[str, ...]) -> Iterator[Block]:
    own = [child for child in item if child.tag not in ("ul", "ol")]
    text = squeeze(" ".join([item.text or "", *("".join(e.itertext()) + (e.tail or "") for e in own)]))
    if text:
        anchors = [anchor for e in own for anchor in _links(e)]
        yield Block("li", text, tuple(a for a, _ in anchors), above, tuple(label for _, label in anchors))
    for child in item:
        if child.tag in ("ul", "ol"):
            yield from blocks(child, (*above, text))


def _links(element: Any) -> tuple[tuple[str, str], ...]:
    """The links in an element: each address with its text."""
    return tuple((e.get("href"), text_of(e)) for e in element.iter("a") if e.get("href"))


def elements(stream: Any, tag: str, url: str) -> Iterator[Any]:
    """Each element of a name in a long XML file, read as a stream: what was read is let go of again.

    ShapeError, with the URL, where the file is not XML or is cut off.
    """
    try:
        for _, element in lxml.etree.iterparse(
            stream, tag=tag, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        ):
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except lxml.etree.XMLSyntaxError as error:
        raise ShapeError(f"not valid XML: {error}", where=url) from error


class FeedItem:
    """One entry of an RSS or Atom feed, as plain text."""

    def __init__(self, entry: Any) -> None:
        self.title = plain(str(entry.get("title", "")))
        self.link = str(entry.get("link", ""))
        self.guid = str(entry.get("id", "") or self.link)
        self.categories = tuple(plain(str(t.get("term", ""))) for t in entry.get("tags", []) if t.get("term"))
        content = entry.get("content") or []
        self.body = str(content[0].get("value", "")) if content else str(entry.get("summary", ""))
        self.summary = plain(str(entry.get("summary", "")))
        # dict.get, because feedparser's own takes one date for the other where there is none, and warns
        parsed = dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed")
        self.published = _moment(parsed)


def _moment(parsed: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError):
        return None


_PROLOG = re.compile(rb"\A[^<]*(?:<[?!][^<]*)*")
_BLANK = re.compile(rb"\s{2,}")
"""feedparser looks for declarations before the first element in time that grows with the square of its blank lines."""


def feed(document: Document) -> list[FeedItem]:
    """The entries of a feed; ShapeError where the document is none, is cut off, or has no entry.

    feedparser opens a str as a URL or a file, so it is only ever given bytes.
    """
    _bounded(document)
    import feedparser  # here, for a poll in which nothing is new parses nothing

    try:
        body = _PROLOG.sub(lambda found: _BLANK.sub(b"\n", found[0]), document.body, count=1)
        result = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    except (ValueError, OverflowError, LookupError, AttributeError, TypeError) as error:
        # feedparser trips over character references that name no character, and the like
        raise ShapeError(f"broken feed: {error}", where=document.url) from error
    if not result.get("version"):
        raise ShapeError("no RSS or Atom feed", where=document.url)
    problem = result.get("bozo_exception")
    if problem is not None and not isinstance(problem, feedparser.CharacterEncodingOverride):
        raise ShapeError(f"broken feed: {problem}", where=document.url)
    if not result.entries:
        raise ShapeError("a feed without entries", where=document.url)
    return [FeedItem(entry) for entry in result.entries]


def plain(markup: str) -> str:
    """HTML as plain text on one line; text without markup comes back as it is, squeezed."""
    if "<" not in markup and "&" not in markup:
        return squeeze(markup)
    try:
        root = fragment(markup)
    except (lxml.etree.LxmlError, ValueError):
        return squeeze(re.sub(r"<[^<>]*>", " ", markup))
    return squeeze(" ".join(text for text in root.itertext()))
