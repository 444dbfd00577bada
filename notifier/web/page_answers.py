"""Pages with what stands around them: the menu, who is signed in, and what the last action did."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from notifier.rendering.page_frames import PageAddress
from notifier.web.handler_values import Answer, Call, page
from notifier.web.page_frame import frame_of

DONE: Final = {
    "silenced": "Silenced. Digests leave the advisory out for these hosts until the silence ends or it gets worse.",
    "expired": "The silence has ended. What is news about the advisory is reported again.",
    "assigned": "Assigned. Digests show the owner and the due date.",
    "unassigned": "The assignment was removed.",
    "paused": "Paused. What happens meanwhile is sent when the subscription is resumed.",
    "resumed": "Resumed. The next run sends what is due.",
    "edited": "Saved. What was sent before is not sent again.",
    "job-retried": "The job waits for a worker.",
    "job-cancelled": "Cancelled. What the job was to do is found again by the next one.",
    "retried": "Queued again. The next run tries to deliver it.",
}
"""What an action did, by the word in the address of the page that it ends on: an address can say nothing else."""


def shown(call: Call, template: str, /, status: int = 200, **values: Any) -> Answer:
    """The page of a template. `here` is its address, from which it makes links; `on` has the filters by their names."""
    here = PageAddress.of(call.url, call.query)
    on: defaultdict[str, str] = defaultdict(str, ((one.name, one.value) for one in values.get("filters", ())))
    frame = frame_of(call, DONE.get(call.asked("done"), ""))
    return page(call.templates.render(template, frame=frame, here=here, on=on, now=call.now, **values), status)
