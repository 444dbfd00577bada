"""Since when nobody runs a component is kept, so that it can be forgotten in the end.

Revision: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for it; the next run notes it."""
    column = sa.Column("left_at", sa.DateTime(timezone=True), nullable=True, comment="since when no host runs it")
    op.add_column("component", column)


def downgrade() -> None:
    """Forget it."""
    op.drop_column("component", "left_at")
