"""Hosts of zones that did not answer are kept, so that they can be listed.

Revision: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "unanswered",
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False, comment="as its hosts file names it"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="when it first did not answer"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when it did not answer last"),
        sa.PrimaryKeyConstraint("zone", "target", name=op.f("pk_unanswered")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("unanswered")
