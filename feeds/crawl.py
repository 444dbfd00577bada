"""The crawl: one Scrapy spider over every source, run as a child process.  The only import of scrapy.

What is Scrapy's own: queues, robots.txt, redirects, proxies, compression, limits of size.  What is
ours, because Scrapy has it otherwise or not at all: validators from our database, Retry-After, a
time budget for each host, and the mirror, which is put in at the last moment (the download
handler), so that robots.txt, politeness and redirects all see the real addresses.
"""

from __future__ import annotations

import asyncio
import email.utils
import logging
import os
import resource
import sys
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
import scrapy
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler, CrawlerProcess
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

import feeds
from feeds.advisory import Record
from feeds.document import Ask, Document, Source, Wanted
from feeds.errors import NavtexError
from feeds.fetch import MEMORY, Job, Known, Line, Outcome, Piece
from feeds.sources import configured

_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
_TRIES = 3
_TIMEOUT = 20.0
_LARGEST = 64 << 20
_LONGEST_WAIT = 7 * 86400.0

_WORDS = {
    DownloadTimeoutError: "no whole answer in time",
    ResponseDataLossError: "the answer broke off",
    DownloadConnectionRefusedError: "the connection was refused",
    CannotResolveHostError: "the name of its host cannot be resolved",
    DownloadCancelledError: f"the answer is larger than {_LARGEST >> 20} MiB",
}

_encode = msgspec.json.Encoder().encode


class Budget:
    """The time that each host, and the whole poll, may take."""

    def __init__(self, job: Job) -> None:
        self._host_seconds = job.host_seconds
        self._end = monotonic() + job.poll_seconds
        self._until: dict[str, float] = {}
        self.pauses: dict[str, datetime] = {}
        """Hosts that asked, in this poll, to be left alone for longer than it lasts."""

    def left(self, host: str) -> float:
        """Seconds that a host has left; they run from its first request."""
        until = self._until.setdefault(host, monotonic() + self._host_seconds)
        return min(until, self._end) - monotonic()


class Handler(HTTP11DownloadHandler):
    """Downloads from the mirror if there is one, within the host's budget."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._mirror = crawler.settings["NAVTEX_JOB"].mirror.rstrip("/")
        self._budget: Budget = crawler.settings["NAVTEX_BUDGET"]
        self._mirror_proxy = _proxy_for(self._mirror) if self._mirror else None

    async def download_request(self, request: Request) -> Response:
        """The answer to a request, under the address that was asked for."""
        host = _host(request.url)
        left = self._budget.left(host)
        if until := self._budget.pauses.get(host):
            raise OutOfTime(_paused(host, until))
        if left <= 0:
            raise OutOfTime(f"{host} had its time in this poll")
        meta = {**request.meta, "download_timeout": min(_TIMEOUT, left)}
        if not self._mirror:
            return await super().download_request(request.replace(meta=meta))
        meta.pop("proxy", None)
        if self._mirror_proxy:
            meta["proxy"] = self._mirror_proxy
        parts = urlsplit(request.url)
        url = f"{self._mirror}/{parts.netloc}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        response = await super().download_request(request.replace(url=url, meta=meta))
        return response.replace(url=request.url)


class OutOfTime(DownloadTimeoutError):
    """A host has used up its time, or wants no more questions."""


class Retries:
    """Tries again what may pass by itself: after as long as the host asks for, if its budget allows."""

    def __init__(self, crawler: Crawler) -> None:
        self._budget: Budget = crawler.settings["NAVTEX_BUDGET"]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Retries:
        """Scrapy's way of making a middleware."""
        return cls(crawler)

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Another try for "try again later", else the response; `retry_at` says when it should be asked."""
        wait = retry_after(response, datetime.now(UTC))
        if response.status not in _RETRIED and wait is None:
            return response
        if again := await self._again(request, wait):
            return again
        if wait is not None:
            until = request.meta["retry_at"] = datetime.now(UTC) + timedelta(seconds=wait)
            if wait >= self._budget.left(_host(request.url)):
                self._budget.pauses[_host(request.url)] = until
        return response

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Another try after a broken or refused connection."""
        if isinstance(exception, IgnoreRequest | OutOfTime):
            return None
        return await self._again(request, None)

    async def _again(self, request: Request, wait: float | None) -> Request | None:
        tried = request.meta.get("tried", 0) + 1
        wait = 0.5 * 2**tried if wait is None else wait
        if tried >= _TRIES or wait >= self._budget.left(_host(request.url)):
            return None
        await asyncio.sleep(wait)
        return request.replace(meta={**request.meta, "tried": tried}, dont_filter=True)


