"""People subscribe themselves: confirmations, who unsubscribed, feeds, and who made a subscription.

Revision: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns."""
    op.create_table(
        "confirmation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False, comment="of its token"),
        sa.Column("mailbox", sa.Text(), nullable=False, comment="or webhook, sealed: its requests are counted"),
        sa.Column("client", sa.Text(), nullable=False, comment="the address that asked, or empty"),
        sa.Column("request", sa.Text(), nullable=False, comment="JSON of what is confirmed, sealed"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), comment="it is confirmed once"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmation")),
        sa.UniqueConstraint("hash", name=op.f("uq_confirmation_hash")),
    )
    op.create_index(op.f("ix_confirmation_mailbox"), "confirmation", ["mailbox"])
    op.create_index(op.f("ix_confirmation_client"), "confirmation", ["client"])
    op.create_table(
        "unsubscribed",
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False, comment="in lower case"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription"],
            ["subscription.id"],
            name=op.f("fk_unsubscribed_subscription_subscription"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subscription", "recipient", name=op.f("pk_unsubscribed")),
    )
    op.create_table(
        "feed",
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False, comment="of its token"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscription.id"], name=op.f("fk_feed_subscription_subscription"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscription", name=op.f("pk_feed")),
        sa.UniqueConstraint("hash", name=op.f("uq_feed_hash")),
    )
    op.add_column(
        "subscription",
        sa.Column(
            "owner", sa.Text(), nullable=False, server_default="", comment="who subscribed themselves with it, or empty"
        ),
    )
    op.add_column(
        "notice",
        sa.Column(
            "purpose", sa.Text(), nullable=False, server_default="", comment="confirm or undo: for one person, at once"
        ),
    )


def downgrade() -> None:
    """Remove them. Messages to one person would be listed as notices to the operator."""
    op.execute(sa.text("DELETE FROM notice WHERE purpose <> ''"))
    op.drop_column("notice", "purpose")
    op.drop_column("subscription", "owner")
    op.drop_table("feed")
    op.drop_table("unsubscribed")
    op.drop_table("confirmation")
