"""A recipient leaves a subscription by the link in its mails: that recipient alone, with a way back."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import msgspec

from feeds.core.errors import DatabaseError, NavtexError, UnknownName
from feeds.storage.database import Connection, Database
from notifier.domain.access import Actor
from notifier.domain.messages import Message, Target
from notifier.domain.self_service import SOMEBODY, UNDO, Request, SelfServiceRules
from notifier.domain.subscriptions import Subscription
from notifier.rendering import notices
from notifier.security.links import UnsubscribeLink, confirmation_token, hashed, new_seed, read_unsubscribe
from notifier.services.installation.audit_log import note_in
from notifier.services.installation.channel_addresses import targets_of
from notifier.services.sending import operator_alerts
from notifier.storage import outbox, self_service, subscriptions


@dataclass(frozen=True, slots=True)
class UnsubscribeView:
    """A link as its page shows it. `subscription` is "" if it was removed, `recipient` if it was forgotten."""

    subscription: str = ""
    recipient: str = ""
    done: bool = False
    """Whether the recipient gets nothing any more."""


def look(database: Database, token: str) -> UnsubscribeView:
    """Whom a link would unsubscribe from what. Changes nothing. UnknownName if Navtex did not make it."""
    link = _read(token)
    with database.connect() as connection:
        return _view(*_found(connection, link))


def unsubscribe(
    database: Database, token: str, rules: SelfServiceRules, now: datetime, actor: Actor = SOMEBODY
) -> UnsubscribeView:
    """Unsubscribe the recipient of a link, and queue an undo for it and a notice for the operators; once.

    UnknownName if Navtex did not make the link.
    """
    link = _read(token)
    with database.begin() as connection:
        subscription, target = _found(connection, link)
        if subscription is None or target is None:
            return _view(subscription, target)
        if self_service.unsubscribe(connection, subscription.id, target.recipient, now):
            _tell(database, connection, subscription, target, rules=rules, now=now)
            said = {"recipient": target.recipient}
            note_in(connection, actor, now, "subscription.unsubscribe", subscription.name, before=said)
    return UnsubscribeView(subscription.name, target.recipient, done=True)


def _read(token: str) -> UnsubscribeLink:
    link = read_unsubscribe(token)
    if link is None:
        raise UnknownName("there is no such link", remedy="Open the link exactly as it stands in the mail")
    return link


def _found(connection: Connection, link: UnsubscribeLink) -> tuple[Subscription | None, Target | None]:
    """The subscription of a link, and its recipient among those that have or had its mails."""
    subscription = subscriptions.numbered(connection, link.subscription)
    if subscription is None:
        return None, None
    known: list[Target] = []
    for address in subscription.targets:
        with suppress(NavtexError):  # its secrets may be known to those who send, and not here
            known += targets_of(address)
    known += outbox.recipients(connection, subscription.id)
    return subscription, next((t for t in known if t.recipient and link.names(t.recipient)), None)


def _view(subscription: Subscription | None, target: Target | None) -> UnsubscribeView:
    if subscription is None or target is None:
        return UnsubscribeView(subscription.name if subscription else "", done=True)
    done = target.recipient.lower() in subscription.unsubscribed
    return UnsubscribeView(subscription.name, target.recipient, done)


def _tell(
    database: Database,
    connection: Connection,
    subscription: Subscription,
    target: Target,
    *,
    rules: SelfServiceRules,
    now: datetime,
) -> None:
    seed = new_seed()
    request = msgspec.json.encode(Request(to=target.recipient, subscription=subscription.id)).decode()
    token = hashed(confirmation_token(seed))
    mailbox = target.recipient.lower()
    self_service.add_confirmation(connection, token, now, now + UNDO, mailbox=mailbox, client="", request=request)
    undo = _undo(subscription, target, seed, rules, now)
    outbox.put_notice(connection, undo, [target], "undo")
    if rules.operators:
        try:
            with database.savepoint(connection):
                operator_alerts.tell(connection, _notice(subscription, target, seed, now), rules.operators)
        except DatabaseError:
            raise
        except NavtexError:
            pass  # nobody is kept subscribed because an operator's channel cannot be used


def _undo(subscription: Subscription, target: Target, seed: str, rules: SelfServiceRules, now: datetime) -> Message:
    values = {"to": target.recipient, "subscription": subscription.name, "until": now + UNDO, "web": rules.web}
    return notices.with_link("undo", seed, values, now, rules.templates)


def _notice(subscription: Subscription, target: Target, seed: str, now: datetime) -> Message:
    name, who = subscription.name, target.recipient
    again = f"navtex subscription edit {shlex.quote(name)} --to ADDRESS"
    if subscription.origin:
        again = f"remove the address from {subscription.origin}, sync, add it again, and sync"
    paragraphs = [
        f"{who} unsubscribed from “{name}” with the link in a mail.",
        "The other recipients still get digests. If nobody is left, the news waits until somebody comes back.",
        f"{who} was sent a link to undo this. To undo it yourself:\n{again}",
    ]
    subject = f"[Navtex] {who} unsubscribed from {name}"
    return notices.written(notices.key_of("unsubscribed", seed), subject, paragraphs, now)
