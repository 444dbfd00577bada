"""Where a crawl may go: no private address that nobody configured, no redirect to a worse place, no endless headers.

A name is resolved once, and the connection is made to the address that was checked, so DNS rebinding has no effect.
"""

from __future__ import annotations

import re
import urllib.request
from typing import Any
from urllib.parse import urljoin, urlsplit

from scrapy.core.downloader.handlers.http11 import _LenientHTTP11ClientFactory, _LenientHTTP11ClientProtocol
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response
from scrapy.resolver import CachingThreadedResolver
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.error import DNSLookupError
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS

from feeds.core.addresses import hostname, literal, public
from feeds.core.limits import HEADERS
from feeds.crawl.protocol import CrawlJob

_HOST = re.compile(r"(?:[\w-]+\.)*[\w-]+\.?(?::\d{1,5})?|\[[0-9A-Fa-f:.%]+\](?::\d{1,5})?")


class Refused(IgnoreRequest):
    """A place that a crawl does not go to."""


class Guard:
    """Which hosts may be private: those that somebody configured. Keeps which names led to private addresses."""

    def __init__(self, job: CrawlJob) -> None:
        configured = [job.mirror, *(url for forms in job.urls.values() for url in forms.values())]
        registries = [url for a in job.images.registries for url in (a.url, *(f"https://{h}" for h in a.token_hosts))]
        self._trusted = {hostname(url) for url in (*configured, *registries, *urllib.request.getproxies().values())}
        self._mirrored = bool(job.mirror)
        self.refused: dict[str, str] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Guard:
        """The same one: Scrapy copies its settings, and what the resolver refuses is not to be tried again."""
        return self

    def check_name(self, name: str, address: str) -> None:
        """DNSLookupError where a name that nobody configured has an address that is not public."""
        found = literal(address)
        if name.lower().rstrip(".") not in self._trusted and (found is None or not public(found)):
            self.refused[name.lower()] = address
            raise DNSLookupError(f"{name} has the private address {address}")

    async def check(self, request: Request) -> None:
        """Refused where a request may not be made, as far as that can be seen before its host is looked up."""
        parts = urlsplit(request.url)
        name = hostname(request.url)
        if not _HOST.fullmatch(parts.netloc):
            raise Refused(f"it leads to {parts.hostname or 'nowhere'} with a user or a name that no host can have")
        address = literal(name)
        if address is not None and name not in self._trusted and not public(address):
            raise Refused(private(name, str(address)))
        origin = urlsplit(next(iter(request.meta.get("redirect_urls", ())), request.url)).netloc
        if self._mirrored or parts.netloc == origin or name not in self._trusted:
            return
        # one configured place does not speak for another, nor for the next port
        from twisted.internet import reactor

        found = str(address or await maybe_deferred_to_future(reactor.resolve(name)))
        at = literal(found)
        if at is None or not public(at):
            raise Refused(private(parts.netloc, found))


def private(name: str, address: str) -> str:
    """Why a host is not asked, in words."""
    of = "" if address in (name, name.rpartition(":")[0]) else f" ({address})"
    where = f"it points to the private address {name}{of}, which is not followed"
    return f"{where}. If it is right, configure it as the source"


class Resolver(CachingThreadedResolver):
    """Looks names up, and gives no private address for a name that nobody configured."""

    def __init__(self, reactor: Any, cache_size: int, timeout: float, guard: Guard) -> None:
        super().__init__(reactor, cache_size, timeout)
        self._guard = guard

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> Resolver:
        """Scrapy's way of making a resolver."""
        settings = crawler.settings
        return cls(
            reactor, settings.getint("DNSCACHE_SIZE"), settings.getfloat("DNS_TIMEOUT"), settings["NAVTEX_GUARD"]
        )

    def getHostByName(self, name: str, timeout: Any = ()) -> Any:  # noqa: N802 - Twisted's name
        """The address of a name, and the one that is connected to."""
        return super().getHostByName(name, timeout).addCallback(self._checked, name)

    def _checked(self, address: str, name: str) -> str:
        self._guard.check_name(name, address)
        return address


class Redirects(RedirectMiddleware):
    """Follows redirects between web addresses, a few of them, and never from https to http."""

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """The response, or the request that it redirects to; Refused with the reason."""
        to = response.headers.get("Location")
        if to and response.status in (301, 302, 303, 307, 308):
            try:
                target = urlsplit(urljoin(request.url, to.decode("latin-1").strip()))
                target.port  # noqa: B018 - reading it checks it
            except ValueError:
                raise Refused("it redirects to an invalid address") from None
            if target.scheme not in ("http", "https"):
                raise Refused(f"it redirects to an address of the kind {target.scheme[:20]}, which is not followed")
            if target.scheme == "http" and urlsplit(request.url).scheme == "https":
                raise Refused(f"it redirects from https to http ({target.netloc[:80]}), which is not followed")
        return super().process_response(request, response)

    def _redirect(self, redirected: Request, request: Request, reason: Any) -> Request:
        if redirected.url in (request.url, *request.meta.get("redirect_urls", ())):
            raise Refused("it redirects in a circle")
        if request.meta.get("redirect_times", 0) >= self.max_redirect_times:
            raise Refused(f"it redirects more than {self.max_redirect_times} times")
        if request.meta.get("scope"):
            redirected.headers.pop("Authorization", None)
        return super()._redirect(redirected, request, reason)


class HeadersTooLarge(Exception):
    """An answer whose headers do not end."""


class _BoundedProtocol(_LenientHTTP11ClientProtocol):
    """A connection that gives up where headers do not end."""

    _head = 0

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        super().dataReceived(data)
        in_headers = self._parser is not None and self._parser.state in (STATUS, HEADER)
        self._head = self._head + len(data) if in_headers else 0
        if self._head > HEADERS:
            self._giveUp(Failure(HeadersTooLarge(f"its headers are larger than {HEADERS >> 10} KiB")))


class BoundedFactory(_LenientHTTP11ClientFactory):
    """Makes such connections."""

    def buildProtocol(self, addr: Any) -> _BoundedProtocol:  # noqa: N802 - Twisted's name
        """A connection to an address."""
        return _BoundedProtocol(self._quiescentCallback)
