"""Pages with what stands around them: the menu, who is signed in, and what the last action did."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from notifier.rendering.frames import Frame, PageAddress, menu
from notifier.web.calls import Answer, Call, Role, Way, page

DONE: Final = {
    "silenced": "Silenced. Digests leave the advisory out for these hosts until the silence ends or it gets worse.",
    "expired": "The silence has ended. What is news about the advisory is reported again.",
    "assigned": "Assigned. Digests show the owner and the due date.",
    "unassigned": "The assignment was removed.",
    "paused": "Paused. What happens meanwhile is sent when the subscription is resumed.",
    "resumed": "Resumed. The next run sends what is due.",
    "edited": "Saved. What was sent before is not sent again.",
    "retried": "Queued again. The next run tries to deliver it.",
}
"""What an action did, by the word in the address of the page that it ends on: an address can say nothing else."""


def frame(call: Call) -> Frame:
    """What stands around the content for this viewer; nothing but the name of the program for strangers."""
    viewer = call.viewer
    signed_in = viewer.role is not None
    administrator = viewer.does(Role.ADMIN)
    return Frame(
        viewer=viewer.name,
        role=viewer.role.value if viewer.role else "",
        menu=menu(call.url, own=viewer.account is not None, administrator=administrator) if signed_in else (),
        operator=viewer.does(Role.OPERATOR),
        administrator=administrator,
        can_sign_out=viewer.way is Way.SESSION,
        done=DONE.get(call.asked("done"), "") if signed_in else "",
    )


def shown(call: Call, template: str, /, status: int = 200, **values: Any) -> Answer:
    """The page of a template. `here` is its address, from which it makes links; `on` has the filters by their names."""
    here = PageAddress.of(call.url, call.query)
    on: defaultdict[str, str] = defaultdict(str, ((one.name, one.value) for one in values.get("filters", ())))
    return page(call.templates.render(template, frame=frame(call), here=here, on=on, now=call.now, **values), status)
