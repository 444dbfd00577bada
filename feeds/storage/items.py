"""The items of documents: stored entries, missing ones, and withdrawn ones.

An entry that a complete list no longer has is *absent*, and still counts.  It is withdrawn when two good polls of its
source, a day apart, have missed it.  Entries of lists stored as one fact (tags, packages, exploited CVEs) are treated
alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.advisories.facts import FACTS, Likelihood, Packages, Tags
from feeds.advisories.list_facts import Listing, contents, limited, shrunk, united
from feeds.core.limits import GONE_AFTER, UNLINKED
from feeds.crawl.protocol import FetchResult
from feeds.storage import tables
from feeds.storage.document_changes import Reading, decoded


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a document: whether anything in it was new, and why it was refused, or ""."""

    changed: bool = False
    refused: str = ""


def keep_items(
    connection: Connection, outcome: FetchResult, had_listed: int | None, others: Counter[str], *, accept: bool
) -> Kept:
    """Keep what was read in a document, which listed `had_listed` entries before.

    `others` counts what the readings of this poll hold, by `names_in`.  A document that suddenly lacks a large part of
    what it had, or is older than what was read before, is refused, unless `accept`: only what is new in it is added.
    """
    rows = connection.execute(sa.select(tables.item).where(tables.item.c.document == outcome.url)).all()
    reading = Reading({r.key: r for r in rows}, _payloads(outcome), others)
    refused = "" if accept else reading.problem(outcome, had_listed)
    new = [
        {"document": outcome.url, "source": outcome.source, "key": key, "read_at": outcome.at, **_values(payload)}
        for key, payload in reading.now.items()
        if key not in reading.had
    ]
    if new:
        connection.execute(sa.insert(tables.item), new)
    if refused:
        hint = f"If that is right, run `navtex poll --accept {outcome.source}`"
        return Kept(changed=bool(new), refused=f"{refused}; kept as it was. {hint}")
    edited = sum(_edited(connection, reading, key, outcome.at, accept=accept) for key in reading.now)
    lost = [r.id for k, r in reading.had.items() if k not in reading.now and r.gone_at is None]
    gone = 0
    if outcome.complete and accept:
        gone = _gone(connection, lost, outcome.at)
    # what a window no longer shows is noted, too, and never settled: it still counts, and its mentions do not
    missing = set() if accept and outcome.complete else reading.missing()
    moved = _note(connection, tables.item.c.document == outcome.url, missing)
    return Kept(changed=bool(new or edited or gone or moved))


def names_in(outcome: FetchResult) -> set[str]:
    """What a reading holds: the keys of its items, and the entries of lists that are kept as one fact."""
    found = {piece.key for piece in outcome.items}
    for piece in outcome.items:
        if piece.key.startswith(FACTS):
            inside = contents(decoded(bytes(piece.payload).decode()))
            found |= {f"{piece.key}\n{name}" for name in inside or ()}
    return found


def names_kept(connection: Connection, document: str) -> set[str]:
    """The same of what is kept of a document, without what it lacked when it was read."""
    item, absence = tables.item, tables.absence
    where = sa.and_(item.c.document == document, item.c.gone_at.is_(None))
    missed = {
        f"{r.key}\n{r.entry}" if r.entry else r.key
        for r in connection.execute(sa.select(item.c.key, absence.c.entry).join(item).where(where))
    }
    found = set()
    for row in connection.execute(sa.select(item.c.key, item.c.payload).where(where)):
        inside = contents(decoded(row.payload)) if row.key.startswith(FACTS) else None
        found |= {row.key, *(f"{row.key}\n{name}" for name in inside or ())}
    return found - missed


def exceeds(connection: Connection, outcome: FetchResult, most: int) -> bool:
    """Whether a source has more entries than that, once a document's are added to those that count."""
    item = tables.item
    where = sa.and_(item.c.source == outcome.source, item.c.gone_at.is_(None))
    if connection.execute(sa.select(sa.func.count()).where(where)).scalar_one() + len(outcome.items) <= most:
        return False
    keys = set(connection.execute(sa.select(item.c.key).where(where)).scalars())
    return len(keys | {piece.key for piece in outcome.items}) > most


def _payloads(outcome: FetchResult) -> dict[str, str]:
    return {piece.key: bytes(piece.payload).decode() for piece in outcome.items}


def _values(payload: str) -> dict[str, Any]:
    """The columns that hold a payload."""
    inside = contents(decoded(payload))
    return {"payload": payload, "entries": None if inside is None else len(inside)}


def _edited(connection: Connection, reading: Reading, key: str, at: datetime, *, accept: bool) -> int:
    """Bring an item that is listed up to date; 1 where that changed it."""
    row = reading.had.get(key)
    if row is None:
        return 0
    payload = reading.now[key]
    before, now = reading.lists(key)
    if before is not None and now is not None and before - now and row.gone_at is None and not accept:
        old, new = cast("Listing", decoded(row.payload)), cast("Listing", decoded(payload))
        payload = msgspec.json.encode(united(new, old)).decode()
    if row.payload != payload:
        return _update(connection, row.id, read_at=at, gone_at=None, **_values(payload))
    return _update(connection, row.id, gone_at=None) if row.gone_at is not None else 0


def _update(connection: Connection, number: int, **values: object) -> int:
    connection.execute(sa.update(tables.item).where(tables.item.c.id == number).values(**values))
    return 1


def _gone(connection: Connection, numbers: Iterable[int], at: datetime) -> int:
    """Withdraw items; facts, which nobody was told of, are deleted."""
    item = tables.item
    begins = sa.or_(*(item.c.key.startswith(f, autoescape=True) for f in FACTS))
    count = 0
    for number in numbers:
        connection.execute(sa.delete(item).where(item.c.id == number, begins))
        connection.execute(sa.update(item).where(item.c.id == number).values(gone_at=at))
        count += 1
    return count


