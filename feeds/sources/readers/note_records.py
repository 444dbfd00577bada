"""What release notes say was fixed: shared by the engine's release notes and the release feeds.  Pure.

A note speaks of an id in many ways: "fixes CVE-1", "Update runc to 1.1.14, which contains a fix for
CVE-2", "a regression introduced in our CVE-3 mitigation", "similar to those fixed in CVE-4",
"hardening for CVE-5".  Only the first says that *this* product was repaired, and only that one becomes
a claim: what a product merely bundles is for its maker to report.  `clauses` reads the sentence; here
the list, the table and the heading around it decide whose flaw it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from feeds.advisories.authority import Precedence
from feeds.advisories.facts import Bundled, Repair
from feeds.advisories.records import Kind, Record, VersionStatement, ghsas_in, is_cve, is_ghsa
from feeds.sources.readers import note_clauses
from feeds.sources.readers.bodies import shortened
from feeds.sources.readers.markup import Block
from feeds.sources.readers.note_clauses import FIX, ID, Passage, Sense
from feeds.sources.readers.note_parts import LONGEST, Part, Place, placed
from feeds.versions import products

_GITHUB = r"^\s*(?:https?:)?(?://)?(?:www\.)?github\.com/"
"""The beginning of an address there: one in the query of another address leads elsewhere."""
_REPOSITORY = re.compile(rf"{_GITHUB}([\w.-]+/[\w.-]+)/security/advisories/(GHSA-[\w-]+)", re.IGNORECASE)
_GLOBAL = re.compile(rf"{_GITHUB}advisories/(GHSA-[\w-]+)", re.IGNORECASE)
_UNNAMED = re.compile(
    rf"{FIX.pattern}.{{0,300}}\b(?:security (?:issue|vulnerabilit|flaw|fix|bug|problem|hole)|vulnerabilit)",
    re.IGNORECASE,
)
_REGRESSION = re.compile(
    r"\bregression (?:that was )?(?:introduced )?(?:in|by|from|since) (?:version )?v?(\d+(?:\.\d+){1,2})", re.IGNORECASE
)
_SEE = re.compile(r"\b(?:see|refer to|details (?:in|at)|more in)\b[^.]{0,60}GHSA-", re.IGNORECASE)
_ALSO = re.compile(rf"^\W*(?:(?:and|this|it|we|release) )*(?:also )?{FIX.pattern}", re.IGNORECASE)
_REFERENCE = re.compile(r"\b[\w.-]+/[\w.-]+#\d+")
_COLUMN = re.compile(
    r"\b(?:components?|packages?|products?|modules?|projects?|software|part|where|affect(?:s|ed)(?!.*\bversion))\b",
    re.IGNORECASE,
)
_CLI_ENTRY = re.compile(r"^\W*(?:docker[ /])?cli:", re.IGNORECASE)
_DAEMON = re.compile(r"\bthe (?:docker )?(?:daemon|engine)\b", re.IGNORECASE)
_INTRODUCES = re.compile(
    r":\s*$|\bthe following\b|^\W*(?:this|the) (?:\w+ )?(?:release|version|update)\b"
    r"|\b(?:for|see) (?:more|further|details)\b",
    re.IGNORECASE,
)


class Fix(NamedTuple):
    """A statement that a release repairs a product: its ids (the CVE first, and its GHSA), and the words."""

    ids: tuple[str, ...]
    words: str
    product: str = ""


def fixes(blocks: Iterable[Block], product: str, repository: str) -> Iterator[Fix]:
    """The statements in a release's notes that a product was repaired: `product`, or the CLI in the engine's notes."""
    for block, place in placed(blocks):
        if Part.KNOWN_ISSUES in place.parts():
            continue
        said = list(note_clauses.passages(block.text, product))
        cves = {i for passage in said for i in passage.ids if is_cve(i)}
        for number, passage in enumerate(said):
            if cves and not any(is_cve(i) for i in passage.ids):
                continue  # the other name of a CVE, or where to read on
            if number and said[0].opens and not _ALSO.match(passage.words):
                continue  # the entry is about the ids that it opens with
            owner = _owner(block, place, passage, product, repository)
            if owner and _is_fix(block, place, passage, product, first=number == 0):
                alias = _alias(block, passage, alone=len(cves) == 1)
                yield from (Fix(ids, block.text, owner) for ids in _apart(passage.ids, alias))


def _apart(ids: tuple[str, ...], alias: str) -> Iterator[tuple[str, ...]]:
    """A CVE with its GHSA is one matter; several CVEs are several."""
    cves = [i for i in ids if is_cve(i)]
    if len(cves) == 1:
        yield (cves[0], alias) if alias else (cves[0],)
    else:
        yield from ((i,) for i in cves or ids)


def _alias(block: Block, passage: Passage, *, alone: bool) -> str:
    """The GHSA id of a passage's one CVE: beside it, or linked in its entry. A link to read on is no other name."""
    beside = [i for i in passage.ids if is_ghsa(i)]
    if beside:
        return beside[0] if len(beside) == 1 else ""
    if _SEE.search(block.text) or not (alone or passage.opens):
        return ""
    link = _link(block, passage)
    return next(iter(ghsas_in(urlsplit(link).path)), "")


