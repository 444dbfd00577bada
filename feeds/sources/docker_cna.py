"""The CVEs of Docker's own numbering authority, by NVD's list: services.nvd.nist.gov, one question for all of them.

A CVE record is read once somebody names the CVE, and nobody need name a new one of Docker's.  Three public lists were
looked at.  The delta log of CVEProject/cvelistV5 holds a month of changes to all CVEs and not who assigned them, so
each of some thousand records would have to be read to find Docker's.  GitHub's global advisories cannot be asked by
authority.  NVD's API can (`sourceIdentifier`): the answer holds Docker's CVEs only, and all of them.

Nothing but the names is taken from it: the records themselves say what is affected.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from feeds.advisories.authority import Precedence
from feeds.advisories.records import Kind, Record, is_cve
from feeds.core.errors import ShapeError
from feeds.core.limits import ASSIGNED
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import json_body, mapping, mappings

AUTHORITY: Final = "security@docker.com"
"""How NVD names Docker as the source of a CVE."""


class DockerCna(Source):
    """The list of Docker's CVEs."""

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """The first page; an API, which robots.txt does not govern."""
        yield Request(url=self.urls["api"], form="api", optional=self.recent)

    def parse(self, document: Document) -> Parsed:
        """One record without a claim a CVE, which makes its own record be read; and the next page, if there is one."""
        data = mapping(json_body(document))
        entries = mappings(data.get("vulnerabilities"))
        found = {str(cve.get("id")).upper() for e in entries if (cve := mapping(e.get("cve"))) and _is_dockers(cve)}
        names = sorted(n for n in found if is_cve(n))
        if not names:
            raise ShapeError("no CVE of Docker's in it", where=document.url)
        return Parsed(tuple(map(_record, names[:ASSIGNED])), self._next(data, len(entries)))

    def _next(self, data: dict[str, object], here: int) -> tuple[Request, ...]:
        start, total = data.get("startIndex"), data.get("totalResults")
        if not (isinstance(start, int) and isinstance(total, int) and 0 <= start < start + here < min(total, ASSIGNED)):
            return ()
        url = self.urls["api"]
        return (Request(url=f"{url}{'&' if '?' in url else '?'}startIndex={start + here}", form="api", optional=True),)


def _is_dockers(cve: dict[str, object]) -> bool:
    return str(cve.get("sourceIdentifier")).lower() == AUTHORITY


def _record(name: str) -> Record:
    return Record(
        id=name,
        kind=Kind.VULNERABILITY,
        title=name,
        url=f"https://nvd.nist.gov/vuln/detail/{name}",
        precedence=Precedence.LISTED,
        mentions=(name,),  # it says nothing of the CVE itself: its record is to be read
    )


SOURCE = DockerCna(
    name="docker-cna",
    title="CVEs that Docker assigned",
    home="https://nvd.nist.gov/",
    recent=True,
    urls={"api": f"https://services.nvd.nist.gov/rest/json/cves/2.0?sourceIdentifier={AUTHORITY}"},
)
