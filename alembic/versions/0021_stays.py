"""How long findings have been open: stays of hosts at components, and since when an advisory affects a component.

Revision: 0021
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables. What is open now counts from the day on which its advisory was first read."""
    op.create_table(
        "known_exposure",
        sa.Column("advisory", sa.Integer(), nullable=False),
        sa.Column("component", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="in UTC"),
        sa.ForeignKeyConstraint(
            ["advisory"], ["advisory.id"], name=op.f("fk_known_exposure_advisory"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_known_exposure_component")),
        sa.PrimaryKeyConstraint("advisory", "component", name=op.f("pk_known_exposure")),
    )
    op.create_table(
        "earlier_stay",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("component", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False, comment="in UTC"),
        sa.Column("before", sa.Integer(), nullable=False, comment="the stay before it; 0: none"),
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_earlier_stay_component")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earlier_stay")),
        sa.UniqueConstraint("component", "since", "before", name=op.f("uq_earlier_stay_component_since_before")),
    )
    op.create_table(
        "came_from",
        sa.Column("component", sa.Integer(), nullable=False),
        sa.Column("host", sa.Integer(), nullable=False),
        sa.Column("stay", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_came_from_component")),
        sa.ForeignKeyConstraint(["host"], ["host.id"], name=op.f("fk_came_from_host"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["stay"], ["earlier_stay.id"], name=op.f("fk_came_from_stay")),
        sa.PrimaryKeyConstraint("component", "host", name=op.f("pk_came_from")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_came_from_host"), "came_from", ["host"], unique=False)
    op.create_table(
        "ended_stay",
        sa.Column("component", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False, comment="in UTC"),
        sa.Column("before", sa.Integer(), nullable=False, comment="an earlier stay; 0: none"),
        sa.Column("next", sa.Integer(), nullable=False, comment="the component that replaced it; 0: none did"),
        sa.Column("day", sa.Date(), nullable=False, comment="when it ended, in UTC"),
        sa.Column("hosts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_ended_stay_component")),
        sa.PrimaryKeyConstraint("component", "since", "before", "next", "day", name=op.f("pk_ended_stay")),
    )
    op.create_index(op.f("ix_ended_stay_day"), "ended_stay", ["day"], unique=False)
    op.create_table(
        "stays_recorded",
        sa.Column("since", sa.Date(), nullable=False, comment="ended stays are known since"),
        sa.PrimaryKeyConstraint("since", name=op.f("pk_stays_recorded")),
    )
    op.create_table(
        "overdue_told",
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("advisory", sa.Integer(), nullable=False),
        sa.Column("component", sa.Integer(), nullable=False),
        sa.Column("first_exposed", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, comment="the key of the digest that said it"),
        sa.ForeignKeyConstraint(
            ["advisory"], ["advisory.id"], name=op.f("fk_overdue_told_advisory"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_overdue_told_component")),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscription.id"], name=op.f("fk_overdue_told_subscription"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscription", "advisory", "component", "first_exposed", name=op.f("pk_overdue_told")),
    )
    _carry_over()


def _carry_over() -> None:
    connection = op.get_bind()
    connection.execute(
        sa.text(
            "INSERT INTO known_exposure (advisory, component, day) "
            "SELECT verdict.advisory, verdict.component, "
            + (
                "date(advisory.first_seen) "
                if connection.dialect.name == "sqlite"
                else "CAST(advisory.first_seen AT TIME ZONE 'UTC' AS DATE) "
            )
            + "FROM verdict JOIN advisory ON advisory.id = verdict.advisory "
            "WHERE verdict.status IN ('affected', 'conflicting')"
        )
    )
    if connection.execute(sa.text("SELECT 1 FROM inventory_import LIMIT 1")).first():
        table = sa.table("stays_recorded", sa.column("since", sa.Date()))
        connection.execute(sa.insert(table).values(since=dt.datetime.now(dt.UTC).date()))


def downgrade() -> None:
    """Drop the tables."""
    for table in ("overdue_told", "stays_recorded", "ended_stay", "came_from", "earlier_stay", "known_exposure"):
        op.drop_table(table)
