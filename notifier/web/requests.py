"""Requests of Starlette as calls: their headers, where they come from, their bodies and forms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

from notifier.web.answers import Refused, for_programs
from notifier.web.callers import client_of, is_trusted, sent_headers
from notifier.web.handler_values import Call, Route
from notifier.web.shared_state import Site

_BODY_SECONDS = 30
_FIELDS = 200
_FORWARDED = frozenset({"x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-host", "x-forwarded-proto"})


def call_of(site: Site, request: Request) -> Call:
    """The call of a request, as far as it needs no answer of the database: without headers and body."""
    return Call(
        database=site.database,
        config=site.config,
        now=site.clock(),
        templates=site.templates,
        method=request.method,
        url=request.scope["path"],
        path=request.path_params,
        base=site.base,
        secure=site.secure,
        setup=site.setup,
    )


def identified(site: Site, request: Request, call: Call) -> Call:
    """The call with its query, its headers, and where it comes from. Refused if one of them is malformed."""
    auth = site.config.web.auth
    peer = request.client.host if request.client else ""
    headers = sent_headers(request.scope["headers"], peer, auth)
    client = client_of(peer, headers.get("x-forwarded-for", ""), auth.trusted_networks)
    try:
        text = request.scope["query_string"].decode("latin-1")
        query = _grouped(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise Refused(400, "The address has too many parameters.") from None
    if any("\0" in part for part in (call.url, *query, *(v for values in query.values() for v in values))):
        raise Refused(400, "The address contains a NUL character.")
    forwarded = bool(_FORWARDED & headers.keys()) or is_trusted(peer, auth.trusted_networks)
    return replace(call, headers=headers, client=client, forwarded=forwarded, query=query)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found


async def with_body(route: Route, request: Request, call: Call) -> Call:
    """The call with its body, read up to the limit of the route."""
    too_large = Refused(413, f"The body may have {route.limit:,} bytes at most.")
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
        raise Refused(408, "The body did not arrive in time.") from None
    data = bytes(body)
    # curl says of everything that it is a form
    return replace(call, body=data, form={} if for_programs(call.url) else await _form(call, data))


async def _form(call: Call, body: bytes) -> dict[str, tuple[str, ...]]:
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError:
            raise Refused(400, "The form cannot be read.") from None
    elif kind == "multipart/form-data":
        pairs = await _multipart(call, body)
    else:
        return {}
    if any("\0" in text for pair in pairs for text in pair):
        raise Refused(400, "The form contains a NUL character.")
    return _grouped(pairs)


async def _multipart(call: Call, body: bytes) -> list[tuple[str, str]]:
    from starlette.formparsers import MultiPartException, MultiPartParser

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        read = await MultiPartParser(
            Headers(dict(call.headers)),
            stream(),
            max_files=0,
            max_fields=_FIELDS,
        ).parse()
    except (MultiPartException, HTTPException, KeyError, ValueError):
        raise Refused(400, "The form cannot be read.") from None
    return [(name, value) for name, value in read.multi_items() if isinstance(value, str)]