def _note(connection: Connection, where: sa.ColumnElement[bool], missing: set[tuple[int, str]]) -> bool:
    """Make what is absent, of some items, what is missing now; whether that changed anything comes back."""
    absence, item = tables.absence, tables.item
    rows = connection.execute(sa.select(absence.c.item, absence.c.entry).join(item).where(where))
    known = {(r.item, r.entry) for r in rows}
    back, new = known - missing, missing - known
    if back:
        found = sa.and_(absence.c.item == sa.bindparam("i"), absence.c.entry == sa.bindparam("e"))
        connection.execute(sa.delete(absence).where(found), [{"i": i, "e": e} for i, e in sorted(back)])
    if new:
        connection.execute(sa.insert(absence), [{"item": i, "entry": e} for i, e in sorted(new)])
    return bool(back or new)


def settle(connection: Connection, source: str, at: datetime) -> bool:
    """After a good poll of a source: what it misses is noted, or gone where an earlier good poll missed it, too."""
    absence, item = tables.absence, tables.item
    mine = sa.select(item.c.id).where(item.c.source == source)
    before = sa.and_(absence.c.item.in_(mine), absence.c.missed_at <= at - GONE_AFTER)
    over: dict[int, set[str]] = defaultdict(set)
    for row in connection.execute(sa.select(absence).where(before)).all():
        over[row.item].add(row.entry)
    _gone(connection, [number for number, entries in over.items() if "" in entries], at)
    for number, entries in over.items():
        if "" not in entries:
            payload = connection.execute(sa.select(item.c.payload).where(item.c.id == number)).scalar_one()
            value = cast("Listing", decoded(payload))
            left = limited(value, (contents(value) or frozenset()) - entries)
            _update(connection, number, read_at=at, **_values(msgspec.json.encode(left).decode()))
    connection.execute(sa.delete(absence).where(before))
    fresh = sa.and_(absence.c.item.in_(mine), absence.c.missed_at.is_(None))
    connection.execute(sa.update(absence).where(fresh).values(missed_at=at))
    return bool(over)


def forget_pages(connection: Connection, source: str, asked: set[str], at: datetime, *, accept: bool = False) -> Kept:
    """Note that entries on pages which a complete source no longer has are absent.

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
    if len(lost) > UNLINKED and not accept:
        return Kept(
            refused=f"{left[0]} is no longer linked, and {len(lost)} entries stand on no other page; kept as they "
            f"were. If that is right, run `navtex poll --accept {source}`"
        )
    if not accept and (problem := _carried(connection, rows, frozenset(left))):
        return Kept(refused=f"{problem}; kept as it was. If that is right, run `navtex poll --accept {source}`")
    over = {r.id for r in rows if r.document in left and (accept or not _entries(r.key, r.payload))}
    changed = bool(_gone(connection, over, at))
    for url in left:
        here_missing = {(r.id, "") for r in rows if r.document == url and r.id not in over}
        changed |= _note(connection, item.c.document == url, here_missing)
        if connection.execute(sa.select(item.c.id).where(item.c.document == url).limit(1)).scalar() is None:
            connection.execute(sa.delete(table).where(table.c.url == url))
        else:
            connection.execute(sa.update(table).where(table.c.url == url).values(etag="", last_modified=""))
    return Kept(changed=changed)


def _carried(connection: Connection, rows: Sequence[Any], left: frozenset[str]) -> str:
    """Compare lists of packages whose document has another address now; why the new one is not believed, or "".

    What the new one lacks is noted as missing from it: an RPM repository names its index anew with each change.
    """
    lists: dict[str, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for row in rows:
        if row.key.startswith(FACTS) and isinstance(decoded(row.payload), Packages):
            lists[row.key][row.document in left].append(row)
    moved = {key: (new, old) for key, (new, old) in lists.items() if new and old}
    for key, (new, old) in moved.items():
        here, before = _inside(new), _inside(old)
        if shrunk(len(before & here), len(before)):
            return f"its list {key} has {len(here)} entries and lacks {len(before - here)} of the {len(before)} it had"
    for new, old in moved.values():
        if lost := _inside(old) - _inside(new):
            whole = cast("Listing", decoded(new[0].payload))
            for row in old:
                whole = united(whole, cast("Listing", decoded(row.payload)))
            _update(connection, new[0].id, **_values(msgspec.json.encode(whole).decode()))
            _miss(connection, new[0].id, lost, [row.id for row in old])
    return ""


def _miss(connection: Connection, number: int, names: Iterable[str], before: list[int]) -> None:
    """Note entries as missing from an item, since when they were missing from earlier ones."""
    absence = tables.absence
    rows = connection.execute(sa.select(absence).where(absence.c.item.in_(before)))
    since = {row.entry: row.missed_at for row in rows}
    values = [{"item": number, "entry": name, "missed_at": since.get(name)} for name in sorted(names)]
    connection.execute(sa.insert(absence), values)


def _inside(rows: Iterable[Any]) -> frozenset[str]:
    """The entries of lists that are kept as one fact."""
    return frozenset(name for row in rows for name in contents(decoded(row.payload)) or ())


def _entries(key: str, payload: str) -> set[str]:
    """What an item lists: itself, or its tags. Scores and packages are asked for anew each time, and cannot be lost."""
    if not key.startswith(FACTS):
        return {key}
    fact = decoded(payload)
    if isinstance(fact, Tags):
        return {f"{fact.repository} {tag.name}" for tag in fact.tags}
    return set() if isinstance(fact, Likelihood | Packages) else {key}
