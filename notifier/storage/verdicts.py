"""Stored verdicts: a new advisory is matched with every component, a new component with every advisory, once.

They are a cache: pairs that were not matched yet, or whose inputs have changed, are matched by the next caller.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection
from datetime import date
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

import feeds
import feeds.storage
import notifier
from feeds.advisories.merging import Catalogue
from feeds.advisories.records import Advisory
from feeds.verdicts.weighing import Status, Verdict
from notifier.assessment.matcher import EXPOSED, Match, Matcher, VerdictCache
from notifier.storage import bulk, first_exposures, tables
from notifier.storage.inventory import components

_COLUMNS = ("advisory", "component", "status", "reason", "fixed_in", "upgrade_to")


def load(connection: Connection, only: Collection[int] = ()) -> VerdictCache:
    """What is known of verdicts, and still holds; with `only`, on these advisories."""
    numbers = {component: number for number, component in components(connection).items()}
    through = _through(connection, _current(connection))
    statement = sa.select(tables.verdict)
    if only:
        statement = statement.where(bulk.in_list(connection, tables.verdict.c.advisory, sorted(only)))
        through = {number: last for number, last in through.items() if number in only}
    verdicts: dict[int, dict[int, Verdict]] = defaultdict(dict)
    meant = {s.value: s for s in Status}
    for advisory, component, status, reason, fixed, upgrade in connection.execute(statement):
        if advisory in through:
            verdicts[component][advisory] = Verdict(meant[status], reason, None, tuple(fixed.split()), upgrade)
    return VerdictCache(numbers, through, verdicts)


def refresh(connection: Connection, catalogue: Catalogue, today: date) -> int:
    """Match what was not matched yet or has changed, and keep the verdicts; how many pairs were matched."""
    matched, verdict = tables.matched, tables.verdict
    numbers = {component: number for number, component in components(connection).items()}
    last = max(numbers.values(), default=0)
    known = first_exposures.load(connection, today)
    current = _current(connection)
    wanted = {a.id for a in catalogue.advisories if a.id and not a.withdrawn and a.products}
    through = _through(connection, current)
    stale = [
        number
        for number in connection.execute(sa.select(matched.c.advisory)).scalars()
        if number not in through or number not in wanted
    ]
    for each in (verdict, matched):  # not by the cascade, which would look for one advisory's verdicts at a time
        connection.execute(sa.delete(each).where(bulk.in_list(connection, each.c.advisory, stale)))
    behind = {number: through.get(number, 0) for number in wanted if through.get(number, 0) < last}
    if not behind:
        return 0
    matcher = Matcher(catalogue, today, only=behind)
    rows: list[bulk.Row] = []
    exposed: list[tuple[Advisory, int]] = []
    pairs = 0
    for component, number in numbers.items():
        for match in matcher.vulnerabilities(component):
            if behind[match.advisory.id] < number:
                pairs += 1
                rows.extend(_row(match, number))
                if match.verdict.status in EXPOSED:
                    exposed.append((match.advisory, number))
    entries = [(number, current[number], last) for number in behind if number not in through]
    bulk.insert_rows(connection, matched, ("advisory", "fingerprint", "through"), entries)
    older = [number for number in behind if number in through]
    connection.execute(
        sa.update(matched).where(bulk.in_list(connection, matched.c.advisory, older)).values(through=last)
    )
    bulk.insert_rows(connection, verdict, _COLUMNS, rows)
    first_exposures.note(connection, known, exposed)
    return pairs


def is_behind(connection: Connection) -> bool:
    """Whether some component is newer than the last one that was matched."""
    last = connection.execute(sa.select(sa.func.max(tables.component.c.id))).scalar() or 0
    least = connection.execute(sa.select(sa.func.min(tables.matched.c.through))).scalar()
    return least is None or least < last


def _row(match: Match, number: int) -> list[bulk.Row]:
    verdict = match.verdict
    if verdict.status is Status.NOT_AFFECTED:
        return []
    fixed = " ".join(verdict.fixed_in)
    return [(match.advisory.id, number, verdict.status.value, verdict.reason, fixed, verdict.upgrade_to)]


def _current(connection: Connection) -> dict[int, str]:
    """By advisory, of all that the verdicts on it rest on: what is known, and how it is read."""
    return {number: f"{_rules()} {text}" for number, text in feeds.storage.fingerprints(connection).items()}


def _through(connection: Connection, current: dict[int, str]) -> dict[int, int]:
    rows = connection.execute(sa.select(tables.matched)).all()
    return {r.advisory: r.through for r in rows if current.get(r.advisory) == r.fingerprint}


_JUDGES = (
    (feeds.__file__, ("core", "versions", "advisories", "verdicts", "images")),
    (notifier.__file__, ("domain", "assessment")),
)
"""The folders whose code decides a verdict: all that `notifier.assessment` imports, which a test compares."""


@cache
def _rules() -> str:
    """A fingerprint of the code that makes verdicts: another Navtex may judge otherwise."""
    folders = [Path(package).parent / name for package, names in _JUDGES for name in names]
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    return hashlib.sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()[:16]
