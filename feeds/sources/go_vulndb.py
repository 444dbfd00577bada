"""The Go vulnerability database: vuln.go.dev/index/modules.json, and /ID/GO-....json for each entry of our modules.

Where a module's numbers are the product's own (runc, containerd, BuildKit, Buildx, Compose) its
ranges are good evidence.  For the engine they are the weakest: `github.com/docker/docker` ended with
28.x and `github.com/moby/moby/v2` is numbered otherwise.  And a module that the entry lists as
"introduced 0, never fixed" beside a sibling with exact ranges is one that nobody said anything of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from feeds.advisories.authority import Precedence
from feeds.advisories.records import Kind, Rank, Record, VersionStatement, is_cve, is_ghsa
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import json_body, mapping, mappings, osv_spans, squeeze, when
from feeds.versions import products
from feeds.versions.go_modules import DOMAINS
from feeds.versions.ranges import Span, intersection, remainder
from feeds.versions.upstream import is_version

# modules whose numbers are semantic versions by force: 20.10.14 is written 20.10.14+incompatible
_FORCED = frozenset({"engine", "cli"})
_MODULE = re.compile(r" in github\.com/[\w./-]+")
_ID = re.compile(r"GO-\d{4}-\d+")


class GoVulnerabilities(Source):
    """The index, and the entries of the modules that our products are."""

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """The index; a database made for programs, which robots.txt does not govern."""
        yield Request(url=self.urls["index"], form="index")

    def parse(self, document: Document) -> Parsed:
        """Of the index: the entries to ask for. Of an entry: its record."""
        data = json_body(document)
        if document.form == "index":
            return Parsed((), tuple(self._entries(data, document)))
        if not isinstance(data, dict) or not _ID.fullmatch(str(data.get("id"))) or not _modules(data):
            raise ShapeError("no entry of the Go vulnerability database", where=document.url)
        asked = _ID.search(document.url.rpartition("/")[2])
        if asked and asked[0] != data["id"]:
            raise ShapeError(f"it is another entry, {data['id']}", where=document.url)
        return Parsed((_record(data),))

    def _entries(self, data: Any, document: Document) -> Iterator[Request]:
        if not isinstance(data, list) or not data:
            raise ShapeError("no index of modules", where=document.url)
        ids = {
            name: None
            for module in mappings(data)
            if products.of_module(str(module.get("path"))) is not None
            for entry in mappings(module.get("vulns"))
            if _ID.fullmatch(name := str(entry.get("id")))
        }
        if not ids:
            raise ShapeError("no entry of any module of ours in the index", where=document.url)
        for name in sorted(ids, reverse=True):
            yield Request(url=self.urls["entry"].format(id=name), form="entry")


def _record(entry: dict[str, Any]) -> Record:
    name = str(entry["id"])
    modules = _modules(entry)
    return Record(
        id=name,
        kind=Kind.VULNERABILITY,
        title=squeeze(_MODULE.sub("", str(entry.get("summary") or name))),
        url=f"https://pkg.go.dev/vuln/{name}",
        aliases=_aliases(entry.get("aliases")),
        summary=squeeze(str(entry.get("details") or ""))[:2000],
        published=when(entry.get("published")),
        modified=when(entry.get("modified")),
        withdrawn=when(entry.get("withdrawn")),
        claims=tuple(c for module, affected in modules if (c := _claim(module, affected, modules))),
        precedence=Precedence.GO_DATABASE,
    )


def _modules(entry: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    named = ((str(mapping(a.get("package")).get("name") or ""), a) for a in mappings(entry.get("affected")))
    return [(module, affected) for module, affected in named if module]


def _aliases(names: Any) -> tuple[str, ...]:
    known = [str(n) for n in names] if isinstance(names, list) else []
    return tuple(n for n in known if is_cve(n) or is_ghsa(n))


def _claim(module: str, affected: dict[str, Any], modules: list[tuple[str, dict[str, Any]]]) -> VersionStatement | None:
    product = products.of_module(module)
    if product is None:
        return None
    spans = _spans([r for r in mappings(affected.get("ranges")) if r.get("type") == "SEMVER"])
    custom = _spans(mappings(mapping(affected.get("ecosystem_specific")).get("custom_ranges")))
    if custom:
        # the custom ranges tell in the product's numbers what the forced ones can only widen
        spans = tuple(s for a in spans for b in custom if (s := intersection(a, b)))
    siblings = [a for m, a in modules if m != module and _stem(m) == _stem(module)]
    if _unbounded(spans) and siblings and not all(_unbounded(_spans(mappings(a.get("ranges")))) for a in siblings):
        return None
    rank = Rank.TRANSLATED if product in (*_FORCED, products.ENGINE_MODULE) else Rank.MODULE
    words = f"{module}: {'; '.join(str(s) for s in spans)}"
    domain = DOMAINS.get(module)
    if not spans:
        return VersionStatement(product=product, rank=rank, words=f"{module}: no range that can be read")
    if domain is None:
        return VersionStatement(product=product, affected=spans, rank=rank, words=words)
    inside = tuple(s for span in spans if (s := intersection(span, domain)))
    alone = all(DOMAINS.get(m) == domain for m, _ in modules if m != module and _stem(m) == _stem(module))
    return VersionStatement(
        product=product,
        affected=inside,
        unaffected=remainder(_stretched(domain, inside) if alone else domain, inside),
        partial=True,
        rank=rank,
        words=words,
    )


def _stretched(domain: Span, inside: tuple[Span, ...]) -> Span:
    """Of which releases a module speaks that is the entry's only one of its product.

    What was repaired while the line was in this module is repaired in the modules that continue it;
    what came with a release of this module is in none before it.
    """
    came = all(s.low and s.low != domain.low for s in inside)
    went = all(s.high and s.high != domain.high and not s.closed_high for s in inside)
    return Span("" if came else domain.low, "" if went else domain.high)


def _stem(module: str) -> str:
    head, _, last = module.rpartition("/")
    stem = head if last[:1] == "v" and last[1:].isdecimal() else module
    return "github.com/moby/moby" if stem == "github.com/docker/docker" else stem


def _unbounded(spans: tuple[Span, ...]) -> bool:
    return len(spans) == 1 and not spans[0].low and not spans[0].high


def _spans(ranges: list[dict[str, Any]]) -> tuple[Span, ...]:
    """All of the ranges, or none where one of them cannot be read: the others would call its versions safe."""
    spans = tuple(osv_spans(ranges, lambda v: v.removesuffix("+incompatible")))
    return spans if all(not v or is_version(v) for s in spans for v in (s.low, s.high)) else ()


SOURCE = GoVulnerabilities(
    name="go-vulndb",
    title="Go vulnerability database",
    home="https://pkg.go.dev/vuln/",
    urls={"index": "https://vuln.go.dev/index/modules.json", "entry": "https://vuln.go.dev/ID/{id}.json"},
)
