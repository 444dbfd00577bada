"""The queue of workers, on PostgreSQL and where its package is installed: Procrastinate's tables in the schema `jobs`.

Where it is installed later, the first worker creates them.

Revision: 0022
"""

from __future__ import annotations

from alembic import op

from notifier.storage import jobs_schema

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    if op.get_bind().dialect.name == "postgresql":
        jobs_schema.create(op.get_bind())


def downgrade() -> None:
    """Remove them."""
    if op.get_bind().dialect.name == "postgresql":
        jobs_schema.drop(op.get_bind())