def _is_fix(block: Block, place: Place, passage: Passage, product: str, *, first: bool) -> bool:
    """Whether what is said of some ids, with what stands above them, says that they are fixed."""
    above = [*block.above, place.intro]
    entry = block.tag in ("li", "tr", "dd", "dt")
    if passage.sense in (Sense.MENTIONED, Sense.DEPENDENCY):
        return False
    if any(note_clauses.in_passing(text) for text in above) or _of_dependency(block, place, product):
        return False
    secure = Part.SECURITY in place.parts()
    if passage.sense is Sense.FIXED or (place.columns and secure):
        return True  # in a table of what was fixed, whatever its first column is
    if passage.sense is Sense.CHANGED:
        return entry or secure
    if entry and first and any(FIX.search(text) for text in above):
        return True
    own_link = any(_REPOSITORY.search(link) for link in block.links)
    return secure and ((passage.opens and (entry or own_link)) or (passage.ends and entry and first))


def _of_dependency(block: Block, place: Place, product: str) -> bool:
    """Whether what stands above says that something else was updated, and not that `product` is what is repaired."""
    if Part.DEPENDENCIES in place.parts() and not block.links:
        return True
    if any(note_clauses.is_dependency(text, product) for text in block.above):
        return True
    if not place.intro or not note_clauses.is_dependency(place.intro, product):
        return False
    flaws_of = _after_flaws(place.intro)
    own = (product, products.ENGINE_MODULE)
    if any(p in own for p, _, _ in products.mentions(flaws_of)):
        return False
    return not (product == "engine" and (_DAEMON.search(flaws_of) or _DAEMON.search(block.text)))


def _after_flaws(text: str) -> str:
    """What "vulnerabilities in ..." names."""
    found = re.search(
        r"\b(?:vulnerabilit\w+|issues?|flaws?|cves?|bugs?|problems?|holes?|weakness(?:es)?)\b[^.:]{0,40}?"
        r"\b(?:in|affect\w*|of)\b",
        text,
        re.IGNORECASE,
    )
    return text[found.end() :] if found else ""


def _owner(block: Block, place: Place, passage: Passage, product: str, repository: str) -> str:
    """Whose flaw it is: `product`, the "cli" of the engine's notes, or "" for anybody else's."""
    if link := _link(block, passage):
        return _owner_of_link(link, product, repository)
    if place.columns and len(place.columns) == len(block.cells):
        cell = next((c for c, head in zip(block.cells, place.columns, strict=True) if _COLUMN.search(head)), "")
        if cell:
            return _of_component(cell, product)
    text = _REFERENCE.sub("", block.text)
    context = _REFERENCE.sub("", " ".join((*block.above, place.intro)))
    named = {p for p, _, _ in products.mentions(f"{context} {text}")} - {product, products.ENGINE_MODULE}
    daemon = product == "engine" and not _first(text) and _DAEMON.search(f"{text} {_after_flaws(context)}")
    own = daemon or product in (_first(text), _first(_after_flaws(context)))
    if named and not own:
        return "cli" if product == "engine" and _first(text) == "cli" else ""
    return "cli" if product == "engine" and _CLI_ENTRY.match(text) else _owner_by_heading(place, product)


def _owner_by_heading(place: Place, product: str) -> str:
    for heading in reversed(place.headings):
        if Part.of(heading) is Part.CLIENT and product == "engine":
            return "cli"
        others = {p for p, _, _ in products.mentions(heading)} - {product, products.ENGINE_MODULE}
        if others:
            return "cli" if others == {"cli"} and product == "engine" else ""
    return product


def _link(block: Block, passage: Passage) -> str:
    """The advisory that is linked to some ids: by its label, else the first one of the block."""
    advisories = [
        (link, label)
        for link, label in zip(block.links, block.labels or block.links, strict=False)
        if _REPOSITORY.search(link) or _GLOBAL.search(link)
    ]
    ids = {i.upper() for i in passage.ids}
    for link, label in advisories:
        if ids & {i.upper() for i in re.findall(ID, f"{label} {link}", re.IGNORECASE)}:
            return link
    return advisories[0][0] if advisories else ""


