"""Importing an inventory: store what a text says about hosts, and match what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from feeds import storage
from feeds.core.errors import InventoryError, UsageProblem
from feeds.storage.database import Connection, Database
from notifier.assessment.existence import KnownReleases
from notifier.domain.components import BadRow, Bare, Component, Found, Host, LeftOut, Note, Observed, host_name
from notifier.domain.hosts import ImportResult
from notifier.domain.images import HostImages
from notifier.inventory import InputOptions, open_text
from notifier.inventory.text import Text
from notifier.schemas.inventory import (
    ImportExplanation,
    ImportSummary,
    LeftOutPart,
    ReadHost,
    host_changes,
    lost_products,
    read_host,
    unread_rows,
)
from notifier.services.host_images import keep_host_images
from notifier.services.waking import wake_matching
from notifier.storage import host_listing, verdicts
from notifier.storage.identities import Identities
from notifier.storage.import_rows import CHUNK
from notifier.storage.inventory import Import, host_numbers
from notifier.storage.shared_imports import SharedImport

ADDED_BY_HAND = "inventory add"
"""The scope of hosts that `add_component` adds."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a text of an inventory, and what to report about it."""

    input: InputOptions = field(default_factory=InputOptions)
    allow_empty: bool = False
    """Whether an input without a host is accepted."""
    explain: bool = False
    """Whether the summary explains how the input was read."""
    messages: bool = True
    """Whether the summary has the bad rows and the notes. A listener gets them either way."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to store what was read.

    `scope` names the set of hosts; with `prune`, hosts that an earlier import of the scope had and this one has
    not are removed. With `strict`, one bad row refuses the whole import.
    """

    scope: str
    tags: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    prune: bool = False
    host: str = ""
    """The name that the operator gave; it is kept whatever the host's identity is."""
    shared: bool = False
    """Whether it is one of many of its scope, which are then kept as one."""


@dataclass(frozen=True, slots=True)
class ImportListener:
    """Who is told about an import while it runs: of bad rows and notes, and of the number of hosts stored so far."""

    message: Callable[[BadRow | Note], None] = lambda _: None
    progress: Callable[[int], None] = lambda _: None


@dataclass(slots=True)
class ImportReport:
    """What an import did."""

    taken: ImportResult
    hosts: int = 0
    versions: set[tuple[str, str]] = field(default_factory=set)
    """The versions that are numbered by the project itself, with their products."""
    bad: int = 0
    bare: int = 0
    """Hosts whose complete list of packages shows that they have no Docker component."""
    refused: bool = False
    """Whether nothing was stored, because a row was bad."""
    renamed: int = 0
    """Hosts whose name another engine, machine or node had already."""
    images: list[HostImages] = field(default_factory=list)
    """What the input says about the images of hosts."""
    unpruned: str = ""
    """Why nothing was removed that should have been; "" otherwise."""

    @property
    def empty(self) -> bool:
        """Whether the input held no host at all."""
        return not (self.hosts or self.bare or self.images)


@dataclass(frozen=True, slots=True)
class ImportAnswer:
    """What an import did, and whether all of it could be done."""

    value: ImportSummary
    report: ImportReport
    complete: bool


class _Refused(Exception):
    """Rolls the transaction back."""


@dataclass(slots=True)
class _Record:
    """What the summary repeats of an import: messages and, with `explain`, the hosts as they were read."""

    listener: ImportListener
    options: ReadOptions
    bad: list[BadRow] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    hosts: list[ReadHost] = field(default_factory=list)
    left_out: list[LeftOutPart] = field(default_factory=list)

    def message(self, one: BadRow | Note) -> None:
        self.listener.message(one)
        if not self.options.messages:
            return
        if isinstance(one, BadRow):
            self.bad.append(one)
            self.left_out.append(LeftOutPart(what=one.where, reason=one.reason))
        else:
            self.notes[one.text] = None

    def read(self, found: Iterable[Found]) -> Iterator[Found]:
        """The same, noted on the way."""
        for one in found:
            if isinstance(one, LeftOut):
                if self.options.explain:
                    self.left_out.append(LeftOutPart(what=one.what, reason=one.reason))
                continue
            if self.options.explain and isinstance(one, Host):
                self.hosts.append(read_host(one))
            yield one

    def explanation(self, sign: str) -> ImportExplanation | None:
        """How the input was read."""
        if not self.options.explain:
            return None
        return ImportExplanation(recognised_by=sign, hosts=tuple(self.hosts), left_out=tuple(self.left_out))


def import_text(
    database: Database,
    stream: BinaryIO,
    name: str,
    options: tuple[ReadOptions, ImportOptions],
    now: datetime,
    listener: ImportListener = ImportListener(),
) -> ImportAnswer:
    """Import the hosts of a text, which messages call `name`.

    InventoryError if no format fits, if nothing can be read, or if a format that is named finds no host.
    """
    reading, storing = options
    record = _Record(listener, reading)
    at_work = ImportListener(record.message, listener.progress)
    try:
        text = open_text(Text(stream), reading.input)
        report = store(database, record.read(text.found), storing, now, at_work)
    except InventoryError as error:
        raise InventoryError(error.what, where=name, remedy=error.remedy) from error
    nothing = report.empty and not reading.allow_empty
    if nothing and reading.input.form:
        what = f"no host was found when reading it as {reading.input.form}"
        raise InventoryError(what, where=name, remedy="Leave out --from, or use --allow-empty")
    complete = not (report.bad or report.unpruned or report.refused or nothing)
    summary = _summary(name, text.format, report, record, record.explanation(text.sign))
    return ImportAnswer(summary, report, complete)


