"""The OpenAPI document, made from the table of operations and the published schemas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from notifier.schemas.requests import Problem
from notifier.web.api.operations import NUMBER, OPERATIONS, PREFIX, Operation
from notifier.web.api.pushes import push
from notifier.web.handler_values import JSON, PROBLEM, Permission

VERSION = "1"
_REF = "#/components/schemas/{name}"
_TITLES = {
    400: "A parameter or the body cannot be used.",
    401: "No API token, or one that is not valid.",
    403: "The token is for something else, or the role does not suffice.",
    404: "A name is unknown, or outside of what the caller may see.",
    413: "The body is too large.",
    415: "The body has another type.",
    422: "Nothing could be read, or an Idempotency-Key was used for other content.",
    429: "The host reported itself too often. Retry-After says when to come again.",
    503: "The database is busy, or too many wait. Retry-After says when to come again.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "For 24 hours, the same key gets the same answer again, and nothing is stored.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
}
_ETAG = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of an earlier answer to the same question.",
    "schema": {"type": "string"},
}
_NEXT = {
    "type": "object",
    "properties": {
        "next": {"type": ["string", "null"], "description": "the cursor of the next page; null on the last one"}
    },
    "required": ["next"],
}


def document() -> dict[str, Any]:
    """The whole document."""
    types = [kind for one in OPERATIONS for kind in (*one.answer, *((one.body,) if one.body else ()))]
    unique = [*dict.fromkeys([*types, Problem])]
    references, schemas = msgspec.json.schema_components(unique, ref_template=_REF)
    of = dict(zip(unique, references, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(PREFIX + one.path, {})[one.method.lower()] = _operation(one, of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Navtex",
            "version": VERSION,
            "description": "The answers of the command line, a page at a time, and what hosts and operators write.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _sorted(schemas),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An API token: nvx_..."},
            },
        },
    }


def _sorted(schemas: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(schemas[name]) for name in sorted(schemas)}


def _plain(value: Any) -> Any:
    """The schema without what msgspec adds that contradicts the words of a field: an enumeration beside a reference."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "enum" in value and ("$ref" in value or "anyOf" in value):
        return {k: v for k, v in value.items() if k not in ("$ref", "anyOf")}
    return {k: _plain(v) for k, v in value.items()}


def _operation(one: Operation, of: dict[type, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": (one.action.__doc__ or "").strip().splitlines()[0],
        "parameters": [*_path(one), *(p.described() for p in one.parameters), *_headers(one)],
        "responses": _responses(one, of),
    }
    if scopes := _scopes(one):
        found["description"] = f"Needs a token for `{scopes}`, or for `admin`."
    if body := _body(one, of):
        found["requestBody"] = body
    return found


def _scopes(one: Operation) -> str:
    if one.token:
        return one.token.value
    return "inventory:push" if one.needs is Permission.PUSH else "read"


def _path(one: Operation) -> Iterable[dict[str, Any]]:
    if "{name}" in one.path:
        what = "The number." if one.named is NUMBER else "The name."
        yield {"name": "name", "in": "path", "required": True, "description": what, "schema": dict(one.named)}


def _headers(one: Operation) -> Iterable[dict[str, Any]]:
    if one.method == "GET":
        yield _ETAG
    if one.action is push:
        yield _KEY


def _body(one: Operation, of: dict[type, Any]) -> dict[str, Any]:
    if one.body:
        return {"required": True, "content": {JSON: {"schema": of[one.body]}}}
    if one.action is push:
        described = {"schema": {"type": "string"}, "example": "host,product,version\nweb-1,engine,29.7.2\n"}
        return {"required": True, "content": {"text/plain": described}}
    return {}


def _responses(one: Operation, of: dict[type, Any]) -> dict[str, Any]:
    answers = [of[kind] for kind in one.answer]
    schema = answers[0] if len(answers) == 1 else {"anyOf": answers}
    if one.listed:
        schema = {"allOf": [schema, _NEXT]}
    found: dict[str, Any] = {str(one.status): {"description": "Done."}}
    if answers:
        found[str(one.status)] = {"description": "The answer.", "content": {JSON: {"schema": schema}}}
    if one.method == "GET":
        found[str(one.status)]["headers"] = {"ETag": {"schema": {"type": "string"}}}
        found["304"] = {"description": "Nothing changed since the answer with this ETag."}
    refused = {400, 401, 403, 503, *one.refusals, *((413,) if _body(one, of) else ())}
    problems = {PROBLEM: {"schema": of[Problem]}}
    for status in sorted(refused):
        found[str(status)] = {"description": _TITLES[status], "content": problems}
    return found
