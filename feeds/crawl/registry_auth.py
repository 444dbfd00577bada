"""Signing in at registries: the token that a registry asks for, and nothing to anybody else.

Credentials go to the registry itself, to its token server where that is built in or configured, and nowhere else.
An `Authorization` never crosses a redirect: blobs are often redirected to a store that must not see it.
Specification: distribution's token authentication, RFC 6750, RFC 7617.
"""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import dataclass
from time import monotonic
from urllib.parse import quote, urlsplit

import msgspec
from scrapy.crawler import Crawler
from scrapy.http import Request, Response

from feeds.core.limits import TOKEN
from feeds.crawl.protocol import CrawlJob
from feeds.sources.registries import RegistryAccess

_TOKEN_SERVERS = {"docker.io": "auth.docker.io", "registry.gitlab.com": "gitlab.com"}
_LEAST = 60.0
"""Seconds that a token is good for where the server does not say."""
_EARLY = 30.0
"""Seconds before its end from which a token is not used any more."""
_CHALLENGE = re.compile(r'([A-Za-z]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    until: float


class RegistryAuth:
    """Gives requests to a registry the authorization that it asks for."""

    def __init__(self, crawler: Crawler) -> None:
        job: CrawlJob = crawler.settings["NAVTEX_JOB"]
        self._crawler = crawler
        self._by_host = {access.host: access for access in job.images.registries}
        self._tokens: dict[tuple[str, str], _Token] = {}
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RegistryAuth:
        """Scrapy's way of making a middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Add the token that is there for a request, unless it was redirected to."""
        scope = request.meta.get("scope")
        if not scope:
            return
        access = self._by_host.get(urlsplit(request.url).netloc)
        if access is None or request.meta.get("redirect_times"):
            request.headers.pop("Authorization", None)
            return
        token = self._tokens.get((access.name, scope))
        if token is not None and token.until > monotonic():
            request.headers["Authorization"] = token.header

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Answer a challenge once, and ask again."""
        scope = request.meta.get("scope")
        access = self._by_host.get(urlsplit(request.url).netloc) if scope else None
        answered = request.meta.get("challenged") or request.meta.get("redirect_times")
        if response.status != 401 or access is None or answered:
            return response
        used = request.headers.get("Authorization")
        header = await self._header(access, scope, response, (used or b"").decode("latin-1"))
        if not header:
            return response
        again = request.replace(meta={**request.meta, "challenged": True}, dont_filter=True)
        again.headers["Authorization"] = header
        return again

    async def _header(self, access: RegistryAccess, scope: str, response: Response, used: str) -> str:
        """The authorization that a challenge asks for; "" if there is none to give."""
        challenge = (response.headers.get("WWW-Authenticate") or b"").decode("latin-1")
        kind = challenge.partition(" ")[0].lower()
        if kind == "basic":
            header = _basic(access)
            if header and header != used:
                self._tokens[access.name, scope] = _Token(header, monotonic() + 3600)
                return header
            return ""
        if kind != "bearer":
            return ""
        key = (access.name, scope)
        async with self._turns.setdefault(key, asyncio.Lock()):
            token = self._tokens.get(key)
            if token is None or token.header == used or token.until <= monotonic():
                token = await self._fetched(access, scope, dict(_CHALLENGE.findall(challenge)))
                if token is None:
                    return ""
                self._tokens[key] = token
        return token.header

    async def _fetched(self, access: RegistryAccess, scope: str, told: dict[str, str]) -> _Token | None:
        realm = told.get("realm", "")
        parts = urlsplit(realm)
        if parts.scheme != "https" and not (access.http and parts.scheme == "http"):
            return None
        query = f"service={quote(told.get('service', ''))}&scope={quote(scope, safe=':/')}"
        trusted = parts.netloc in {access.host, _TOKEN_SERVERS.get(access.name, ""), *access.token_hosts}
        request = Request(f"{realm}{'&' if parts.query else '?'}{query}", meta={"dont_obey_robotstxt": True})
        if trusted and access.identity_token:
            form = f"grant_type=refresh_token&service={quote(told.get('service', ''))}&scope={quote(scope, safe=':/')}"
            form += f"&client_id=navtex&refresh_token={quote(access.identity_token, safe='')}"
            request = Request(realm, method="POST", body=form, meta=request.meta)
            request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif trusted and (header := _basic(access)):
            request.headers["Authorization"] = header
        assert self._crawler.engine is not None
        response = await self._crawler.engine.download_async(request)
        return _token(response) if response.status == 200 else None


def _token(response: Response) -> _Token | None:
    try:
        top = msgspec.json.decode(response.body[:TOKEN])
    except (msgspec.DecodeError, RecursionError):
        return None
    value = (top.get("token") or top.get("access_token")) if isinstance(top, dict) else None
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,16384}", value):
        return None
    seconds = top.get("expires_in")
    lasts = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else _LEAST
    return _Token(f"Bearer {value}", monotonic() + max(1.0, min(lasts, 86400.0) - _EARLY))


def _basic(access: RegistryAccess) -> str:
    if not access.username:
        return ""
    return "Basic " + base64.b64encode(f"{access.username}:{access.password}".encode()).decode()
