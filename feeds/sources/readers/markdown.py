"""Reading the markdown variant of a page of the documentation, as the blocks that its HTML would give.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from feeds.core.errors import ShapeError
from feeds.core.limits import PAGE
from feeds.sources.base import Document
from feeds.sources.readers import markup
from feeds.sources.readers.bodies import squeeze, text_body
from feeds.sources.readers.markup import Block

"""Bytes of a document, as of a page."""
_LONGEST = 20_000
"""Characters of a block that are read."""
_HTML = re.compile(r"\s*<(?:!doctype|html)\b", re.IGNORECASE)
_HEADING = re.compile(r"^ {0,3}(?P<level>#{1,6})(?:[ \t]+|$)(?P<text>.*)$")
_ITEM = re.compile(r"^(?P<indent>[ \t]*)(?:[-*+]|\d{1,9}[.)])[ \t]+(?P<text>.*)$")
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_RULE = re.compile(r"^\s*(?:\|[\s|:-]*|[-*_=\s]{3,})$")
_SHORTCODE = re.compile(r"\{\{[<%].{0,1000}?[>%]\}\}")
_DATE = re.compile(r"\{\{[<%]\s*release-date\s[^{}]{0,200}?(\d{4}-\d{2}-\d{2})[^{}]{0,200}?[>%]\}\}")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\(\s*<?([^()<>\s]*)>?[^()]{0,500}\)|<(https?://[^<>\s]{1,2000})>")
_DEFINED = re.compile(r"^ {0,3}\[([^\[\]]{1,500})\]:\s*<?([^\s<>]{1,2000})>?", re.MULTILINE)
_REFERENCE = re.compile(r"\[([^\[\]]{1,2000})\](?:\[([^\[\]]{0,500})\])?(?![(:])")
_QUOTE = re.compile(r"^\s*(?:>\s?)+(?:\[![A-Z]+\])?")


def blocks(document: Document) -> Iterator[Block]:
    """The headings, paragraphs, list items and rows of a document; ShapeError where it is a page or too large.

    Code is left out, and so are the generator's shortcodes except a release's date.
    """
    if len(document.body) > PAGE:
        raise ShapeError(f"it is larger than {PAGE >> 20} MiB, as no page is", where=document.url)
    text = text_body(document)
    if _HTML.match(text):
        raise ShapeError("no markdown", where=document.url)
    yield from _Reader().read(text)


class _Reader:
    """Goes through the lines, and holds the block that they make until it ends."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._tag = "p"
        self._above: tuple[str, ...] = ()
        self._items: list[tuple[int, str]] = []
        """The list items that are open: how deep each is indented, and its text."""
        self._links: dict[str, str] = {}
        """The links that are defined apart from where they stand: `[label]: address`."""

    def read(self, text: str) -> Iterator[Block]:
        self._links = {label.lower(): address for label, address in _DEFINED.findall(text)}
        lines = _without_front_matter(text).splitlines()
        fences = [number for number, line in enumerate(lines) if _FENCE.match(line)]
        # one that nothing closes hides nothing
        fences = fences[: len(fences) // 2 * 2]
        code = {n for start, end in zip(fences[::2], fences[1::2], strict=True) for n in range(start, end + 1)}
        for number, raw in enumerate(lines):
            if number in code:
                yield from self._end()
            else:
                yield from self._line(_SHORTCODE.sub("", _DATE.sub(r"\1", raw[:_LONGEST])))
        yield from self._end()

    def _line(self, line: str) -> Iterator[Block]:
        line = _QUOTE.sub("", line)
        if self._links:
            line = "" if _DEFINED.match(line) else _REFERENCE.sub(self._linked, line)
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if not line.strip() or (_RULE.match(line) and not item):
            yield from self._end()
        elif heading:
            yield from self._end()
            self._items = []
            yield from _block(f"h{len(heading['level'])}", heading["text"].rstrip("# \t"), ())
        elif item:
            yield from self._end()
            indent = len(item["indent"].expandtabs(4))
            self._items = [one for one in self._items if one[0] < indent]
            self._tag, self._above = "li", tuple(text for _, text in self._items)
            self._items.append((indent, plain(item["text"])))
            self._lines = [item["text"]]
        elif line.lstrip().startswith("|"):
            yield from self._end()
            yield from _row(line)
        else:
            yield from self._more(line)

    def _linked(self, match: re.Match[str]) -> str:
        """A link by its label, as a link with its address."""
        address = self._links.get((match[2] or match[1]).lower())
        return f"[{match[1]}]({address})" if address else match[0]

    def _more(self, line: str) -> Iterator[Block]:
        """A line that goes on with what is open, or begins a paragraph."""
        if not self._lines:
            indented = line[:1] in (" ", "\t")
            self._items = self._items if indented else []
            self._tag, self._above = "p", tuple(text for _, text in self._items)
        if sum(map(len, self._lines)) < _LONGEST:
            self._lines.append(line)
        return iter(())

    def _end(self) -> Iterator[Block]:
        text, self._lines = " ".join(self._lines), []
        if text.strip():
            yield from _block(self._tag, text, self._above)


def _without_front_matter(text: str) -> str:
    start = text.lstrip()
    if not start.startswith("---\n"):
        return text
    end = start.find("\n---", 4)
    return start[end + 4 :] if end >= 0 else text


def _block(tag: str, text: str, above: tuple[str, ...]) -> Iterator[Block]:
    shown = plain(text)
    anchors = [(m[2] or m[3] or "", plain(m[1] if m[1] is not None else m[3])) for m in _LINK.finditer(text)]
    if shown or anchors:
        yield Block(tag, shown, tuple(a for a, _ in anchors), above, tuple(label for _, label in anchors))


def _row(line: str) -> Iterator[Block]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    cells = tuple(plain(cell) for cell in re.split(r"(?<!\\)\|", inner))
    for block in _block("tr", inner.replace("|", " "), ()):
        yield block._replace(text=squeeze(" ".join(cells)), cells=cells)


def plain(text: str) -> str:
    """Markdown as plain text on one line: the label of each link, and no marks of emphasis or code.

    >>> plain("**Fixed** [CVE-2031-1](https://example.org) in `a_b`")
    'Fixed CVE-2031-1 in a_b'
    """
    text = _LINK.sub(lambda m: m[1] if m[1] is not None else m[3], text)
    if "<" in text:
        text = markup.plain(text)
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", re.sub(r"(?<!\\)[*`]|(?<![\w\\])_|(?<!\\)_(?!\w)", "", text))
    return squeeze(unescape(text))


def anchor(title: str, used: dict[str, int]) -> str:
    """The anchor that the page's generator gives a heading; a repeated one gets a number, counted in `used`."""
    slug = re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip())
    used[slug] = used.get(slug, -1) + 1
    return f"{slug}-{used[slug]}" if used[slug] else slug
