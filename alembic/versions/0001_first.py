"""The first schema: sources and advisories, the inventory, subscriptions, the ledger and the outbox.

Revision: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "advisory",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True, comment="turned out to be another's double"),
        sa.Column("baseline", sa.Boolean(), nullable=False, comment="came with its source's first poll"),
        sa.Column("digest", sa.Text(), nullable=False, comment="of what it was merged from"),
        sa.ForeignKeyConstraint(["merged_into"], ["advisory.id"], name=op.f("fk_advisory_merged_into")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory")),
        sa.UniqueConstraint("name", name=op.f("uq_advisory_name")),
    )
    op.create_table(
        "component",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("distro", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component")),
        sa.UniqueConstraint(
            "product", "version", "package", "distro", name=op.f("uq_component_product_version_package_distro")
        ),
    )
    op.create_table(
        "document",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=False),
        sa.Column("follow", sa.Text(), nullable=False, comment="JSON: what it led to"),
        sa.Column("reader", sa.Text(), nullable=False, comment="the Navtex that read it; another one reads it anew"),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_document")),
    )
    op.create_index(op.f("ix_document_source"), "document", ["source"], unique=False)
    op.create_table(
        "source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_attempt", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_success", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, comment="polls in a row without one answer"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source")),
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("targets", sa.Text(), nullable=False, comment="JSON list of channel addresses"),
        sa.Column("filters", sa.Text(), nullable=False, comment="JSON of Filters"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("silent_start", sa.Boolean(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="its first run: what stood then is told, what comes later is news",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("name", name=op.f("uq_subscription_name")),
    )
    op.create_table(
        "tagset",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False, comment="JSON object, sorted"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tagset")),
        sa.UniqueConstraint("tags", name=op.f("uq_tagset_tags")),
    )
    op.create_table(
        "waiting",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column(
            "until", sa.DateTime(timezone=True), nullable=False, comment="the host asked (Retry-After) to be left alone"
        ),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_waiting")),
    )
    op.create_table(
        "alias",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("advisory", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["advisory"], ["advisory.id"], name=op.f("fk_alias_advisory"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alias")),
    )
    op.create_index(op.f("ix_alias_advisory"), "alias", ["advisory"], unique=False)
    op.create_table(
        "digest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("welcome", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False, comment="JSON of the rendered Message"),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscription.id"], name=op.f("fk_digest_subscription"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
        sa.UniqueConstraint("key", name=op.f("uq_digest_key")),
    )
    op.create_index(op.f("ix_digest_subscription"), "digest", ["subscription"], unique=False)
    op.create_table(
        "host",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tagset", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tagset"], ["tagset.id"], name=op.f("fk_host_tagset")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host")),
        sa.UniqueConstraint("name", name=op.f("uq_host_name")),
    )
    op.create_table(
        "item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False, comment="JSON of a Record or a fact"),
        sa.Column(
            "read_at", sa.DateTime(timezone=True), nullable=False, comment="when it was first read with these words"
        ),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True, comment="when its source no longer listed it"),
        sa.ForeignKeyConstraint(["document"], ["document.url"], name=op.f("fk_item_document"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("document", "key", name=op.f("uq_item_document_key")),
    )
    op.create_table(
        "installation",
        sa.Column("component", sa.Integer(), nullable=False),
        sa.Column("host", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="when it was first seen on this host"),
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_installation_component")),
        sa.ForeignKeyConstraint(["host"], ["host.id"], name=op.f("fk_installation_host"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("component", "host", name=op.f("pk_installation")),
    )
    op.create_index(op.f("ix_installation_host"), "installation", ["host"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False, comment="the channel's address"),
        sa.Column("recipient", sa.Text(), nullable=False, comment="one of the address's recipients, or empty"),
        sa.Column("state", sa.Text(), nullable=False, comment="pending, sent or failed"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False, comment="what the channel said last"),
        sa.ForeignKeyConstraint(["digest"], ["digest.id"], name=op.f("fk_outbox_digest"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("digest", "target", "recipient", name=op.f("uq_outbox_digest_target_recipient")),
    )
    op.create_index(op.f("ix_outbox_digest"), "outbox", ["digest"], unique=False)
    op.create_index(op.f("ix_outbox_state"), "outbox", ["state"], unique=False)
    op.create_table(
        "told",
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("advisory", sa.Integer(), nullable=False),
        sa.Column("facets", sa.Text(), nullable=False, comment="JSON of Facets: what mattered when it was told"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.Integer(), nullable=True, comment="empty: noted in silence"),
        sa.ForeignKeyConstraint(["advisory"], ["advisory.id"], name=op.f("fk_told_advisory")),
        sa.ForeignKeyConstraint(["digest"], ["digest.id"], name=op.f("fk_told_digest"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscription.id"], name=op.f("fk_told_subscription"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscription", "advisory", name=op.f("pk_told")),
    )


def downgrade() -> None:
    """Drop every table."""
    op.drop_table("told")
    op.drop_index(op.f("ix_outbox_state"), table_name="outbox")
    op.drop_index(op.f("ix_outbox_digest"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_installation_host"), table_name="installation")
    op.drop_table("installation")
    op.drop_table("item")
    op.drop_table("host")
    op.drop_index(op.f("ix_digest_subscription"), table_name="digest")
    op.drop_table("digest")
    op.drop_index(op.f("ix_alias_advisory"), table_name="alias")
    op.drop_table("alias")
    op.drop_table("waiting")
    op.drop_table("tagset")
    op.drop_table("subscription")
    op.drop_table("source")
    op.drop_index(op.f("ix_document_source"), table_name="document")
    op.drop_table("document")
    op.drop_table("component")
    op.drop_table("advisory")
