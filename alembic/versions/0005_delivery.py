"""Deliveries: each attempt is kept, a row is claimed while it is sent, and the operator gets notices.

Revision: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for notices and attempts. `outbox` has no table below it yet, so it can be made anew on SQLite."""
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message", sa.Text(), nullable=False, comment="JSON of a Message to the operator"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_key")),
    )
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("digest", existing_type=sa.Integer(), nullable=True)
        outbox.alter_column(
            "state",
            existing_type=sa.Text(),
            existing_nullable=False,
            comment="pending, sending, sent or failed",
            existing_comment="pending, sent or failed",
        )
        outbox.add_column(sa.Column("notice", sa.Integer(), nullable=True))
        outbox.add_column(
            sa.Column(
                "parts",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="of its messages, those that arrived",
            )
        )
        outbox.add_column(
            sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True, comment="since when it is being sent")
        )
        outbox.add_column(
            sa.Column("claimed_by", sa.Text(), server_default="", nullable=False, comment="the process that sends it")
        )
        outbox.add_column(
            sa.Column(
                "reported", sa.Boolean(), server_default=sa.false(), nullable=False, comment="its failure was told"
            )
        )
        outbox.create_foreign_key(op.f("fk_outbox_notice"), "notice", ["notice"], ["id"], ondelete="CASCADE")
        outbox.create_unique_constraint(op.f("uq_outbox_notice_target_recipient"), ["notice", "target", "recipient"])
        outbox.create_check_constraint(op.f("ck_outbox_one_message"), "(digest IS NULL) <> (notice IS NULL)")
    op.create_index(op.f("ix_outbox_notice"), "outbox", ["notice"], unique=False)
    # what had failed before there was an operator to tell is no news
    op.execute("UPDATE outbox SET reported = true WHERE state = 'failed'")
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outbox", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="sent, retry, failed, interrupted or asked for"),
        sa.Column("answer", sa.Text(), nullable=False, comment="what the channel said, without secrets"),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.id"], name=op.f("fk_attempt_outbox"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_outbox"), "attempt", ["outbox"], unique=False)


def downgrade() -> None:
    """Forget the notices and the attempts; what was being sent is to be sent."""
    op.drop_index(op.f("ix_attempt_outbox"), table_name="attempt")
    op.drop_table("attempt")
    op.execute("DELETE FROM outbox WHERE digest IS NULL")
    op.execute("UPDATE outbox SET state = 'pending' WHERE state = 'sending'")
    op.drop_index(op.f("ix_outbox_notice"), table_name="outbox")
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_constraint(op.f("ck_outbox_one_message"), type_="check")
        outbox.drop_constraint(op.f("uq_outbox_notice_target_recipient"), type_="unique")
        outbox.drop_constraint(op.f("fk_outbox_notice"), type_="foreignkey")
        for name in ("reported", "claimed_by", "claimed_at", "parts", "notice"):
            outbox.drop_column(name)
        outbox.alter_column(
            "state",
            existing_type=sa.Text(),
            existing_nullable=False,
            comment="pending, sent or failed",
            existing_comment="pending, sending, sent or failed",
        )
        outbox.alter_column("digest", existing_type=sa.Integer(), nullable=False)
    op.drop_table("notice")
