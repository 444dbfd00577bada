"""CVE records: cveawg.mitre.org/api/cve/CVE-ID, the authorities' own record of each CVE.

One request a CVE: of those that other sources name, and of the older ones in `known_cves.txt`.
404 means "not published (yet)", which is not a failure, and is asked again.  The range is in fields,
or in the description alone (`affected: n/a`), or in both and contradicting.  Containers that are
added by others (ADP) rate the CVE, but list products of every vendor, so only their scores and CISA's
decision points (SSVC) count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from feeds.advisories.authority import Precedence
from feeds.advisories.prose import names_distribution, read_prose
from feeds.advisories.records import (
    ENGINE,
    PRODUCTS,
    Kind,
    Rank,
    Record,
    Score,
    VersionStatement,
    cve_age,
    cves_in,
    is_cve,
)
from feeds.advisories.scores import rating, vector_score
from feeds.advisories.ssvc import decision
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import json_body, mapping, mappings, shortened, squeeze, when
from feeds.versions import products
from feeds.versions.go_modules import closed, ended_at
from feeds.versions.ranges import Span, exactly, read_range, remainder
from feeds.versions.upstream import is_version, key


@cache
def known_cves() -> frozenset[str]:
    """The reviewed ids of `known_cves.txt`."""
    text = Path(__file__).parent.with_name("known_cves.txt").read_text(encoding="utf-8")
    return frozenset(line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("#"))


class CveRecords(Source):
    """The records of the CVE programme."""

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """One question a CVE: first what claims are about, then the reviewed ids, then what is only mentioned.

        An API, which robots.txt does not govern.
        """
        reviewed, first = known_cves(), frozenset(wanted.ranked)
        others = (sorted(cves, key=cve_age, reverse=True) for cves in (reviewed, wanted.cves))
        for cve in dict.fromkeys((*wanted.ranked, *chain(*others))):
            rank = 0 if cve in first else 1 if cve in reviewed else 2
            yield Request(url=self.urls["api"].format(cve=cve), form="api", optional=True, rank=rank)

    def parse(self, document: Document) -> Parsed:
        """The record of one CVE; a rejected one comes back withdrawn."""
        data = json_body(document)
        meta = data.get("cveMetadata") if isinstance(data, dict) else None
        if not isinstance(meta, dict) or not is_cve(str(meta.get("cveId"))):
            raise ShapeError("no CVE record", where=document.url)
        asked = cves_in(document.url.rpartition("/")[2])
        if asked and str(meta["cveId"]).upper() not in asked:
            raise ShapeError(f"it is the record of another CVE, {meta['cveId']}", where=document.url)
        containers = mapping(data.get("containers"))
        cna = mapping(containers.get("cna"))
        if not cna:
            raise ShapeError("a CVE record without a word of its authority", where=document.url)
        return Parsed((_record(meta, cna, mappings(containers.get("adp"))),))


def _record(meta: dict[str, Any], cna: dict[str, Any], adp: list[dict[str, Any]]) -> Record:
    cve = str(meta["cveId"]).upper()
    rejected = meta.get("state") == "REJECTED"
    description = _english(cna.get("rejectedReasons" if rejected else "descriptions"))
    claims = tuple(_structured(cna))
    about = {c.product for c in claims} - {products.ENGINE_MODULE}
    prose = read_prose(description, about=about.pop() if len(about) == 1 else "")
    covered = {c.product for c in claims}
    if not claims and not prose and (product := _named(cna, description)):
        claims = (
            VersionStatement(
                product=product, words="no range in its fields, and none in its description that can be read"
            ),
        )
    return Record(
        ssvc=decision(adp),
        id=cve,
        kind=Kind.VULNERABILITY,
        title=squeeze(str(cna.get("title") or "")) or _first_sentence(description) or cve,
        url=f"https://www.cve.org/CVERecord?id={cve}",
        mentions=tuple(c for c in cves_in(description) if c != cve),
        summary=squeeze(description)[:2000],
        published=when(meta.get("datePublished")),
        modified=when(meta.get("dateUpdated")),
        withdrawn=(when(meta.get("dateRejected")) or when(meta.get("dateUpdated"))) if rejected else None,
        withdrawn_reason=squeeze(description) if rejected else "",
        scores=(*_scores(cna, str(meta.get("assignerShortName") or "CNA"), own=True), *_adp_scores(adp)),
        claims=(*claims, *(c for c in prose if not covered or c.product in covered)),
        precedence=Precedence.CVE_RECORD,
    )


def _named(cna: dict[str, Any], description: str) -> str | None:
    """The product of a record without a range: of its fields, else (where they are "n/a") the first in its words."""
    entries = mappings(cna.get("affected"))
    fields = [products.of_field(*_subject(e)) for e in entries]
    if any(fields):
        return next(p for p in fields if p)
    if any((_subject(e)[1] or "n/a").lower() != "n/a" for e in entries):
        return None
    first = next(iter(products.mentions(description)), ("", 0, 0))[0]
    return first if first in PRODUCTS and not names_distribution(description) else None


def _english(texts: Any) -> str:
    entries = [t for t in mappings(texts) if str(t.get("lang", "en")).lower().startswith("en")]
    return str(entries[0].get("value") or "") if entries else ""


def _first_sentence(text: str) -> str:
    return shortened(squeeze(text.split(". ", maxsplit=1)[0]))


def _package(entry: dict[str, Any]) -> tuple[str, str]:
    """The kind and the name of the package that an entry names (format 5.2: by a URL): ("golang", "github.com/...")."""
    kind, _, package = str(entry.get("packageURL") or "").partition("?")[0].removeprefix("pkg:").partition("/")
    package = package.partition("@")[0]
    return (kind, package) if package else ("", str(entry.get("packageName") or ""))


def _subject(entry: dict[str, Any]) -> tuple[str, str]:
    """Vendor and product of an entry. A package that is a path tells whose numbers follow, and the product need not."""
    kind, package = _package(entry)
    stranger = "" if kind in ("", "golang", "github") else kind
    path = package if "/" in package and not stranger else ""
    return str(entry.get("vendor") or stranger), path or str(entry.get("product") or package)


class _Entry(NamedTuple):
    """An entry of `affected`: the product it names (None for a stranger's), and the module whose numbers it holds."""

    product: str | None
    module: str
    label: str
    default: str
    versions: list[dict[str, Any]]


def _entry(entry: dict[str, Any]) -> _Entry:
    vendor, subject = _subject(entry)
    name = str(entry.get("product") or subject)
    label = f"{vendor} {name}" + (f" ({subject})" if subject != name else "")
    module = subject if subject.lower().startswith("github.com/") else ""
    default = str(entry.get("defaultStatus") or "unknown")
    return _Entry(products.of_field(vendor, subject), module, label, default, mappings(entry.get("versions")))


def _structured(cna: dict[str, Any]) -> Iterator[VersionStatement]:
    entries = [_entry(e) for e in mappings(cna.get("affected"))]
    by_name = {e.product for e in entries if not e.module}
    for entry in entries:
        said = tuple(_versions(entry.versions, entry.product, entry.label, entry.default))
        end = ended_at(entry.module)
        ended = end and any(not s.high for c in said for s in c.affected)
        if (ended or (entry.module and entry.product == ENGINE)) and entry.product in by_name:
            continue  # another entry tells the same in the product's own numbers
        for claim in said:
            # of the releases after its end, a module says nothing
            yield msgspec.structs.replace(claim, affected=closed(claim.affected, end), partial=True) if ended else claim


def _versions(
    versions: list[dict[str, Any]], named: str | None, label: str, default: str
) -> Iterator[VersionStatement]:
    unaffected: list[Span] = []
    affected = False
    for item in versions:
        status = str(item.get("status") or "")
        # a commit may begin with a digit, and is not a version all the same
        read = _one(item) if item.get("versionType") != "git" else None
        if read is None:
            continue
        subject, spans, fixed = read
        product = (products.of_module(subject) or products.of_words(subject)) if subject else named
        if product is None:
            continue
        words = squeeze(
            f"{label}: " + ", ".join(f"{k} {v}" for k, v in item.items() if k != "status" and isinstance(v, str))
        )
        if status == "affected":
            affected = True
            rank = Rank.TRANSLATED if product == products.ENGINE_MODULE else Rank.VENDOR
            yield VersionStatement(product=product, affected=spans, fixed=fixed, rank=rank, words=words)
        elif status == "unaffected":
            unaffected.extend(spans)
    fixed = tuple(s.low for s in unaffected if s.low)
    if named and fixed and default == "affected" and not affected:
        # "everything is affected but these": the versions from each of them on are fixed, on its branch
        ranges = [s for s in unaffected if s.low != s.high]
        everything = remainder(Span("", max(fixed, key=key)), ranges)
        words = f"{label}: affected by default, unaffected {', '.join(str(s) for s in unaffected)}"
        yield VersionStatement(product=named, affected=everything, fixed=fixed, words=words)


def _one(item: dict[str, Any]) -> tuple[str, tuple[Span, ...], tuple[str, ...]] | None:
    """One entry of `versions` (CVE record format 5): subject, spans and fixed releases; None for "n/a"."""
    version = str(item.get("version") or "").strip()
    below, through = item.get("lessThan"), item.get("lessThanOrEqual")
    changes = mappings(item.get("changes"))
    turns = [(str(c.get("at")).lstrip("v"), c.get("status")) for c in changes if is_version(str(c.get("at")))]
    fixed = tuple(at for at, status in turns if status == "unaffected")
    if below is None and through is None:
        expression = read_range(version)
        return (expression.subject, expression.spans, fixed) if expression else None
    high = str(below if below is not None else through).strip()
    low = "" if version in ("", "0", "*", "n/a", "unspecified") or not is_version(version) else version
    if turns and (high == "*" or is_version(high)):
        return "", tuple(_turned(Span(low, high.strip("*"), closed_high=below is None and high != "*"), turns)), fixed
    if high == "*":
        return "", (Span(low, ""),), fixed
    if not is_version(high):
        expression = read_range(high)
        return (expression.subject, expression.spans, fixed) if expression else None
    if low and key(low) == key(high):
        return "", (exactly(low),), fixed
    return "", (Span(low, high, closed_high=below is None),), fixed


def _turned(span: Span, turns: list[tuple[str, Any]]) -> Iterator[Span]:
    """The affected parts of a span whose status turns at some versions."""
    low: str | None = span.low
    for at, status in sorted(turns, key=lambda turn: key(turn[0])):
        if status == "unaffected" and low is not None:
            yield Span(low, at)
            low = None
        elif status == "affected" and low is None:
            low = at
    if low is not None:
        yield Span(low, span.high, closed_high=span.closed_high)


def _scores(container: dict[str, Any], by: str, *, own: bool) -> Iterator[Score]:
    for metric in mappings(container.get("metrics")):
        for name, value in metric.items():
            if name.startswith("cvssV") and isinstance(value, dict):
                score = vector_score(str(value.get("vectorString") or ""), by=by, own=own) or rating(
                    value.get("baseSeverity"), by=by, own=own
                )
                if score:
                    yield score


def _adp_scores(adp: list[dict[str, Any]]) -> Iterator[Score]:
    for container in adp:
        name = mapping(container.get("providerMetadata")).get("shortName") or container.get("title") or "ADP"
        yield from _scores(container, str(name), own=False)


SOURCE = CveRecords(
    name="cve-records",
    title="CVE records",
    home="https://www.cve.org/",
    urls={"api": "https://cveawg.mitre.org/api/cve/{cve}"},
)
