"""The Starlette application: reads requests, runs handlers in a bounded thread pool, and writes answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from feeds.core.errors import NavtexError
from feeds.storage.database import Database
from notifier.config import Config
from notifier.web.answers import failed, for_programs, of_error
from notifier.web.calls import Answer, Answered, Call, Renderer, Route, Way, redirect
from notifier.web.guard import Guard
from notifier.web.identities import viewer_of
from notifier.web.origins import SAFE, comes_from_here
from notifier.web.permissions import is_loopback, permitted
from notifier.web.routes import ROUTES

T = TypeVar("T")
WAITING = 2000
"""Requests that may wait for a thread; others are turned away."""
_BODY_SECONDS = 30
_FIELDS = 200


@dataclass
class Site:
    """What all requests share."""

    database: Database
    config: Config
    templates: Renderer
    hosts: frozenset[str]
    """The hosts that it answers for."""
    base: str
    routes: tuple[Route, ...] = ROUTES
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    report: Callable[[BaseException], None] = lambda _: None
    """Called with what a handler did not expect."""
    pool: ThreadPoolExecutor = field(init=False)
    waiting: int = 0

    def __post_init__(self) -> None:
        self.pool = ThreadPoolExecutor(self.config.web.threads, "navtex-web")

    async def run(self, work: Callable[..., T], *values: Any) -> T:
        """Run something in the thread pool."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work, *values)


def application(site: Site) -> Guard:
    """The application that a server runs."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        site.pool.shutdown(wait=True, cancel_futures=True)

    made = Starlette(lifespan=lifespan)
    made.router.redirect_slashes = False  # it would build an address from the Host header
    made.router.routes.extend(_Endpoint(site, route) for route in site.routes)
    made.router.default = _Nothing(site)
    return Guard(made, site.hosts)


class _Endpoint(BaseRoute):
    """A route of the table for Starlette's router."""

    def __init__(self, site: Site, route: Route) -> None:
        from starlette.routing import compile_path

        self.site, self.route = site, route
        self.pattern, _, self.convertors = compile_path(route.path)
        self.methods = {*route.methods, *(("HEAD",) if "GET" in route.methods else ())}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the path of a request is this route's, and its method."""
        found = self.pattern.match(scope["path"]) if scope["type"] == "http" else None
        if not found:
            return Match.NONE, {}
        values = {name: str(self.convertors[name].convert(text)) for name, text in found.groupdict().items()}
        return (Match.FULL if scope["method"] in self.methods else Match.PARTIAL), {"path_params": values}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        call = _call(self.site, request)
        if scope["method"] not in self.methods:
            allow = (("allow", ", ".join(sorted(self.methods))),)
            answer = await self.site.run(failed, call, 405, "", allow)
        elif self.site.waiting >= WAITING:
            answer = failed(call, 503, "Too many requests wait for an answer.", (("retry-after", "2"),))
        else:
            self.site.waiting += 1
            try:
                answer = await _answered(self.site, self.route, request, call)
            finally:
                self.site.waiting -= 1
        await _response(self.site, request, answer)(scope, receive, send)


class _Nothing:
    """What answers for a path that no route has."""

    def __init__(self, site: Site) -> None:
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        request = Request(scope, receive)
        answer = await self.site.run(failed, _call(self.site, request), 404, "There is nothing at this address.")
        await _response(self.site, request, answer)(scope, receive, send)


async def _answered(site: Site, route: Route, request: Request, call: Call) -> Answer:
    """Find out who calls, and let the handler answer."""
    try:
        call = replace(call, viewer=await site.run(viewer_of, call))
        refused = await site.run(_refusal, route, call, site)
        if refused:
            return refused
        if request.method not in SAFE:
            call = await _with_body(route, request, call)
        given: Answered = await site.run(route.handler, call)
        return await asyncio.wrap_future(given) if isinstance(given, Future) else given
    except _Refused as error:
        return await site.run(failed, call, error.status, error.detail)
    except ClientDisconnect:
        return Answer(400)
    except NavtexError as error:
        answer = await site.run(of_error, call, error)
        if answer.status >= 500:
            site.report(error)
        return answer
    except Exception as error:  # noqa: BLE001 - whatever a handler did not expect is logged, and not shown
        site.report(error)
        return await site.run(failed, call, 500, "The log of the server says more.")


