"""The only code that queries the tables of `feeds`. Values go in, values come out; no row leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from importlib import import_module
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

import feeds
from feeds import tables
from feeds.advisory import Advisory, Read, Record
from feeds.catalogue import Catalogue, merge
from feeds.document import Ask, Item
from feeds.facts import FACTS, Exploited, Fact, Likelihood
from feeds.fetch import Known, Outcome
from feeds.health import SourceState, State
from feeds.releases import gathered

_ITEM = msgspec.json.Decoder(Item)
_FOLLOW = msgspec.json.Decoder(tuple[Ask, ...])


@dataclass(slots=True)
class Changes:
    """What a poll changed, by the names of advisories."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.withdrawn)


def known(connection: Connection) -> dict[str, Known]:
    """What was kept of each document; nothing of those that another version of Navtex has read."""
    rows = connection.execute(sa.select(tables.document).where(tables.document.c.reader == feeds.__version__))
    return {r.url: Known(r.etag, r.last_modified, _FOLLOW.decode(r.follow)) for r in rows}


def cves(connection: Connection) -> frozenset[str]:
    """Every CVE that a record is about or speaks of."""
    return frozenset(
        name
        for read in reads(connection)
        for name in (*read.record.names, *read.record.mentions)
        if name.startswith("CVE-")
    )


def waiting(connection: Connection) -> dict[str, datetime]:
    """Hosts that asked to be left alone, and until when."""
    return {r.host: r.until for r in connection.execute(sa.select(tables.waiting))}


def wait(connection: Connection, hosts: dict[str, datetime], now: datetime) -> None:
    """Remember which hosts asked to be left alone. Those whose time has come are forgotten."""
    connection.execute(sa.delete(tables.waiting).where(tables.waiting.c.until <= now))
    for host, until in hosts.items():
        upsert(connection, tables.waiting, {"host": host, "until": until}, ["host"])


def reads(connection: Connection) -> list[Read]:
    """Every record, with where and when it was read; one that its source no longer lists is withdrawn.

    One that has gone from a document and stands in another of its source has only moved (to the
    next page, to another address) or is missing from one form.
    """
    rows = connection.execute(sa.select(tables.item)).all()
    listed = {(r.source, r.key) for r in rows if r.gone_at is None}
    found = []
    for row in rows:
        if row.gone_at and (row.source, row.key) in listed:
            continue
        value = _value(row.payload)
        if isinstance(value, Record):
            if row.gone_at and not value.withdrawn:
                value = msgspec.structs.replace(
                    value, withdrawn=row.gone_at, withdrawn_reason=f"{row.source} no longer lists it"
                )
            found.append(Read(value, row.source, row.document, row.read_at))
    return found


@lru_cache(maxsize=16384)
def _value(payload: str) -> Item:
    item: Item = _ITEM.decode(payload)
    return item


def facts(connection: Connection) -> list[Fact]:
    """Every fact that still stands."""
    begins = sa.or_(*(tables.item.c.key.startswith(f, autoescape=True) for f in FACTS))
    statement = sa.select(tables.item.c.payload).where(begins, tables.item.c.gone_at.is_(None))
    values = (_value(payload) for (payload,) in connection.execute(statement))
    return [v for v in values if not isinstance(v, Record)]


def catalogue(connection: Connection) -> Catalogue:
    """The advisories with what the store keeps of them and what the facts say of them, and the releases."""
    rows = {r.id: r for r in connection.execute(sa.select(tables.advisory))}
    of_name = {r.name: r.advisory for r in connection.execute(sa.select(tables.alias))}
    known_facts = facts(connection)
    added = {cve: day for f in known_facts if isinstance(f, Exploited) for cve, day in f.added.items()}
    scores = {cve: p for f in known_facts if isinstance(f, Likelihood) for cve, p in f.scores.items()}
    found = []
    for advisory in merge(reads(connection)):
        values: dict[str, Any] = {
            "exploited": next((added[n] for n in advisory.names if n in added), None),
            "epss": next((scores[n] for n in advisory.names if n in scores), None),
        }
        row = rows.get(of_name.get(advisory.name, 0))
        if row is not None:
            doubles = tuple(r.id for r in rows.values() if r.merged_into == row.id)
            values |= {"id": row.id, "doubles": doubles, "first_seen": row.first_seen, "baseline": row.baseline}
        found.append(msgspec.structs.replace(advisory, **values))
    return Catalogue(tuple(found), gathered(known_facts))


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


def keep(connection: Connection, outcome: Outcome, *, accept: bool = False) -> Kept:
    """Keep what was read in a document.

    A document that lists everything and suddenly lacks most of what it had is far more often a
    broken page than a mass withdrawal: it is refused, and what was known stays, unless `accept`.
    """
    rows = connection.execute(sa.select(tables.item).where(tables.item.c.document == outcome.url)).all()
    had = {r.key: r for r in rows}
    now = {piece.key: bytes(piece.payload).decode() for piece in outcome.items}
    lost = [k for k, r in had.items() if k not in now and r.gone_at is None] if outcome.complete else []
    present = sum(r.gone_at is None for r in had.values())
    if len(lost) > 3 and len(lost) * 2 > present and not accept:
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


def _document(connection: Connection, outcome: Outcome) -> None:
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


def insert(connection: Connection, table: sa.Table, **values: Any) -> int:
    """Insert a row; its number comes back."""
    return int(connection.execute(sa.insert(table).values(values).returning(table.c.id)).scalar_one())


