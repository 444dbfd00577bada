"""What the pages of this folder share: the rules of the configuration, the frame, and the messages sent afterwards."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

from feeds.storage.database import Database
from notifier.config import Config
from notifier.domain.filters import Scope
from notifier.domain.self_service import SelfServiceRules
from notifier.rendering.page_frames import Frame
from notifier.services.sending.delivery import Deliveries, deliver, message_sender
from notifier.web.handler_values import Answer, Call, Way, page
from notifier.web.page_frame import frame_of

_SENDING = threading.Lock()
_AGAIN = threading.Event()


def rules(call: Call) -> SelfServiceRules:
    """What the configuration says of people who subscribe themselves."""
    config = call.config
    settings = config.web.subscribe
    templates: Path | None = config.template_folder
    return SelfServiceRules(
        settings.domains, settings.server, Scope(tags=settings.tags), config.web.url, config.operator.to, templates
    )


def signed_in(call: Call) -> bool:
    """Whether a person is there, and not a token or somebody unknown."""
    return call.viewer.role is not None and call.viewer.way in (Way.SESSION, Way.PROXY)


def rendered(call: Call, name: str, status: int = 200, *, done: str = "", alone: bool = False, **values: Any) -> Answer:
    """A page, in the frame of whoever is signed in, or `alone`."""
    frame = Frame(done=done) if alone else frame_of(call, done)
    return page(call.templates.render(name, frame=frame, **values), status)


def send_soon(answer: Answer, call: Call) -> Answer:
    """The answer, after which the messages that were queued for one person are sent."""
    after = partial(send_queued, call.database, call.config)
    return Answer(answer.status, answer.body, answer.media_type, answer.headers, after)


def send_queued(database: Database, config: Config) -> None:
    """Send the messages that are queued for one person. One thread does; who comes meanwhile leaves it their own."""
    _AGAIN.set()
    while _AGAIN.is_set() and _SENDING.acquire(blocking=False):
        try:
            _AGAIN.clear()
            with message_sender(config) as sender:
                deliver(database, sender, Deliveries(), personal=True)
        finally:
            _SENDING.release()
