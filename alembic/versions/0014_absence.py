"""What a source stops listing is kept until two good polls have missed it; lists kept as one fact are counted inside.

Revision: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the columns."""
    op.create_table(
        "absence",
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False, comment="of a list kept as one fact; empty: the item itself"),
        sa.Column("missed_at", sa.DateTime(timezone=True), comment="the first good poll that missed it"),
        sa.ForeignKeyConstraint(["item"], ["item.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item", "entry"),
    )
    op.add_column("item", sa.Column("entries", sa.Integer(), comment="of a list kept as one fact"))
    op.add_column("document", sa.Column("listed", sa.Integer(), comment="entries when it was last read"))


def downgrade() -> None:
    """Remove them."""
    op.drop_column("document", "listed")
    op.drop_column("item", "entries")
    op.drop_table("absence")
