"""Documents, the items in them, and how their sources do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

import feeds
from feeds.advisories.facts import FACTS, Likelihood, Packages, Tags
from feeds.crawl.protocol import FetchResult, Validators
from feeds.sources.base import Item, Request
from feeds.sources.health import REMEMBERED, Polled, SourceHealth, SourceState, floor
from feeds.storage import tables
from feeds.storage.sql import upsert

_ITEM = msgspec.json.Decoder(Item)
_FOLLOW = msgspec.json.Decoder(tuple[Request, ...])
_FEW = 3
"""Entries that a document or a source may lose at once without anybody wondering."""


def known(connection: Connection) -> dict[str, Validators]:
    """What was kept of each document; nothing of those that another version of Navtex has read."""
    rows = connection.execute(sa.select(tables.document).where(tables.document.c.reader == feeds.__version__))
    return {r.url: Validators(r.etag, r.last_modified, _FOLLOW.decode(r.follow)) for r in rows}


def outdated(connection: Connection) -> bool:
    """Whether another version of Navtex has read the documents, which may merge them otherwise."""
    readers = connection.execute(sa.select(tables.document.c.reader).distinct()).scalars()
    return any(reader != feeds.__version__ for reader in readers)


def waiting(connection: Connection) -> dict[str, datetime]:
    """Hosts that asked to be left alone, and until when."""
    return {r.host: r.until for r in connection.execute(sa.select(tables.waiting))}


def wait(connection: Connection, hosts: dict[str, datetime], now: datetime) -> None:
    """Remember which hosts asked to be left alone. Those whose time has come are forgotten."""
    connection.execute(sa.delete(tables.waiting).where(tables.waiting.c.until <= now))
    for host, until in hosts.items():
        upsert(connection, tables.waiting, {"host": host, "until": until}, ["host"])


@lru_cache(maxsize=16384)
def decoded(payload: str) -> Item:
    """The item that a payload holds."""
    item: Item = _ITEM.decode(payload)
    return item


def touch(connection: Connection, urls: Iterable[str], at: datetime) -> None:
    """Note that documents were asked for and had not changed."""
    statement = sa.update(tables.document).where(tables.document.c.url == sa.bindparam("u")).values(checked_at=at)
    parameters = [{"u": url} for url in urls]
    if parameters:
        connection.execute(statement, parameters)


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a document: whether anything in it was new, and why it was refused, or ""."""

    changed: bool = False
    refused: str = ""


def keep(connection: Connection, outcome: FetchResult, *, accept: bool = False) -> Kept:
    """Keep what was read in a document.

    A document that lists everything and suddenly lacks most of what it had is far more often a
    broken page than a mass withdrawal: it is refused, and what was known stays, unless `accept`.
    """
    rows = connection.execute(sa.select(tables.item).where(tables.item.c.document == outcome.url)).all()
    had = {r.key: r for r in rows}
    now = {piece.key: bytes(piece.payload).decode() for piece in outcome.items}
    lost = [k for k, r in had.items() if k not in now and r.gone_at is None] if outcome.complete else []
    present = sum(r.gone_at is None for r in had.values())
    if len(lost) > _FEW and len(lost) * 2 > present and not accept:
        return Kept(
            refused=f"it lists {len(now)} entries and lacks {len(lost)} of the {present} it had; kept as it was. "
            f"If that is right, run `navtex poll --accept {outcome.source}`"
        )
    _document(connection, outcome)
    for key in lost:
        _update(connection, had[key].id, gone_at=outcome.at)
    new = []
    edited = 0
    for key, payload in now.items():
        row = had.get(key)
        if row is None:
            place = {"document": outcome.url, "source": outcome.source, "key": key}
            new.append({**place, "payload": payload, "read_at": outcome.at})
        elif row.payload != payload:
            edited += _update(connection, row.id, payload=payload, read_at=outcome.at, gone_at=None)
        elif row.gone_at is not None:
            edited += _update(connection, row.id, gone_at=None)
    if new:
        connection.execute(sa.insert(tables.item), new)
    return Kept(changed=bool(lost or new or edited))


def _update(connection: Connection, number: int, **values: object) -> int:
    connection.execute(sa.update(tables.item).where(tables.item.c.id == number).values(**values))
    return 1


def _document(connection: Connection, outcome: FetchResult) -> None:
    values = {
        "source": outcome.source,
        "form": outcome.form,
        "etag": outcome.etag,
        "last_modified": outcome.last_modified,
        "follow": msgspec.json.encode(outcome.follow).decode(),
        "reader": feeds.__version__,
        "checked_at": outcome.at,
        "read_at": outcome.at,
    }
    upsert(connection, tables.document, {"url": outcome.url, **values}, ["url"])


