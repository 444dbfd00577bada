"""Hosts are found by their tags: a subscription for the few hosts of a team reads no others.

Revision: 0024
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index(op.f("ix_host_tagset"), "host", ["tagset"], unique=False)


def downgrade() -> None:
    """Drop it."""
    op.drop_index(op.f("ix_host_tagset"), table_name="host")
