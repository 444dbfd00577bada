"""How `navtex exposure` writes what was found: each form as text that comes while the rows are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from feeds.database import Connection
from feeds.evidence import Status
from notifier.cli.app import nobody, say, severity, stamp, table, wrapped
from notifier.cli.exposure import verdict
from notifier.cli.exposure_remarks import Remarks
from notifier.cli.output import emit
from notifier.export import FORMATS, csv_rows
from notifier.export.model import AUTHOR, NAMESPACE, document
from notifier.exposure import (
    UNSCORED,
    Exposure,
    Finding,
    Question,
    by_advisory,
    by_component,
    level_of,
    row,
    weight,
)
from notifier.grouped import AdvisoryGroup, HostGroup, HostGroups, VersionGroup, advisory_group, version_group
from notifier.matching import Match
from notifier.store import exposure
from notifier.survey import Survey, host_counts, marks

NAMED = 100
"""So many hosts of a component are named to other tools; all are counted."""
LONGEST = 2000
"""So many rows a table has at most: nobody reads more, and it has to be held to be laid out."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How the answer is to be written."""

    form: str
    group: str | None
    reasons: bool
    """Whether verdicts were named, so that the table says why."""
    output: Path | None
    author: str | None
    namespace: str | None
    stale_days: int


def answer(connection: Connection, found: Survey, question: Question, wish: Wish) -> None:
    """Write the answer where it is wanted."""
    if wish.form == "table":
        _table(connection, found, wish)
    elif wish.form == "html":
        from notifier.cli.exposure_report import page

        emit([page(connection, found, question, wish.stale_days)], wish.output)
    elif wish.form in FORMATS:
        emit([_exported(connection, found, wish)], wish.output)
    else:
        key, kind, rows = _rows(connection, found, wish.group)
        # what still reads the database is closed before the database is, also when the reader goes away
        with (
            closing(rows),
            closing(csv_rows.write(rows, kind) if wish.form == "csv" else _json(found, key, rows)) as text,
        ):
            emit(text, wish.output)


def _rows(
    connection: Connection, found: Survey, group: str | None
) -> tuple[str, type[msgspec.Struct], Generator[msgspec.Struct]]:
    """The name of a list in JSON, the kind of its rows, and the rows as they are read."""
    if group == "advisory":
        return "advisories", AdvisoryGroup, advisory_groups(connection, found)
    if group == "version":
        return "versions", VersionGroup, (version_group(g) for _, g in by_component(found.findings))
    if group == "host":
        return "hosts", HostGroup, host_groups(connection, found)
    return "exposures", Exposure, (row(f.match, host, tags) for f, host, tags in each_host(connection, found))


def each_host(connection: Connection, found: Survey) -> Iterator[tuple[Finding, str, dict[str, str]]]:
    """A finding for each host: the worst advisory first, its hosts by name. Nothing is held but one advisory's."""
    holders = _holders(connection, found)
    for _, group in by_advisory(found.findings):
        of_number = {f.number: f for f in group}
        for host, tags, numbers in holders(of_number):
            if len(numbers) == 1:
                yield of_number[numbers[0]], host, tags
            else:
                yield from ((finding, host, tags) for finding in group if finding.number in numbers)


Holder = tuple[str, dict[str, str], tuple[int, ...]]
_FEW = 20_000


def _holders(connection: Connection, found: Survey) -> Callable[[Collection[int]], Iterable[Holder]]:
    """Answers which hosts run some components. A small fleet is read once, a large one for each question."""
    concerned = {f.number for f in found.findings}
    if sum(found.hosts[n] for n in concerned) > _FEW:
        return lambda numbers: exposure.holders(connection, found.scope, numbers)
    hosts = list(exposure.holders(connection, found.scope, concerned))
    places: dict[int, list[int]] = {n: [] for n in concerned}
    for place, (_, _, held) in enumerate(hosts):
        for number in held:
            places[number].append(place)

    @lru_cache(maxsize=32)  # many advisories affect the same components
    def holders(numbers: frozenset[int]) -> list[Holder]:
        held: dict[int, tuple[int, ...]] = {}
        for number in sorted(numbers):
            for place in places[number]:
                held[place] = (*held.get(place, ()), number)
        return [(*hosts[place][:2], held[place]) for place in sorted(held)]

    return lambda numbers: holders(frozenset(numbers))


def advisory_groups(connection: Connection, found: Survey) -> Generator[AdvisoryGroup]:
    """A row for each advisory, worst first."""
    groups = by_advisory(found.findings)
    remarks = Remarks.read(connection, found.at)
    for (advisory, group), hosts in zip(groups, host_counts(connection, found.scope, groups), strict=True):
        taken = remarks.in_hand.get(advisory.id, ())
        yield advisory_group(advisory, group, hosts, remarks.silent(advisory.id), taken)


def host_groups(connection: Connection, found: Survey) -> Generator[HostGroup]:
    """A row for each host that a finding concerns, worst first."""
    groups = dict(by_component(found.findings))
    made = HostGroups(groups)
    for host, tags, numbers in exposure.worst(connection, found.scope, marks(found.findings, frozenset(Status))):
        yield made.row(host, tags, numbers)


def _json(found: Survey, key: str, rows: Iterable[msgspec.Struct]) -> Generator[str]:
    """One object, a line for each row of its list."""
    yield f'{{"generated_at": {json.dumps(stamp(found.at))},\n "{key}": ['
    comma = ""
    for one in rows:
        yield f"{comma}\n  {json.dumps(msgspec.to_builtins(one), ensure_ascii=False)}"
        comma = ","
    yield "]}\n"


