"""What release notes say was fixed: shared by the engine's release notes and the release feeds.  Pure.

A note speaks of an id in many ways: "fixes CVE-1", "Update runc to 1.1.14, which contains a fix for
CVE-2", "a regression introduced in our CVE-3 mitigation", "similar to those fixed in CVE-4",
"hardening for CVE-5".  Only the first is a statement that *this* product was repaired, and only that
one becomes a claim: a fix of something that the product merely bundles is its maker's to tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from feeds.advisories.facts import Repair
from feeds.advisories.records import Kind, Record, VersionStatement, cves_in, ghsas_in, is_cve, is_ghsa
from feeds.sources.markup import Block
from feeds.sources.parsing import shortened
from feeds.versions import products

_REPOSITORY = re.compile(r"github\.com/([\w.-]+/[\w.-]+)/security/advisories/(GHSA-[\w-]+)", re.IGNORECASE)
_GLOBAL = re.compile(r"github\.com/advisories/GHSA-", re.IGNORECASE)
_ID = r"(?:CVE-\d{4}-\d{4,}|GHSA(?:-\w{4}){3})"
_STARTS = re.compile(rf"^\W*{_ID}(?:(?:\W|\band\b){{1,8}}{_ID})*", re.IGNORECASE)
_FIXES = re.compile(r"\b(?:fix(?:e[sd])?|fixing|patch(?:e[sd])?|address(?:es|ed)?|resolve[sd]?)\b", re.IGNORECASE)
_FIX_OF = re.compile(
    # up to six words between the two; possessive, so that a line of dashes is read in one way only
    r"\b(?:fix(?:es|ed)?|patch(?:es)?|address(?:es|ed)?|resolve[sd]?|mitigation)\b"
    rf"(?:\W++\w++(?:-\w++)*+){{0,6}}?\W+{_ID}",
    re.IGNORECASE,
)
_NOT_A_FIX = re.compile(r"\bregression\b|\bhardening\b|\bsimilar to\b|\bmake sure\b|\bensure you\b", re.IGNORECASE)
_DEPENDENCY = re.compile(
    r"^\W*(?:update|upgrade|bump|vendor)s?\b|\bupdates? (?:the )?\S+ (?:\S+ )?(?:runtime )?to\b", re.IGNORECASE
)
_SECURITY = re.compile(r"\bsecurity\b", re.IGNORECASE)
_UNNAMED = re.compile(
    r"\bfix(?:e[sd])?\b.{0,300}\b(?:security (?:issue|vulnerabilit|flaw|fix)|vulnerabilit)", re.IGNORECASE
)
_REGRESSION = re.compile(
    r"\bregression (?:that was )?(?:introduced )?(?:in|by|from|since) (?:version )?v?(\d+(?:\.\d+){1,2})", re.IGNORECASE
)


_LONGEST = 4000  # characters of a paragraph that are read


class Fix(NamedTuple):
    """A statement that a release repairs something: its ids (the CVE first, and its GHSA), and the words."""

    ids: tuple[str, ...]
    words: str


def fixes(blocks: Iterable[Block], product: str, repository: str) -> Iterator[Fix]:
    """The statements in a release's notes that this product was repaired."""
    heading, intro = "", ""
    for block in map(_short, blocks):
        if block.tag in ("h2", "h3", "h4", "h5", "h6"):
            heading, intro = block.text, ""
            continue
        context = " ".join((*block.above, intro)) if block.tag in ("li", "tr") else ""
        if block.tag == "p":
            intro = block.text
        ids = _subject(block)
        if ids and _is_fix(block, heading, context) and _is_of(block, context, product, repository):
            yield from (Fix(one, block.text) for one in _apart(ids))


def _short(block: Block) -> Block:
    return block._replace(text=block.text[:_LONGEST])


