"""The Starlette application: reads requests, runs handlers in a bounded thread pool, and writes answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from feeds.core.errors import NavtexError
from notifier.web.answers import Refused, failed, for_programs, of_error
from notifier.web.callers import bearer_of, checked, viewer_of
from notifier.web.handler_values import Answer, Answered, Call, Route, Viewer, Way, redirect
from notifier.web.origins import SAFE, comes_from_here
from notifier.web.permissions import is_loopback, permitted
from notifier.web.requests import call_of, identified, with_body
from notifier.web.security_headers import Guard
from notifier.web.shared_state import Site

WAITING = 2000
"""Requests that may wait for a thread; others are turned away."""


def application(site: Site) -> Guard:
    """The application that a server runs."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        site.pool.shutdown(wait=True, cancel_futures=True)

    made = Starlette(lifespan=lifespan)
    made.router.redirect_slashes = False  # it would build an address from the Host header
    made.router.routes.append(_Table([_Endpoint(site, route) for route in site.routes]))
    made.router.default = _Nothing(site)
    return Guard(made, site.hosts, site.told)


class _Table(BaseRoute):
    """The table of routes as one route for Starlette's router: a path without parameters is not looked for in turn."""

    def __init__(self, endpoints: list[_Endpoint]) -> None:
        self.endpoints = endpoints
        plain = {one.route.path for one in endpoints if "{" not in one.route.path}
        self.plain = {path: [one for one in endpoints if one.pattern.match(path)] for path in plain}
        """What may answer there, in the order of the table."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Which route of the table it is: one with the method of the request, else one with its path."""
        partial: tuple[Match, Scope] = (Match.NONE, {})
        for one in self.plain.get(scope["path"], self.endpoints):
            match, found = one.matches(scope)
            if match is Match.FULL:
                return match, {**found, "endpoint": one}
            if match is Match.PARTIAL and partial[0] is Match.NONE:
                partial = match, {**found, "endpoint": one}
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route answer that was found."""
        await scope["endpoint"].handle(scope, receive, send)


class _Endpoint(BaseRoute):
    """A route of the table for Starlette's router."""

    def __init__(self, site: Site, route: Route) -> None:
        from starlette.routing import compile_path

        self.site, self.route = site, route
        self.pattern, _, self.convertors = compile_path(route.path)
        self.methods = _methods(route)
        self.allowed = set[str]().union(*(_methods(r) for r in site.routes if r.path == route.path))
        """The methods of all routes with this path."""

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
        call = call_of(self.site, request)
        if scope["method"] not in self.methods:
            allow = (("allow", ", ".join(sorted(self.allowed))),)
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


def _methods(route: Route) -> set[str]:
    return {*route.methods, *(("HEAD",) if "GET" in route.methods else ())}


class _Nothing:
    """What answers for a path that no route has."""

    def __init__(self, site: Site) -> None:
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        request = Request(scope, receive)
        answer = await self.site.run(failed, call_of(self.site, request), 404, "There is nothing at this address.")
        await _response(self.site, request, answer)(scope, receive, send)


async def _answered(site: Site, route: Route, request: Request, call: Call) -> Answer:
    """Find out who calls, and let the handler answer."""
    try:
        call = identified(site, request, call)
        call = replace(call, viewer=await _viewer(site, call))
        if not _is_let_through(route, call, site):
            return await site.run(_stopped, route, call)
        if request.method not in SAFE:
            call = await with_body(route, request, call)
        given: Answered = route.handler(call) if route.quick else await site.run(route.handler, call)
        return await site.arrivals().of(given) if isinstance(given, Future) else given
    except Refused as error:
        return await site.run(failed, call, error.status, error.detail, error.headers)
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


async def _viewer(site: Site, call: Call) -> Viewer:
    secret = bearer_of(call)
    if secret is None:
        return await site.run(viewer_of, call)
    return checked(await site.tokens.viewer(secret))


def _is_let_through(route: Route, call: Call, site: Site) -> bool:
    """Whether the viewer may call the route, and the call is none that somebody else's page lets a browser make."""
    unsafe = call.method not in SAFE and route.csrf and call.viewer.way is not Way.TOKEN
    return _is_permitted(route, call) and not (unsafe and not comes_from_here(call.headers, call.base, site.hosts))


def _is_permitted(route: Route, call: Call) -> bool:
    return permitted(route, call.viewer, here=is_loopback(call.client) and not call.forwarded)


def _stopped(route: Route, call: Call) -> Answer:
    """The answer for a call that is not let through: somebody who may not call a route may be asked to sign in."""
    if _is_permitted(route, call):
        return failed(call, 403, "The request does not come from a page of this server.")
    if call.viewer.role is not None:
        what = "scopes of your token do" if call.viewer.way is Way.TOKEN else f"role {call.viewer.role} does"
        return failed(call, 403, f"The {what} not include this. Ask an administrator.")
    if call.viewer.name:
        return failed(call, 403, f"You are known as {call.viewer.name}, and have no account here.")
    if for_programs(call.url):
        return failed(call, 401, "Send an API token.", (("www-authenticate", 'Bearer realm="navtex"'),))
    if call.method not in SAFE:
        return failed(call, 401)
    query = (
        f"?{urlencode({name: list(values) for name, values in call.query.items()}, doseq=True)}" if call.query else ""
    )
    to = f"{quote(call.url)}{query}"
    return redirect("/login" if to == "/" else f"/login?{urlencode({'next': to})}")


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
    try:
        while (chunk := await site.run(next, body, None)) is not None:
            yield chunk
    finally:  # it may hold a connection of the database
        if isinstance(body, Generator):
            await asyncio.shield(site.run(body.close))
