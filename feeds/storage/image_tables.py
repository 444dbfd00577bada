"""The tables of images: what registries and hosts say of them. What a digest names never changes."""

from __future__ import annotations

import sqlalchemy as sa

from feeds.storage.database import UtcDateTime, metadata

image_tag = sa.Table(
    "image_tag",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True, comment="registry/repository:tag"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("digest", sa.Text, nullable=False, comment="what it names, or named when that was last known"),
    sa.Column("since", UtcDateTime, comment="when it was first seen to name that"),
    sa.Column("answered_at", UtcDateTime),
    sa.Column("missing_since", UtcDateTime),
)

image_tag_past = sa.Table(
    "image_tag_past",
    metadata,
    sa.Column("tag", sa.Integer, sa.ForeignKey(image_tag.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("until", UtcDateTime, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)

image_tag_list = sa.Table(
    "image_tag_list",
    metadata,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("tags", sa.Text, nullable=False, comment="JSON list"),
    sa.Column("asked_at", UtcDateTime, nullable=False),
)

image_line = sa.Table(
    "image_line",
    metadata,
    sa.Column("product", sa.Text, primary_key=True, comment="of endoflife.date"),
    sa.Column("cycles", sa.Text, nullable=False, comment="JSON list of Cycle"),
)

image_manifest = sa.Table(
    "image_manifest",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("payload", sa.Text, nullable=False, comment="JSON of an ImageManifest"),
)

image_index = sa.Table(
    "image_index",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("payload", sa.Text, nullable=False, comment="JSON of an ImageIndex"),
)

image_material = sa.Table(
    "image_material",
    metadata,
    sa.Column("manifest", sa.Text, primary_key=True),
    sa.Column("payload", sa.Text, nullable=False, comment="JSON list of Material"),
)

# Each list of layers once, as a tree: images share the layers that they stand on.
image_chain = sa.Table(
    "image_chain",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("parent", sa.Integer, nullable=False, comment="0 is the chain without layers"),
    sa.Column("layer", sa.Text, nullable=False, comment="diff_id"),
    sa.Column("name", sa.Text, comment="what a user calls the base that it is"),
    sa.UniqueConstraint("parent", "layer"),
)

image = sa.Table(
    "image",
    metadata,
    sa.Column("config", sa.Text, primary_key=True, comment="its digest; an engine's id where the config is not known"),
    sa.Column("chain", sa.Integer, nullable=False),
    sa.Column("read", sa.Boolean, nullable=False, comment="whether the config was read, and not only an engine's word"),
    sa.Column("payload", sa.Text, nullable=False, comment="JSON of an Image, without its layers"),
    sa.Column("left_at", UtcDateTime, comment="nothing refers to it since"),
)

image_alias = sa.Table(
    "image_alias",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("image", sa.Text, primary_key=True),
)

image_name = sa.Table(
    "image_name",
    metadata,
    sa.Column("image", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True, comment="by which a host holds it; with a tag or without"),
)
