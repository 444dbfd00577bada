"""Downloading: the mirror, the time that a host has, and trying again.

The mirror is put in at the last moment, so that robots.txt, politeness and redirects all see the
real addresses.
"""

from __future__ import annotations

import asyncio
import urllib.request
from datetime import UTC, datetime, timedelta
from time import monotonic
from urllib.parse import urlsplit

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Request, Response

from feeds.core.addresses import hostname
from feeds.core.limits import LONGEST_WAIT, REQUEST, RETRIED, ROBOTS, TRIES
from feeds.core.times import asked_for
from feeds.crawl.certificates import Trust
from feeds.crawl.permitted_addresses import BoundedFactory, Guard
from feeds.crawl.protocol import CrawlJob

_LONGEST_WAIT = LONGEST_WAIT.total_seconds()


class Budget:
    """The time that each host, and the whole poll, may take."""

    def __init__(self, job: CrawlJob) -> None:
        self._host_seconds = job.host_seconds
        self._end = monotonic() + job.poll_seconds
        self._until: dict[str, float] = {}
        self.pauses: dict[str, datetime] = {}
        """Hosts that asked, in this poll, to be left alone for longer than it lasts."""

    def left(self, host: str) -> float:
        """Seconds that a host has left; they run from its first request."""
        until = self._until.setdefault(host, monotonic() + self._host_seconds)
        return min(until, self._end) - monotonic()

    def refusal(self, host: str) -> str:
        """Why a host is not asked any more in this poll, or ""."""
        if until := self.pauses.get(host):
            return paused(host, until)
        return f"{host} had its time in this poll" if self.left(host) <= 0 else ""


class OutOfTime(DownloadTimeoutError):
    """A host has used up its time, or wants no more questions."""


class Handler(HTTP11DownloadHandler):
    """Downloads from the mirror if there is one, within the host's budget."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        job: CrawlJob = crawler.settings["NAVTEX_JOB"]
        if any(access.ca for access in job.images.registries):
            self._contextFactory = Trust(self._contextFactory, job)  # type: ignore[has-type]
        self._mirror = crawler.settings["NAVTEX_JOB"].mirror.rstrip("/")
        self._budget: Budget = crawler.settings["NAVTEX_BUDGET"]
        self._guard: Guard = crawler.settings["NAVTEX_GUARD"]
        self._pool._factory = BoundedFactory  # noqa: SLF001 - Scrapy sets its own there, too
        self._mirror_proxy = _proxy_for(self._mirror) if self._mirror else None

    async def download_request(self, request: Request) -> Response:
        """The answer to a request, under the address that was asked for."""
        host = host_of(request.url)
        left = self._budget.left(host)
        if why := self._budget.refusal(host):
            raise OutOfTime(why)
        await self._guard.check(request)
        meta = {**request.meta, "download_timeout": min(REQUEST, left)}
        if "about" not in meta:
            meta["download_maxsize"] = ROBOTS
        if not self._mirror:
            return await super().download_request(request.replace(meta=meta))
        meta.pop("proxy", None)
        if self._mirror_proxy:
            meta["proxy"] = self._mirror_proxy
        parts = urlsplit(request.url)
        url = f"{self._mirror}/{parts.netloc}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        response = await super().download_request(request.replace(url=url, meta=meta))
        if to := response.headers.get("Location"):
            response.headers["Location"] = self._unmirrored(to.decode("latin-1"), host)
        return response.replace(url=request.url)

    def _unmirrored(self, to: str, host: str) -> str:
        """The real address of one at the mirror: a static server redirects a folder to its slash."""
        for start in (f"{self._mirror}/", f"{urlsplit(self._mirror).path}/"):
            if to.startswith(f"{start}{host}/"):
                return f"https://{to.removeprefix(start)}"
        return to


class InTime:
    """Fails what is asked of a host that had its time, before it waits for its turn: thousands would fill the poll."""

    def __init__(self, crawler: Crawler) -> None:
        self._budget: Budget = crawler.settings["NAVTEX_BUDGET"]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> InTime:
        """Scrapy's way of making a middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Refuse a request that comes too late."""
        if why := self._budget.refusal(host_of(request.url)):
            raise OutOfTime(why)


class Retries:
    """Tries again what may pass by itself: after as long as the host asks for, if its budget allows."""

    def __init__(self, crawler: Crawler) -> None:
        self._budget: Budget = crawler.settings["NAVTEX_BUDGET"]
        self._guard: Guard = crawler.settings["NAVTEX_GUARD"]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Retries:
        """Scrapy's way of making a middleware."""
        return cls(crawler)

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Another try for "try again later", else the response; `retry_at` says when it should be asked."""
        wait = retry_after(response, datetime.now(UTC))
        if response.status not in RETRIED and wait is None:
            return response
        if again := await self._again(request, wait):
            return again
        if wait is not None:
            until = request.meta["retry_at"] = datetime.now(UTC) + timedelta(seconds=wait)
            if wait >= self._budget.left(host_of(request.url)):
                self._budget.pauses[host_of(request.url)] = until
        return response

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Another try after a broken or refused connection; what is too large is so again."""
        if (
            isinstance(exception, IgnoreRequest | OutOfTime | DownloadCancelledError)
            or hostname(request.url) in self._guard.refused
        ):
            return None
        return await self._again(request, None)

    async def _again(self, request: Request, wait: float | None) -> Request | None:
        tried = request.meta.get("tried", 0) + 1
        wait = 0.5 * 2**tried if wait is None else wait
        if tried >= TRIES or wait >= self._budget.left(host_of(request.url)):
            return None
        await asyncio.sleep(wait)
        return request.replace(meta={**request.meta, "tried": tried}, dont_filter=True)


def retry_after(response: Response, now: datetime) -> float | None:
    """Seconds that a response asks to wait; None if it asks for nothing.

    Reads Retry-After (RFC 9110: seconds or a date) and GitHub's x-ratelimit-reset (epoch seconds,
    when x-ratelimit-remaining is 0; GitHub REST API, "Rate limits").
    """
    if response.status not in (403, 429, 503):
        return None
    asked = (response.headers.get("Retry-After") or b"").decode("latin-1")
    if asked.strip():
        until = asked_for(asked, now, LONGEST_WAIT)
        return None if until is None else min(max(0.0, (until - now).total_seconds()), _LONGEST_WAIT)
    reset = (response.headers.get("x-ratelimit-reset") or b"").decode("latin-1")
    if response.headers.get("x-ratelimit-remaining") == b"0" and reset.isdecimal():
        return min(max(0.0, float(reset) - now.timestamp()), _LONGEST_WAIT)
    return None


def paused(host: str, until: datetime) -> str:
    """Why a host is not asked, in words."""
    return f"{host} asked for no requests before {until:%Y-%m-%d %H:%M} UTC"


def host_of(url: str) -> str:
    """The host that an address names, with its port."""
    return urlsplit(url).netloc


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)
