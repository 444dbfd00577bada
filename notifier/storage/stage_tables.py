"""The tables of stages: marks that they leave for each other, and how often each ran and how long it took."""

from __future__ import annotations

import sqlalchemy as sa

from feeds.storage.database import UtcDateTime, metadata

stage_mark = sa.Table(
    "stage_mark",
    metadata,
    sa.Column("name", sa.Text, primary_key=True, comment="news: the last look for it; world: what it looks at"),
    sa.Column("value", sa.Text, nullable=False, comment="a fingerprint, or empty"),
    sa.Column("at", UtcDateTime, nullable=False),
)

unanswered = sa.Table(
    "unanswered",
    metadata,
    sa.Column("zone", sa.Text, primary_key=True),
    sa.Column("target", sa.Text, primary_key=True, comment="as its hosts file names it"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False, comment="when it first did not answer"),
    sa.Column("at", UtcDateTime, nullable=False, comment="when it did not answer last"),
)

stage_tally = sa.Table(
    "stage_tally",
    metadata,
    sa.Column("stage", sa.Text, primary_key=True, comment="a stage of workers; rescued or superseded jobs"),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False, comment="of all, by a clock that does not jump"),
    sa.Column("last_seconds", sa.Float, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
)