def _exported(connection: Connection, found: Survey, wish: Wish) -> str:
    made = document(
        found.findings,
        lambda number: exposure.some(connection, found.scope, number, NAMED),
        found.at,
        wish.author or AUTHOR,
        wish.namespace or NAMESPACE,
        Remarks.read(connection, found.at).exported(connection),
    )
    return FORMATS[wish.form].write(made)


def _table(connection: Connection, found: Survey, wish: Wish) -> None:
    columns, rows, reasons = _TABLES[wish.group](connection, found, wish)
    shown = list(islice(rows, LONGEST + 1))
    nothing = nobody(connection, found.scope) or "Nothing of this is known to affect any of these hosts."
    text = StringIO() if wish.output else None
    table(columns, shown[:LONGEST], empty=nothing, file=text)
    for reason, number in reasons.items():
        wrapped(f"({number}) {reason}", 0, hang=4, file=text)
    if text:
        emit([text.getvalue()], wish.output)
    if wish.group != "advisory":
        _tell_of_remarks(connection, found)
    if len(shown) > LONGEST:
        say(f"These are the first {LONGEST} rows. Narrow the question, or ask with --group-by, or for csv or json.")


def _tell_of_remarks(connection: Connection, found: Survey) -> None:
    """Name what is silenced or in hand where the rows have no room for it."""
    remarks = Remarks.read(connection, found.at)
    said = [a.name for a, _ in by_advisory(found.findings) if remarks.words(a.id)]
    if said:
        say(f"Silenced or in hand: {_few(said, 5)}. See --group-by advisory for who says so, of which hosts.")


Column = str | tuple[str, dict[str, Any]]
Laid = tuple[list[Column], Iterator[list[str]], Mapping[str, int]]
"""Columns, rows, and the reasons that are told below the table by their numbers, which the rows fill in."""


def _plain(connection: Connection, found: Survey, wish: Wish) -> Laid:
    columns: list[Column] = [
        ("Host", {"min_width": 6}),
        ("Runs", {"min_width": 10}),
        ("Advisory", {"no_wrap": True}),
        "Severity",
        *(("Verdict", ("Why", {"no_wrap": True})) if wish.reasons else ("Upgrade to",)),
    ]
    reasons: dict[str, int] = {}

    def why(match: Match) -> str:
        return f"({reasons.setdefault(match.verdict.reason, len(reasons) + 1)})"

    rows = (
        [
            host,
            _runs(f),
            f.match.advisory.name,
            severity(f.match.advisory.severity, f.match.advisory.cvss),
            *((verdict(f.match), why(f.match)) if wish.reasons else (f.match.verdict.upgrade_to or "-",)),
        ]
        for f, host, _ in each_host(connection, found)
    )
    return columns, rows, reasons


def _by_advisory(connection: Connection, found: Survey, wish: Wish) -> Laid:
    remarks = Remarks.read(connection, found.at)
    said = any(remarks.words(f.match.advisory.id) for f in found.findings)
    columns: list[Column] = [
        ("Advisory", {"no_wrap": True}),
        ("Severity", {"no_wrap": True}),
        ("Hosts", {"justify": "right"}),
        ("Versions", {"ratio": 1}),
        *(("Verdict",) if wish.reasons else ()),
        "Upgrade to",
        *((("Said of it", {"ratio": 1}),) if said else ()),
    ]
    groups = by_advisory(found.findings)
    rows = (
        [
            advisory.name,
            severity(advisory.severity, advisory.cvss),
            str(hosts),
            _versions(group),
            *((", ".join(dict.fromkeys(verdict(f.match) for f in group)),) if wish.reasons else ()),
            ", ".join(dict.fromkeys(f.match.verdict.upgrade_to or "-" for f in group)),
            *(("; ".join(remarks.words(advisory.id)),) if said else ()),
        ]
        for (advisory, group), hosts in zip(groups, host_counts(connection, found.scope, groups), strict=True)
    )
    return columns, rows, {}


def _by_version(connection: Connection, found: Survey, wish: Wish) -> Laid:
    columns: list[Column] = [
        ("Runs", {"ratio": 1}),
        ("Hosts", {"justify": "right"}),
        ("Worst", {"no_wrap": True}),
        ("Advisories", {"justify": "right"}),
        ("The worst", {"no_wrap": True}),
    ]
    rows = (
        [
            _build(group[0]),
            str(group[0].hosts),
            level_of(weight(group)),
            str(len(group)),
            group[0].match.advisory.name,
        ]
        for _, group in by_component(found.findings)
    )
    return columns, rows, {}


def _by_host(connection: Connection, found: Survey, wish: Wish) -> Laid:
    columns: list[Column] = [
        ("Host", {"min_width": 6}),
        "Worst",
        ("Advisories", {"justify": "right"}),
        ("KEV", {"justify": "right"}),
        ("Runs", {"ratio": 1}),
    ]
    rows = (
        [
            group.host,
            group.severity.value if group.severity else UNSCORED,
            str(group.advisories),
            str(group.kev or "-"),
            _few([f"{r.product} {r.version}" for r in group.versions], 6),
        ]
        for group in host_groups(connection, found)
    )
    return columns, rows, {}


_TABLES = {None: _plain, "advisory": _by_advisory, "version": _by_version, "host": _by_host}


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
    return "; ".join(f"{product} {_few(list(versions), 3)}" for product, versions in products.items())


def _few(names: list[str], limit: int) -> str:
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")
