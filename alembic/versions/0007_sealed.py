"""Addresses of channels are sealed: what the database holds of them is of no use without the key.

Revision: 0007
"""

from __future__ import annotations

import json
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from notifier.security.encryption import seal, unsealed

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SUBSCRIPTION = sa.table("subscription", sa.column("id", sa.Integer), sa.column("targets", sa.Text))
_OUTBOX = sa.table("outbox", sa.column("target", sa.Text))


def upgrade() -> None:
    """Seal every address that holds something."""
    _rewrite(seal)


def downgrade() -> None:
    """Open every address that the key at hand opens."""
    _rewrite(unsealed)


def _rewrite(change: Callable[[str], str]) -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute("PRAGMA secure_delete = ON")  # else the old words stay in the file until something needs the room
    table = _SUBSCRIPTION
    for row in connection.execute(sa.select(table)).all():
        targets = json.dumps([change(t) for t in json.loads(row.targets)], separators=(",", ":"), ensure_ascii=False)
        if targets != row.targets:
            connection.execute(sa.update(table).where(table.c.id == row.id).values(targets=targets))
    for target in connection.execute(sa.select(_OUTBOX.c.target).distinct()).scalars().all():
        if (changed := change(target)) != target:
            connection.execute(sa.update(_OUTBOX).where(_OUTBOX.c.target == target).values(target=changed))
