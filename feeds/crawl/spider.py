"""The spider: one for every source."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
import scrapy
from scrapy.exceptions import DontCloseSpider
from scrapy.http import Response
from twisted.python.failure import Failure

from feeds.advisories.facts import Tags
from feeds.advisories.records import ENGINE, Record, is_cve, ranked_claims
from feeds.core.addresses import hostname
from feeds.core.errors import ShapeError
from feeds.core.limits import CLAIMED, FOLLOWED, MENTIONED, MENTIONS, MODULE_FILES, SOURCE_ENTRIES, SOURCE_SIZE
from feeds.crawl.download import host_of, paused
from feeds.crawl.permitted_addresses import Guard, private
from feeds.crawl.protocol import CrawlJob, FetchStatus, ItemPayload, Validators
from feeds.crawl.reader import Reader
from feeds.crawl.response_reading import document_of, read, tell, words
from feeds.sources import registries
from feeds.sources.base import Request, RequestContext, Source


class Spider(scrapy.Spider):
    """Asks every source's questions, reads the answers, and asks what they lead to."""

    name = "navtex"
    custom_settings: ClassVar[dict[str, Any]] = {}

    def __init__(self, job: CrawlJob, sources: tuple[Source, ...], guard: Guard, reader: Reader, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.sources = tuple(s for s in sources if not s.late)
        self.late = tuple(s for s in sources if s.late)
        self.guard = guard
        self.reader = reader
        self.wanted = set(job.wanted.cves)
        self.asked: set[str] = set()
        self.tags = set(job.wanted.tags)
        self.questions: Counter[str] = Counter()
        self.first: Counter[str] = Counter()
        self.brought: Counter[str] = Counter()
        self.claimed: Counter[str] = Counter()
        self.mentioned: Counter[str] = Counter()
        self.size: Counter[str] = Counter()

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
        wanted = msgspec.structs.replace(self.job.wanted, cves=frozenset(self.wanted), tags=frozenset(self.tags))
        requests = [r for source in late for ask in source.requests(wanted) for r in self._requests(source, ask)]
        for request in requests:
            self.crawler.engine.crawl(request)
        if requests:
            raise DontCloseSpider

    def _requests(self, source: Source, ask: Request) -> Iterator[scrapy.Request]:
        """The request for a question, and for what its document led to last time (it may be unchanged)."""
        if ask.name in self.asked:
            return
        self.asked.add(ask.name)
        if ask.once and self._settled(source, ask):
            return
        until = self.job.not_before.get(host_of(ask.url))
        if until is not None and until > datetime.now(UTC):
            tell(source, ask, FetchStatus.FAILED, reason=paused(host_of(ask.url), until), retry_at=until)
            return
        known = self.job.known.get(ask.name, Validators())
        yield scrapy.Request(
            ask.url,
            method=ask.method or ("POST" if ask.body else "GET"),
            body=ask.body,
            callback=self.answered,
            errback=self.failed,
            headers=_headers(ask, known, mirrored=bool(self.job.mirror)),
            meta={"dont_obey_robotstxt": not ask.robots, "about": (source, ask), "scope": ask.scope},
            dont_filter=True,
            priority=-ask.rank,
        )
        yield from self._following(source, ask, known.follow)

    def _settled(self, source: Source, ask: Request) -> bool:
        """Whether a document that never changes was read before, or has to wait for the next poll."""
        known = next((a for a in (ask, *ask.instead) if a.name in self.job.known), None)
        if known:
            self.asked.add(known.name)
            tell(source, known, FetchStatus.SAME)
            return True
        self.first[source.name] += 1
        return self.first[source.name] > MODULE_FILES

    def _following(self, source: Source, ask: Request, follow: Iterable[Request]) -> Iterator[scrapy.Request]:
        """The requests for what a document leads to: within its source's hosts, and not without end."""
        for following in follow:
            if following.name in self.asked:
                continue
            problem = (
                "" if _within(source, ask, following) else f"{ask.url} leads to another host, which is not followed"
            )
            self.questions[source.name] += 1
            if self.questions[source.name] > FOLLOWED:
                problem = f"its documents lead to more than {FOLLOWED} others"
            if problem:
                self.asked.add(following.name)
                tell(source, following, FetchStatus.FAILED, reason=problem)
            else:
                yield from self._requests(source, following)

    async def answered(self, response: Response) -> AsyncIterator[scrapy.Request]:
        """Read an answer into an outcome, and ask on."""
        assert response.request is not None
        source, ask = response.request.meta["about"]
        if response.status == 200:
            following = await self._read(source, ask, response)
        else:
            following = list(self._unread(source, ask, response))
        for request in following:
            yield request

    def _unread(self, source: Source, ask: Request, response: Response) -> Iterator[scrapy.Request]:
        """Tell of an answer without a document."""
        status = response.status
        if status == 304 and self.job.known.get(ask.name):
            tell(source, ask, FetchStatus.SAME, status=status)
        elif (other := source.instead(ask, status)) is not None:
            yield from self._requests(source, other)
        elif status in (404, 410) and ask.optional:
            tell(source, ask, FetchStatus.MISSING, reason=f"HTTP {status}", status=status)
            for other in ask.instead:
                yield from self._requests(source, other)
        else:
            assert response.request is not None
            retry_at = response.request.meta.get("retry_at")
            tell(source, ask, FetchStatus.FAILED, reason=f"HTTP {status}", status=status, retry_at=retry_at)

    async def _read(self, source: Source, ask: Request, response: Response) -> list[scrapy.Request]:
        document = document_of(ask, response)
        try:
            # what remembers its answers is read here, and is bounded by its own counts
            reading = read(source, document) if source.remembers else await self.reader.read(source, document)
        except ShapeError as error:
            tell(source, ask, FetchStatus.FAILED, reason=str(error), status=response.status)
            return []
        parsed, pieces, refused = reading
        if problem := self._too_many(source, pieces):
            tell(source, ask, FetchStatus.FAILED, reason=problem, status=response.status, too_many=True)
            return []
        # a document of which an entry was left out is read anew by the next poll, and said to have it again
        kept = {} if refused else document.headers
        tell(
            source,
            ask,
            FetchStatus.READ,
            status=response.status,
            etag=kept.get("etag", ""),
            last_modified=kept.get("last-modified", ""),
            items=pieces,
            refused=refused,
            listed=parsed.listed,
            follow=parsed.follow,
            body=document.body if self.job.bodies else b"",
        )
        self.tags |= {tag.name for i in parsed.items if isinstance(i, Tags) and i.product == ENGINE for tag in i.tags}
        return [*self._following(source, ask, parsed.follow), *self._newly_wanted(source, parsed.items)]

    def _too_many(self, source: Source, pieces: tuple[ItemPayload, ...]) -> str:
        """Why a source brings more than a poll takes, or "". Registries have as many images as hosts run."""
        self.brought[source.name] += len(pieces)
        self.size[source.name] += sum(len(bytes(piece.payload)) for piece in pieces)
        if source.name == registries.NAME:
            return ""
        if self.brought[source.name] > SOURCE_ENTRIES:
            return f"with it the source lists more than {SOURCE_ENTRIES} entries, the most that a poll takes"
        if self.size[source.name] > SOURCE_SIZE:
            return f"with it the source's entries are larger than {SOURCE_SIZE >> 20} MiB, the most that a poll takes"
        return ""

    def _newly_wanted(self, source: Source, items: Iterable[Any]) -> Iterator[scrapy.Request]:
        """The questions for CVEs that a document names: those of its claims, and the first of those it mentions."""
        records = [item for item in items if isinstance(item, Record)]
        fresh = (c for c in ranked_claims([records], self.job.wanted.products) if c not in self.wanted)
        claimed = list(islice(fresh, CLAIMED - self.claimed[source.name]))
        self.claimed[source.name] += len(claimed)
        few = list(dict.fromkeys(n for r in records for n in r.mentions if is_cve(n)))[:MENTIONS]
        mentioned = [n for n in few if n not in self.wanted][: MENTIONED - self.mentioned[source.name]]
        self.mentioned[source.name] += len(mentioned)
        cves = frozenset((*claimed, *mentioned)) - self.wanted
        if not cves or len(self.wanted) > len(self.job.wanted.cves) + FOLLOWED:
            return
        self.wanted |= cves
        ranked = tuple(c for c in claimed if c in cves)
        for other in self.sources:
            for ask in other.requests(RequestContext(cves=cves, ranked=ranked)):
                yield from self._requests(other, ask)

    def failed(self, failure: Failure) -> None:
        """An answer that never came, or that is not asked for."""
        request: scrapy.Request = failure.request  # Scrapy sets it
        source, ask = request.meta["about"]
        name = hostname(request.url)
        address = self.guard.refused.get(name)
        tell(source, ask, FetchStatus.FAILED, reason=private(name, address) if address else words(failure.value))


def _within(source: Source, ask: Request, following: Request) -> bool:
    """Whether a document may lead there: to a host of its own source, and not from https to http."""
    try:
        at, to = urlsplit(ask.url), urlsplit(following.url)
        to.port  # noqa: B018 - reading it checks it
    except ValueError:
        return False
    own = {host_of(ask.url), host_of(source.home), *(host_of(url) for url in source.urls.values())}
    return to.netloc in own and to.scheme in ("http", "https") and (to.scheme == "https" or at.scheme == "http")


def _headers(ask: Request, known: Validators, *, mirrored: bool) -> dict[str, str]:
    headers = {"Accept": ask.accept} if ask.accept else {}
    if ask.body:
        headers["Content-Type"] = "application/json"
    if known.etag:
        headers["If-None-Match"] = known.etag
    if known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    token = os.environ.get("GITHUB_TOKEN")
    if token and not mirrored and ask.url.startswith("https://api.github.com/"):
        headers["Authorization"] = f"Bearer {token}"
    return headers
