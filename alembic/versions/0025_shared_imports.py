"""Collections share their imports as pushes do.

Revision: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_OLD, _NEW = "always 1", "1 pushes, 2 collections"


def _comment(before: str, after: str) -> None:
    if op.get_context().dialect.name == "postgresql":
        op.alter_column("push_import", "id", existing_type=sa.Integer, existing_comment=before, comment=after)


def upgrade() -> None:
    """Say whose import each row is."""
    _comment(_OLD, _NEW)


def downgrade() -> None:
    """Forget which import collections share."""
    op.execute("DELETE FROM push_import WHERE id = 2")
    _comment(_NEW, _OLD)
