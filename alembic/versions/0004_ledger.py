"""The ledger of what matters: schedules, tellings, silences, taken in hand, departures, sources' histories.

Revision: 0004
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


# columns are added and dropped in place: SQLite's other way copies the table and drops the old one, and what
# refers to its rows would go with them
def _columns() -> dict[str, tuple[sa.Column, ...]]:
    """The columns that are added, by table."""
    return {
        "subscription": (
            sa.Column("schedule", sa.Text(), nullable=False, server_default="{}", comment="JSON of Schedule"),
            sa.Column(
                "origin", sa.Text(), nullable=False, server_default="", comment="the synced file that made it, or empty"
            ),
            sa.Column(
                "served_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="when its news were last looked at because it was time",
            ),
            sa.Column(
                "reminded_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="when it was last reminded of what is open",
            ),
        ),
        "told": (
            sa.Column("first_at", sa.DateTime(timezone=True), nullable=True, comment="when it was told or noted first"),
        ),
        "source": (
            sa.Column(
                "told",
                sa.Text(),
                nullable=False,
                server_default="",
                comment="the state that operators were told last",
            ),
            sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        ),
    }


def upgrade() -> None:
    """Add what is new, and carry over what was told."""
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "telling",
        sa.Column("digest", sa.Integer(), nullable=False),
        sa.Column("advisory", sa.Integer(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False, comment="new, update or correction"),
        sa.Column("words", sa.Text(), nullable=False, comment="what had changed"),
        sa.ForeignKeyConstraint(["advisory"], ["advisory.id"], name=op.f("fk_telling_advisory")),
        sa.ForeignKeyConstraint(["digest"], ["digest.id"], name=op.f("fk_telling_digest"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", "advisory", name=op.f("pk_telling")),
    )
    op.create_index(op.f("ix_telling_advisory"), "telling", ["advisory"], unique=False)
    op.create_table(
        "silence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("advisory", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False, comment="JSON of Scope: the hosts that it speaks of"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("justification", sa.Text(), nullable=False, comment="VEX's word for why it is harmless, or empty"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "facets", sa.Text(), nullable=False, comment="JSON of Facets when it was made: what is worse breaks it"
        ),
        sa.ForeignKeyConstraint(["advisory"], ["advisory.id"], name=op.f("fk_silence_advisory")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
    )
    op.create_index(op.f("ix_silence_advisory"), "silence", ["advisory"], unique=False)
    op.create_table(
        "hand",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("advisory", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False, comment="JSON of Scope: the hosts that were taken in hand"),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["advisory"], ["advisory.id"], name=op.f("fk_hand_advisory")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand")),
    )
    op.create_index(op.f("ix_hand_advisory"), "hand", ["advisory"], unique=False)
    op.create_table(
        "departure",
        sa.Column("host", sa.Integer(), nullable=False),
        sa.Column("component", sa.Integer(), nullable=False),
        sa.Column("import", sa.Integer(), nullable=False, comment="by which the host no longer ran it"),
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_departure_component")),
        sa.ForeignKeyConstraint(["host"], ["host.id"], name=op.f("fk_departure_host"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["import"], ["inventory_import.id"], name=op.f("fk_departure_import")),
        sa.PrimaryKeyConstraint("host", "component", name=op.f("pk_departure")),
    )
    op.create_index(op.f("ix_departure_import"), "departure", ["import"], unique=False)
    op.create_table(
        "polled",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False, comment="documents"),
        sa.Column("failed", sa.Integer(), nullable=False, comment="documents"),
        sa.Column("items", sa.Integer(), nullable=False, comment="entries that it listed afterwards"),
        sa.ForeignKeyConstraint(["source"], ["source.name"], name=op.f("fk_polled_source"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", "at", name=op.f("pk_polled")),
    )
    _carry_over()


def _carry_over() -> None:
    """Keep the ledger: a list of components becomes their verdicts; nothing else is known of what was told."""
    connection = op.get_bind()
    # what concerned somebody was affected or in conflict, and the next digest must not tell it as new
    for row in connection.execute(sa.text("SELECT subscription, advisory, facets FROM told")).all():
        known = json.loads(row.facets)
        facets = {"components": {str(n): "affected" for n in known.get("components", [])}, "partial": True}
        connection.execute(
            sa.text("UPDATE told SET facets = :f, first_at = at WHERE subscription = :s AND advisory = :a"),
            {"f": json.dumps(facets), "s": row.subscription, "a": row.advisory},
        )
    connection.execute(
        sa.text(
            "INSERT INTO telling (digest, advisory, change, words) "
            "SELECT digest, advisory, 'new', '' FROM told WHERE digest IS NOT NULL"
        )
    )
    connection.execute(sa.text("UPDATE subscription SET served_at = started_at, reminded_at = started_at"))


def downgrade() -> None:
    """Take it away again; the ledger keeps the components."""
    connection = op.get_bind()
    for row in connection.execute(sa.text("SELECT subscription, advisory, facets FROM told")).all():
        numbers = sorted(int(n) for n in json.loads(row.facets).get("components", {}))
        connection.execute(
            sa.text("UPDATE told SET facets = :f WHERE subscription = :s AND advisory = :a"),
            {"f": json.dumps({"components": numbers}), "s": row.subscription, "a": row.advisory},
        )
    op.drop_table("polled")
    op.drop_index(op.f("ix_departure_import"), table_name="departure")
    op.drop_table("departure")
    op.drop_index(op.f("ix_hand_advisory"), table_name="hand")
    op.drop_table("hand")
    op.drop_index(op.f("ix_silence_advisory"), table_name="silence")
    op.drop_table("silence")
    op.drop_index(op.f("ix_telling_advisory"), table_name="telling")
    op.drop_table("telling")
    for table, columns in _columns().items():
        for column in reversed(columns):
            op.drop_column(table, column.name)
