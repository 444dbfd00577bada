"""Records, facts, and the advisories that they add up to."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice, zip_longest
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.advisories.dates import dated
from feeds.advisories.facts import FACTS, Exploited, Fact, Likelihood, Tags
from feeds.advisories.merging import Catalogue, merge
from feeds.advisories.records import (
    CVE_RECORDS,
    EDITIONS,
    Advisory,
    Kind,
    Read,
    Record,
    is_cve,
    not_ahead,
    ranked_claims,
)
from feeds.advisories.releases import Releases, gathered
from feeds.core.limits import MENTIONED, MENTIONS
from feeds.sources.git_tags import REPOSITORIES
from feeds.storage import tables
from feeds.storage.document_changes import decoded
from feeds.storage.sql import insert

_MERGED = " (merged, "
"""What follows the former name of an advisory that turned out to be another one."""


@dataclass(slots=True)
class Changes:
    """What a poll changed, by the names of advisories."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.withdrawn)


def _stored(connection: Connection) -> list[sa.Row[Any]]:
    """The items that count. What has gone from a document, or is absent from it, and stands in another has moved.

    One that is gone may stand in any document of its source; one that is only absent, in one of the same form: another
    form of a list says less.
    """
    item, absence, document = tables.item, tables.absence, tables.document
    missed = sa.and_(absence.c.item == item.c.id, absence.c.entry == "")
    rows = connection.execute(
        sa.select(item, document.c.form, absence.c.item.label("absent"))
        .join(document, document.c.url == item.c.document)
        .outerjoin(absence, missed)
    ).all()
    listed = {(r.source, r.key) for r in rows if r.gone_at is None}
    of_form = {(r.source, r.key, r.form) for r in rows if r.gone_at is None and r.absent is None}

    def counts(row: sa.Row[Any]) -> bool:
        if row.gone_at is not None:
            return (row.source, row.key) not in listed
        return row.absent is None or row.entries is not None or (row.source, row.key, row.form) not in of_form

    return [row for row in rows if counts(row)]


def reads(connection: Connection) -> list[Read]:
    """Every record, with where and when it was read; one that its source no longer lists is withdrawn."""
    return _reads(_stored(connection))


def _reads(rows: Iterable[sa.Row[Any]]) -> list[Read]:
    found = []
    for row in rows:
        value = decoded(row.payload)
        if isinstance(value, Record):
            value = not_ahead(value, row.read_at)
            if row.gone_at and not value.withdrawn:
                value = msgspec.structs.replace(
                    value, withdrawn=row.gone_at, withdrawn_reason=f"{row.source} no longer lists it"
                )
            found.append(Read(value, row.source, row.document, row.read_at))
    return found


def facts(connection: Connection) -> list[Fact]:
    """Every fact that still stands."""
    return _facts(_stored(connection))


def _facts(rows: Iterable[sa.Row[Any]]) -> list[Fact]:
    values = (decoded(r.payload) for r in rows if r.gone_at is None and r.key.startswith(FACTS))
    return [v for v in values if not isinstance(v, Record)]


def tags(connection: Connection, repository: str) -> frozenset[str]:
    """The names of a repository's git tags that are known."""
    statement = sa.select(tables.item.c.payload).where(
        tables.item.c.key == f"tags:{repository}", tables.item.c.gone_at.is_(None)
    )
    pages = (decoded(payload) for (payload,) in connection.execute(statement))
    return frozenset(tag.name for page in pages if isinstance(page, Tags) for tag in page.tags)


def fingerprints(connection: Connection) -> dict[int, str]:
    """By advisory: of what its records say, and of the releases that exist. Equal ones lead to equal verdicts."""
    known = tables.item
    of_releases = [known.c.key.startswith(f, autoescape=True) for f in FACTS if f not in ("kev", "epss")]
    statement = sa.select(known.c.payload).where(sa.or_(*of_releases), known.c.gone_at.is_(None))
    releases = hashlib.sha256("\n".join(sorted(connection.execute(statement).scalars())).encode()).hexdigest()
    rows = connection.execute(sa.select(tables.advisory.c.id, tables.advisory.c.digest))
    return {number: f"{digest} {releases}" for number, digest in rows}


