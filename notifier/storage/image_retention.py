"""Forgetting images: what no host runs, no tag names and no needed image stands on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds import storage
from feeds.images.referenced_images import needed
from feeds.storage import image_tables
from notifier.storage import bulk, tables


def note_left(connection: Connection, now: datetime) -> None:
    """Note since when nothing refers to an image or the use of one, and take that back where something does again."""
    use, image = tables.image_use, image_tables.image
    known = set(connection.execute(sa.select(image.c.config)).scalars())
    running = set(connection.execute(sa.select(tables.running_image.c.use).distinct()).scalars())
    digests = [row.digest for row in connection.execute(sa.select(use.c.id, use.c.digest)) if row.id in running]
    _note(connection, use.c.id, running, now)
    if known:
        _note(connection, image.c.config, needed(storage.image_links(connection), digests), now)


def _note(connection: Connection, key: sa.Column[Any], held: Collection[int | str], now: datetime) -> None:
    table = key.table
    assert isinstance(table, sa.Table)
    rows = connection.execute(sa.select(key, table.c.left_at)).all()
    left = [of for of, since in rows if since is None and of not in held]
    back = [of for of, since in rows if since is not None and of in held]
    for keys, at in ((left, now), (back, None)):
        # on PostgreSQL an update waits for an import, even if there is nothing to update
        if keys:
            connection.execute(sa.update(table).where(bulk.in_list(connection, key, keys)).values(left_at=at))


def image_uses(connection: Connection, before: datetime, limit: int) -> int:
    """Forget uses of images that no host has had for long; return how many."""
    use = tables.image_use
    unused = ~sa.exists().where(tables.running_image.c.use == use.c.id)
    old = sa.select(use.c.id).where(use.c.left_at < before, unused).order_by(use.c.id).limit(limit)
    found = connection.execute(old).scalars().all()
    if found:
        connection.execute(sa.delete(use).where(bulk.in_list(connection, use.c.id, found), unused))
    return len(found)


def image_tags(connection: Connection, before: datetime, limit: int) -> int:
    """Forget tags that have not been asked for long, as no image needs them; return how many."""
    tag, listed = image_tables.image_tag, image_tables.image_tag_list
    connection.execute(sa.delete(listed).where(listed.c.asked_at < before))
    old = connection.execute(sa.select(tag.c.id).where(tag.c.asked_at < before).order_by(tag.c.id).limit(limit))
    found = old.scalars().all()
    if found:
        connection.execute(sa.delete(tag).where(bulk.in_list(connection, tag.c.id, found)))
    return len(found)


def images(connection: Connection, before: datetime, limit: int) -> int:
    """Forget images that nothing has referred to for long, with their names, documents and chains; return how many.

    Chains that a user named stay, and so do those below them.
    """
    image = image_tables.image
    old = sa.select(image.c.config).where(image.c.left_at < before).order_by(image.c.config).limit(limit)
    gone = list(connection.execute(old).scalars())
    if not gone:
        return 0
    _forget_documents(connection, frozenset(gone))
    for key in (image.c.config, image_tables.image_name.c.image, image_tables.image_alias.c.image):
        connection.execute(sa.delete(key.table).where(bulk.in_list(connection, key, gone)))
    _forget_chains(connection)
    return len(gone)


def _forget_documents(connection: Connection, gone: frozenset[str]) -> None:
    """Forget the manifests of images, the indexes that have no other, and what is said about either."""
    facts = storage.image_facts(connection)
    manifests = {digest for digest, manifest in facts.manifests.items() if manifest.config in gone}
    left = facts.manifests.keys() - manifests
    indexes = set()
    for digest, index in facts.indexes.items():
        members = {m.manifest for m in index.members}
        about = {m.manifest: m.about for m in index.members if m.about}
        manifests |= {m for m, of in about.items() if of in manifests}
        if members & manifests and not {m for m in members & left if m not in about}:
            indexes.add(digest)
    for key, digests in (
        (image_tables.image_manifest.c.digest, manifests),
        (image_tables.image_material.c.manifest, manifests),
        (image_tables.image_index.c.digest, indexes),
    ):
        where = bulk.in_list(connection, key, sorted(digests))
        connection.execute(sa.delete(key.table).where(where))


def _forget_chains(connection: Connection) -> None:
    """Forget the chains that no image has, no user named, and none of these stands on."""
    chain, image = image_tables.image_chain, image_tables.image
    rows = connection.execute(sa.select(chain.c.id, chain.c.parent, chain.c.name)).all()
    parent = {row.id: row.parent for row in rows}
    todo = {row.id for row in rows if row.name is not None}
    todo.update(connection.execute(sa.select(image.c.chain).distinct()).scalars())
    kept: set[int] = set()
    while todo:
        number = todo.pop()
        if number in parent and number not in kept:
            kept.add(number)
            todo.add(parent[number])
    unneeded = sorted(parent.keys() - kept)
    if unneeded:
        connection.execute(sa.delete(chain).where(bulk.in_list(connection, chain.c.id, unneeded)))
