"""The pages of links in messages: to confirm, to unsubscribe, and feeds. A GET changes nothing."""

from __future__ import annotations

from typing import Any

from notifier.services.people import self_service, subscription_feeds, unsubscribing
from notifier.services.people.self_service import Confirmation, ConfirmationView
from notifier.web.callers import actor_of
from notifier.web.handler_values import Answer, Call
from notifier.web.self_service.shared import rendered, rules, send_soon

_GONE = {Confirmation.EXPIRED: 410, Confirmation.USED: 410, Confirmation.GONE: 410}


def confirmation(call: Call) -> Answer:
    """The page with the button that confirms."""
    found = self_service.look(call.database, call.path["token"], call.now)
    return rendered(call, "confirm.html", _GONE.get(found.state, 200), **_of(found))


def confirm(call: Call) -> Answer:
    """Confirm what a link is for, once."""
    found = self_service.confirm(call.database, call.path["token"], call.now, actor_of(call))
    return rendered(call, "confirm.html", _GONE.get(found.state, 200), **_of(found, confirmed=True))


def _of(found: ConfirmationView, *, confirmed: bool = False) -> dict[str, Any]:
    done = confirmed and found.state is Confirmation.WAITING
    return {"alone": True, "view": found, "state": found.state.value, "done_now": done}


def unsubscription(call: Call) -> Answer:
    """The page with the button that unsubscribes."""
    return rendered(call, "unsubscribe.html", alone=True, view=unsubscribing.look(call.database, call.path["token"]))


def unsubscribe(call: Call) -> Answer:
    """Unsubscribe the recipient of a link. The answer is the same every time."""
    found = unsubscribing.unsubscribe(call.database, call.path["token"], rules(call), call.now, actor_of(call))
    return send_soon(rendered(call, "unsubscribe.html", alone=True, view=found), call)


def feed(call: Call) -> Answer:
    """The feed of a subscription; 304 where the reader has it."""
    known = call.headers.get("if-none-match", "")
    found = subscription_feeds.read_feed(call.database, call.path["token"], known, call.now)
    headers = (("etag", found.etag), ("cache-control", "private, max-age=300"), ("referrer-policy", "no-referrer"))
    if found.document is None:
        return Answer(304, headers=headers)
    return Answer(200, found.document.encode(), "application/atom+xml; charset=utf-8", headers)
