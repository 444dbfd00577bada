"""Documents, the items in them, and how their sources do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

import feeds
from feeds.crawl.protocol import FetchResult, Validators
from feeds.sources.base import Request
from feeds.sources.health import Polled, SourceHealth, SourceState, floor, remembered
from feeds.storage import tables
from feeds.storage.items import Kept, keep_items
from feeds.storage.sql import upsert

_FOLLOW = msgspec.json.Decoder(tuple[Request, ...])


_COUNT = sa.func.count(sa.distinct(sa.case((tables.item.c.entries.is_(None), tables.item.c.key)))) + sa.func.coalesce(
    sa.func.sum(tables.item.c.entries), 0
)
"""How many entries items are: those inside lists are counted, and an entry in several forms counts once."""


def known(connection: Connection) -> dict[str, Validators]:
    """What was kept of each document; nothing of those that another version of Navtex has read."""
    rows = connection.execute(sa.select(tables.document).where(tables.document.c.reader == feeds.__version__))
    return {r.url: Validators(r.etag, r.last_modified, _FOLLOW.decode(r.follow)) for r in rows}


def documents(connection: Connection) -> frozenset[str]:
    """The names of the documents that were ever read."""
    return frozenset(connection.execute(sa.select(tables.document.c.url)).scalars())


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


def touch(connection: Connection, urls: Iterable[str], at: datetime) -> None:
    """Note that documents were asked for and had not changed."""
    statement = sa.update(tables.document).where(tables.document.c.url == sa.bindparam("u")).values(checked_at=at)
    parameters = [{"u": url} for url in urls]
    if parameters:
        connection.execute(statement, parameters)


def keep(
    connection: Connection, outcome: FetchResult, *, others: Counter[str] | None = None, accept: bool = False
) -> Kept:
    """Keep what was read in a document.

    `others` counts the names (`names_in`) in the other documents of this poll: an entry that moved there is not lost.
    A document that is refused keeps its old validators, so that it is read anew.
    """
    table = tables.document
    row = connection.execute(sa.select(table.c.listed).where(table.c.url == outcome.url)).one_or_none()
    if row is None:
        _document(connection, outcome)
    before = row.listed if row else None
    kept = keep_items(connection, outcome, before, Counter() if others is None else others, accept=accept)
    if not kept.refused:
        _document(connection, outcome)
    return kept


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
        "listed": outcome.listed or len(outcome.items),
    }
    upsert(connection, tables.document, {"url": outcome.url, **values}, ["url"])


def sources(connection: Connection) -> dict[str, SourceState]:
    """How each source did that was ever polled."""
    counted = connection.execute(
        sa.select(tables.item.c.source, _COUNT).where(tables.item.c.gone_at.is_(None)).group_by(tables.item.c.source)
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


def histories(connection: Connection) -> dict[str, list[Polled]]:
    """The last polls of each source, oldest first."""
    found: dict[str, list[Polled]] = {}
    for row in connection.execute(sa.select(tables.polled).order_by(tables.polled.c.at)):
        found.setdefault(row.source, []).append(Polled(row.at, row.answered, row.failed, row.items))
    return found


def remember(connection: Connection, source: str, poll: Polled) -> None:
    """Add a good poll to a source's history, and forget what is not worth remembering."""
    table = tables.polled
    row = {"source": source, "at": poll.at, "answered": poll.answered, "failed": poll.failed, "items": poll.items}
    upsert(connection, table, row, ["source", "at"])
    rows = connection.execute(sa.select(table).where(table.c.source == source)).all()
    history = [Polled(r.at, r.answered, r.failed, r.items) for r in rows]
    old = {p.at for p in history} - {p.at for p in remembered(history, poll.at)}
    if old:
        connection.execute(sa.delete(table).where(table.c.source == source, table.c.at.in_(old)))


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