def _refusal(route: Route, call: Call, site: Site) -> Answer | None:
    """Why a call is not let through; None if it is."""
    forwarded = {"x-forwarded-for", "forwarded", "via", "x-real-ip"} & call.headers.keys()
    here = is_loopback(call.client) and not forwarded
    if not permitted(route, call.viewer, here=here):
        if call.viewer.role is not None:
            return failed(call, 403, "Ask an administrator for the role or the token scope that this needs.")
        if for_programs(call.url):
            return failed(call, 401, "Send an API token.", (("www-authenticate", 'Bearer realm="navtex"'),))
        return redirect("/login") if call.method in SAFE else failed(call, 401)
    unsafe = call.method not in SAFE and route.csrf and call.viewer.way is not Way.TOKEN
    if unsafe and not comes_from_here(call.headers, call.base, site.hosts):
        return failed(call, 403, "The request does not come from a page of this server.")
    return None


def _call(site: Site, request: Request) -> Call:
    query: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True):
        query[name] = (*query.get(name, ()), value)
    return Call(
        database=site.database,
        config=site.config,
        now=site.clock(),
        templates=site.templates,
        method=request.method,
        url=request.scope["path"],
        path=request.path_params,
        query=query,
        headers=dict(request.headers),
        base=site.base,
        client=request.client.host if request.client else "",
    )


class _Refused(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


async def _with_body(route: Route, request: Request, call: Call) -> Call:
    """The call with its body, read up to the limit of the route."""
    too_large = _Refused(413, f"The body may have {route.limit:,} bytes at most.")
    said = call.headers.get("content-length", "0")
    if not said.isdigit() or int(said) > route.limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > route.limit:
                    raise too_large
    except TimeoutError:
        raise _Refused(408, "The body did not arrive in time.") from None
    data = bytes(body)
    return replace(call, body=data, form=await _form(call, data))


async def _form(call: Call, body: bytes) -> dict[str, tuple[str, ...]]:
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError:
            raise _Refused(400, "The form cannot be read.") from None
    elif kind == "multipart/form-data":
        pairs = await _multipart(call, body)
    else:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found


async def _multipart(call: Call, body: bytes) -> list[tuple[str, str]]:
    from starlette.datastructures import Headers
    from starlette.formparsers import MultiPartException, MultiPartParser

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        read: FormData = await MultiPartParser(
            Headers(dict(call.headers)),
            stream(),
            max_files=0,
            max_fields=_FIELDS,
        ).parse()
    except (MultiPartException, HTTPException, KeyError, ValueError):
        raise _Refused(400, "The form cannot be read.") from None
    return [(name, value) for name, value in read.multi_items() if isinstance(value, str)]


def _response(site: Site, request: Request, answer: Answer) -> Response:
    if isinstance(answer.body, bytes):
        made = Response(answer.body, answer.status, None, answer.media_type)
    else:
        made = StreamingResponse(_chunks(site, answer.body), answer.status, None, answer.media_type)
    for name, value in answer.headers:
        made.headers.append(name, value)
    if answer.after:
        made.background = BackgroundTask(_afterwards, site, answer.after)
    return made


async def _afterwards(site: Site, work: Callable[[], None]) -> None:
    try:
        await site.run(work)
    except Exception as error:  # noqa: BLE001 - the answer is sent; what went wrong is logged
        site.report(error)


async def _chunks(site: Site, body: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (chunk := await site.run(next, body, None)) is not None:
        yield chunk
