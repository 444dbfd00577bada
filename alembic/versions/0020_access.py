"""Accounts, sessions, API tokens, failed sign-ins, and an audit log to which rows are only added.

Revision: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_REFUSED = "rows of the audit log are only added"


def upgrade() -> None:
    """Create the tables, and the triggers."""
    op.create_table(
        "account",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False, comment="in lower case"),
        sa.Column("password", sa.Text, nullable=False, comment="hashed; empty: signs in elsewhere"),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False, comment="JSON object: only hosts with these tags; {}: all"),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("signed_in_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
    )
    op.create_table(
        "session",
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("account", sa.Integer, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_session_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_account"), "session", ["account"])
    _tokens()
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("account", sa.Text, nullable=False, comment="the name that was tried"),
        sa.Column("client", sa.Text, nullable=False, comment="the network address"),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failure")),
    )
    for column in ("account", "client", "at"):
        op.create_index(op.f(f"ix_sign_in_failure_{column}"), "sign_in_failure", [column])
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("way", sa.Text, nullable=False, comment="session, token, proxy, command or anonymous"),
        sa.Column("client", sa.Text, nullable=False, comment="the network address, or empty"),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False, comment="JSON, without secrets"),
        sa.Column("after", sa.Text, nullable=False, comment="JSON, without secrets"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    _only_grows()


def _tokens() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="the part of the token that is shown"),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("account", sa.Integer, comment="its owner, whose role limits it; empty: made on the command line"),
        sa.Column("scopes", sa.Text, nullable=False, comment="with a blank between"),
        sa.Column("tags", sa.Text, nullable=False, comment="JSON object: only hosts with these tags; {}: all"),
        sa.Column("hosts", sa.Text, nullable=False, comment="the pattern of hosts that it may push; empty: all"),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("used_at", _MOMENT),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_api_token_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("key", name=op.f("uq_api_token_key")),
    )
    op.create_index(op.f("ix_api_token_account"), "api_token", ["account"])


def _only_grows() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_log_{event.lower()} BEFORE {event} ON audit_log "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_only_grows()"
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("audit_log")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_log_only_grows()")
    for table in ("sign_in_failure", "api_token", "session", "account"):
        op.drop_table(table)
