"""Repository advisories: api.github.com/repos/OWNER/REPO/security-advisories, one source a repository.

The maintainers' own statement, in the product's own numbers, with the CVE id where there is one.
Sixty requests an hour are allowed without a token; an answer that has not changed costs none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from feeds.advisories.authority import Precedence, spoken
from feeds.advisories.prose import read_prose
from feeds.advisories.records import Kind, Rank, Record, VersionStatement, cves_in, is_cve, is_ghsa
from feeds.advisories.scores import rating, vector_score
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import json_body, mapping, mappings, next_page, squeeze, unique, when
from feeds.versions import products
from feeds.versions.go_modules import closed, ended_at
from feeds.versions.ranges import read_range
from feeds.versions.upstream import is_version

_VERSIONS = re.compile(r"(?<!\d)v?(?>\d+(?:\.\d+)+)[0-9A-Za-z.+~-]*+")


@dataclass(frozen=True)
class GitHubAdvisories(Source):
    """The advisories of one repository."""

    complete: ClassVar[bool] = True
    product: str = ""

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """The first page; an API, which robots.txt does not govern."""
        yield Request(url=self.urls["api"], form="api", optional=self.recent, accept="application/vnd.github+json")

    def parse(self, document: Document) -> Parsed:
        """One vulnerability an advisory, and the next page if there is one."""
        entries = json_body(document)
        if not isinstance(entries, list) or (entries and not any(e.get("ghsa_id") for e in mappings(entries))):
            message = squeeze(str(mapping(entries).get("message") or "").replace("\0", " "))[:200]
            raise ShapeError(f"no list of advisories{f': {message}' if message else ''}", where=document.url)
        following = next_page(document)
        follow = (Request(url=following, form="api", accept="application/vnd.github+json"),) if following else ()
        return Parsed(unique(self._record(e, document) for e in mappings(entries) if _published(e)), follow)

    def _record(self, entry: dict[str, Any], document: Document) -> Record:
        ghsa = str(entry["ghsa_id"])
        cve = str(entry.get("cve_id") or "")
        title = squeeze(str(entry.get("summary") or "")) or ghsa
        description = str(entry.get("description") or "")
        withdrawn = when(entry.get("withdrawn_at"))
        if entry.get("state") == "withdrawn":
            withdrawn = withdrawn or when(entry.get("updated_at")) or document.fetched_at
        said = (*self._claims(entry), *read_prose(description, about=self.product))
        return Record(
            id=ghsa,
            kind=Kind.VULNERABILITY,
            title=title,
            url=str(entry.get("html_url") or f"https://github.com/advisories/{ghsa}"),
            aliases=(cve,) if is_cve(cve) else (),
            mentions=tuple(c for c in cves_in(f"{title} {description}") if c != cve),
            summary=squeeze(description)[:2000],
            published=when(entry.get("published_at")),
            modified=when(entry.get("updated_at")),
            withdrawn=withdrawn,
            scores=tuple(_scores(entry)),
            claims=spoken(said, frozenset({self.product}))
            or (VersionStatement(product=self.product, words="no range that can be read"),),
            precedence=Precedence.MAINTAINERS,
        )

    def _claims(self, entry: dict[str, Any]) -> Iterator[VersionStatement]:
        for vulnerability in mappings(entry.get("vulnerabilities")):
            package = str(mapping(vulnerability.get("package")).get("name") or "")
            product = (
                products.of_module(package) or products.of_words(package) or (self.product if not package else None)
            )
            written = str(vulnerability.get("vulnerable_version_range") or "")
            patched = str(vulnerability.get("patched_versions") or "")
            expression = read_range(written)
            fixed = tuple(v.lstrip("v") for v in _VERSIONS.findall(patched) if is_version(v))
            if product and (expression or fixed):
                spans = expression.spans if expression else ()
                end = ended_at(package)
                yield VersionStatement(
                    product=product,
                    affected=closed(spans, end),
                    partial=bool(end) and any(not s.high for s in spans),
                    fixed=fixed,
                    rank=Rank.TRANSLATED if product == products.ENGINE_MODULE else Rank.VENDOR,
                    words=squeeze(
                        f"{package or self.product} {written}" + (f", patched in {patched}" if patched else "")
                    ),
                )


def _published(entry: dict[str, Any]) -> bool:
    return is_ghsa(str(entry.get("ghsa_id"))) and entry.get("state") in ("published", "closed", "withdrawn", None)


def _scores(entry: dict[str, Any]) -> Iterator[Any]:
    severities = mapping(entry.get("cvss_severities")) or {"cvss_v3": entry.get("cvss")}
    for part in severities.values():
        vector = mapping(part).get("vector_string")
        if vector and (score := vector_score(str(vector), by="the maintainers", own=True)):
            yield score
    rated = rating(entry.get("severity"), by="the maintainers", own=True)
    if rated:
        yield rated


def _of(repository: str, product: str, *, recent: bool = False) -> GitHubAdvisories:
    return GitHubAdvisories(
        name=f"{repository.partition('/')[2]}-advisories",
        title=f"Advisories of {repository}",
        home=f"https://github.com/{repository}/security/advisories",
        urls={"api": f"https://api.github.com/repos/{repository}/security-advisories?per_page=100"},
        product=product,
        recent=recent,
    )


SOURCES = (
    _of("moby/moby", "engine"),
    _of("moby/buildkit", "buildkit"),
    _of("containerd/containerd", "containerd"),
    _of("opencontainers/runc", "runc"),
    _of("docker/cli", "cli"),
    _of("docker/compose", "compose"),
    _of("docker/buildx", "buildx"),
    _of("moby/go-archive", products.GO_ARCHIVE, recent=True),  # a library: its numbers are not the engine's
)
