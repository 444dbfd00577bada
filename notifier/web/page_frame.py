"""What stands around a page, for the viewer of a call."""

from __future__ import annotations

from notifier.rendering.page_frames import Frame, menu
from notifier.services.upkeep.job_overview import has_queue
from notifier.web.handler_values import Call, Role, Way


def frame_of(call: Call, done: str = "") -> Frame:
    """The menu and the viewer's name; without a viewer the page stands alone."""
    viewer = call.viewer
    if viewer.role is None:
        return Frame(done=done)
    administrator, web = viewer.does(Role.ADMIN), call.config.web
    subscribing = bool(web.subscribe.domains and web.url)
    jobs = viewer.does(Role.OPERATOR) and not viewer.limited and has_queue(call.database)
    own = viewer.account is not None
    return Frame(
        viewer=viewer.name,
        role=viewer.role.value,
        menu=menu(call.url, own=own, administrator=administrator, subscribing=subscribing, jobs=jobs),
        operator=viewer.does(Role.OPERATOR),
        administrator=administrator,
        subscribing=subscribing,
        can_sign_out=viewer.way is Way.SESSION,
        password=viewer.way is Way.SESSION and "local" in web.auth.methods,
        done=done,
    )