def _summary(
    name: str, form: str, report: ImportReport, record: _Record, explanation: ImportExplanation | None
) -> ImportSummary:
    return ImportSummary(
        input=name,
        format=form,
        stored=not (report.refused or report.empty),
        images=len(report.images),
        hosts=host_changes(ImportResult() if report.refused else report.taken),
        bad=report.bad,
        bad_rows=unread_rows(record.bad),
        notes=tuple(record.notes),
        lost=lost_products({} if report.refused else report.taken.lost),
        not_pruned=report.unpruned or None,
        explanation=explanation,
    )


def add_component(
    database: Database, host: str, component: Component, tags: Mapping[str, str], now: datetime
) -> ImportAnswer:
    """Add a component to a host, which is created if it does not exist.

    It replaces what was declared before about the same product; other products stay. UsageProblem if `host` cannot
    be a host's name.
    """
    try:
        name = host_name(host)
    except ValueError as error:
        raise UsageProblem(str(error)) from error
    with database.connect() as connection:
        declared = host_listing.declared(connection, name)
    kept = tuple(c for c in declared if c.product != component.product)
    record = _Record(ImportListener(), ReadOptions())
    hosts, options = [Host(name, (*kept, component))], ImportOptions(ADDED_BY_HAND, tags)
    report = store(database, hosts, options, now, ImportListener(record.message))
    return ImportAnswer(_summary(ADDED_BY_HAND, "json", report, record, None), report, complete=True)


def store(
    database: Database,
    found: Iterable[Found],
    options: ImportOptions,
    at: datetime,
    listener: ImportListener = ImportListener(),
) -> ImportReport:
    """Store hosts as they are read, in one transaction; the listener gets bad rows and notes as they come."""
    report = ImportReport(ImportResult())
    try:
        with database.begin() as connection:
            _store(connection, found, options, at, report, listener)
    except _Refused:
        report.refused = True
    return report


def _store(
    connection: Connection,
    found: Iterable[Found],
    options: ImportOptions,
    at: datetime,
    report: ImportReport,
    listener: ImportListener,
) -> None:
    kind = SharedImport if options.shared else Import
    work = kind(connection, at, scope=options.scope, tags=options.tags)
    report.taken = work.taken
    identities = Identities(connection)
    for done in work.add(_identified(_hosts(found, report, listener), identities, options, report, listener)):
        identities.store()
        listener.progress(done)
    for done in work.add(_without_components(connection, report.images)):
        listener.progress(report.hosts + done)
    keep_host_images(connection, report.images, at)
    if options.strict and (report.bad or report.renamed):
        raise _Refused
    if options.prune:
        report.unpruned = _why_not(work, report)
        if not report.unpruned:
            work.prune()
    for note in _unreleased(connection, report.versions, at):
        listener.message(note)
    if verdicts.is_behind(connection):
        verdicts.refresh(connection, storage.catalogue(connection), at.date())
    wake_matching(connection)


def _unreleased(connection: Connection, versions: Iterable[tuple[str, str]], at: datetime) -> Iterator[Note]:
    """A warning for each version that is no known release, with the nearest ones."""
    known = KnownReleases(storage.known_releases(connection), at.date())
    for product, version in sorted(versions):
        doubt = known.doubt(product, version)
        if doubt and doubt.decides:
            near = ", ".join(known.near(product, version))
            nearest = f"; nearest: {near}" if near else ""
            yield Note(f"{product} {version} is not a known release{nearest}. Until it is, its verdict is unknown")


def _identified(
    hosts: Iterator[Host],
    identities: Identities,
    options: ImportOptions,
    report: ImportReport,
    listener: ImportListener,
) -> Iterator[Host]:
    """The hosts; those whose name belongs to another identity get a name of their own."""
    while batch := list(islice(hosts, CHUNK)):
        for host, warning in identities.resolve(batch, given={options.host}):
            if warning:
                report.renamed += 1
                listener.message(warning)
            yield host


def _hosts(found: Iterable[Found], report: ImportReport, listener: ImportListener) -> Iterator[Host]:
    for one in found:
        if isinstance(one, Host):
            report.hosts += 1
            report.versions.update((c.product, c.version) for c in one.components if not c.rebuilt)
            yield one
        elif isinstance(one, Bare):
            report.bare += 1
            yield Host(one.name, (), view=Observed.INSTALLED)
        elif isinstance(one, HostImages):
            report.images.append(one)
        elif not isinstance(one, LeftOut):
            report.bad += isinstance(one, BadRow)
            listener.message(one)


def _without_components(connection: Connection, found: Iterable[HostImages]) -> list[Host]:
    """The hosts of which only images are known, and that the inventory does not have."""
    names = {one.name for one in found}
    known = host_numbers(connection, names) if names else {}
    return [Host(name, (), view=Observed.RUNNING) for name in sorted(names - known.keys())]


def _why_not(work: Import, report: ImportReport) -> str:
    """Why pruning would remove too much; "" if it would not."""
    if report.bad:
        return "rows that could not be read may be of hosts that are still there"
    if not report.hosts:
        return "it has no host"
    if work.first_of_its_scope:
        return "nothing was imported under this scope before; --scope says which it continues"
    return ""
