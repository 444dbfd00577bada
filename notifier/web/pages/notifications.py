"""`/notifications`: what was told to whom, every try, and why not."""

from __future__ import annotations

from urllib.parse import quote

from feeds.core.errors import UnknownName, UsageProblem
from notifier.domain.retry import DeliveryState
from notifier.services.sending.notifications import Settings
from notifier.services.subscriptions.explanations import explain_notification
from notifier.services.subscriptions.notification_log import (
    NotificationQuery,
    list_notifications,
    retry_notification,
    show_notification,
)
from notifier.services.subscriptions.subscriptions import list_subscriptions
from notifier.web.audit_entries import noted
from notifier.web.handler_values import Answer, Call, redirect
from notifier.web.page_answers import shown
from notifier.web.pages import query_parameters

_STATES = tuple((state.value, state.value) for state in DeliveryState)
_SUBSCRIPTIONS = 200
"""Subscriptions that the form offers by name."""


def listing(call: Call) -> Answer:
    """The page: with a subscription and an advisory, it also says why the one was told of the other, or was not."""
    subscription, advisory, before = call.asked("subscription"), call.asked("advisory").strip(), call.asked("after")
    within = call.viewer.scope
    query = NotificationQuery(
        state=query_parameters.chosen(DeliveryState, call, "state"),
        subscription=subscription or None,
        advisory=advisory or None,
        limit=query_parameters.ROWS,
        before=query_parameters.whole(before),
        within=within,
    )
    explained = (
        explain_notification(call.database, subscription, advisory, call.now, Settings.of(call.config), within=within)
        if subscription and advisory
        else None
    )
    found = list_notifications(call.database, query)
    rows = found.value.notifications
    known = list_subscriptions(call.database, _SUBSCRIPTIONS, within=within).value.subscriptions
    return shown(
        call,
        "notifications.html",
        rows=rows,
        next=str(rows[-1].id) if found.more else "",
        explained=explained,
        subscriptions=[one.name for one in known],
        advisory=advisory,
        states=_STATES,
        filters=query_parameters.filters(call, "subscription", "advisory", "state"),
    )


def one(call: Call, problem: str = "", status: int = 200) -> Answer:
    """The page of one delivery: the message, and everyone that it went to."""
    found = show_notification(call.database, number(call.path["number"]), call.viewer.scope)
    return shown(call, "notification.html", status, about=found, problem=problem)


def retry(call: Call) -> Answer:
    """Try a failed or waiting delivery again."""
    found = show_notification(call.database, number(call.path["number"]), call.viewer.scope)
    try:
        retry_notification(call.database, found.id, call.now)
    except UsageProblem as error:
        return one(call, error.what, 409)
    noted(call, "notification.retry", str(found.id))
    return redirect(f"/notifications/{quote(str(found.id))}?done=retried")


def number(text: str) -> int:
    """The number in an address; UnknownName for anything else."""
    found = query_parameters.whole(text)
    if found is None:
        raise UnknownName(f"{text[:40]!r} is not a number")
    return found
