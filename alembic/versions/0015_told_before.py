"""What was told before a digest is kept until it arrives, so that a digest that nobody got is told again.

Revision: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column. Digests that were given up before count as dealt with."""
    op.create_table(
        "told_before",
        sa.Column("digest", sa.Integer(), nullable=False),
        sa.Column("advisory", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="JSON of the row of told, or null"),
        sa.ForeignKeyConstraint(["digest"], ["digest.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["advisory"], ["advisory.id"]),
        sa.PrimaryKeyConstraint("digest", "advisory"),
    )
    op.create_index("ix_told_before_advisory", "told_before", ["advisory"])
    op.add_column("digest", sa.Column("lost_at", sa.DateTime(timezone=True), comment="every target had given it up"))
    op.execute(
        "UPDATE digest SET lost_at = created_at"
        " WHERE id IN (SELECT digest FROM outbox WHERE state = 'failed')"
        " AND id NOT IN (SELECT digest FROM outbox WHERE digest IS NOT NULL AND state <> 'failed')"
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_column("digest", "lost_at")
    op.drop_table("told_before")
