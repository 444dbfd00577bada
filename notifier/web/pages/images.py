"""`/images`: which images stand on a base that has moved, and what to rebuild first? `/images/NAME`: how do we know."""

from __future__ import annotations

from collections import Counter
from typing import Any

from feeds.core.errors import UnknownName
from feeds.images.references import reference
from notifier.domain.filters import Scope
from notifier.images.status import ImageStatus
from notifier.schemas.image import ImageRow
from notifier.services.snapshot.images import ImageQuery, list_images, plan_images, show_image
from notifier.web.handler_values import Answer, Call
from notifier.web.page_answers import shown
from notifier.web.pages import query_parameters
from notifier.web.scoping import scoped

_STATUSES = tuple((status.value, status.value) for status in ImageStatus)
_BASES = 20
"""Bases whose waves one page has."""
_NAMES = 100
"""Rows of the other lists of the plan, and images of a wave."""


def query(call: Call) -> ImageQuery:
    """What the address asks for; UnknownName if the base is not the name of an image."""
    base = call.asked("base").strip()
    named = reference(base) if base else None
    if base and named is None:
        raise UnknownName(f"{base[:120]!r} is not the name of an image", where="base")
    return ImageQuery(
        scope=query_parameters.seen(call),
        status=query_parameters.chosen(ImageStatus, call, "status"),
        base=named,
        split=query_parameters.switch(call, "split"),
        own=query_parameters.switch(call, "own"),
    )


def listing(call: Call) -> Answer:
    """The page: what to do in which order, or with `view=all` every image."""
    asked, settings = query(call), call.config.images
    filters = query_parameters.filters(call, "host", "tag", "status", "base", "split", "own")
    rows = list_images(call.database, settings, asked, call.now).images
    values: dict[str, Any] = {"filters": filters, "statuses": _STATUSES, "counts": _counts(rows), "total": len(rows)}
    if call.asked("view") == "all":
        skip = query_parameters.whole(call.asked("after")) or 0
        part = rows[skip : skip + query_parameters.ROWS]
        following = str(skip + len(part)) if skip + len(part) < len(rows) else ""
        return shown(call, "images.html", view="all", rows=part, plan=None, next=following, **values)
    plan = plan_images(call.database, settings, asked, call.now) if rows else None
    return shown(
        call,
        "images.html",
        view="plan",
        named=bool(settings.own),
        rows=(),
        plan=plan,
        next="",
        bases=_BASES,
        names=_NAMES,
        **values,
    )


def _counts(rows: tuple[ImageRow, ...]) -> dict[str, int]:
    counted = Counter(row.status for row in rows)
    return {status.value: counted[status] for status in ImageStatus}


def one(call: Call) -> Answer:
    """The page of the images of one name."""
    found = show_image(call.database, call.config.images, call.path["name"], call.now, scoped(call, Scope()))
    return shown(call, "image.html", name=call.path["name"], images=found.images)
