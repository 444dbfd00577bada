"""`navtex benchmark list` and `show`: the editions of the CIS Docker benchmark, and the hosts they are for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from feeds import storage
from feeds.advisories.cis_editions import named, place
from feeds.advisories.records import ENGINE, Advisory
from feeds.core.errors import UnknownName
from feeds.storage.database import Connection, Database
from notifier.assessment.benchmark_editions import Editions
from notifier.assessment.matcher import Matcher
from notifier.domain.components import Component
from notifier.domain.filters import Scope
from notifier.domain.hosts import Hosts
from notifier.schemas.benchmark import (
    EditionDetail,
    EditionHost,
    EditionList,
    EditionRow,
    edition_detail,
    edition_row,
)
from notifier.schemas.fields import whole
from notifier.storage import hosts_by_component, inventory


@dataclass(frozen=True, slots=True)
class EditionsAnswer:
    """The editions, and how many more there are."""

    value: EditionList
    more: int


def benchmarks(
    database: Database,
    now: datetime,
    limit: int | None = None,
    scope: Scope = Scope(),  # noqa: B008 - a frozen value
) -> EditionsAnswer:
    """The editions that are known, newest first, with the hosts of a scope that they are for."""
    with database.connect() as connection:
        editions = Matcher(storage.catalogue(connection), now.date()).editions
        due = _due(connection, editions)
        rows = [_row(connection, scope, (editions, due), at) for at in range(len(editions.all))][::-1]
    listed = rows[:limit]
    return EditionsAnswer(EditionList(generated_at=whole(now), editions=tuple(listed)), len(rows) - len(listed))


def benchmark(
    database: Database,
    name: str,
    now: datetime,
    scope: Scope = Scope(),  # noqa: B008 - a frozen value
    most: int | None = None,
) -> EditionDetail:
    """One edition by its name, its title or its version, with the hosts of a scope; UnknownName if there is none.

    `most` is how many hosts are listed; None for all.
    """
    with database.connect() as connection:
        editions = Matcher(storage.catalogue(connection), now.date()).editions
        advisory = find(editions, name)
        due = _due(connection, editions)
        at = next(n for n, (_, a) in enumerate(editions.all) if a.name == advisory.name)
        row = _row(connection, scope, (editions, due), at)
        hosts = list(islice(_hosts(connection, scope, due.get(advisory.name, {})), most))
    return edition_detail(row, advisory, editions.lines(advisory), hosts, now)


def find(editions: Editions, name: str) -> Advisory:
    """The edition of a name ("cis-docker-benchmark-1.8.0"), a title, a version ("1.8.0") or an engine line ("1.13")."""
    wanted = " ".join(name.lower().split())
    names = {n.lower(): a for _, a in editions.all for n in (*a.names, a.title)}
    if exact := names.get(wanted):
        return exact
    said = named(name) or named(f"CIS Docker Benchmark v{wanted.removeprefix('v')}")
    found = [a for e, a in editions.all if wanted == e.line or (said and place(said) == place(e))]
    if len(found) == 1:
        return found[0]
    if found:
        meant = " or ".join(a.name for a in found)
        raise UnknownName(f"{name!r} is ambiguous: {meant}", remedy="Give the full name")
    remedy = "See `navtex benchmark list`" if editions.all else "Run `navtex poll` first: no edition is known yet"
    raise UnknownName(f"there is no benchmark edition {name!r}", remedy=remedy)


_Due = Mapping[str, Mapping[int, tuple[Component, str]]]
"""By the name of an edition: the components whose edition it is, by number, each with the reason."""


def _due(connection: Connection, editions: Editions) -> _Due:
    found: dict[str, dict[int, tuple[Component, str]]] = defaultdict(dict)
    for number, component in inventory.components(connection).items():
        if component.product == ENGINE and (due := editions.due(component)):
            advisory, reason = due
            found[advisory.name][number] = component, reason
    return found


def _row(connection: Connection, scope: Scope, known: tuple[Editions, _Due], at: int) -> EditionRow:
    editions, due = known
    of = editions.all[at]
    near = (editions.all[at - 1][1] if at else None, editions.all[at + 1][1] if at + 1 < len(editions.all) else None)
    lines = [line.name for line in editions.lines(of[1])]
    return edition_row(of, near, lines, _counted(connection, scope, sorted(due.get(of[1].name, ()))))


def _counted(connection: Connection, scope: Scope, numbers: Sequence[int]) -> Hosts:
    """How many hosts of a scope run some components, each counted once, and a few of their names."""
    if not numbers:
        return Hosts(0, ())
    people = inventory.populations(connection, scope, only=numbers)
    count = sum(p.hosts for p in people.values())
    if len(people) > 1 and ENGINE in hosts_by_component.multi_version_products(connection, scope):
        count = hosts_by_component.distinct_hosts(connection, scope, numbers)
    names = sorted({name for p in people.values() for name in p.names})
    return Hosts(count, tuple(names[: inventory.NAMED]))


def _hosts(connection: Connection, scope: Scope, due: Mapping[int, tuple[Component, str]]) -> Iterator[EditionHost]:
    for host, _, numbers, _ in hosts_by_component.hosts_running(connection, scope, due) if due else ():
        for of, reason in (due[number] for number in numbers):
            yield EditionHost(host=host, version=of.version, package=of.package or None, reason=reason)
