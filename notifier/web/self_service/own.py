"""The page where people subscribe themselves, and see, change and end what they subscribed to."""

from __future__ import annotations

from urllib.parse import quote

from feeds.core.errors import NavtexError, UsageProblem
from notifier.domain.self_service import Applicant, Wish
from notifier.services.people import own_subscriptions, self_service, subscription_feeds
from notifier.services.people.own_subscriptions import OwnSubscription
from notifier.services.sending.notifications import Settings
from notifier.services.subscriptions.previews import preview_subscription
from notifier.web.answers import failed
from notifier.web.callers import actor_of
from notifier.web.handler_values import Answer, Call, redirect
from notifier.web.self_service.forms import SubscribeForm
from notifier.web.self_service.shared import rendered, rules, send_soon, signed_in


def form(call: Call) -> Answer:
    """The form, and the viewer's own subscriptions."""
    return _form(call, SubscribeForm())


def ask(call: Call) -> Answer:
    """Ask for a subscription. Whatever the mailbox, the answer is the same; the message is sent after it."""
    if not rules(call).open:
        return _closed(call)
    filled = SubscribeForm.sent(call)
    name = call.viewer.name if signed_in(call) else ""
    applicant = Applicant(name, call.viewer.scope, call.client)
    try:
        wish = Wish(filled.to, filled.filters(), filled.schedule())
        self_service.ask(call.database, wish, applicant, rules(call), call.now)
    except UsageProblem as error:
        return _form(call, filled, error)
    # what cannot be subscribed is no secret to people who are signed in: the form names the domains
    domains = rules(call).domains if name else ()
    return send_soon(rendered(call, "subscribe_sent.html", domains=domains, to=filled.to), call)


def _form(call: Call, filled: SubscribeForm, error: UsageProblem | None = None) -> Answer:
    open_, person = rules(call).open, signed_in(call)
    if not open_ and not person:
        return _closed(call)
    return rendered(
        call,
        "subscribe.html",
        422 if error else 200,
        done=_DONE.get(call.asked("done"), ""),
        open=open_,
        form=filled,
        person=person,
        limit=call.viewer.scope.tags if person else call.config.web.subscribe.tags,
        mailboxes=bool(call.config.web.subscribe.server),
        domains=call.config.web.subscribe.domains if person else (),
        own=own_subscriptions.own_subscriptions(call.database, call.viewer) if person else (),
        trouble=_words(error),
    )


_DONE = {"saved": "Your changes are saved.", "ended": "The subscription has ended. You get no more messages from it."}


def _closed(call: Call) -> Answer:
    return failed(call, 404, "Subscribing yourself is not open here.", remedy="Ask whoever runs Navtex to add you.")


def _words(error: UsageProblem | None) -> str:
    if error is None:
        return ""
    what = f"{error.what[:1].upper()}{error.what[1:]}."
    return f"{what} {error.remedy}." if error.remedy else what


def show(call: Call) -> Answer:
    """One subscription: its filters and hours, and what it would be sent now."""
    return _show(call, _found(call))


def _found(call: Call) -> OwnSubscription:
    return own_subscriptions.own_subscription(call.database, call.viewer, _number(call))


def _number(call: Call) -> int:
    return int(call.path["number"]) if len(call.path["number"]) < 10 else 0


def _show(
    call: Call,
    found: OwnSubscription,
    filled: SubscribeForm | None = None,
    error: UsageProblem | None = None,
    feed_address: str = "",
) -> Answer:
    subscription = found.subscription
    return rendered(
        call,
        "subscribe_own.html",
        422 if error else 200,
        done=_DONE.get(call.asked("done"), ""),
        found=found,
        form=filled or SubscribeForm.of(subscription.filters, subscription.schedule),
        limit=call.viewer.scope.tags,
        preview=_preview(call, found) if found.visible else "",
        again=_again(call, found),
        feed_address=feed_address,
        trouble=_words(error),
    )


def _again(call: Call, found: OwnSubscription) -> str:
    """The mailbox that the viewer subscribed and that unsubscribed, if a new confirmation can be sent there."""
    mine = rules(call).open and signed_in(call) and found.row.subscribed_by == call.viewer.name
    gone = found.row.unsubscribed
    return gone[0] if mine and found.editable and len(gone) == 1 else ""


def _preview(call: Call, found: OwnSubscription) -> str:
    """What would be sent now, as text; "" if there is nothing new."""
    try:
        made = preview_subscription(call.database, found.row.name, call.now, Settings.of(call.config))
    except NavtexError:
        return ""  # the subscription itself says what is wrong with it
    return f"{made.message.subject}\n\n{made.message.text}" if made.message else ""


def save(call: Call) -> Answer:
    """Change the filters and hours of a subscription."""
    found, filled = _found(call), SubscribeForm.sent(call)
    try:
        wanted = filled.filters(found.subscription.filters), filled.schedule(found.subscription.schedule)
        own_subscriptions.edit_own(call.database, call.viewer, found.number, wanted, now=call.now, actor=actor_of(call))
    except UsageProblem as error:
        return _show(call, found, filled, error)
    return redirect(f"/subscribe/{quote(str(found.number))}?done=saved")


def end(call: Call) -> Answer:
    """End a subscription with one click."""
    own_subscriptions.end_own(call.database, call.viewer, _number(call), call.now, actor_of(call))
    return redirect("/subscribe?done=ended")


def feed(call: Call) -> Answer:
    """Make a feed, whose address is shown this once, or end it."""
    found = _found(call)
    if not found.visible:
        raise UsageProblem("this subscription has hosts that you may not see")
    if call.filled("end"):
        subscription_feeds.end_feed(call.database, found.number, call.now, actor_of(call))
        return redirect(f"/subscribe/{found.number}?done=saved")
    token = subscription_feeds.new_feed(call.database, found.number, call.now, actor_of(call))
    return _show(call, _found(call), feed_address=f"{call.base}/f/{token}.atom")
