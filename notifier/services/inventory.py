"""Taking an inventory: what was read goes into the store, and what is new is matched.  A thin shell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from feeds import storage
from feeds.storage.database import Connection, Database
from notifier.domain.components import BadRow, Bare, Found, Host, Note, Observed
from notifier.domain.hosts import ImportResult
from notifier.storage import verdicts
from notifier.storage.identities import Identities
from notifier.storage.importing import CHUNK
from notifier.storage.inventory import Import


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How an inventory is to be taken.

    `scope` is what it speaks for; with `prune`, hosts that an earlier import of the scope had and this
    one has not are forgotten. With `strict`, one bad row refuses all.
    """

    scope: str
    tags: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    prune: bool = False
    host: str = ""
    """The name that the operator gave; it is kept whatever the host's identity is."""


@dataclass(slots=True)
class ImportReport:
    """What came of it."""

    taken: ImportResult
    hosts: int = 0
    bad: int = 0
    bare: int = 0
    """Hosts of which a whole list shows that they have no Docker component."""
    refused: bool = False
    """Whether nothing was kept, because a row was bad."""
    renamed: int = 0
    """Hosts whose name another engine, machine or node had already."""
    unpruned: str = ""
    """Why nothing was forgotten that should have been; "" otherwise."""

    @property
    def empty(self) -> bool:
        """Whether the input held no host at all."""
        return not (self.hosts or self.bare)


class _Refused(Exception):
    """Takes the transaction back."""


def take(
    database: Database,
    found: Iterable[Found],
    wish: ImportOptions,
    at: datetime,
    *,
    told: Callable[[BadRow | Note], None],
    progress: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Store hosts as they are read, in one transaction; `told` gets the bad rows and the notes as they come."""
    report = ImportReport(ImportResult())
    try:
        with database.begin() as connection:
            _take(connection, found, wish, at, report, told, progress)
    except _Refused:
        report.refused = True
    return report


def _take(
    connection: Connection,
    found: Iterable[Found],
    wish: ImportOptions,
    at: datetime,
    report: ImportReport,
    told: Callable[[BadRow | Note], None],
    progress: Callable[[int], None],
) -> None:
    work = Import(connection, at, scope=wish.scope, tags=wish.tags)
    report.taken = work.taken
    identities = Identities(connection)
    for done in work.add(_identified(_hosts(found, report, told), identities, wish, report, told)):
        identities.store()
        progress(done)
    if wish.strict and (report.bad or report.renamed):
        raise _Refused
    if wish.prune:
        report.unpruned = _why_not(work, report)
        if not report.unpruned:
            work.prune()
    if verdicts.is_behind(connection):
        verdicts.refresh(connection, storage.catalogue(connection), at.date())


def _identified(
    hosts: Iterator[Host],
    identities: Identities,
    wish: ImportOptions,
    report: ImportReport,
    told: Callable[[BadRow | Note], None],
) -> Iterator[Host]:
    """The hosts, those whose name belongs to another identity under a name of their own."""
    while batch := list(islice(hosts, CHUNK)):
        for host, warning in identities.resolve(batch, given=wish.host):
            if warning:
                report.renamed += 1
                told(warning)
            yield host


def _hosts(found: Iterable[Found], report: ImportReport, told: Callable[[BadRow | Note], None]) -> Iterator[Host]:
    for one in found:
        if isinstance(one, Host):
            report.hosts += 1
            yield one
        elif isinstance(one, Bare):
            report.bare += 1
            yield Host(one.name, (), view=Observed.INSTALLED)
        else:
            report.bad += isinstance(one, BadRow)
            told(one)


def _why_not(work: Import, report: ImportReport) -> str:
    """Why pruning would forget what it should not."""
    if report.bad:
        return "rows that could not be read may be of hosts that are still there"
    if not report.hosts:
        return "it names no host"
    if work.first_of_its_scope:
        return "nothing was imported under this scope before; --scope says which it continues"
    return ""