def retry_after(response: Response, now: datetime) -> float | None:
    """Seconds that a response asks to wait; None where it asks for nothing.

    Reads Retry-After (RFC 9110: seconds or a date) and GitHub's x-ratelimit-reset (epoch seconds,
    when x-ratelimit-remaining is 0; GitHub REST API, "Rate limits").
    """
    if response.status not in (403, 429, 503):
        return None
    asked = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if asked.isdecimal():
        return min(float(asked), _LONGEST_WAIT)
    if asked:
        try:
            until = email.utils.parsedate_to_datetime(asked)
        except ValueError:
            return None
        until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
        return min(max(0.0, (until - now).total_seconds()), _LONGEST_WAIT)
    reset = (response.headers.get("x-ratelimit-reset") or b"").decode("latin-1")
    if response.headers.get("x-ratelimit-remaining") == b"0" and reset.isdecimal():
        return min(max(0.0, float(reset) - now.timestamp()), _LONGEST_WAIT)
    return None


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
        until = self.job.not_before.get(_host(ask.url))
        if until is not None and until > datetime.now(UTC):
            _tell(source, ask, "failed", reason=_paused(_host(ask.url), until), retry_at=until)
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


def _paused(host: str, until: datetime) -> str:
    return f"{host} asked not to be asked before {until:%Y-%m-%d %H:%M} UTC"


def _headers(ask: Ask, known: Known, *, mirrored: bool) -> dict[str, str]:
    headers = {"Accept": ask.accept} if ask.accept else {}
    if ask.body:
        headers["Content-Type"] = "application/json"
    if known.etag:
        headers["If-None-Match"] = known.etag
    if known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    if token and not mirrored and _host(ask.url) == "api.github.com":
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
    _write(Line(outcome=outcome))


def _write(line: Line) -> None:
    sys.stdout.buffer.write(_encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _settings(job: Job) -> dict[str, Any]:
    """Scrapy's settings. A real host is asked four times a second at most; a mirror is our own."""
    agent = f"Navtex/{feeds.__version__}"
    return {
        "NAVTEX_JOB": job,
        "NAVTEX_BUDGET": Budget(job),
        "USER_AGENT": f"{agent} ({job.contact})" if job.contact else agent,
        "ROBOTSTXT_USER_AGENT": "Navtex",
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_HANDLERS": {"http": Handler, "https": Handler, "ftp": None, "s3": None, "file": None, "data": None},
        "DOWNLOADER_MIDDLEWARES": {
            "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
            "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
            "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,
            Retries: 550,
        },
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_DELAY": 0 if job.mirror else 0.25,
        "DOWNLOAD_DELAY_JITTER": 0.0,
        "CONCURRENT_REQUESTS": 24,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
        "DOWNLOAD_MAXSIZE": _LARGEST,
        "DOWNLOAD_WARNSIZE": 0,
        "DNS_TIMEOUT": 10,
        "REDIRECT_MAX_TIMES": 5,
        "HTTPERROR_ALLOW_ALL": True,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,  # a port that runs the code it is sent, and a folder in the home
        "LOG_ENABLED": False,
        "EXTENSIONS": {
            "scrapy.extensions.corestats.CoreStats": None,
            "scrapy.extensions.logstats.LogStats": None,
            "scrapy.extensions.memusage.MemoryUsage": None,
        },
    }


def crawl(job: Job) -> None:
    """Do a job, and write its outcomes to standard output. Once a process: Twisted's reactor cannot restart."""
    sources = tuple(s for s in configured(job.urls, job.disabled) if not job.sources or s.name in job.sources)
    process = CrawlerProcess(_settings(job))
    failures: list[Failure] = []
    process.crawl(Spider, job=job, sources=sources).addErrback(failures.append)
    process.start(install_signal_handlers=False)
    problem = f"the crawl failed: {failures[0].getErrorMessage()}" if failures else ""
    _write(Line(done=not failures, problem=problem))


def _die_with_parent() -> None:
    """Wait for the end of standard input, which is the parent's end, too."""
    while os.read(0, 4096):
        pass
    os._exit(1)


def _first_line() -> bytes:
    """The job: one line of standard input, read without a buffer, so that the watcher sees the end of the rest."""
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(0, 1 << 16)):
        line += piece
    return line


def main() -> None:
    """Read the job from standard input and do it."""
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    raw = _first_line()
    if not raw:
        return
    threading.Thread(target=_die_with_parent, daemon=True).start()
    crawl(msgspec.json.decode(raw, type=Job))


if __name__ == "__main__":
    main()
