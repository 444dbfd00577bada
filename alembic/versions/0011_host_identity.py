"""Hosts keep the id of their engine, machine or node, so that two of one name stay two hosts.

Revision: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "host_identity",
        sa.Column("host", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="engine, machine or node"),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["host"], ["host.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("host", "kind"),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("host_identity")
