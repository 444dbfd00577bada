"""Exposure a page at a time, for programs: each page begins behind the place where the last one ended.

A place is what the order goes by, so that what is added or removed meanwhile moves nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import msgspec

from feeds.advisories.merging import badness
from feeds.advisories.records import Advisory
from feeds.core.errors import UsageProblem
from feeds.storage.database import Connection
from notifier.assessment.findings import Finding, by_version
from notifier.schemas.exposure import (
    Exposure,
    ExposureByAdvisory,
    ExposureByHost,
    ExposureByVersion,
    Exposures,
)
from notifier.schemas.fields import whole
from notifier.services.findings.exposure import ScopedFindings
from notifier.services.findings.exposure_rows import (
    ExposureAnswer,
    GroupBy,
    advisory_groups,
    each_host,
    exposure_rows,
    host_groups,
    host_row,
    placed_hosts,
)

Place = tuple[Any, ...]
"""Where a row stands in the order of an answer."""


@dataclass(frozen=True, slots=True)
class ExposurePage:
    """A part of an answer, and the place where it ends; None if nothing follows."""

    value: ExposureAnswer
    last: Place | None


def exposure_page(
    connection: Connection, found: ScopedFindings, group: GroupBy | None, limit: int, after: Place | None
) -> ExposurePage:
    """Up to `limit` rows behind a place. UsageProblem for a place that is none of this answer."""
    try:
        rows, make = _ROWS[group](connection, found, after), _ANSWERS[group]
        part = list(islice(rows, limit + 1))
    except (TypeError, ValueError) as error:
        raise UsageProblem("this is not a place in this answer") from error
    value = make([row for row, _ in part[:limit]], found)
    return ExposurePage(value, part[limit - 1][1] if len(part) > limit else None)


def _severity_place(advisory: Advisory) -> Place:
    severity, cvss = badness(advisory)
    return -severity, -cvss, advisory.name


def _component_place(finding: Finding) -> Place:
    component = finding.match.component
    return component.version, *msgspec.structs.astuple(component)


_Rows = Iterator[tuple[Any, Place]]


def _each(connection: Connection, found: ScopedFindings, after: Place | None) -> _Rows:
    """A row for each host and advisory: by the advisory, then by the host, then by the component."""
    front: Place = (*after[:3],) if after else ()
    host, component = (str(after[3]), tuple(after[4:])) if after else ("", ())
    if after:
        left = tuple(f for f in found.findings if _severity_place(f.match.advisory) >= front)
        found = replace(found, findings=left)
    begins = bool(found.findings) and _severity_place(found.findings[0].match.advisory) == front
    for row in each_host(connection, found, host if begins else ""):
        finding = row.finding
        place = _severity_place(finding.match.advisory)
        if place == front and row.host == host and _component_place(finding) <= component:
            continue
        yield host_row(row), (*place, row.host, *_component_place(finding))


def _by_advisory(connection: Connection, found: ScopedFindings, after: Place | None) -> _Rows:
    if after:
        found = replace(found, findings=tuple(f for f in found.findings if _severity_place(f.match.advisory) > after))
    places = dict.fromkeys(_severity_place(f.match.advisory) for f in found.findings)
    return zip(advisory_groups(connection, found), places, strict=True)


def _by_version(connection: Connection, found: ScopedFindings, after: Place | None) -> _Rows:
    """Versions are few: they are all made, and those up to the last one are left out."""
    places = [(n, *_component_place(shown[0])) for n, (shown, _) in enumerate(by_version(found.findings))]
    rows = exposure_rows(connection, found, GroupBy.VERSION).rows
    return islice(zip(rows, places, strict=True), _start(places, after), None)


def _start(places: Sequence[Place], after: Place | None) -> int:
    """Where the rows begin that are behind a place. If it is gone: where it stood."""
    if not after:
        return 0
    return next((n + 1 for n, place in enumerate(places) if place[1:] == after[1:]), int(after[0]))


def _by_host(connection: Connection, found: ScopedFindings, after: Place | None) -> _Rows:
    if found.overdue:  # what is overdue is known of each host alone, and the order goes by it
        rows = list(host_groups(connection, found))
        places = [(n, row.host) for n, row in enumerate(rows)]
        return islice(zip(rows, places, strict=True), _start(places, after), None)
    return placed_hosts(connection, found, (int(after[0]), int(after[1]), str(after[2])) if after else None)


_ROWS: dict[GroupBy | None, Callable[[Connection, ScopedFindings, Place | None], _Rows]] = {
    None: _each,
    GroupBy.ADVISORY: _by_advisory,
    GroupBy.VERSION: _by_version,
    GroupBy.HOST: _by_host,
}


def _made(
    kind: Callable[..., ExposureAnswer], key: str
) -> Callable[[Iterable[Exposure], ScopedFindings], ExposureAnswer]:
    return lambda rows, found: kind(**{"generated_at": whole(found.at), key: tuple(rows)})


_ANSWERS: dict[GroupBy | None, Callable[[Iterable[Any], ScopedFindings], ExposureAnswer]] = {
    None: _made(Exposures, "exposures"),
    GroupBy.ADVISORY: _made(ExposureByAdvisory, "advisories"),
    GroupBy.VERSION: _made(ExposureByVersion, "versions"),
    GroupBy.HOST: _made(ExposureByHost, "hosts"),
}
