"""`/sources`: is the news complete, or did a source fail."""

from __future__ import annotations

from feeds.sources.health import SourceHealth
from notifier.schemas.source import DISABLED
from notifier.services.catalogue.sources import sources
from notifier.web.handler_values import Answer, Call
from notifier.web.page_answers import shown

_FINE = (SourceHealth.HEALTHY.value, DISABLED)


def listing(call: Call) -> Answer:
    """The page: those that failed come first."""
    found = sources(call.database, call.config, call.now).value
    rows = sorted(found.sources, key=lambda one: one.state in _FINE)
    asked = [one for one in rows if one.state != DISABLED]
    return shown(
        call,
        "sources.html",
        rows=rows,
        mirror=found.mirror,
        failing=[one for one in asked if one.state not in _FINE],
        asked=len(asked),
        latest=max((one.last_success for one in asked if one.last_success), default=None),
    )
