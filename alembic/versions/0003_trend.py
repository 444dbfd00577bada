"""The numbers of each day: how many hosts were affected, by the worst that affected them.

Revision: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "trend",
        sa.Column("day", sa.Date(), nullable=False, comment="in UTC"),
        sa.Column("level", sa.Text(), nullable=False, comment="a severity, or unscored"),
        sa.Column(
            "affected", sa.Integer(), nullable=False, comment="hosts that this was the worst for, at the day's end"
        ),
        sa.Column("hosts", sa.Integer(), nullable=False, comment="all hosts of the inventory"),
        sa.PrimaryKeyConstraint("day", "level", name=op.f("pk_trend")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("trend")
