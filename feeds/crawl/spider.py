"""The spider: one for every source."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import scrapy
from scrapy.exceptions import (
    CannotResolveHostError,
    DontCloseSpider,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Request, Response
from twisted.python.failure import Failure

from feeds.advisory import Record
from feeds.crawl.download import OutOfTime, host_of, paused
from feeds.document import Ask, Document, Source, Wanted
from feeds.errors import NavtexError
from feeds.fetch import Job, Known, Line, Outcome, Piece

LARGEST = 64 << 20
"""Bytes of an answer, unpacked; a longer one is broken off."""

_WORDS = {
    DownloadTimeoutError: "no whole answer in time",
    ResponseDataLossError: "the answer broke off",
    DownloadConnectionRefusedError: "the connection was refused",
    CannotResolveHostError: "the name of its host cannot be resolved",
    DownloadCancelledError: f"the answer is larger than {LARGEST >> 20} MiB",
}

_encode = msgspec.json.Encoder().encode


class Spider(scrapy.Spider):
    """Asks every source's questions, reads the answers, and asks what they lead to."""

    name = "navtex"
    custom_settings: ClassVar[dict[str, Any]] = {}

    def __init__(self, job: Job, sources: tuple[Source, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.sources = tuple(s for s in sources if not s.late)
        self.late = tuple(s for s in sources if s.late)
        self.wanted = set(job.wanted.cves)
        self.asked: set[str] = set()

    async def start(self) -> AsyncIterator[Any]:
        """The first questions of every source that has not to wait for the others' answers."""
        self.crawler.signals.connect(self.idle, scrapy.signals.spider_idle)
        for source in self.sources:
            for ask in source.requests(self.job.wanted):
                for request in self._requests(source, ask):
                    yield request

    def idle(self) -> None:
        """All has been answered: ask the late ones. Raises DontCloseSpider where that takes the spider on."""
        late, self.late = self.late, ()
        wanted = Wanted(cves=frozenset(self.wanted), packages=self.job.wanted.packages)
        requests = [r for source in late for ask in source.requests(wanted) for r in self._requests(source, ask)]
        for request in requests:
            self.crawler.engine.crawl(request)
        if requests:
            raise DontCloseSpider

    def _requests(self, source: Source, ask: Ask) -> Iterator[Request]:
        """The request for a question, and for what its document led to last time (it may be unchanged)."""
        if ask.name in self.asked:
            return
        self.asked.add(ask.name)
        until = self.job.not_before.get(host_of(ask.url))
        if until is not None and until > datetime.now(UTC):
            _tell(source, ask, "failed", reason=paused(host_of(ask.url), until), retry_at=until)
            return
        known = self.job.known.get(ask.name, Known())
        yield Request(
            ask.url,
            method="POST" if ask.body else "GET",
            body=ask.body,
            callback=self.answered,
            errback=self.failed,
            headers=_headers(ask, known, mirrored=bool(self.job.mirror)),
            meta={"dont_obey_robotstxt": not ask.robots, "about": (source, ask)},
            dont_filter=True,
        )
        for following in known.follow:
            yield from self._requests(source, following)

    def answered(self, response: Response) -> Iterable[Request]:
        """Read an answer into an outcome, and ask on."""
        assert response.request is not None
        source, ask = response.request.meta["about"]
        if response.status == 304 and self.job.known.get(ask.name):
            _tell(source, ask, "same")
        elif response.status in (404, 410) and ask.optional:
            _tell(source, ask, "missing", reason=f"HTTP {response.status}")
        elif response.status != 200:
            _tell(
                source, ask, "failed", reason=f"HTTP {response.status}", retry_at=response.request.meta.get("retry_at")
            )
        else:
            yield from self._read(source, ask, response)

    def _read(self, source: Source, ask: Ask, response: Response) -> Iterator[Request]:
        headers = {k.decode("latin-1").lower(): v[-1].decode("latin-1") for k, v in response.headers.items() if v}
        document = Document(ask.url, ask.form, response.body, headers, datetime.now(UTC))
        try:
            parsed = source.parse(document)
            items = tuple(Piece(item.key, msgspec.Raw(_encode(item))) for item in parsed.items)
        except NavtexError as error:
            _tell(source, ask, "failed", reason=str(error).removeprefix(f"{ask.url}: "))
            return
        except Exception as error:  # noqa: BLE001 - a parser must never end the crawl, whatever it is given
            _tell(source, ask, "failed", reason=f"cannot be read: {type(error).__name__}: {error}")
            return
        _tell(
            source,
            ask,
            "read",
            etag=headers.get("etag", ""),
            last_modified=headers.get("last-modified", ""),
            items=items,
            follow=parsed.follow,
        )
        for following in parsed.follow:
            yield from self._requests(source, following)
        yield from self._newly_wanted(parsed.items)

    def _newly_wanted(self, items: Iterable[Any]) -> Iterator[Request]:
        named = {n for item in items if isinstance(item, Record) for n in (*item.names, *item.mentions)}
        cves = frozenset(n for n in named if n.startswith("CVE-")) - self.wanted
        if not cves:
            return
        self.wanted |= cves
        for source in self.sources:
            for ask in source.requests(Wanted(cves=cves)):
                yield from self._requests(source, ask)

    def failed(self, failure: Failure) -> None:
        """An answer that never came, or that robots.txt forbids."""
        request: Request = failure.request  # Scrapy sets it
        source, ask = request.meta["about"]
        _tell(source, ask, "failed", reason=_words(failure.value))


def _words(error: BaseException) -> str:
    """Why there is no answer, for a person."""
    if isinstance(error, IgnoreRequest | OutOfTime):
        return str(error)
    if words := next((words for kind, words in _WORDS.items() if isinstance(error, kind)), ""):
        return words
    # Twisted hides what happened to the connection (a certificate, a reset) in a list of failures
    causes = [c.getErrorMessage() for c in getattr(error.__cause__, "reasons", ())]
    if causes:
        return f"the connection failed: {'; '.join(causes)}"
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _headers(ask: Ask, known: Known, *, mirrored: bool) -> dict[str, str]:
    headers = {"Accept": ask.accept} if ask.accept else {}
    if ask.body:
        headers["Content-Type"] = "application/json"
    if known.etag:
        headers["If-None-Match"] = known.etag
    if known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    if token and not mirrored and host_of(ask.url) == "api.github.com":
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _tell(source: Source, ask: Ask, result: str, **more: Any) -> None:
    outcome = Outcome(
        source=source.name,
        url=ask.name,
        form=ask.form,
        complete=source.complete,
        result=result,
        at=datetime.now(UTC),
        **more,
    )
    write(Line(outcome=outcome))


def write(line: Line) -> None:
    """Write one line of the answer to standard output."""
    sys.stdout.buffer.write(_encode(line) + b"\n")
    sys.stdout.buffer.flush()
