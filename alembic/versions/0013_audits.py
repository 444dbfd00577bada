"""Audits of hosts against an edition of the CIS benchmark, with the checks that failed.

Revision: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False, comment="by name, since it may not be in the inventory"),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False, comment="the engine line of the edition, or empty"),
        sa.Column("version", sa.Text(), nullable=False, comment="the version of the edition; empty: not known"),
        sa.Column("doubt", sa.Text(), nullable=False, comment="why the edition is not certain, or empty"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("score", sa.Float(), comment="as the tool counts it"),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("other", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False, comment="the name of Wazuh's policy, or empty"),
        sa.Column("listed", sa.Boolean(), nullable=False, comment="whether its failed checks are known"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("host", "tool", "line", "version", "at"),
    )
    op.create_table(
        "audit_check",
        sa.Column("audit", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["audit"], ["audit.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("audit", "place"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("audit_check")
    op.drop_table("audit")
