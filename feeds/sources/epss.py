"""EPSS: api.first.org/data/v1/epss?cve=..., the likelihood that a vulnerability is exploited.

Scores change every day, so they never make news by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import ClassVar

from feeds.advisories.facts import Likelihood
from feeds.advisories.records import is_cve
from feeds.core.errors import ShapeError
from feeds.sources.base import Document, Parsed, Request, RequestContext, Source
from feeds.sources.readers.bodies import json_body

_AT_ONCE = 80
"""CVEs a request: the address stays below two thousand characters."""


class Epss(Source):
    """The scores of the CVEs that other sources name."""

    complete: ClassVar[bool] = True
    late: ClassVar[bool] = True

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """One question a year of CVEs, so that a new CVE changes one; an API, which robots.txt does not govern."""
        for _, year in groupby(sorted(wanted.cves), lambda cve: cve[:8]):
            cves = list(year)
            for start in range(0, len(cves), _AT_ONCE):
                yield Request(url=self.urls["api"].format(cves=",".join(cves[start : start + _AT_ONCE])), form="api")

    def parse(self, document: Document) -> Parsed:
        """One fact: the scores."""
        data = json_body(document)
        rows = data.get("data") if isinstance(data, dict) else None
        if not isinstance(rows, list):
            raise ShapeError("no EPSS scores", where=document.url)
        scores = {}
        day = ""
        for row in rows:
            score = _probability(row.get("epss")) if isinstance(row, dict) and is_cve(str(row.get("cve"))) else None
            if score is not None:
                scores[str(row["cve"])] = score
                day = max(day, str(row.get("date") or ""))
        if rows and not scores:
            raise ShapeError("no EPSS score in it can be read", where=document.url)
        return Parsed((Likelihood(day=day, scores=scores),))


def _probability(value: object) -> float | None:
    try:
        score = float(str(value))
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None


SOURCE = Epss(
    name="epss",
    title="EPSS exploit likelihood",
    home="https://www.first.org/epss/",
    urls={"api": "https://api.first.org/data/v1/epss?cve={cves}"},
)
