"""The tables of pushes: which import they share, the answers that may be asked for again, and how many there were.

Collections share an import, too.
"""

from __future__ import annotations

import sqlalchemy as sa

from feeds.storage.database import UtcDateTime, metadata

push_import = sa.Table(
    "push_import",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False, comment="1 pushes, 2 collections"),
    sa.Column("import", sa.Integer, sa.ForeignKey("inventory_import.id"), nullable=False),
    sa.Column("changed", sa.Boolean, nullable=False, comment="whether a host changed by it"),
)

push_answer = sa.Table(
    "push_answer",
    metadata,
    sa.Column("key", sa.Text, primary_key=True, comment="hash of the sender and its Idempotency-Key"),
    sa.Column("body", sa.Text, nullable=False, comment="hash of what was pushed"),
    sa.Column("answer", sa.Text, nullable=False, comment="JSON of PushSummary"),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
)

push_tally = sa.Table(
    "push_tally",
    metadata,
    sa.Column("result", sa.Text, primary_key=True, comment="stored, or why it was refused"),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
)
