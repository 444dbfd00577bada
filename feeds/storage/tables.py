"""The tables of `feeds`: sources, their documents, what was read in them, and the advisories."""

from __future__ import annotations

import sqlalchemy as sa

from feeds.storage import image_tables  # noqa: F401 - whoever loads these tables has all of the schema
from feeds.storage.database import UtcDateTime, metadata

source = sa.Table(
    "source",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("last_attempt", UtcDateTime),
    sa.Column("last_success", UtcDateTime),
    sa.Column("failures", sa.Integer, nullable=False, comment="polls in a row without one answer"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("told", sa.Text, nullable=False, server_default="", comment="the state that operators were told last"),
    sa.Column("told_at", UtcDateTime),
)

polled = sa.Table(
    "polled",
    metadata,
    sa.Column("source", sa.Text, sa.ForeignKey(source.c.name, ondelete="CASCADE"), primary_key=True),
    sa.Column("at", UtcDateTime, primary_key=True),
    sa.Column("answered", sa.Integer, nullable=False, comment="documents"),
    sa.Column("failed", sa.Integer, nullable=False, comment="documents"),
    sa.Column("items", sa.Integer, nullable=False, comment="entries that it listed afterwards"),
)

document = sa.Table(
    "document",
    metadata,
    sa.Column("url", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False, index=True),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("last_modified", sa.Text, nullable=False),
    sa.Column("follow", sa.Text, nullable=False, comment="JSON: what it led to"),
    sa.Column("reader", sa.Text, nullable=False, comment="the Navtex that read it; another one reads it anew"),
    sa.Column("checked_at", UtcDateTime, nullable=False),
    sa.Column("read_at", UtcDateTime, nullable=False),
    sa.Column("listed", sa.Integer, comment="entries when it was last read"),
)

item = sa.Table(
    "item",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("document", sa.Text, sa.ForeignKey(document.c.url, ondelete="CASCADE"), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False, comment="JSON of a Record or a fact"),
    sa.Column("read_at", UtcDateTime, nullable=False, comment="when it was first read with these words"),
    sa.Column("gone_at", UtcDateTime, comment="when its source no longer listed it"),
    sa.Column("entries", sa.Integer, comment="of a list kept as one fact"),
    sa.UniqueConstraint("document", "key"),
)

absence = sa.Table(
    "absence",
    metadata,
    sa.Column("item", sa.Integer, sa.ForeignKey(item.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("entry", sa.Text, primary_key=True, comment="of a list kept as one fact; empty: the item itself"),
    sa.Column("missed_at", UtcDateTime, comment="the first good poll that missed it"),
)

advisory = sa.Table(
    "advisory",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("first_seen", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("withdrawn", UtcDateTime),
    sa.Column("merged_into", sa.Integer, sa.ForeignKey("advisory.id"), comment="turned out to be another's double"),
    sa.Column("baseline", sa.Boolean, nullable=False, comment="came with its source's first poll"),
    sa.Column("digest", sa.Text, nullable=False, comment="of what it was merged from"),
)

alias = sa.Table(
    "alias",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("advisory", sa.Integer, sa.ForeignKey(advisory.c.id, ondelete="CASCADE"), nullable=False, index=True),
)

waiting = sa.Table(
    "waiting",
    metadata,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("until", UtcDateTime, nullable=False, comment="the host asked (Retry-After) to be left alone"),
)
