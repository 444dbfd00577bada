"""The feed of a subscription: its digests as Atom, at an address that is a secret."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from feeds.core.errors import UnknownName
from feeds.storage.database import Database
from notifier.channels.atom import ENTRIES, document
from notifier.domain.access import Actor
from notifier.domain.self_service import SOMEBODY
from notifier.security.links import hashed, random_token
from notifier.services.installation.audit_log import note_in
from notifier.storage import self_service, subscriptions


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """A feed, and the tag that tells its versions apart; no `document` where the reader has this version."""

    etag: str
    document: str | None


def new_feed(database: Database, number: int, now: datetime, actor: Actor = SOMEBODY) -> str:
    """Give a subscription a feed. Returns its token, which is shown only now; the former one no longer works.

    UnknownName if there is no such subscription.
    """
    token = random_token()
    with database.begin() as connection:
        found = subscriptions.numbered(connection, number)
        if found is None:
            raise UnknownName("there is no such subscription")
        self_service.set_feed(connection, number, hashed(token), now)
        note_in(connection, actor, now, "feed.add", found.name)
    return token


def end_feed(database: Database, number: int, now: datetime, actor: Actor = SOMEBODY) -> None:
    """End the feed of a subscription: its address no longer works."""
    with database.begin() as connection:
        found = subscriptions.numbered(connection, number)
        if found is not None and self_service.end_feed(connection, number):
            note_in(connection, actor, now, "feed.remove", found.name)


def read_feed(database: Database, token: str, known: str, now: datetime) -> FeedAnswer:
    """The feed of a token; `known` are the tags that the reader has. UnknownName if there is none."""
    with database.connect() as connection:
        number = self_service.feed_of(connection, hashed(token))
        subscription = subscriptions.numbered(connection, number) if number is not None else None
        if subscription is None:
            raise UnknownName("there is no such feed", remedy="Make a new one on the page of the subscription")
        digests = self_service.digests_of(connection, subscription.id, ENTRIES)
        said = f"{subscription.id} {subscription.name} {digests}"
        etag = f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'
        if known.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
            return FeedAnswer(etag, None)
        messages = self_service.messages_of(connection, [number for number, _ in digests], now)
    title = f"Navtex: {subscription.name}"
    return FeedAnswer(etag, document(str(subscription.id), title, messages, subscription.created_at))
