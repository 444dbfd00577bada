"""The parts of release notes: what the headings, lists and tables around an entry say of it.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from feeds.sources.readers.markup import Block
from feeds.sources.readers.note_clauses import ID

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
LONGEST = 4000
"""Characters of a paragraph that are read."""
_HEADER = re.compile(
    r"^\W*(?:CVEs?|id|identifier|advisor(?:y|ies)|vulnerabilit(?:y|ies)|severity|cvss|fix(?:ed)?"
    r"|(?:affected |fixed )?versions?|(?:affected )?(?:components?|packages?|products?)"
    r"|part|where|description|summary)\b",
    re.IGNORECASE,
)


class Part(Enum):
    """What a heading of release notes says of the entries below it."""

    SECURITY = re.compile(
        r"^\W*(?:(?:fixed|resolved|addressed|patched|closed|important|critical) ){0,2}"
        r"(?:security|vulnerabilit(?:y|ies)|cves?)\b",
        re.IGNORECASE,
    )
    KNOWN_ISSUES = re.compile(
        r"\b(?:known|open|outstanding|unresolved|remaining) (?:\w+ )?"
        r"(?:issues?|problems?|limitations?|bugs|vulnerabilit\w+)\b|^\W*(?:limitations|caveats|workarounds?)\b",
        re.IGNORECASE,
    )
    CLIENT = re.compile(
        r"^\W*(?:(?:docker )?(?:client|cli)(?:\W+(?:and )?(?:client|cli|(?:bug ?)?fix(?:es)?|changes|updates"
        r"|improvements|enhancements))*|command[ -]line\b.*)\W*$",
        re.IGNORECASE,
    )
    DEPENDENCIES = re.compile(
        r"^\W*(?:(?:updated |third[ -]party |go )?(?:dependenc(?:y|ies)|vendor(?:ing|ed \w+)?|libraries)|go(?:lang)?"
        r"|toolchain)(?: (?:updates?|upgrades?|changes|version))?\W*$",
        re.IGNORECASE,
    )
    CHANGES = re.compile(
        r"^\W*(?:bug ?fix(?:es)?\b.*|fix(?:es|ed)?|new|new features?.*|features?|enhancements?|improvements?|changes"
        r"|removed|removals?.*|deprecat\w+.*|packaging.*|build(?:er)?|network(?:ing)?|runtime|logging|swarm.*|rootless.*"
        r"|daemon|api|distribution|plugins?|volumes?|storage|contrib|registry|go sdk|windows|platform.*|other.*"
        r"|highlights|notable.*)\W*$",
        re.IGNORECASE,
    )
    OTHER = re.compile("")

    @classmethod
    def of(cls, heading: str) -> Part:
        """The part of the notes that a heading begins."""
        return next(part for part in cls if part.value.search(heading))


class Place(NamedTuple):
    """Where a block stands: the parts and texts of the headings above it, its paragraph, and its table's head."""

    headings: tuple[str, ...] = ()
    intro: str = ""
    columns: tuple[str, ...] = ()

    def parts(self) -> set[Part]:
        """What the headings above say."""
        return {Part.of(h) for h in self.headings}


def placed(blocks: Iterable[Block]) -> Iterator[tuple[Block, Place]]:
    """The blocks below the headings of some notes, each with where it stands."""
    levels: dict[str, str] = {}
    intro = ""
    columns: tuple[str, ...] = ()
    for block in (b._replace(text=b.text[:LONGEST]) for b in blocks):
        level = heading_level(block)
        if level:
            levels = {tag: text for tag, text in levels.items() if tag < level} | {level: block.text}
            intro, columns = "", ()
            continue
        if block.tag == "tr" and _is_header(block):
            columns = block.cells
            continue
        columns = columns if block.tag == "tr" else ()
        yield block, Place(tuple(levels.values()), intro if block.tag in ("li", "tr") else "", columns)
        if block.tag == "p":
            intro = block.text


def heading_level(block: Block) -> str:
    """The level of a heading, "h1" to "h6"; "h7" for a line that is one by its words only ("Security:"), else ""."""
    if block.tag in HEADINGS:
        return block.tag
    bare = block.tag in ("p", "dt") and len(block.text) < 40 and not block.links
    return "h7" if bare and Part.of(block.text) is not Part.OTHER and re.match(r"^[\w\s]+:?$", block.text) else ""


def _is_header(block: Block) -> bool:
    return not re.search(ID, block.text, re.IGNORECASE) and sum(bool(_HEADER.match(c)) for c in block.cells) > 1