def forget_pages(connection: Connection, source: str, asked: set[str], at: datetime, *, accept: bool = False) -> Kept:
    """Entries on pages that a complete source no longer has are gone; facts on them are no longer true.

    What stood on such a page and stands on no other is far more often a link that was lost than
    withdrawn: more than a few of those are refused, and what was known stays, unless `accept`.
    """
    item, table = tables.item, tables.document
    urls = connection.execute(sa.select(table.c.url).where(table.c.source == source)).scalars()
    left = sorted(set(urls) - asked)
    if not left:
        return Kept()
    rows = connection.execute(sa.select(item).where(item.c.source == source, item.c.gone_at.is_(None))).all()
    here = {one for r in rows if r.document not in left for one in _entries(r.key, r.payload)}
    lost = {one for r in rows if r.document in left for one in _entries(r.key, r.payload)} - here
    if len(lost) > _FEW and not accept:
        return Kept(
            refused=f"{left[0]} is no longer linked, and {len(lost)} entries stand on no other page; kept as they "
            f"were. If that is right, run `navtex poll --accept {source}`"
        )
    for url in left:
        begins = sa.or_(*(item.c.key.startswith(f, autoescape=True) for f in FACTS))
        connection.execute(sa.delete(item).where(item.c.document == url, begins))
        gone = sa.update(item).where(item.c.document == url, item.c.gone_at.is_(None))
        connection.execute(gone.values(gone_at=at))
        if connection.execute(sa.select(item.c.id).where(item.c.document == url).limit(1)).scalar() is None:
            connection.execute(sa.delete(table).where(table.c.url == url))
        else:
            connection.execute(sa.update(table).where(table.c.url == url).values(etag="", last_modified=""))
    return Kept(changed=True)


def _entries(key: str, payload: str) -> set[str]:
    """What an item lists: itself, or its tags. Scores and packages are read anew each time, and cannot be lost."""
    if not key.startswith(FACTS):
        return {key}
    fact = decoded(payload)
    if isinstance(fact, Tags):
        return {f"{fact.repository} {tag.name}" for tag in fact.tags}
    return set() if isinstance(fact, Likelihood | Packages) else {key}


def sources(connection: Connection) -> dict[str, SourceState]:
    """How each source did that was ever polled."""
    counted = connection.execute(
        sa.select(tables.item.c.source, sa.func.count(sa.distinct(tables.item.c.key)))
        .where(tables.item.c.gone_at.is_(None))
        .group_by(tables.item.c.source)
    )
    counts = {str(name): int(count) for name, count in counted}
    past = histories(connection)
    return {
        r.name: SourceState(
            r.name,
            SourceHealth(r.state),
            r.message,
            r.failures,
            counts.get(r.name, 0),
            r.last_attempt,
            r.last_success,
            r.told,
            floor(past.get(r.name, ())),
        )
        for r in connection.execute(sa.select(tables.source))
    }


def listed(connection: Connection, source: str) -> set[str]:
    """The keys of the entries that a source lists now."""
    item = tables.item
    return set(
        connection.execute(sa.select(item.c.key).where(item.c.source == source, item.c.gone_at.is_(None))).scalars()
    )


def histories(connection: Connection) -> dict[str, list[Polled]]:
    """The last polls of each source, oldest first."""
    found: dict[str, list[Polled]] = {}
    for row in connection.execute(sa.select(tables.polled).order_by(tables.polled.c.at)):
        found.setdefault(row.source, []).append(Polled(row.at, row.answered, row.failed, row.items))
    return found


def remember(connection: Connection, source: str, poll: Polled) -> None:
    """Add a good poll to a source's history, and forget what is older than its last ones."""
    table = tables.polled
    row = {"source": source, "at": poll.at, "answered": poll.answered, "failed": poll.failed, "items": poll.items}
    upsert(connection, table, row, ["source", "at"])
    kept = connection.execute(
        sa.select(table.c.at).where(table.c.source == source).order_by(table.c.at.desc()).limit(REMEMBERED)
    ).scalars()
    oldest = min(kept)
    connection.execute(sa.delete(table).where(table.c.source == source, table.c.at < oldest))


def forget_history(connection: Connection, source: str) -> None:
    """Begin a source's history anew: what it lists now is right."""
    connection.execute(sa.delete(tables.polled).where(tables.polled.c.source == source))


def told(connection: Connection, states: Iterable[SourceState], at: datetime) -> None:
    """Note which states the operators were told."""
    for state in states:
        where = tables.source.c.name == state.name
        connection.execute(sa.update(tables.source).where(where).values(told=state.state.value, told_at=at))


def note(connection: Connection, state: SourceState) -> None:
    """Keep how a source did."""
    row = {
        "name": state.name,
        "state": state.state.value,
        "message": state.message,
        "failures": state.failures,
        "last_attempt": state.last_attempt,
        "last_success": state.last_success,
    }
    upsert(connection, tables.source, row, ["name"])
