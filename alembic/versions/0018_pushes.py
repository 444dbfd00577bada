"""Pushes: the import that they share, answers by Idempotency-Key for a day, and how many were stored and refused.

Revision: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "push_import",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("import", sa.Integer, nullable=False),
        sa.Column("changed", sa.Boolean, nullable=False, comment="whether a host changed by it"),
        sa.ForeignKeyConstraint(["import"], ["inventory_import.id"], name=op.f("fk_push_import_import")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_import")),
    )
    op.create_table(
        "push_answer",
        sa.Column("key", sa.Text, nullable=False, comment="hash of the sender and its Idempotency-Key"),
        sa.Column("body", sa.Text, nullable=False, comment="hash of what was pushed"),
        sa.Column("answer", sa.Text, nullable=False, comment="JSON of PushSummary"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_push_answer")),
    )
    op.create_index(op.f("ix_push_answer_at"), "push_answer", ["at"], unique=False)
    op.create_table(
        "push_tally",
        sa.Column("result", sa.Text, nullable=False, comment="stored, or why it was refused"),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("result", name=op.f("pk_push_tally")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("push_tally")
    op.drop_index(op.f("ix_push_answer_at"), table_name="push_answer")
    op.drop_table("push_answer")
    op.drop_table("push_import")
