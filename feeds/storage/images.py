"""Stores what registries answer and what hosts report of images, and gives all of it back as one value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.crawl.protocol import FetchResult, FetchStatus
from feeds.images.facts import ImageFacts
from feeds.images.image_tags import PastDigest, TagState, TagStatus, answered
from feeds.images.layers import ROOT, Chains
from feeds.images.records import HeldImage, Image, ImageIndex, ImageManifest, Material, RegistryItem, joined
from feeds.images.references import Reference, digest, reference
from feeds.images.release_lines import Cycle
from feeds.sources.registries import RegistryAccess, tag_of
from feeds.storage import image_tables as tables
from feeds.storage.sql import upsert

_encode = msgspec.json.Encoder().encode
_MANY = 500
"""Rows in one statement."""


class _ChainNumbers:
    """The numbers of chains in the database; new ones are added."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[int, str], int] = {}

    def of(self, layers: Iterable[str]) -> int:
        """The number of a list of diff_ids."""
        at = ROOT
        for layer in layers:
            at = self._known.get((at, layer)) or self._step(at, layer)
        return at

    def of_all(self, lists: Sequence[Sequence[str]]) -> list[int]:
        """The numbers of many lists of diff_ids, with a few statements for each step upwards."""
        table = tables.image_chain
        layers = sorted({layer for one in lists for layer in one})
        for start in range(0, len(layers), _MANY):
            chosen = table.c.layer.in_(layers[start : start + _MANY])
            for row in self._connection.execute(sa.select(table).where(chosen)):
                self._known[row.parent, row.layer] = row.id
        at = [ROOT] * len(lists)
        for height in range(max(map(len, lists), default=0)):
            steps = {(at[i], one[height]): None for i, one in enumerate(lists) if height < len(one)}
            self._insert([step for step in steps if step not in self._known])
            at = [self._known[at[i], one[height]] if height < len(one) else at[i] for i, one in enumerate(lists)]
        return at

    def _insert(self, steps: Sequence[tuple[int, str]]) -> None:
        table = tables.image_chain
        insert = sa.insert(table).returning(table.c.id, table.c.parent, table.c.layer)
        for start in range(0, len(steps), _MANY):
            rows = [{"parent": parent, "layer": layer} for parent, layer in steps[start : start + _MANY]]
            for row in self._connection.execute(insert, rows):
                self._known[row.parent, row.layer] = row.id

    def _step(self, parent: int, layer: str) -> int:
        table = tables.image_chain
        found = self._connection.execute(
            sa.select(table.c.id).where(table.c.parent == parent, table.c.layer == layer)
        ).scalar()
        if found is None:
            self._insert([(parent, layer)])
        else:
            self._known[parent, layer] = int(found)
        return self._known[parent, layer]


def keep_answers(connection: Connection, outcomes: Iterable[FetchResult], accesses: tuple[RegistryAccess, ...]) -> None:
    """Store what registries answered."""
    chains = _ChainNumbers(connection)
    lists: dict[str, tuple[list[str], datetime]] = {}
    for outcome in outcomes:
        for piece in outcome.items:
            item = msgspec.json.decode(piece.payload, type=RegistryItem)
            if item.tag is not None:
                named = reference(item.tag.reference)
                if named is not None:
                    _note_tag(connection, named, 200, item.tag.digest, outcome.at)
            elif item.tags is not None:
                repository = item.key.removeprefix("tags:").partition("?")[0]
                lists.setdefault(repository, ([], outcome.at))[0].extend(item.tags)
            else:
                _keep_document(connection, item, chains)
        unanswered = outcome.result in {FetchStatus.MISSING, FetchStatus.FAILED}
        if unanswered and (asked := tag_of(outcome.url, accesses)) is not None:
            _note_tag(connection, asked, outcome.status, "", outcome.at)
    for repository, (tags, at) in lists.items():
        row = {"repository": repository, "tags": _encode(tags).decode(), "asked_at": at}
        upsert(connection, tables.image_tag_list, row, ["repository"])


def _keep_document(connection: Connection, item: RegistryItem, chains: _ChainNumbers) -> None:
    if item.cycles is not None:
        row = {"product": item.key.removeprefix("line:"), "cycles": _encode(item.cycles).decode()}
        upsert(connection, tables.image_line, row, ["product"])
    elif item.manifest is not None:
        _put(connection, tables.image_manifest, {"digest": item.manifest.digest}, item.manifest)
    elif item.index is not None:
        _put(connection, tables.image_index, {"digest": item.index.digest}, item.index)
    elif item.materials is not None:
        _put(connection, tables.image_material, {"manifest": item.key.removeprefix("materials:")}, item.materials)
    elif item.image is not None:
        _put_image(connection, item.image, chains, read=True)


