"""Distributions' own records, through OSV: POST api.osv.dev/v1/query for each package that the inventory holds.

A distribution carries fixes back, so for its packages its own word decides.  The records name the
CVE under `upstream`; no "fixed" event means unfixed; an empty answer is {}.  One record (DSA, USN)
can be about several CVEs, and then says the same of each.  An erratum of a module lists every package
of the module, and names the one that a CVE is in by its words only.  Ubuntu keeps the fixes that need
a subscription in ecosystems of their own (`Ubuntu:Pro:20.04:LTS`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec

from feeds.advisories.authority import Precedence
from feeds.advisories.records import Kind, Rank, Record, Score, VersionStatement, is_cve
from feeds.advisories.scores import vector_score
from feeds.core.errors import ShapeError, VersionError
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import json_body, mapping, mappings, osv_spans, shortened, squeeze, unique, when
from feeds.versions import products
from feeds.versions.package_versions import scheme
from feeds.versions.ranges import Span

_PRODUCTS = {
    "docker.io": "engine",
    "docker.io-app": "engine",
    "docker": "engine",
    "docker-engine": "engine",
    "moby": "engine",
    "moby-engine": "engine",
    "docker-stable": "engine",
    "docker-cli": "cli",
    "moby-cli": "cli",
    "containerd": "containerd",
    "containerd-app": "containerd",
    "containerd-stable": "containerd",
    "containerd2": "containerd",
    "moby-containerd": "containerd",
    "runc": "runc",
    "runc-app": "runc",
    "runc-stable": "runc",
    "moby-runc": "runc",
    "buildkit": "buildkit",
    "docker-buildx": "buildx",
    "moby-buildx": "buildx",
    "docker-compose": "compose",
    "docker-compose-v2": "compose",
    "moby-compose": "compose",
}
_PRO = "Ubuntu Pro"
_ENTRY = r"(?:^[^\w\n]*|[*•]\s+)"
_COMPONENT = re.compile(
    rf"{_ENTRY}(?:[\w.-]+ ){{0,3}}?(?P<name>[\w./+-]+):\s+(?:(?!\n\s*[*\n-]|[*•]\s).){{1,500}}?"
    rf"\((?P<ids>[^()]*CVE-[^()]*)\)"
    rf"|{_ENTRY}(?P<id>CVE-\d{{4}}-\d+)\W+(?P<of>[\w./+-]+):\s",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
"""Whose each CVE of an erratum is: "podman: files are overwritten (CVE-1)", "CVE-1: podman: files are ..."."""
_BUILD_TOOLS = frozenset({"go", "golang", "rust", "gcc"})
"""Their flaws are in everything that was built with them."""


class Osv(Source):
    """What distributions say of the packages that somebody runs."""

    complete: ClassVar[bool] = True

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """One question a package and distribution; an API, which robots.txt does not govern."""
        for ecosystem, name in sorted(wanted.packages):
            yield self._ask(ecosystem, name)
            if pro := _pro(ecosystem):
                yield msgspec.structs.replace(self._ask(pro, name), optional=True)

    def _ask(self, ecosystem: str, name: str, page: str = "") -> Request:
        query = {"package": {"ecosystem": ecosystem, "name": name}} | ({"page_token": page} if page else {})
        return Request(
            url=self.urls["api"], form=f"{ecosystem}/{name}", body=msgspec.json.encode(query, order="sorted").decode()
        )

    def products(self, forms: Iterable[str]) -> frozenset[str]:
        """Those that are in the packages it was asked about."""
        return frozenset(_PRODUCTS[name] for form in forms if (name := form.rpartition("/")[2]) in _PRODUCTS)

    def parse(self, document: Document) -> Parsed:
        """One record for each CVE that a record is about, with the claim about this package."""
        data = json_body(document)
        # {} says that there are none; an object of other things says nothing
        answers = isinstance(data, dict) and (not data or "vulns" in data or "next_page_token" in data)
        if not answers or not isinstance(data.get("vulns", []), list):
            raise ShapeError("no answer of OSV", where=document.url)
        ecosystem, _, name = document.form.rpartition("/")
        more = data.get("next_page_token")
        follow = (self._ask(ecosystem, name, str(more)),) if more else ()
        # what was withdrawn would take a standing record of the same CVE with it
        standing = (entry for entry in mappings(data.get("vulns")) if not entry.get("withdrawn"))
        return Parsed(unique(r for entry in standing for r in _records(entry, ecosystem, name)), follow)


def _records(entry: dict[str, Any], ecosystem: str, name: str) -> Iterator[Record]:
    claims = tuple(_claims(entry, ecosystem, name))
    if not claims:
        return
    # AlmaLinux names its CVEs under `related`, and only there
    for cve in _cves(entry, "upstream", "aliases") or _cves(entry, "related"):
        if _of_another(entry, cve, name):
            continue
        yield Record(
            id=cve,
            kind=Kind.VULNERABILITY,
            title=shortened(squeeze(str(entry.get("summary") or entry.get("details") or cve))),
            url=_link(entry),
            summary=squeeze(str(entry.get("details") or ""))[:2000],
            published=when(entry.get("published")),
            modified=when(entry.get("modified")),
            scores=tuple(_scores(entry, ecosystem)),
            claims=claims,
            precedence=Precedence.DISTRIBUTION,
        )


def _cves(entry: dict[str, Any], *fields: str) -> tuple[str, ...]:
    names = (str(n) for field in fields if isinstance(entry.get(field), list) for n in entry[field])
    return tuple(dict.fromkeys(n for n in names if is_cve(n)))


def _pro(ecosystem: str) -> str:
    """Where Ubuntu keeps the fixes of a release that need a subscription; "" for what has none."""
    distribution, _, release = ecosystem.partition(":")
    return f"Ubuntu:Pro:{release}" if distribution == "Ubuntu" and release.endswith(":LTS") else ""


def _of_another(entry: dict[str, Any], cve: str, name: str) -> bool:
    """Whether an erratum that lists several packages says that a CVE is in another one of them."""
    listed = {str(mapping(a.get("package")).get("name")) for a in mappings(entry.get("affected"))} - {name}
    words = f"{entry.get('summary') or ''}\n{entry.get('details') or ''}"
    found = (m["name"] or m["of"] for m in _COMPONENT.finditer(words) if cve in (m["ids"] or m["id"]).upper())
    path = next(found, "").lower().split("/")
    component = path[-1]
    if not component or name in path or component in _BUILD_TOOLS:
        return False
    product = products.of_words(component)
    if product is not None:
        return product != _PRODUCTS.get(name)
    return component in listed or (bool(listed) and any(component in other for other in listed)) or _is_module(entry)


def _is_module(entry: dict[str, Any]) -> bool:
    events = (
        e for a in mappings(entry.get("affected")) for r in mappings(a.get("ranges")) for e in mappings(r.get("events"))
    )
    return any(".module" in str(event.get("fixed")) for event in events)


def _claims(entry: dict[str, Any], ecosystem: str, name: str) -> Iterator[VersionStatement]:
    product = _PRODUCTS.get(name)
    standard = ecosystem.replace("Ubuntu:Pro:", "Ubuntu:")
    for affected in mappings(entry.get("affected")):
        package = mapping(affected.get("package"))
        wanted = package.get("ecosystem") in (standard, _pro(standard) or standard)
        if product is None or package.get("name") != name or not wanted:
            continue
        spans = tuple(osv_spans(r for r in mappings(affected.get("ranges")) if r.get("type") == "ECOSYSTEM"))
        if spans and all(_readable(v, standard) for s in spans for v in (s.low, s.high)):
            pro = package.get("ecosystem") != standard
            yield _claim(
                entry,
                spans,
                VersionStatement(
                    product=product,
                    rank=Rank.DISTRIBUTION,
                    package=name,
                    ecosystem=standard,
                    only_with=_PRO if pro else "",
                ),
            )


def _claim(entry: dict[str, Any], spans: tuple[Span, ...], package: VersionStatement) -> VersionStatement:
    fixed = tuple(s.high for s in spans if s.high and not s.closed_high)
    only = f"fixed only with {package.only_with}" if package.only_with else "fixed"
    said = f"{only} in {', '.join(fixed)}" if fixed else "unfixed"
    words = f"{entry.get('id')}: {package.ecosystem} {package.package} {said}"
    return msgspec.structs.replace(package, affected=spans, fixed=fixed, words=words)


def _readable(version: str, ecosystem: str) -> bool:
    order = scheme(ecosystem)
    if not version or order is None:
        return order is not None
    try:
        order(version)
    except VersionError:
        return False
    return True


def _scores(entry: dict[str, Any], ecosystem: str) -> Iterator[Score]:
    for severity in mappings(entry.get("severity")):
        if str(severity.get("type", "")).startswith("CVSS"):
            score = vector_score(str(severity.get("score") or ""), by=ecosystem.partition(":")[0])
            if score:
                yield score


def _link(entry: dict[str, Any]) -> str:
    links = [
        str(r.get("url")) for r in mappings(entry.get("references")) if str(r.get("url", "")).startswith("https://")
    ]
    return links[0] if links else f"https://osv.dev/vulnerability/{entry.get('id')}"


SOURCE = Osv(
    name="osv",
    title="Distributions' records, through OSV",
    home="https://osv.dev/",
    urls={"api": "https://api.osv.dev/v1/query"},
)
