"""When each unattended command ran last, and how it ended.

Revision: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    """A table of one row a command, which is empty until the next run."""
    op.create_table(
        "last_run",
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("began_at", _STAMP, nullable=False),
        sa.Column("ended_at", _STAMP, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False, comment="by a clock that does not jump"),
        sa.Column("status", sa.Integer(), nullable=False, comment="its exit status"),
        sa.Column("succeeded_at", _STAMP, comment="when it last ended with status 0"),
        sa.PrimaryKeyConstraint("command", name=op.f("pk_last_run")),
    )


def downgrade() -> None:
    """Nothing else depends on it."""
    op.drop_table("last_run")
