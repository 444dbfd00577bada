"""Errors as answers: a page for people, application/problem+json for programs."""

from __future__ import annotations

from feeds.core.errors import (
    Busy,
    ChannelError,
    ConfigError,
    DatabaseError,
    InventoryError,
    NavtexError,
    UnknownName,
    UsageProblem,
)
from notifier.web.handler_values import Answer, Call, page, problem
from notifier.web.page_frame import frame_of

_TITLES = {
    400: "Bad request",
    401: "Sign in first",
    403: "Not permitted",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timed out",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    421: "Wrong host",
    422: "Cannot be read",
    429: "Too many requests",
    500: "Internal error",
    503: "Temporarily unavailable",
}
_STATUS: tuple[tuple[type[NavtexError], int], ...] = (
    (ConfigError, 500),
    (UnknownName, 404),
    (UsageProblem, 400),
    (InventoryError, 422),
    (ChannelError, 400),
    (Busy, 503),
    (DatabaseError, 503),
)


class Refused(Exception):
    """A request that is not let through: the status of its answer, and why."""

    def __init__(self, status: int, detail: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def for_programs(path: str) -> bool:
    """Whether a path is one that programs call."""
    return path.startswith(("/api/", "/-/")) or path == "/metrics"


def failed(
    call: Call, status: int, detail: str = "", headers: tuple[tuple[str, str], ...] = (), remedy: str = ""
) -> Answer:
    """An error in the form that fits the path."""
    title = _TITLES[status]
    if for_programs(call.url):
        return problem(status, title, f"{detail} {remedy}".strip(), headers)
    told = "" if "`navtex " in remedy else remedy  # what helps at a terminal does not help here
    html = call.templates.render(
        "error.html", frame=frame_of(call), status=status, title=title, detail=detail, remedy=told
    )
    return page(html, status, headers)


def of_error(call: Call, error: NavtexError) -> Answer:
    """The answer for an error that a service raised. What concerns the server itself is not shown."""
    status = next((s for kind, s in _STATUS if isinstance(error, kind)), 500)
    if status >= 500:
        again = (("retry-after", "5"),) if status == 503 else ()
        return failed(call, status, "Try again in a moment." if again else "The log of the server says more.", again)
    what = f"{error.where}: {error.what}" if error.where else error.what
    return failed(call, status, f"{what}.", remedy=f"{error.remedy}." if error.remedy else "")
