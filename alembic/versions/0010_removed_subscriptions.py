"""A subscription that is removed keeps its history, and one whose digest could not be made says why.

Revision: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("subscription", sa.Column("removed_at", sa.DateTime(timezone=True), comment="empty: it is in force"))
    op.add_column("subscription", sa.Column("removed_name", sa.Text(), comment="what a removed one was called"))
    op.add_column(
        "subscription", sa.Column("problem", sa.Text(), comment="why its digest could not be made the last time")
    )


def downgrade() -> None:
    """Forget the subscriptions that were removed, as earlier versions did, and the columns."""
    op.execute("DELETE FROM subscription WHERE removed_at IS NOT NULL")
    for column in ("problem", "removed_name", "removed_at"):
        op.drop_column("subscription", column)
