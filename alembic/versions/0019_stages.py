"""Stages of a run leave marks, are counted, and note of each subscription when its news was looked at.

Revision: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and the column."""
    op.create_table(
        "stage_mark",
        sa.Column("name", sa.Text, nullable=False, comment="news: the last look for it; world: what it looks at"),
        sa.Column("value", sa.Text, nullable=False, comment="a fingerprint, or empty"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stage_mark")),
    )
    op.create_table(
        "stage_tally",
        sa.Column("stage", sa.Text, nullable=False, comment="a stage of workers; rescued or superseded jobs"),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False, comment="of all, by a clock that does not jump"),
        sa.Column("last_seconds", sa.Float, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stage", name=op.f("pk_stage_tally")),
    )
    looked = sa.Column(
        "looked_at", sa.DateTime(timezone=True), comment="when it was last looked for news; empty: do it"
    )
    op.add_column("subscription", looked)


def downgrade() -> None:
    """Remove them."""
    op.drop_column("subscription", "looked_at")
    op.drop_table("stage_tally")
    op.drop_table("stage_mark")