def upsert(connection: Connection, table: sa.Table, row: dict[str, Any], key: list[str]) -> None:
    """Insert a row, or replace the one of the same key."""
    # the engine has loaded its own dialect already; importing the others here would slow every start
    dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    statement = dialect.insert(table)
    values = {k: v for k, v in row.items() if k not in key}
    connection.execute(statement.values(row).on_conflict_do_update(index_elements=key, set_=values))


def forget_pages(connection: Connection, source: str, asked: set[str], at: datetime) -> bool:
    """Entries on pages that a complete source no longer has are gone; facts on them are no longer true.

    Returns whether there were any.
    """
    item, table = tables.item, tables.document
    urls = connection.execute(sa.select(table.c.url).where(table.c.source == source)).scalars()
    left = set(urls) - asked
    for url in left:
        begins = sa.or_(*(item.c.key.startswith(f, autoescape=True) for f in FACTS))
        connection.execute(sa.delete(item).where(item.c.document == url, begins))
        gone = sa.update(item).where(item.c.document == url, item.c.gone_at.is_(None))
        connection.execute(gone.values(gone_at=at))
        if connection.execute(sa.select(item.c.id).where(item.c.document == url).limit(1)).scalar() is None:
            connection.execute(sa.delete(table).where(table.c.url == url))
        else:
            connection.execute(sa.update(table).where(table.c.url == url).values(etag="", last_modified=""))
    return bool(left)


def sync(connection: Connection, at: datetime, *, baseline: frozenset[str]) -> Changes:
    """Bring the advisory rows in line with the records; what is new, changed and withdrawn comes back.

    An advisory keeps its number while any of its names stays: a GHSA that gets its CVE is no news.
    Two that turn out to be one keep the older number, and the younger points to it.  A new one is
    baseline when every record of it comes from a source whose first good poll this is.
    """
    rows = {r.id: r for r in connection.execute(sa.select(tables.advisory))}
    of_name = {r.name: r.advisory for r in connection.execute(sa.select(tables.alias))}
    # one that was no advisory for a while (its record said nothing of our products) has lost its aliases
    numbered = {r.name: r.id for r in rows.values() if r.merged_into is None} | of_name
    changes = Changes()
    claimed: set[int] = set()
    names: dict[str, int] = {}
    for advisory in sorted(merge(reads(connection)), key=lambda a: a.name not in numbered):
        numbers = sorted({numbered[n] for n in advisory.names if n in numbered} - claimed)
        row = rows[numbers[0]] if numbers else None
        for double in numbers[1:]:  # first, because the older may take over its name
            _join(connection, double, numbers[0], f"{rows[double].name} (merged, {double})")
        values: dict[str, Any] = {
            "name": advisory.name,
            "kind": advisory.kind.value,
            "withdrawn": advisory.withdrawn,
            "digest": _digest(advisory),
        }
        if row is None:
            values |= {
                "first_seen": at,
                "changed_at": at,
                "baseline": all(r.source in baseline for r in advisory.records),
            }
            number = insert(connection, tables.advisory, **values)
            changes.new.append(advisory.name)
        else:
            number = row.id
            if row.digest != values["digest"]:
                connection.execute(
                    sa.update(tables.advisory).where(tables.advisory.c.id == number).values(**values, changed_at=at)
                )
                (changes.withdrawn if advisory.withdrawn and not row.withdrawn else changes.changed).append(
                    advisory.name
                )
        claimed.update([number, *numbers])
        names.update(dict.fromkeys(advisory.names, number))
    _rename(connection, of_name, names)
    return changes


def _join(connection: Connection, double: int, number: int, name: str) -> None:
    """Make one advisory the double of another; its own doubles become the other's, too."""
    table = tables.advisory
    connection.execute(sa.update(table).where(table.c.merged_into == double).values(merged_into=number))
    connection.execute(sa.update(table).where(table.c.id == double).values(merged_into=number, name=name))


def _rename(connection: Connection, before: dict[str, int], after: dict[str, int]) -> None:
    changed = {n: number for n, number in after.items() if before.get(n) != number}
    stale = [n for n in (*changed, *(set(before) - set(after))) if n in before]
    if stale:
        connection.execute(
            sa.delete(tables.alias).where(tables.alias.c.name == sa.bindparam("n")), [{"n": n} for n in stale]
        )
    if changed:
        connection.execute(sa.insert(tables.alias), [{"name": n, "advisory": number} for n, number in changed.items()])


def _digest(advisory: Advisory) -> str:
    body = b"\n".join(sorted(msgspec.json.encode(r.record) for r in advisory.records))
    return hashlib.sha256(body).hexdigest()


def sources(connection: Connection) -> dict[str, SourceState]:
    """How each source did that was ever polled."""
    counted = connection.execute(
        sa.select(tables.item.c.source, sa.func.count(sa.distinct(tables.item.c.key)))
        .where(tables.item.c.gone_at.is_(None))
        .group_by(tables.item.c.source)
    )
    counts = {str(name): int(count) for name, count in counted}
    return {
        r.name: SourceState(
            r.name,
            State(r.state),
            r.message,
            r.failures,
            counts.get(r.name, 0),
            r.first_good,
            r.last_attempt,
            r.last_success,
        )
        for r in connection.execute(sa.select(tables.source))
    }


def note(connection: Connection, state: SourceState) -> None:
    """Keep how a source did."""
    row = {
        "name": state.name,
        "state": state.state.value,
        "message": state.message,
        "failures": state.failures,
        "first_good": state.first_good,
        "last_attempt": state.last_attempt,
        "last_success": state.last_success,
    }
    upsert(connection, tables.source, row, ["name"])
