"""The tables of who may use the page and the API: accounts, sessions, tokens, failed sign-ins, and the audit log.

Passwords are hashed by Argon2, and sessions and tokens by SHA-256: nothing here lets anybody in.
"""

from __future__ import annotations

import sqlalchemy as sa

from feeds.storage.database import UtcDateTime, metadata

account = sa.Table(
    "account",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True, comment="in lower case"),
    sa.Column("password", sa.Text, nullable=False, comment="hashed; empty: signs in elsewhere"),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("tags", sa.Text, nullable=False, comment="JSON object: only hosts with these tags; {}: all"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("signed_in_at", UtcDateTime),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("account", sa.Integer, sa.ForeignKey(account.c.id, ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)

api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True, comment="the part of the token that is shown"),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column(
        "account",
        sa.Integer,
        sa.ForeignKey(account.c.id, ondelete="CASCADE"),
        index=True,
        comment="its owner, whose role limits it; empty: made on the command line",
    ),
    sa.Column("scopes", sa.Text, nullable=False, comment="with a blank between"),
    sa.Column("tags", sa.Text, nullable=False, comment="JSON object: only hosts with these tags; {}: all"),
    sa.Column("hosts", sa.Text, nullable=False, comment="the pattern of hosts that it may push; empty: all"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime),
)

sign_in_failure = sa.Table(
    "sign_in_failure",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True, comment="the name that was tried"),
    sa.Column("client", sa.Text, nullable=False, index=True, comment="the network address"),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
)

# Rows are only ever added: triggers refuse everything else.
audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("way", sa.Text, nullable=False, comment="session, token, proxy, command or anonymous"),
    sa.Column("client", sa.Text, nullable=False, comment="the network address, or empty"),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False, comment="JSON, without secrets"),
    sa.Column("after", sa.Text, nullable=False, comment="JSON, without secrets"),
)