def _owner_of_link(link: str, product: str, repository: str) -> str:
    found = _REPOSITORY.search(link)
    if found is None:
        # an advisory that no repository of ours published is about a package that the product contains
        return ""
    if found[1].lower() == repository:
        return product
    return "cli" if product == "engine" and found[1].lower() == "docker/cli" else ""


def _of_component(cell: str, product: str) -> str:
    named = _first(cell)
    if named in (product, products.ENGINE_MODULE) or (
        product == "engine" and re.fullmatch(r"\W*(?:the )?(?:daemon|engine)\W*", cell, re.IGNORECASE)
    ):
        return product
    return "cli" if product == "engine" and (named == "cli" or Part.of(cell) is Part.CLIENT) else ""


def _first(text: str) -> str:
    return next((p for p, _, _ in products.mentions(text)), "")


def record(fix: Fix, version: str, url: str, published: datetime | None) -> Record:
    """The record of a statement: the vulnerability, and that the release has its fix."""
    cves = [i for i in fix.ids if is_cve(i)]
    ghsas = [i for i in fix.ids if is_ghsa(i)]
    words = f"{fix.product} {version}: {fix.words}"
    return Record(
        id=(cves or ghsas)[0],
        kind=Kind.VULNERABILITY,
        title=shortened(fix.words),
        url=url,
        aliases=tuple(ghsas) if len(cves) == len(ghsas) == 1 else (),
        summary=fix.words,
        published=published,
        claims=(VersionStatement(product=fix.product, fixed=(version,), words=words),),
        precedence=Precedence.FIX,
    )


def unnamed(blocks: Iterable[Block], product: str) -> list[str]:
    """The words of security changes that name no advisory: below "Security", or "fix a security issue"."""
    found: list[tuple[Block, bool, str]] = []
    below: list[str] = []
    for block, place in placed(blocks):
        if Part.KNOWN_ISSUES in place.parts():
            continue
        named = bool(re.search(ID, " ".join((block.text, *block.links, *block.above)), re.IGNORECASE))
        if Part.SECURITY in place.parts() and block.tag in ("li", "p", "tr"):
            found.append((block, named, place.intro))
        elif not named and _UNNAMED.search(block.text):
            below.append(block.text)
    # beside entries that name an id, only what tells of a change is one more entry, and not what leads to them
    beside = any(named for _, named, _ in found)
    whole = [b.text for b, named, intro in found if not named and (not beside or _is_entry(b, intro))]
    texts = (t for t in (*whole, *below) if not note_clauses.is_dependency(t, product))
    return [t for t in texts if not _speaks_of_others(t, product)]


def _is_entry(block: Block, intro: str) -> bool:
    if block.tag == "tr" or _INTRODUCES.search(block.text) or (intro.endswith(":") and not FIX.search(intro)):
        return False
    first = re.match(rf"\W*{FIX.pattern}", block.text, re.IGNORECASE)
    return bool(first) or note_clauses.is_change(block.text)


def _speaks_of_others(text: str, product: str) -> bool:
    named = {p for p, _, _ in products.mentions(_REFERENCE.sub("", text))}
    return bool(named - {product, products.ENGINE_MODULE})


def repairs(blocks: Iterable[Block]) -> tuple[Repair, ...]:
    """The regressions that a release says it repairs."""
    texts = (block.text[:LONGEST] for block in blocks if block.tag in ("li", "p"))
    told = (t for t in texts if re.search(r"\bregression\b", t, re.IGNORECASE) and FIX.search(t))
    return tuple(Repair(m[1] if (m := _REGRESSION.search(text)) else "", text) for text in told)


_BUNDLES = re.compile(
    r"\b(?:updat|upgrad|bump)(?:e|es|ed|ing|s|ing)?\b[^.;:]{0,20}?\b(runc|containerd)\b[^.;:]{0,40}?\b(?:to|at)\W{0,3}v?(\d+(?:\.\d+){2}(?:-rc\.?\d+)?)",
    re.IGNORECASE,
)


def bundles(blocks: Iterable[Block], product: str) -> tuple[Bundled, ...]:
    """The runc and containerd that a release's own binaries were updated to: "Update runc binary to v1.1.12"."""
    found: dict[str, str] = {}
    for block in blocks:
        if block.tag in ("li", "p"):
            for name, version in _BUNDLES.findall(block.text[:LONGEST]):
                found[name.lower()] = version
    return tuple(Bundled(name, version) for name, version in found.items() if name != product)
