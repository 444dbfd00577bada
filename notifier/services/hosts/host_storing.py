"""Stores hosts as they are read, in one transaction, and matches what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from feeds import storage
from feeds.core.text import counted
from feeds.storage.database import Connection, Database
from notifier.assessment.known_versions import KnownReleases
from notifier.domain.bounds import NAME, check_tags, check_text
from notifier.domain.components import BadRow, Bare, Found, Host, LeftOut, Note, Observed
from notifier.domain.hosts import ImportResult
from notifier.domain.images import HostImages
from notifier.services.hosts.host_images import keep_host_images
from notifier.services.installation.worker_wakeups import wake_matching
from notifier.storage import verdicts
from notifier.storage.identities import Identities
from notifier.storage.import_rows import CHUNK
from notifier.storage.inventory import Import, host_numbers
from notifier.storage.shared_imports import SharedImport


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

    def __post_init__(self) -> None:
        """UsageProblem if the scope or a tag cannot be stored."""
        check_text("scope", self.scope, NAME)
        check_tags(self.tags)


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

    @property
    def image_words(self) -> str:
        """What was stored of images: "3 images in use on 2 hosts stored"; "" if the input says nothing of any."""
        used = {(one.name, use) for one in self.images for use in one.uses or ()}
        hosts = {one.name for one in self.images if one.uses is not None}
        held = {image.key for one in self.images for image in one.held}
        use = f"{counted(len(used), 'image')} in use on {counted(len(hosts), 'host')}" if hosts else ""
        details = f"details of {counted(len(held), 'image')}" if held else ""
        return " and ".join(filter(None, (use, details))) + (" stored" if hosts or held else "")


@dataclass(frozen=True, slots=True)
class _Storing:
    """How hosts are stored, who is told of it, and what is known of it so far."""

    options: ImportOptions
    at: datetime
    listener: ImportListener
    report: ImportReport


class _Refused(Exception):
    """Rolls the transaction back."""


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
            _store(connection, found, _Storing(options, at, listener, report))
    except _Refused:
        report.refused = True
    return report


def _store(connection: Connection, found: Iterable[Found], storing: _Storing) -> None:
    options, at, report, listener = storing.options, storing.at, storing.report, storing.listener
    kind = SharedImport if options.shared else Import
    work = kind(connection, at, scope=options.scope, tags=options.tags)
    report.taken = work.taken
    identities = Identities(connection)
    for done in work.add(_identified(_hosts(found, storing), identities, storing)):
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


def _identified(hosts: Iterator[Host], identities: Identities, storing: _Storing) -> Iterator[Host]:
    """The hosts; those whose name belongs to another identity get a name of their own."""
    while batch := list(islice(hosts, CHUNK)):
        for host, warning in identities.resolve(batch, given={storing.options.host}):
            if warning:
                storing.report.renamed += 1
                storing.listener.message(warning)
            yield host


def _hosts(found: Iterable[Found], storing: _Storing) -> Iterator[Host]:
    report = storing.report
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
            storing.listener.message(one)


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
