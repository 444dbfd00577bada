"""The crawl's process: reads its job from standard input, and writes the result of it to standard output."""

from __future__ import annotations

import logging
import os
import resource
import threading
from typing import Any

import msgspec
from scrapy.crawler import CrawlerProcess
from scrapy.downloadermiddlewares.defaultheaders import DefaultHeadersMiddleware
from scrapy.downloadermiddlewares.httpproxy import HttpProxyMiddleware
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.downloadermiddlewares.useragent import UserAgentMiddleware
from scrapy.spidermiddlewares.urllength import UrlLengthMiddleware
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

import feeds
from feeds.core.limits import MEMORY, REDIRECTS, REQUESTS_A_SECOND, RESPONSE
from feeds.crawl.download import Budget, Handler, InTime, Retries
from feeds.crawl.permitted_addresses import Guard, Redirects, Resolver
from feeds.crawl.protocol import CrawlJob, CrawlMessage
from feeds.crawl.reader import Reader
from feeds.crawl.registry_auth import RegistryAuth
from feeds.crawl.response_reading import flush, write
from feeds.crawl.spider import Spider
from feeds.crawl.unpack import Unpacking
from feeds.sources.all_sources import configured

_FLUSHED = 0.2
"""Seconds after which the parent gets what is written. Each write wakes it, which costs as much as a request."""


def _settings(job: CrawlJob) -> dict[str, Any]:
    """Scrapy's settings. A host is asked four times a second at most; a mirror and this machine are our own."""
    agent = f"Navtex/{feeds.__version__}"
    return {
        "NAVTEX_JOB": job,
        "NAVTEX_BUDGET": Budget(job),
        "NAVTEX_GUARD": Guard(job),
        "USER_AGENT": f"{agent} ({job.contact})" if job.contact else agent,
        "ROBOTSTXT_USER_AGENT": "Navtex",
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_HANDLERS": {"http": Handler, "https": Handler, "ftp": None, "s3": None, "file": None, "data": None},
        # What is used of Scrapy's parts, and ours. Its own lists are empty, for it imports what they name even if that
        # is turned off: the remote control brings aiohttp.
        "EXTENSIONS_BASE": {},
        "SPIDER_MIDDLEWARES_BASE": {UrlLengthMiddleware: 800},
        "DOWNLOADER_MIDDLEWARES_BASE": {
            InTime: 50,
            RobotsTxtMiddleware: 100,
            DefaultHeadersMiddleware: 400,
            UserAgentMiddleware: 500,
            Retries: 550,
            RegistryAuth: 580,
            Unpacking: 590,
            Redirects: 600,
            HttpProxyMiddleware: 750,
        },
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_DELAY": 0 if job.mirror else 1 / REQUESTS_A_SECOND,
        "DOWNLOAD_DELAY_JITTER": 0.0,
        "DOWNLOAD_SLOTS": {host: {"delay": 0} for host in ("localhost", "127.0.0.1", "::1")},
        "CONCURRENT_REQUESTS": 24,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
        "DOWNLOAD_MAXSIZE": RESPONSE,
        "DOWNLOAD_WARNSIZE": 0,
        "TWISTED_DNS_RESOLVER": Resolver,
        "DNS_TIMEOUT": 10,
        "REDIRECT_MAX_TIMES": REDIRECTS,
        "LOG_ENABLED": False,
        "LOG_VERSIONS": [],  # it looks them up even if nothing is logged, which takes as long as a request
        "CONCURRENT_ITEMS": 1,  # what an answer leads to is queued in turn; Scrapy makes a task for each of its 100
    }


def crawl(job: CrawlJob) -> None:
    """Do a job, and write its outcomes to standard output. Once a process: Twisted's reactor cannot restart."""
    known = configured(job.urls, job.disabled, job.images)
    sources = tuple(s for s in known if not job.sources or s.name in job.sources)
    reader = Reader(sources, job.poll_seconds)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    settings = _settings(job)
    process = CrawlerProcess(settings)
    failures: list[Failure] = []
    process.crawl(Spider, job=job, sources=sources, guard=settings["NAVTEX_GUARD"], reader=reader).addErrback(
        failures.append
    )
    LoopingCall(flush).start(_FLUSHED)
    process.start(install_signal_handlers=False)
    reader.close()
    problem = f"the crawl failed: {failures[0].getErrorMessage()}" if failures else ""
    write(CrawlMessage(done=not failures, problem=problem))
    flush()


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
    crawl(msgspec.json.decode(raw, type=CrawlJob))


if __name__ == "__main__":
    main()
