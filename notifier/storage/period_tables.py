"""Tables of how long hosts have had their components, and what subscriptions were told of that.

The tables call the period in which a host has a component a stay. Periods that are over are counted by day, never kept
by host.
"""

from __future__ import annotations

import sqlalchemy as sa

from feeds.storage.database import UtcDateTime, metadata

# Since when an advisory is known to affect a component, whoever runs it.
known_exposure = sa.Table(
    "known_exposure",
    metadata,
    sa.Column("advisory", sa.Integer, sa.ForeignKey("advisory.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("component", sa.Integer, sa.ForeignKey("component.id"), primary_key=True),
    sa.Column("day", sa.Date, nullable=False, comment="in UTC"),
)

# Hosts with the same past share a row, and the row of what came before it.
earlier_stay = sa.Table(
    "earlier_stay",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("component", sa.Integer, sa.ForeignKey("component.id"), nullable=False),
    sa.Column("since", sa.Date, nullable=False, comment="in UTC"),
    sa.Column("before", sa.Integer, nullable=False, comment="the stay before it; 0: none"),
    sa.UniqueConstraint("component", "since", "before"),
)

# Hosts that came to a component from another of the same product.
came_from = sa.Table(
    "came_from",
    metadata,
    sa.Column("component", sa.Integer, sa.ForeignKey("component.id"), primary_key=True),
    sa.Column("host", sa.Integer, sa.ForeignKey("host.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("stay", sa.Integer, sa.ForeignKey(earlier_stay.c.id), nullable=False),
    sqlite_with_rowid=False,
)

ended_stay = sa.Table(
    "ended_stay",
    metadata,
    sa.Column("component", sa.Integer, sa.ForeignKey("component.id"), primary_key=True),
    sa.Column("since", sa.Date, primary_key=True, comment="in UTC"),
    sa.Column("before", sa.Integer, primary_key=True, comment="an earlier stay; 0: none"),
    sa.Column("next", sa.Integer, primary_key=True, comment="the component that replaced it; 0: none did"),
    sa.Column("day", sa.Date, primary_key=True, index=True, comment="when it ended, in UTC"),
    sa.Column("hosts", sa.Integer, nullable=False),
)

# Only databases that are older than these tables have a row.
stays_recorded = sa.Table(
    "stays_recorded", metadata, sa.Column("since", sa.Date, primary_key=True, comment="ended stays are known since")
)

overdue_told = sa.Table(
    "overdue_told",
    metadata,
    sa.Column("subscription", sa.Integer, sa.ForeignKey("subscription.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("advisory", sa.Integer, sa.ForeignKey("advisory.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("component", sa.Integer, sa.ForeignKey("component.id"), primary_key=True),
    sa.Column("first_exposed", sa.Date, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("digest", sa.Text, nullable=False, comment="the key of the digest that said it"),
)
