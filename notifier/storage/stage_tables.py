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

stage_tally = sa.Table(
    "stage_tally",
    metadata,
    sa.Column("stage", sa.Text, primary_key=True, comment="a stage of workers; rescued or superseded jobs"),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False, comment="of all, by a clock that does not jump"),
    sa.Column("last_seconds", sa.Float, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
)
