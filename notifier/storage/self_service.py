"""What people do for themselves: confirmations that wait, who unsubscribed, and the feeds of subscriptions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.storage import insert, upsert
from notifier.domain.messages import Message
from notifier.security.encryption import seal, unsealed
from notifier.storage import outbox, tables
from notifier.storage.self_service_tables import confirmation, feed
from notifier.storage.self_service_tables import unsubscribed as gone

_KEPT = timedelta(days=30)
_LOCK = 0x4E617673
"""PostgreSQL's advisory lock on counting requests: no other transaction counts at the same time."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A confirmation that waits: what it confirms (JSON), and until when. `used` if it was confirmed already."""

    request: str
    expires_at: datetime
    used: bool


def requests_since(connection: Connection, mailbox: str, client: str, since: datetime) -> tuple[int, int]:
    """How many confirmations a mailbox, and an address of the network, asked for since a moment.

    Until the transaction ends nobody else can count, so that requests at the same time cannot pass a limit.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    recent = sa.select(sa.func.count()).where(confirmation.c.created_at > since, confirmation.c.client != "")
    mine = connection.execute(recent.where(confirmation.c.mailbox == seal(mailbox))).scalar() or 0
    theirs = connection.execute(recent.where(confirmation.c.client == client)).scalar() or 0
    return mine, theirs


def add_confirmation(
    connection: Connection, hashed: str, at: datetime, expires_at: datetime, *, mailbox: str, client: str, request: str
) -> None:
    """Store a confirmation by the hash of its token. Its mailbox and what it confirms are encrypted.

    Those that expired a month ago are forgotten.
    """
    connection.execute(sa.delete(confirmation).where(confirmation.c.expires_at < at - _KEPT))
    insert(
        connection,
        confirmation,
        hash=hashed,
        mailbox=seal(mailbox),
        client=client,
        request=seal(request),
        created_at=at,
        expires_at=expires_at,
    )


def waiting(connection: Connection, hashed: str) -> Waiting | None:
    """The confirmation of a token's hash; None if there is none. Changes nothing."""
    row = connection.execute(sa.select(confirmation).where(confirmation.c.hash == hashed)).one_or_none()
    return None if row is None else Waiting(unsealed(row.request), row.expires_at, row.used_at is not None)


def use(connection: Connection, hashed: str, now: datetime) -> bool:
    """Mark a confirmation as used. False if it was used before, or has expired."""
    free = (confirmation.c.hash == hashed, confirmation.c.used_at.is_(None), confirmation.c.expires_at > now)
    return connection.execute(sa.update(confirmation).where(*free).values(used_at=now)).rowcount == 1


def unsubscribed(connection: Connection, subscription: int | None = None) -> dict[int, frozenset[str]]:
    """The recipients who unsubscribed, in lower case, by the number of the subscription."""
    rows = sa.select(gone.c.subscription, gone.c.recipient)
    if subscription is not None:
        rows = rows.where(gone.c.subscription == subscription)
    found: dict[int, set[str]] = defaultdict(set)
    for row in connection.execute(rows):
        found[row.subscription].add(row.recipient)
    return {number: frozenset(names) for number, names in found.items()}


def unsubscribe(connection: Connection, subscription: int, recipient: str, at: datetime) -> bool:
    """Store that a recipient unsubscribed, and give up what waits for it. False if it had unsubscribed before."""
    # locks the row, so that two requests at once come after each other
    locked = sa.update(tables.subscription).where(tables.subscription.c.id == subscription)
    connection.execute(locked.values(id=subscription))
    if recipient.lower() in unsubscribed(connection, subscription).get(subscription, ()):
        return False
    connection.execute(sa.insert(gone).values(subscription=subscription, recipient=recipient.lower(), at=at))
    outbox.cancel(connection, subscription, recipient.lower())
    return True


def resubscribe(connection: Connection, subscription: int, recipient: str | None = None) -> list[str]:
    """Let a recipient who unsubscribed get mails again, or (None) all of them; who that was comes back."""
    before = unsubscribed(connection, subscription).get(subscription, frozenset())
    again = sorted(before if recipient is None else before & {recipient.lower()})
    for one in again:
        connection.execute(sa.delete(gone).where(gone.c.subscription == subscription, gone.c.recipient == one))
    return again


def set_feed(connection: Connection, subscription: int, hashed: str, at: datetime) -> None:
    """Give a subscription a feed by the hash of its token; the token before it ends."""
    upsert(connection, feed, {"subscription": subscription, "hash": hashed, "created_at": at}, ["subscription"])


def end_feed(connection: Connection, subscription: int) -> bool:
    """End the feed of a subscription; false if it has none."""
    return connection.execute(sa.delete(feed).where(feed.c.subscription == subscription)).rowcount > 0


def has_feed(connection: Connection, subscription: int) -> bool:
    """Whether a subscription has a feed."""
    return connection.execute(sa.select(feed.c.hash).where(feed.c.subscription == subscription)).scalar() is not None


def feed_of(connection: Connection, hashed: str) -> int | None:
    """The number of the subscription whose feed has a token of this hash."""
    found: int | None = connection.execute(sa.select(feed.c.subscription).where(feed.c.hash == hashed)).scalar()
    return found


def digests_of(connection: Connection, subscription: int, limit: int) -> list[tuple[int, str]]:
    """The newest digests of a subscription, newest first: the number and the key of each that is still kept."""
    table = tables.digest
    kept = sa.select(table.c.id, table.c.key).where(table.c.subscription == subscription, table.c.message != "")
    return [(row.id, row.key) for row in connection.execute(kept.order_by(table.c.id.desc()).limit(limit))]


def messages_of(connection: Connection, numbers: list[int], at: datetime) -> list[Message]:
    """The messages of some digests, newest first. One that cannot be read is left out."""
    table = tables.digest
    rows = connection.execute(sa.select(table.c.message).where(table.c.id.in_(numbers)).order_by(table.c.id.desc()))
    read = [outbox.read_message(row.message, at) for row in rows]
    return [message for message, problem in read if not problem]
