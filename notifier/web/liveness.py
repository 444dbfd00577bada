"""What machines ask: whether the server is alive and ready, and the stylesheet."""

from __future__ import annotations

from feeds.core.errors import NavtexError
from notifier.services.installation.databases import ready
from notifier.services.upkeep.run_records import metrics_text
from notifier.web.handler_values import Answer, Call, Permission, Route, problem


def live(call: Call) -> Answer:
    """Whether the process answers at all."""
    return Answer(body=b"live\n")


def is_ready(call: Call) -> Answer:
    """Whether the database can be used; 503 if not."""
    try:
        why = ready(call.database)
    except NavtexError:
        why = "the database cannot be reached"
    return problem(503, "Not ready", why, (("retry-after", "5"),)) if why else Answer(body=b"ready\n")


def style(call: Call) -> Answer:
    """The stylesheet. Pages name it with its hash, so it may be kept for ever."""
    return Answer(body=call.templates.style, media_type="text/css; charset=utf-8", headers=(_kept(31536000),))


def icon(call: Call) -> Answer:
    """The icon."""
    return Answer(body=call.templates.icon, media_type="image/svg+xml", headers=(_kept(86400),))


def metrics(call: Call) -> Answer:
    """The metrics, in the OpenMetrics format. They name no host."""
    text = metrics_text(call.database, call.now, call.config)
    return Answer(body=text.encode(), media_type="application/openmetrics-text; version=1.0.0; charset=utf-8")


def _kept(seconds: int) -> tuple[str, str]:
    return "cache-control", f"public, max-age={seconds}, immutable"


MACHINES = (
    Route("/-/live", live, needs=Permission.PUBLIC, name="live"),
    Route("/-/ready", is_ready, needs=Permission.PUBLIC, name="ready"),
    Route("/-/style.css", style, needs=Permission.PUBLIC, name="style"),
    Route("/metrics", metrics, needs=Permission.METRICS, name="metrics"),
    Route("/-/icon.svg", icon, needs=Permission.PUBLIC, name="icon"),
)
