"""Filling a mirror's folder with what the sources answer.  A shell over the crawl and `layout`.

Each file is replaced whole or not at all.  A document that fails keeps the file it had; a record
that is no longer there loses it.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

import feeds
from feeds.core import files
from feeds.core.errors import Busy, NavtexError, ShapeError, UsageProblem
from feeds.core.limits import MIRROR
from feeds.crawl.client import Crawl
from feeds.crawl.protocol import CrawlJob, FetchResult, FetchStatus
from feeds.mirror import layout, manifest
from feeds.mirror.manifest import Manifest, ManifestEntry


@dataclass(slots=True)
class MirrorReport:
    """What a fetch did: files written, questions without an answer that may have none, and failures by source."""

    files: int = 0
    missing: int = 0
    failures: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether everything was answered."""
        return not self.failures and not self.problem


def fetch(
    crawl: Crawl, job: CrawlJob, folder: Path, *, progress: Callable[[FetchResult], None] = lambda _: None
) -> MirrorReport:
    """Ask a job's questions anew, and put the answers into a folder; Busy if another fetch is at it.

    UsageProblem if the folder cannot be created, NavtexError if it cannot be written.
    """
    try:
        files.shared_folder(folder)
    except OSError as error:
        raise UsageProblem(f"cannot be created: {error.strerror}", where=str(folder)) from error
    try:
        with (
            FileLock(folder / ".navtex-mirror.lock", timeout=0, mode=files.PRIVATE),
            _spool(folder) as spool,
        ):
            return _filled(crawl, job, folder.resolve(), spool, progress)
    except Timeout as error:
        raise Busy(f"another fetch is filling {folder}") from error
    except OSError as error:
        raise NavtexError(f"cannot be written: {error.strerror or error}", where=str(folder)) from error


@contextmanager
def _spool(folder: Path) -> Iterator[Path]:
    """A folder for answers until they are merged. What a killed fetch left goes first: nobody else is at work here."""
    spool = folder / ".navtex-spool"
    shutil.rmtree(spool, ignore_errors=True)
    for part in folder.rglob(files.PARTS):
        part.unlink(missing_ok=True)
    spool.mkdir(mode=0o700)
    try:
        yield spool
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _filled(
    crawl: Crawl, job: CrawlJob, folder: Path, spool: Path, progress: Callable[[FetchResult], None]
) -> MirrorReport:
    before = manifest.read(folder)
    entries = {e.url: e for e in before.documents} if before else {}
    report = MirrorReport()
    outcomes: list[FetchResult] = []
    size = 0
    for outcome in crawl.run(msgspec.structs.replace(job, bodies=True, known={})):
        size += len(outcome.body)
        if size > MIRROR:
            report.problem = f"the answers are larger than {MIRROR >> 30} GiB"
            break
        if outcome.result is FetchStatus.READ:
            (spool / str(len(outcomes))).write_bytes(outcome.body)
        outcomes.append(msgspec.structs.replace(outcome, body=b"", items=()))
        progress(outcome)
    report.problem = report.problem or crawl.problem
    for numbers in _together(outcomes, spool):
        _keep([(outcomes[n], spool / str(n)) for n in numbers], folder, entries, report)
    if report.files:
        now = datetime.now(UTC).replace(microsecond=0)
        made = Manifest(navtex=feeds.__version__, fetched_at=now, documents=manifest.told(entries))
        _replace(folder / manifest.NAME, msgspec.json.format(msgspec.json.encode(made)), folder)
    return report


def _together(outcomes: list[FetchResult], spool: Path) -> Iterable[list[int]]:
    """The numbers of outcomes that lie in one file, in order: pages, and what differs in its query only."""
    page_of = {f.name: o.url for o in outcomes for f in o.follow if f.form == o.form and not f.body}
    groups: dict[str, list[int]] = defaultdict(list)
    for number, outcome in enumerate(outcomes):
        groups[_first_page(outcome.url, page_of)].append(number)
    files: dict[str, list[int]] = defaultdict(list)
    for first in sorted(groups):
        files[_path(first)].extend(groups[first])
    return files.values()


def _first_page(url: str, page_of: dict[str, str]) -> str:
    seen = {url}
    while (before := page_of.get(url)) is not None and before not in seen:
        url = before
        seen.add(url)
    return url


def _path(name: str) -> str:
    """What tells files apart before it is known what they hold: the address without its query, or the package."""
    url, _, sent = name.partition("#")
    try:
        return layout.file_of(name, b"{}") if sent else url.partition("?")[0]
    except ShapeError:
        return name


def _keep(
    parts: list[tuple[FetchResult, Path]], folder: Path, entries: dict[str, ManifestEntry], report: MirrorReport
) -> None:
    """Put the parts of one file there, if all of them were answered, and note what became of each."""
    failed = [o for o, _ in parts if o.result is FetchStatus.FAILED]
    read = [(o, at) for o, at in parts if o.result is FetchStatus.READ]
    problem = ""
    name = ""
    if read and not failed:
        try:
            body = layout.merged([at.read_bytes() for _, at in read])
            name = layout.file_of(parts[0][0].url, body)
            _replace(folder / name, body, folder)
            report.files += 1
        except NavtexError as error:
            problem = str(error)
            report.failures[parts[0][0].source].append(f"{parts[0][0].url}: {problem}")
    for outcome in failed:
        report.failures[outcome.source].append(f"{outcome.url}: {outcome.reason}")
    for outcome, _ in parts:
        old = entries.get(outcome.url)
        reason = problem or outcome.reason or (failed[0].reason if failed else "")
        entry = ManifestEntry(url=outcome.url, status=outcome.status, asked_at=outcome.at, problem=reason)
        gone = outcome.result is FetchStatus.MISSING
        report.missing += gone
        if name:
            entry = msgspec.structs.replace(entry, file=name, fetched_at=outcome.at)
        elif old and not gone:
            entry = msgspec.structs.replace(entry, file=old.file, fetched_at=old.fetched_at)
        if old and old.file and old.file != entry.file:
            _remove(folder, old.file)
        entries[outcome.url] = entry


def _replace(at: Path, body: bytes, folder: Path) -> None:
    """Write a file whole; NavtexError if a link in the folder leads out of it."""
    if not at.parent.resolve().is_relative_to(folder):
        raise NavtexError("a link leads out of the folder", where=str(at.parent))
    try:
        files.shared_folder(at.parent)
        if not at.parent.resolve().is_relative_to(folder):
            raise NavtexError("a link leads out of the folder", where=str(at.parent))
        files.write(at, body, files.PUBLIC, durable=False)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise NavtexError("a file and a folder have the same name", where=str(at)) from error


def _remove(folder: Path, name: str) -> None:
    """Remove a file that a manifest names, if it lies in the folder."""
    at = folder / name
    if ".." not in Path(name).parts and at.parent.resolve().is_relative_to(folder) and at.is_file():
        at.unlink()