def catalogue(connection: Connection) -> Catalogue:
    """The advisories with what the store keeps of them and what the facts say of them, and the releases."""
    rows = {r.id: r for r in connection.execute(sa.select(tables.advisory))}
    of_name = {r.name: r.advisory for r in connection.execute(sa.select(tables.alias))}
    stored = _stored(connection)
    known_facts = _facts(stored)
    added = {cve: day for f in known_facts if isinstance(f, Exploited) for cve, day in f.added.items()}
    scores = {cve: p for f in known_facts if isinstance(f, Likelihood) for cve, p in f.scores.items()}
    doubles: dict[int, list[int]] = {}
    for each in rows.values():
        if each.merged_into:
            doubles.setdefault(each.merged_into, []).append(each.id)
    found = []
    for advisory in merge(_reads(stored)):
        values: dict[str, Any] = {
            "exploited": next((added[n] for n in advisory.names if n in added), None),
            "epss": next((scores[n] for n in advisory.names if n in scores), None),
        }
        row = rows.get(of_name.get(advisory.name, 0))
        if row is not None:
            values |= {"id": row.id, "first_seen": row.first_seen, "baseline": row.baseline}
            values["doubles"] = tuple(doubles.get(row.id, ()))
        found.append(msgspec.structs.replace(advisory, **values))
    releases = _read_on(connection, gathered(known_facts))
    return Catalogue(dated(found, releases), releases)


def known_releases(connection: Connection) -> Releases:
    """The releases that are known, and when their lists were read."""
    return _read_on(connection, gathered(facts(connection)))


def _read_on(connection: Connection, releases: Releases) -> Releases:
    """The releases with the day of the last healthy poll of the lists of tags, where any source was ever polled.

    A poll that left them degraded kept the earlier lists, so that its day says nothing of them.
    """
    healthy = sa.select(sa.func.max(tables.polled.c.at)).where(tables.polled.c.source == "tags")
    at = (
        connection.execute(healthy).scalar()
        or connection.execute(sa.select(tables.source.c.last_success).where(tables.source.c.name == "tags")).scalar()
    )
    polled = at or connection.execute(sa.select(tables.source.c.name).limit(1)).scalar()
    listed = frozenset(REPOSITORIES.values()) if polled else frozenset[str]()
    return replace(releases, listed=listed, read_on=at.astimezone(UTC).date() if at else None)


def lost(connection: Connection, numbers: Collection[int]) -> list[Advisory]:
    """What was an advisory and is none any more, because nothing is said of our products now: all but `numbers`."""
    table = tables.advisory
    rows = connection.execute(sa.select(table).where(table.c.merged_into.is_(None)))
    return [
        Advisory(
            name=r.name,
            aliases=(),
            kind=Kind(r.kind),
            title="Its records no longer name a supported product",
            summary="",
            url="",
            severity=None,
            cvss=None,
            published=None,
            withdrawn=r.withdrawn or r.changed_at,
            records=(),
            id=r.id,
            first_seen=r.first_seen,
            baseline=r.baseline,
        )
        for r in rows
        if r.id not in numbers
    ]


def cves(connection: Connection) -> frozenset[str]:
    """Every CVE that a record is about, and of those that one speaks of, the first ones of each document."""
    claimed, mentioned = wanted_cves(connection)
    return frozenset((*claimed, *mentioned))


