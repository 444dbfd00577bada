"""The tables of people who subscribe themselves: confirmations, who unsubscribed, and feeds. Tokens are hashed."""

from __future__ import annotations

import sqlalchemy as sa

from feeds.storage.database import UtcDateTime, metadata

confirmation = sa.Table(
    "confirmation",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True, comment="of its token"),
    sa.Column("mailbox", sa.Text, nullable=False, index=True, comment="or webhook, sealed: its requests are counted"),
    sa.Column("client", sa.Text, nullable=False, index=True, comment="the address that asked, or empty"),
    sa.Column("request", sa.Text, nullable=False, comment="JSON of what is confirmed, sealed"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, comment="it is confirmed once"),
)

unsubscribed = sa.Table(
    "unsubscribed",
    metadata,
    sa.Column("subscription", sa.Integer, sa.ForeignKey("subscription.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("recipient", sa.Text, primary_key=True, comment="in lower case"),
    sa.Column("at", UtcDateTime, nullable=False),
)

feed = sa.Table(
    "feed",
    metadata,
    sa.Column("subscription", sa.Integer, sa.ForeignKey("subscription.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True, comment="of its token"),
    sa.Column("created_at", UtcDateTime, nullable=False),
)
