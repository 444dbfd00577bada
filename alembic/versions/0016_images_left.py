"""Images and their uses have the time since when nothing refers to them, so that they can be forgotten.

Revision: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("image", sa.Column("left_at", sa.DateTime(timezone=True), comment="nothing refers to it since"))
    op.add_column("image_use", sa.Column("left_at", sa.DateTime(timezone=True), comment="no host runs it since"))


def downgrade() -> None:
    """Remove them."""
    op.drop_column("image_use", "left_at")
    op.drop_column("image", "left_at")
