"""The outbox's unique keys begin with the digest and the notice: indexes of those alone were written in vain.

Revision: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COLUMNS = ("digest", "notice")


def upgrade() -> None:
    """Drop them."""
    for column in _COLUMNS:
        op.drop_index(op.f(f"ix_outbox_{column}"), table_name="outbox")


def downgrade() -> None:
    """Make them again."""
    for column in _COLUMNS:
        op.create_index(op.f(f"ix_outbox_{column}"), "outbox", [column], unique=False)
