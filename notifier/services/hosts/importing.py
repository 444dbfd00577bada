"""Importing an inventory: store what a text says about hosts, and match what is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from feeds.core.errors import InventoryError, UsageProblem
from feeds.storage.database import Database
from notifier.domain.components import BadRow, Component, Found, Host, LeftOut, Note, host_name
from notifier.domain.hosts import ImportResult
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
from notifier.services.hosts.host_storing import ImportListener, ImportOptions, ImportReport, store
from notifier.storage import host_listing

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
class ImportAnswer:
    """What an import did, and whether all of it could be done."""

    value: ImportSummary
    report: ImportReport
    complete: bool


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
    *,
    listener: ImportListener = ImportListener(),  # noqa: B008 - a frozen value
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
