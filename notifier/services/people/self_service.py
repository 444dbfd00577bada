"""People subscribe themselves: ask, then confirm with the link that a message to the mailbox or webhook carries.

Nothing is sent in here: messages are queued, and `deliver(personal=True)` sends them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

import msgspec

from feeds.core.errors import UnknownName, UsageProblem
from feeds.storage.database import Connection, Database
from notifier.domain.access import Actor, network_of
from notifier.domain.messages import Message
from notifier.domain.schedule import Schedule, checked
from notifier.domain.self_service import (
    CONFIRMATION,
    DAY,
    PER_CLIENT,
    PER_MAILBOX,
    SOMEBODY,
    Applicant,
    Request,
    SelfServiceRules,
    Wish,
    counted_as,
    narrowed,
)
from notifier.domain.subscriptions import Subscription
from notifier.rendering.notices import with_link
from notifier.schemas.subscription import ALL, filter_words
from notifier.security.links import confirmation_token, hashed, new_seed
from notifier.services.installation.audit_log import note_in
from notifier.services.installation.channel_addresses import targets_of
from notifier.services.people.destinations import Destination, destination
from notifier.storage import outbox, self_service, subscriptions


class Confirmation(Enum):
    """What can be done with a link: it waits to be confirmed, or it cannot be any more."""

    WAITING = "waiting"
    USED = "used"
    EXPIRED = "expired"
    GONE = "gone"
    """The subscription that somebody wanted to come back to was removed."""


@dataclass(frozen=True, slots=True)
class ConfirmationView:
    """A link as its page shows it: what it is about, and what can be done with it."""

    state: Confirmation
    request: Request
    subscription: str
    """The name of the subscription; "" if there is none yet."""
    wants: str
    when: str


def ask(database: Database, wish: Wish, applicant: Applicant, rules: SelfServiceRules, now: datetime) -> None:
    """Queue a message that asks to confirm a subscription, where the rules and limits permit it.

    Whether they do is not told: the answer is the same for every mailbox. UsageProblem if the wish itself is wrong.
    """
    found = destination(wish.to, rules, signed_in=bool(applicant.name))
    limit = applicant.scope if applicant.name else rules.scope
    scope = narrowed(wish.filters.scope, limit)
    if scope is None:
        raise UsageProblem("these hosts are outside of what you may see", remedy="Choose other tags")
    request = Request(
        to=found.shown,
        target=found.address,
        owner=applicant.name or found.shown.lower(),
        filters=msgspec.structs.replace(wish.filters, scope=scope),
        schedule=checked(wish.schedule),
    )
    seed = new_seed()
    made = _message(request, seed, rules, now)
    counted, network = counted_as(found.recipient or found.address), network_of(applicant.client) or "unknown"
    with database.begin() as connection:
        mailbox, client = self_service.requests_since(connection, counted, network, now - DAY)
        if not found.permitted or mailbox >= PER_MAILBOX or client >= PER_CLIENT:
            return
        text = msgspec.json.encode(request).decode()
        hashed_token = hashed(confirmation_token(seed))
        self_service.add_confirmation(
            connection, hashed_token, now, now + CONFIRMATION, mailbox=counted, client=network, request=text
        )
        outbox.put_notice(connection, made, found.targets(), "confirm")


def _message(request: Request, seed: str, rules: SelfServiceRules, now: datetime) -> Message:
    values = {
        "to": request.to,
        "owner": request.owner,
        "wants": wants(request),
        "when": when(request.schedule),
        "until": now + CONFIRMATION,
        "web": rules.web,
    }
    return with_link("confirm", seed, values, now, rules.templates)


def wants(request: Request) -> str:
    """What a request asks for, in words."""
    return str(filter_words(request.filters)) or ALL


def when(schedule: Schedule) -> str:
    """When a schedule sends, in words."""
    words = "as soon as there is news" if schedule.every == "immediate" else f"{schedule.every} ({schedule.zone})"
    return f"{words}, not between {schedule.quiet.replace('-', ' and ')} ({schedule.zone})" if schedule.quiet else words


def look(database: Database, token: str, now: datetime) -> ConfirmationView:
    """What a link would confirm. Changes nothing. UnknownName if there is no such link."""
    with database.connect() as connection:
        return _view(connection, token, now)


def confirm(database: Database, token: str, now: datetime, actor: Actor = SOMEBODY) -> ConfirmationView:
    """Do what a link confirms, once. Returns what was done, its state WAITING; otherwise nothing was done.

    UnknownName if there is no such link.
    """
    with database.begin() as connection:
        found = _view(connection, token, now)
        if found.state is not Confirmation.WAITING or not self_service.use(connection, hashed(token), now):
            return found
        if found.request.subscription:
            self_service.resubscribe(connection, found.request.subscription, found.request.to)
            note_in(connection, actor, now, "subscription.resubscribe", found.subscription, after=_said(found))
            return found
        found = replace(found, subscription=_subscribed(connection, found.request, now))
        note_in(connection, actor, now, "subscription.confirm", found.subscription, after=_said(found))
        return found


def _said(found: ConfirmationView) -> dict[str, str]:
    """What is confirmed, for the audit log."""
    return {"to": found.request.to, "owner": found.request.owner, "filters": found.wants, "hours": found.when}


def _view(connection: Connection, token: str, now: datetime) -> ConfirmationView:
    found = self_service.waiting(connection, hashed(token))
    try:
        request = msgspec.json.decode(found.request, type=Request) if found else None
    except msgspec.MsgspecError:
        request = None  # encrypted with a key that is no longer there
    if found is None or request is None:
        raise UnknownName("there is no such link", remedy="Open the link exactly as it stands in the message")
    state, name = Confirmation.WAITING, ""
    if request.subscription:
        subscription = subscriptions.numbered(connection, request.subscription)
        name = subscription.name if subscription else ""
        state = state if subscription else Confirmation.GONE
    if found.used or found.expires_at <= now:
        state = Confirmation.USED if found.used else Confirmation.EXPIRED
    return ConfirmationView(state, request, name, wants(request), when(request.schedule))


def _subscribed(connection: Connection, request: Request, now: datetime) -> str:
    """Store the subscription of a confirmed request; one that its owner has for the same mailbox is changed."""
    every = subscriptions.every(connection)
    mine = [s for s in every if s.owner == request.owner and s.targets and _same(s.targets, request.target)]
    if mine:
        changed = replace(mine[0], filters=request.filters, schedule=request.schedule, targets=(request.target,))
        subscriptions.change(connection, replace(changed, paused=False))
        self_service.resubscribe(connection, changed.id)
        return changed.name
    taken = {s.name for s in every}
    base = request.to if request.owner == request.to.lower() else f"{request.to} ({request.owner})"
    name = next(n for n in (base, *(f"{base} {number}" for number in range(2, 1000))) if n not in taken)
    subscriptions.add(
        connection,
        Subscription(name, (request.target,), request.filters, now, schedule=request.schedule, owner=request.owner),
    )
    return name


def _same(targets: tuple[str, ...], address: str) -> bool:
    """Whether a subscription goes where an address does: to the same mailbox, by whatever server."""
    try:
        own, other = ([_where(t) for a in some for t in targets_of(a)] for some in (targets, (address,)))
    except Exception:  # noqa: BLE001 - an address that cannot be read now is compared as it is
        return targets == (address,)
    return own == other


def _where(target: tuple[str, str]) -> str:
    return target[1].lower() or target[0]


__all__ = ["Confirmation", "ConfirmationView", "Destination", "ask", "confirm", "look", "wants", "when"]
