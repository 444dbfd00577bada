"""Who a request comes from."""

from __future__ import annotations

from notifier.web.calls import ANYBODY, Call, Viewer


def viewer_of(call: Call) -> Viewer:
    """The viewer of a call, by its cookie or token; somebody unknown if it has neither."""
    return ANYBODY
