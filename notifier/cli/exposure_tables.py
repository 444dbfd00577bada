"""`navtex exposure` as tables that fit the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from feeds.advisories.records import Level
from feeds.core.text import few
from feeds.core.times import day
from feeds.storage.database import Connection
from notifier.assessment.findings import Finding, by_advisory, weight
from notifier.cli.common import say, severity, table, verdict, wrapped
from notifier.cli.output import emit
from notifier.services.findings.exposure import ScopedFindings
from notifier.services.findings.exposure_rows import GroupBy, counted, each_host, host_groups, version_rows
from notifier.services.snapshot.annotations import Remarks
from notifier.services.snapshot.scopes import nothing_in

LONGEST = 2000
"""The most rows of a table, which has to fit in memory to be laid out."""

Column = str | tuple[str, dict[str, Any]]
Laid = tuple[list[Column], Iterator[list[str]], Mapping[str, int]]
"""Columns, rows, and the footnotes with their numbers, which are filled in while the rows are read."""


def write(
    connection: Connection, found: ScopedFindings, group: GroupBy | None, output: Path | None, *, reasons: bool
) -> None:
    """Write the table to standard output or a file; with `reasons`, it gives the reason of each verdict."""
    remarks = Remarks.of(found.assessment)
    columns, rows, notes = _TABLES[group](connection, found, remarks, reasons)
    shown = list(islice(rows, LONGEST + 1))
    nothing = nothing_in(connection, found.scope) or "No matching vulnerabilities."
    text = StringIO() if output else None
    table(*_filled(columns, shown[:LONGEST]), empty=nothing, file=text)
    for words, number in notes.items():
        wrapped(f"({number}) {words}", 0, hang=4, file=text)
    if text:
        emit([text.getvalue()], output)
    if group is not GroupBy.ADVISORY:
        _mention_remarks(found, remarks)
    if len(shown) > LONGEST:
        say(f"Only the first {LONGEST} rows are shown. Use filters, --group-by, --format csv or --format json.")


def _filled(columns: Sequence[Column], rows: Sequence[list[str]]) -> tuple[list[Column], list[list[str]]]:
    """The table without its empty columns."""
    kept = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    return [columns[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _mention_remarks(found: ScopedFindings, remarks: Remarks) -> None:
    """Name the advisories that are silenced or assigned, if the rows have no room for it."""
    said = [a.name for a, _ in by_advisory(found.findings) if remarks.words(a.id)]
    if said:
        say(f"Silenced or assigned: {few(said, 5)}. Use --group-by advisory for details.")


def _plain(connection: Connection, found: ScopedFindings, remarks: Remarks, reasons: bool) -> Laid:
    columns: list[Column] = [
        ("Host", {"min_width": 6}),
        ("Runs", {"min_width": 10}),
        ("Advisory", {"no_wrap": True}),
        "Severity",
        *(("Verdict", ("Why", {"no_wrap": True})) if reasons else ("Upgrade to",)),
        _DUE,
        _NOTE,
    ]
    notes: dict[str, int] = {}
    rows = (
        [
            row.host,
            _runs(f),
            f.match.advisory.name,
            severity(f.match.advisory.severity, f.match.advisory.cvss),
            *(
                (verdict(f.match), _note(notes, f.match.verdict.reason))
                if reasons
                else (f.match.verdict.upgrade_to or "-",)
            ),
            _due(row.dates.due, late=row.dates.overdue) if row.dates else "",
            _note(notes, f"Silenced until {day(row.silenced_until)}" if row.silenced_until else ""),
        ]
        for row in each_host(connection, found)
        for f in (row.finding,)
    )
    return columns, rows, notes


def _by_advisory(connection: Connection, found: ScopedFindings, remarks: Remarks, reasons: bool) -> Laid:
    columns: list[Column] = [
        ("Advisory", {"no_wrap": True}),
        "Severity",
        ("Hosts", {"justify": "right"}),
        ("Versions", {"ratio": 1}),
        *(("Verdict",) if reasons else ()),
        "Upgrade to",
        _DUE,
        _NOTE,
    ]
    notes: dict[str, int] = {}
    groups = by_advisory(found.findings)
    rows = (
        [
            advisory.name,
            severity(advisory.severity, advisory.cvss),
            str(hosts),
            _versions(group),
            *((", ".join(dict.fromkeys(verdict(f.match) for f in group)),) if reasons else ()),
            ", ".join(dict.fromkeys(f.match.verdict.upgrade_to or "-" for f in group)),
            _due(min((f.due for f in group if f.due), default=None), late=any(f.overdue for f in group)),
            _note(notes, "; ".join(remarks.words(advisory.id))),
        ]
        for (advisory, group), hosts in zip(groups, counted(connection, found, groups), strict=True)
    )
    return columns, rows, notes


def _by_version(connection: Connection, found: ScopedFindings, remarks: Remarks, reasons: bool) -> Laid:
    columns: list[Column] = [
        ("Runs", {"ratio": 1}),
        ("Hosts", {"justify": "right"}),
        ("Worst", {"no_wrap": True}),
        ("Advisories", {"justify": "right"}),
        ("Worst advisory", {"no_wrap": True}),
    ]
    rows = (
        [
            _build(group[0]),
            str(hosts),
            Level.ranked(weight(group)).value,
            str(len(group)),
            group[0].match.advisory.name,
        ]
        for group, hosts in version_rows(connection, found)
    )
    return columns, rows, {}


def _by_host(connection: Connection, found: ScopedFindings, remarks: Remarks, reasons: bool) -> Laid:
    columns: list[Column] = [
        ("Host", {"min_width": 6}),
        "Worst",
        ("Advisories", {"justify": "right"}),
        ("KEV", {"justify": "right"}),
        ("Silenced", {"justify": "right"}),
        _DUE,
        ("Runs", {"ratio": 1}),
    ]
    rows = (
        [
            group.host,
            Level.of(group.severity).value,
            str(group.advisories),
            str(group.kev or "-"),
            str(group.silenced or ""),
            _due(group.due, late=bool(group.overdue)),
            few([f"{r.product} {r.version}" for r in group.versions], 6),
        ]
        for group in host_groups(connection, found)
    )
    return columns, rows, {}


_TABLES = {
    None: _plain,
    GroupBy.ADVISORY: _by_advisory,
    GroupBy.VERSION: _by_version,
    GroupBy.HOST: _by_host,
}


_DUE: Column = ("Due", {"no_wrap": True})
_NOTE: Column = ("Note", {"no_wrap": True})


def _due(on: date | None, *, late: bool) -> str:
    """A due date as it stands in a table."""
    return f"{on}{chr(10) + 'overdue' if late else ''}" if on else ""


def _note(notes: dict[str, int], words: str) -> str:
    """The number of a footnote, which is added to the others if it is new; "" without words."""
    return f"({notes.setdefault(words, len(notes) + 1)})" if words else ""


def _runs(finding: Finding) -> str:
    return f"{finding.match.component.product} {finding.match.component.version}"


def _build(finding: Finding) -> str:
    """A component with the package that it came in, and the distribution."""
    component = finding.match.component
    more = " ".join(filter(None, (component.package, f"on {component.distro}" if component.distro else "")))
    return _runs(finding) + (f" ({more})" if more else "")


def _versions(group: Iterable[Finding]) -> str:
    """Versions by product: "engine 25.0.5, 27.1.0; buildkit 0.12.4"."""
    products: dict[str, dict[str, None]] = {}
    for finding in group:
        component = finding.match.component
        products.setdefault(component.product, {})[component.version] = None
    return "; ".join(f"{product} {few(list(versions), 3)}" for product, versions in products.items())
