"""Images: what registries and hosts say of them, what runs where, and what subscriptions were told.

Revision: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from feeds.storage.database import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    _registries()
    _chains()
    _hosts()


def _registries() -> None:
    op.create_table(
        "image_tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="registry/repository:tag"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, comment="what it names, or named when that was last known"),
        sa.Column("since", UtcDateTime(), comment="when it was first seen to name that"),
        sa.Column("answered_at", UtcDateTime()),
        sa.Column("missing_since", UtcDateTime()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "image_tag_past",
        sa.Column("tag", sa.Integer(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tag"], ["image_tag.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag", "until"),
    )
    op.create_table(
        "image_tag_list",
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False, comment="JSON list"),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("repository"),
    )
    op.create_table(
        "image_line",
        sa.Column("product", sa.Text(), nullable=False, comment="of endoflife.date"),
        sa.Column("cycles", sa.Text(), nullable=False, comment="JSON list of Cycle"),
        sa.PrimaryKeyConstraint("product"),
    )
    for name, key, of in (
        ("image_manifest", "digest", "JSON of an ImageManifest"),
        ("image_index", "digest", "JSON of an ImageIndex"),
        ("image_material", "manifest", "JSON list of Material"),
    ):
        op.create_table(
            name,
            sa.Column(key, sa.Text(), nullable=False),
            sa.Column("payload", sa.Text(), nullable=False, comment=of),
            sa.PrimaryKeyConstraint(key),
        )


def _chains() -> None:
    op.create_table(
        "image_chain",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent", sa.Integer(), nullable=False, comment="0 is the chain without layers"),
        sa.Column("layer", sa.Text(), nullable=False, comment="diff_id"),
        sa.Column("name", sa.Text(), comment="what a user calls the base that it is"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("parent", "layer"),
    )
    op.create_table(
        "image",
        sa.Column(
            "config", sa.Text(), nullable=False, comment="its digest; an engine's id where the config is not known"
        ),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column(
            "read", sa.Boolean(), nullable=False, comment="whether the config was read, and not only an engine's word"
        ),
        sa.Column("payload", sa.Text(), nullable=False, comment="JSON of an Image, without its layers"),
        sa.PrimaryKeyConstraint("config"),
    )
    op.create_table(
        "image_alias",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "platform", "image"),
    )
    op.create_table(
        "image_name",
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column(
            "name",
            sa.Text(),
            nullable=False,
            comment="by which a host holds it; with a tag or without",
        ),
        sa.PrimaryKeyConstraint("image", "name"),
    )


def _hosts() -> None:
    op.create_table(
        "image_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="as containers were started with it; normal form"),
        sa.Column("digest", sa.Text(), nullable=False, comment="of a config, manifest or index, as the engine says it"),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "digest", "platform"),
    )
    op.create_table(
        "running_image",
        sa.Column("use", sa.Integer(), nullable=False),
        sa.Column("host", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False, comment="when it was first seen there"),
        sa.ForeignKeyConstraint(["use"], ["image_use.id"]),
        sa.ForeignKeyConstraint(["host"], ["host.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("use", "host"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_running_image_host"), "running_image", ["host"])
    op.create_table(
        "image_told",
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column(
            "event",
            sa.Text(),
            nullable=False,
            comment="a base, a platform and its layers; or a split",
        ),
        sa.Column("image", sa.Text(), nullable=False, comment="which image and name it concerned"),
        sa.Column("hosts", sa.Integer(), nullable=False, comment="on how many hosts it ran"),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, comment="the key of the digest that said it"),
        sa.ForeignKeyConstraint(["subscription"], ["subscription.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("subscription", "event", "image"),
    )


def downgrade() -> None:
    """Remove them."""
    for name in (
        "image_told",
        "running_image",
        "image_use",
        "image_name",
        "image_alias",
        "image",
        "image_chain",
        "image_material",
        "image_index",
        "image_manifest",
        "image_line",
        "image_tag_list",
        "image_tag_past",
        "image_tag",
    ):
        op.drop_table(name)
