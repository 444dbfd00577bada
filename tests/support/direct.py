"""A crawl in this very process: one question after the other, over HTTP, without politeness, retries or robots.txt.

For stories of hundreds of polls, in which a process for each would take most of the time. What it brings is what the
real one brings of a mirror that answers: documents are asked for conditionally, and read by the same reader.
"""

from __future__ import annotations

import http.client
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from feeds.advisories.facts import Tags
from feeds.advisories.records import CVE_RECORDS, ENGINE, Record, is_cve
from feeds.core.errors import ShapeError
from feeds.crawl.client import Crawl
from feeds.crawl.protocol import CrawlJob, FetchResult, FetchStatus, Validators
from feeds.crawl.response_reading import read
from feeds.sources.all_sources import SOURCES
from feeds.sources.base import Document, Request, Source


class DirectCrawl(Crawl):
    """Crawls a mirror in this process."""

    def __init__(self) -> None:
        self.complete, self.problem = True, ""

    def close(self) -> None:
        """There is nothing to end."""

    def run(self, job: CrawlJob) -> Iterator[FetchResult]:
        """Ask everything that the job's sources want to know."""
        found = _Asking(job)
        sources = [s for s in SOURCES if not job.sources or s.name in job.sources]
        # the records of CVEs are asked for when all that names CVEs was read
        for source in sorted(sources, key=lambda s: (s.late, s.name == CVE_RECORDS)):
            wanted = replace(job.wanted, cves=frozenset(found.cves), tags=frozenset(found.tags))
            yield from found.ask(source, source.requests(wanted))


class _Asking:
    def __init__(self, job: CrawlJob) -> None:
        self.job, self.asked, self.cves, self.tags = job, set[str](), set(job.wanted.cves), set(job.wanted.tags)

    def ask(self, source: Source, asks: Any) -> Iterator[FetchResult]:
        waiting = deque[Request](asks)
        while waiting:
            ask = waiting.popleft()
            if ask.name not in self.asked:
                self.asked.add(ask.name)
                result, following = self._answer(source, ask)
                waiting.extendleft(reversed(following))
                yield from result

    def _answer(self, source: Source, ask: Request) -> tuple[list[FetchResult], tuple[Request, ...]]:
        known = self.job.known.get(ask.name)
        if ask.once and known:
            return [_result(source, ask, FetchStatus.SAME)], ()
        status, headers, body = _fetched(self.job.mirror, ask, known or Validators())
        if status == 304 and known:
            return [_result(source, ask, FetchStatus.SAME, status=status)], known.follow
        if status == 200:
            return self._read(source, ask, Document(ask.url, ask.form, body, headers, datetime.now(UTC)))
        if other := source.instead(ask, status):
            return [], (other,)
        if status in (404, 410) and ask.optional:
            return [_result(source, ask, FetchStatus.MISSING, reason=f"HTTP {status}", status=status)], ask.instead
        return [_result(source, ask, FetchStatus.FAILED, reason=f"HTTP {status}", status=status)], ()

    def _read(self, source: Source, ask: Request, document: Document) -> tuple[list[FetchResult], tuple[Request, ...]]:
        try:
            parsed, pieces, refused = read(source, document)
        except ShapeError as error:
            return [_result(source, ask, FetchStatus.FAILED, reason=str(error), status=200)], ()
        for item in parsed.items:
            if isinstance(item, Record):
                self.cves |= {n for n in (*item.names, *item.mentions) if is_cve(n)}
            if isinstance(item, Tags) and item.product == ENGINE:
                self.tags |= {tag.name for tag in item.tags}
        kept = {} if refused else document.headers
        validators = {"etag": kept.get("etag", ""), "last_modified": kept.get("last-modified", "")}
        more = {"items": pieces, "refused": refused, "listed": parsed.listed, "follow": parsed.follow, **validators}
        return [_result(source, ask, FetchStatus.READ, status=200, **more)], parsed.follow


def _result(source: Source, ask: Request, result: FetchStatus, **more: Any) -> FetchResult:
    at = datetime.now(UTC)
    return FetchResult(
        source=source.name, url=ask.name, form=ask.form, complete=source.complete, result=result, at=at, **more
    )


def _fetched(mirror: str, ask: Request, known: Validators) -> tuple[int, dict[str, str], bytes]:
    at, to = urlsplit(mirror), urlsplit(ask.url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=30)
    headers = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified, "Accept": ask.accept}
    kept = {name: value for name, value in headers.items() if value}
    method = ask.method or ("POST" if ask.body else "GET")
    path = f"/{to.netloc}{to.path or '/'}" + (f"?{to.query}" if to.query else "")
    connection.request(method, path, body=ask.body.encode() or None, headers=kept)
    answer = connection.getresponse()
    found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return found
