"""`/subscriptions`: who gets which news, where and when? `/subscriptions/NAME`: what will the next digest say."""

from __future__ import annotations

from urllib.parse import quote

from feeds.core.errors import NavtexError, UsageProblem
from notifier.domain.schedule import BREAKS, REMINDERS
from notifier.services.sending.notifications import Settings
from notifier.services.subscriptions.previews import preview_subscription
from notifier.services.subscriptions.subscriptions import (
    edit_subscription,
    list_subscriptions,
    pause_subscription,
    show_subscription,
)
from notifier.web.audit_entries import noted
from notifier.web.handler_values import Answer, Call, redirect
from notifier.web.page_answers import shown
from notifier.web.pages import query_parameters
from notifier.web.pages import subscription_forms as forms

_EVERY = ("immediate", "hourly", "daily", "weekly")


def listing(call: Call) -> Answer:
    """The page of all subscriptions."""
    found = list_subscriptions(
        call.database, query_parameters.ROWS, within=call.viewer.scope, after=call.asked("after")
    )
    rows = found.value.subscriptions
    return shown(call, "subscriptions.html", rows=rows, next=rows[-1].name if found.more else "")


def one(call: Call, problem: str = "", status: int = 200) -> Answer:
    """The page of one: its filters, when it is due, and the digest that it would be sent."""
    found = show_subscription(call.database, call.path["name"], call.now, call.viewer.scope)
    preview, why_not = None, ""
    try:
        preview = preview_subscription(
            call.database, found.value.name, call.now, Settings.of(call.config), call.viewer.scope
        )
    except NavtexError as error:
        why_not = error.what
    return shown(
        call,
        "subscription.html",
        status,
        about=found.value,
        subscription=found.subscription,
        due=found.due,
        preview=preview,
        why_not=why_not,
        problem=problem,
    )


def form(call: Call, problem: str = "", status: int = 200) -> Answer:
    """The form that changes one, as it is or as it was filled in."""
    found = show_subscription(call.database, call.path["name"], call.now, call.viewer.scope)
    return shown(
        call,
        "subscription_edit.html",
        status,
        about=found.value,
        values=forms.of_form(call) if problem else forms.of_subscription(found.subscription),
        problem=problem,
        levels=query_parameters.LEVELS,
        kinds=query_parameters.KINDS,
        products=query_parameters.PRODUCT_NAMES,
        every=_EVERY,
        breaks=tuple((one, one) for one in BREAKS),
        reminders=tuple((one, one) for one in REMINDERS),
    )


def edit(call: Call) -> Answer:
    """Store what the form says."""
    name = call.path["name"]
    try:
        before = show_subscription(call.database, name, call.now, call.viewer.scope).value
        after = edit_subscription(call.database, name, forms.edit_of(call), call.now, call.viewer.scope).value
    except UsageProblem as error:
        return form(call, error.what, 400)
    noted(call, "subscription.edit", name, before, after)
    return redirect(f"/subscriptions/{quote(name, safe='')}?done=edited")


def pause(call: Call) -> Answer:
    """Send nothing until it is resumed."""
    return _paused(call, paused=True)


def resume(call: Call) -> Answer:
    """Send again."""
    return _paused(call, paused=False)


def _paused(call: Call, *, paused: bool) -> Answer:
    name = call.path["name"]
    pause_subscription(call.database, name, paused=paused, within=call.viewer.scope)
    noted(call, "subscription.pause" if paused else "subscription.resume", name)
    return redirect(f"/subscriptions/{quote(name, safe='')}?done={'paused' if paused else 'resumed'}")