def _put(connection: Connection, table: sa.Table, key: dict[str, str], value: Any) -> None:
    upsert(connection, table, {**key, "payload": _encode(value).decode()}, list(key))


def _put_image(connection: Connection, image: Image, chains: _ChainNumbers, *, read: bool) -> None:
    _put_images(connection, [_image_row(replace(image, layers=()), chains.of(image.layers), read=read)])


def _image_row(image: Image, chain: int, *, read: bool) -> dict[str, Any]:
    payload = _encode(image).decode()
    return {"config": image.config, "chain": chain, "read": read, "payload": payload}


def _put_images(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Insert images, or replace what was known of them."""
    dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    statement = dialect.insert(tables.image)
    values = {name: statement.excluded[name] for name in ("chain", "read", "payload")}
    if rows:
        connection.execute(statement.on_conflict_do_update(index_elements=["config"], set_=values), rows)


def keep_held(connection: Connection, held: Iterable[HeldImage]) -> None:
    """Store the images that engines hold: their layers, names, and the digests that lead to them."""
    table = tables.image
    distinct: dict[str, HeldImage] = {}
    for one in held:
        distinct[one.key] = joined(distinct[one.key], one) if one.key in distinct else one
    if not distinct:
        return
    read = set(connection.execute(sa.select(table.c.config).where(table.c.read)).scalars())
    images = [one for one in distinct.values() if one.layers and one.key not in read]
    numbers = _ChainNumbers(connection).of_all([one.layers for one in images])
    _put_images(
        connection,
        [
            _image_row(Image(one.key, one.platform, (), created=one.created), number, read=False)
            for one, number in zip(images, numbers, strict=True)
        ],
    )
    aliases, names = [], []
    for one in distinct.values():
        if one.by_config:
            aliases += [{"digest": digest(n), "platform": one.platform, "image": one.key} for n in one.digests]
        repositories = (named.name for name in one.digests if (named := reference(name)) is not None)
        names += [{"image": one.key, "name": name} for name in dict.fromkeys((*one.tags, *repositories))]
    _once(connection, tables.image_alias, aliases)
    _once(connection, tables.image_name, names)


def _once(connection: Connection, table: sa.Table, rows: list[dict[str, str]]) -> None:
    """Insert rows, but for those that are there."""
    dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    if rows:
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def _note_tag(connection: Connection, named: Reference, status: int, found: str, at: datetime) -> None:
    table, past = tables.image_tag, tables.image_tag_past
    before = image_tags(connection, named.tagged).get(named.tagged)
    after = answered(before, Reference(named.registry, named.repository, named.tag), status, found, at)
    row = {
        "name": named.tagged,
        "status": after.status.value,
        "asked_at": after.asked_at,
        "digest": after.digest,
        "since": after.since,
        "answered_at": after.answered_at,
        "missing_since": after.missing_since,
    }
    upsert(connection, table, row, ["name"])
    new = after.past[len(before.past) if before else 0 :]
    if new:
        number = connection.execute(sa.select(table.c.id).where(table.c.name == named.tagged)).scalar_one()
        for one in new:
            values = {"tag": number, "until": one.until, "digest": one.digest, "since": one.since}
            upsert(connection, past, values, ["tag", "until"])


def image_tags(connection: Connection, only: str = "") -> dict[str, TagState]:
    """What is known of each tag, or of one."""
    table, past = tables.image_tag, tables.image_tag_past
    where = [table.c.name == only] if only else []
    before: dict[int, list[PastDigest]] = {}
    joined = sa.select(past).join(table, table.c.id == past.c.tag).where(*where).order_by(past.c.until)
    for row in connection.execute(joined):
        before.setdefault(row.tag, []).append(PastDigest(row.digest, row.since, row.until))
    found = {}
    for row in connection.execute(sa.select(table).where(*where)):
        named = reference(row.name)
        if named is not None:
            state = TagState(named, TagStatus(row.status), row.asked_at, row.digest, row.since, row.answered_at)
            found[row.name] = replace(state, missing_since=row.missing_since, past=tuple(before.get(row.id, ())))
    return found


def image_facts(connection: Connection) -> ImageFacts:
    """Everything that is known of images."""
    chain = tables.image_chain
    rows = connection.execute(sa.select(chain.c.id, chain.c.parent, chain.c.layer)).all()
    images, of = {}, {}
    decode = msgspec.json.Decoder(Image).decode
    for config, number, payload in connection.execute(
        sa.select(tables.image.c.config, tables.image.c.chain, tables.image.c.payload)
    ):
        images[config], of[config] = decode(payload), number
    names: dict[str, list[str]] = {}
    for key, name in connection.execute(sa.select(tables.image_name)):
        names.setdefault(key, []).append(name)
    listed = connection.execute(sa.select(tables.image_tag_list.c.repository, tables.image_tag_list.c.tags))
    return ImageFacts(
        images,
        _payloads(connection, tables.image_manifest, ImageManifest),
        _payloads(connection, tables.image_index, ImageIndex),
        _payloads(connection, tables.image_material, tuple[Material, ...]),
        image_tags(connection),
        [tuple(row) for row in connection.execute(sa.select(tables.image_alias))],
        names,
        Chains([(row.id, row.parent, row.layer) for row in rows]),
        of,
        {
            product: msgspec.json.decode(text, type=tuple[Cycle, ...])
            for product, text in connection.execute(sa.select(tables.image_line))
        },
        {repository: msgspec.json.decode(text, type=tuple[str, ...]) for repository, text in listed},
    )


def image_links(connection: Connection) -> ImageFacts:
    """What leads from digests to images, and from their chains to those below: `image_facts` without the rest.

    Images and chains have their numbers alone, no layers or history.
    """
    image, chain = tables.image, tables.image_chain
    of = {row.config: row.chain for row in connection.execute(sa.select(image.c.config, image.c.chain))}
    blank = Image("", "", ())
    return ImageFacts(
        images=dict.fromkeys(of, blank),
        manifests=_payloads(connection, tables.image_manifest, ImageManifest),
        indexes=_payloads(connection, tables.image_index, ImageIndex),
        tags=image_tags(connection),
        aliases=[tuple(row) for row in connection.execute(sa.select(tables.image_alias))],
        chains=Chains(
            (number, parent, "") for number, parent in connection.execute(sa.select(chain.c.id, chain.c.parent))
        ),
        chain=of,
    )


def _payloads(connection: Connection, table: sa.Table, kind: Any) -> dict[str, Any]:
    decode = msgspec.json.Decoder(kind).decode
    key = next(iter(table.primary_key.columns))
    return {name: decode(payload) for name, payload in connection.execute(sa.select(key, table.c.payload))}


def known_digests(connection: Connection) -> frozenset[str]:
    """The digests that are read and need not be asked for again."""
    found: set[str] = set()
    for column in (
        tables.image_manifest.c.digest,
        tables.image_index.c.digest,
    ):
        found.update(connection.execute(sa.select(column)).scalars())
    found.update(connection.execute(sa.select(tables.image.c.config).where(tables.image.c.read)).scalars())
    return frozenset(found)


def held_names(connection: Connection) -> list[str]:
    """The names under which hosts hold images; those of a digest have no tag."""
    return sorted(connection.execute(sa.select(tables.image_name.c.name).distinct()).scalars())


def image_platforms(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """The platforms of some images, where they are known."""
    table = tables.image
    rows = connection.execute(sa.select(table.c.config, table.c.payload).where(table.c.config.in_(sorted(set(keys)))))
    return {config: msgspec.json.decode(payload, type=Image).platform for config, payload in rows}


def layered_images(connection: Connection) -> dict[str, str]:
    """The platforms of all images whose layers are known."""
    table = tables.image
    rows = connection.execute(sa.select(table.c.config, table.c.payload).where(table.c.chain != ROOT))
    return {config: msgspec.json.decode(payload, type=_Platform).platform for config, payload in rows}


class _Platform(msgspec.Struct):
    platform: str = ""


def named_chains(connection: Connection) -> dict[int, Reference]:
    """The chains to which a user gave the name of a base."""
    table = tables.image_chain
    rows = connection.execute(sa.select(table.c.id, table.c.name).where(table.c.name.is_not(None)))
    return {number: named for number, name in rows if (named := reference(name)) is not None}


def name_chain(connection: Connection, number: int, name: str | None) -> bool:
    """Give a chain the name of a base, or take it away; whether there is such a chain."""
    table = tables.image_chain
    done = connection.execute(sa.update(table).where(table.c.id == number).values(name=name))
    return bool(done.rowcount)
