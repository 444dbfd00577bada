"""The routes of the API."""

from __future__ import annotations

import json
from functools import cache

from notifier.web.api.answers import tagged
from notifier.web.api.openapi import document
from notifier.web.api.operations import OPERATIONS, PREFIX
from notifier.web.handler_values import Answer, Call, Permission, Route


@cache
def document_text() -> bytes:
    """The OpenAPI document as it is served, and as docs/reference/openapi.json has it."""
    return (json.dumps(document(), indent=2) + "\n").encode()


def described(call: Call) -> Answer:
    """The OpenAPI document."""
    return tagged(call, document_text())


API: tuple[Route, ...] = (
    Route(f"{PREFIX}/openapi.json", described, needs=Permission.PUBLIC, name="api-openapi"),
    *(one.route for one in OPERATIONS),
)