def _apart(ids: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A CVE with its GHSA is one matter; several CVEs are several."""
    cves = [i for i in ids if is_cve(i)]
    if len(cves) == 1 and len(ids) <= 2:
        yield ids
    else:
        yield from ((i,) for i in cves or ids)


def _subject(block: Block) -> tuple[str, ...]:
    """The ids that a block is about: those it starts with, else its only one, else those of its first sentence."""
    lead = _STARTS.match(block.text)
    linked = ghsas_in(" ".join(block.links))[:1]
    if lead:
        return tuple(dict.fromkeys((*cves_in(lead[0]), *ghsas_in(lead[0]), *linked)))
    everything = cves_in(block.text)
    if len(everything) == 1:
        return (*everything, *linked)
    sentence = re.split(r"(?<=[.!?])\s", block.text)[0]
    return cves_in(sentence) or tuple(dict.fromkeys((*ghsas_in(sentence), *linked)))


def _is_fix(block: Block, heading: str, context: str) -> bool:
    sentences = [s for s in re.split(r"(?<=[.!?])\s", block.text) if re.search(_ID, s, re.IGNORECASE)]
    if sentences and _NOT_A_FIX.search(sentences[0]) and not _STARTS.match(block.text):
        return False
    if _FIX_OF.search(block.text):
        return True
    if not _STARTS.match(block.text):
        return False
    after = _STARTS.sub("", block.text)[:80]
    own = any(_REPOSITORY.search(link) for link in block.links)
    return bool(_FIXES.search(after) or _FIXES.search(context) or (own and _SECURITY.search(heading)))


def _is_of(block: Block, context: str, product: str, repository: str) -> bool:
    """Whether the product itself was repaired, and not something that it contains."""
    repositories = [m[1].lower() for link in block.links[:2] if (m := _REPOSITORY.search(link))]
    if repositories:
        return repositories[0] == repository
    if any(_GLOBAL.search(link) for link in block.links):
        # an advisory that no repository of ours published is about a package that the product contains
        return False
    if _DEPENDENCY.search(block.text) or any(_DEPENDENCY.search(a) for a in block.above) or _DEPENDENCY.search(context):
        return False
    named = {p for p, _, _ in products.mentions(f"{context} {block.text}")}
    others = named - {product, products.ENGINE_MODULE}
    return not others or _first(block.text) == product


def _first(text: str) -> str:
    return next((p for p, _, _ in products.mentions(text)), "")


def record(fix: Fix, product: str, version: str, url: str, published: datetime | None) -> Record:
    """The record of a statement: the vulnerability, and that the release has its fix."""
    cves = [i for i in fix.ids if is_cve(i)]
    ghsas = [i for i in fix.ids if is_ghsa(i)]
    return Record(
        id=(cves or ghsas)[0],
        kind=Kind.VULNERABILITY,
        title=shortened(fix.words),
        url=url,
        aliases=tuple(ghsas) if len(cves) == len(ghsas) == 1 else (),
        summary=fix.words,
        published=published,
        claims=(VersionStatement(product=product, fixed=(version,), words=f"{product} {version}: {fix.words}"),),
        precedence=8,
    )


def unnamed(blocks: Iterable[Block], product: str) -> list[str]:
    """The words of security changes that name no advisory: below "Security", or "fix a security issue"."""
    heading = ""
    found: list[tuple[str, bool]] = []
    below: list[str] = []
    for block in map(_short, blocks):
        if block.tag in ("h2", "h3", "h4", "h5", "h6"):
            heading = block.text
            continue
        named = bool(re.search(_ID, " ".join((block.text, *block.links, *block.above)), re.IGNORECASE))
        if _SECURITY.fullmatch(heading.strip()) and block.tag in ("li", "p"):
            found.append((block.text, named))
        elif not named and _UNNAMED.search(block.text) and not _DEPENDENCY.search(block.text):
            below.append(block.text)
    whole = [] if any(named for _, named in found) else [text for text, _ in found]
    return [t for t in (*whole, *below) if not _DEPENDENCY.search(t) and not _speaks_of_others(t, product)]


def _speaks_of_others(text: str, product: str) -> bool:
    return bool({p for p, _, _ in products.mentions(text)} - {product, products.ENGINE_MODULE})


def repairs(blocks: Iterable[Block]) -> tuple[Repair, ...]:
    """The regressions that a release says it repairs."""
    texts = (block.text for block in map(_short, blocks) if block.tag in ("li", "p"))
    told = (t for t in texts if re.search(r"\bregression\b", t, re.IGNORECASE) and _FIXES.search(t))
    return tuple(Repair(m[1] if (m := _REGRESSION.search(text)) else "", text) for text in told)