def wanted_cves(connection: Connection, products: Collection[str] = ()) -> tuple[tuple[str, ...], frozenset[str]]:
    """The CVEs that claims are about, in the order in which to ask for them, and those that are only mentioned.

    Those that claims about the named products are about come first.  Each source has its turn, with its newest CVE
    first: a list of thousands keeps no other waiting.  What stands in no document any more mentions nothing.
    """
    of_source: dict[str, list[Record]] = {}
    mentioned: dict[str, dict[str, dict[str, None]]] = {}
    for row in _stored(connection):
        value = decoded(row.payload)
        if not isinstance(value, Record):
            continue
        of_source.setdefault(row.source, []).append(value)
        if row.absent is None and row.gone_at is None:
            named = mentioned.setdefault(row.source, {}).setdefault(row.document, {})
            named.update(dict.fromkeys(n for n in value.mentions if is_cve(n)))
    ranked = ranked_claims(of_source.values(), products)
    few = (name for documents in mentioned.values() for name in _first(documents.values()))
    return ranked, frozenset(few) - frozenset(ranked)


def _first(documents: Iterable[Iterable[str]]) -> Iterable[str]:
    """The first names of a source's documents, in turns."""
    turns = zip_longest(*(islice(names, MENTIONS) for names in documents))
    return islice((name for turn in turns for name in turn if name), MENTIONED)


def sync(connection: Connection, at: datetime, *, baseline: frozenset[str]) -> Changes:
    """Bring the advisory rows in line with the records; what is new, changed and withdrawn comes back.

    An advisory keeps its number while any of its names stays: a GHSA that gets its CVE is not news.
    Two that turn out to be one keep the older number, and the younger points to it, until they are apart again.  A new
    one is baseline when every record of it comes from a source whose first good poll this is.
    """
    rows = {r.id: r for r in connection.execute(sa.select(tables.advisory))}
    of_name = {r.name: r.advisory for r in connection.execute(sa.select(tables.alias))}
    # one that was no advisory for a while (its record said nothing of our products) has lost its aliases
    numbered = {r.name: r.id for r in rows.values() if r.merged_into is None} | of_name
    apart = {(r.merged_into, r.name.partition(_MERGED)[0]): r.id for r in rows.values() if r.merged_into is not None}
    changes = Changes()
    claimed: set[int] = set()
    names: dict[str, int] = {}
    for advisory in sorted(merge(reads(connection)), key=lambda a: a.name not in numbered):
        known = {numbered[n] for n in advisory.names if n in numbered}
        # one that was joined to another and is apart again is the one that it was
        back = (one for o in known for n in advisory.names if (one := apart.get((o, n))) and one not in claimed)
        numbers = sorted(known - claimed) or [*back][:1]
        if numbers and rows[numbers[0]].merged_into is not None:
            _part(connection, numbers[0], advisory.name)
        row = rows[numbers[0]] if numbers else None
        for double in numbers[1:]:  # first, because the older may take over its name
            _join(connection, double, numbers[0], f"{rows[double].name}{_MERGED}{double})")
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
                "baseline": _is_baseline(advisory, baseline),
            }
            number = insert(connection, tables.advisory, **values)
            if any(r.source != EDITIONS for r in advisory.records):  # those of the list that ships are no news
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


def _is_baseline(advisory: Advisory, baseline: frozenset[str]) -> bool:
    """Whether it came with its sources' first good poll. A CVE's record is read because another source names it."""
    sources = {r.source for r in advisory.records}
    return (sources - {CVE_RECORDS} or sources) <= baseline


def _join(connection: Connection, double: int, number: int, name: str) -> None:
    """Make one advisory the double of another; its own doubles become the other's, too."""
    table = tables.advisory
    connection.execute(sa.update(table).where(table.c.merged_into == double).values(merged_into=number))
    connection.execute(sa.update(table).where(table.c.id == double).values(merged_into=number, name=name))


def _part(connection: Connection, number: int, name: str) -> None:
    """Make a double an advisory again."""
    table = tables.advisory
    connection.execute(sa.update(table).where(table.c.id == number).values(merged_into=None, name=name))


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
