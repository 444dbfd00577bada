"""The rows of `navtex exposure`, as they are read: one for each host and finding, and the groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import chain, repeat

import msgspec

from feeds.advisories.records import Advisory
from feeds.storage.database import Connection
from feeds.verdicts.weighing import Status
from notifier.alerts.silences import Silence, covered_until, patterns
from notifier.assessment.findings import Finding, by_advisory, by_component, by_version
from notifier.domain.component_periods import PeriodKey
from notifier.domain.due import Dated
from notifier.domain.hosts import PeriodHolder
from notifier.schemas.exposure import (
    AdvisoryGroup,
    Exposure,
    ExposureByAdvisory,
    ExposureByHost,
    ExposureByVersion,
    Exposures,
    HostGroup,
    VersionGroup,
)
from notifier.schemas.exposure_values import advisory_group, exposure_row, version_group
from notifier.schemas.fields import whole
from notifier.services.findings.exposure import ScopedFindings, host_counts, marks
from notifier.services.findings.exposure_hosts import DatedHostGroups, HostGroups, worst_host_first
from notifier.services.snapshot.annotations import Remarks
from notifier.storage import hosts_by_component, hosts_by_severity


@dataclass(frozen=True, slots=True)
class HostFinding:
    """A finding on one host, until when it is silenced there, and its dates."""

    finding: Finding
    host: str
    tags: dict[str, str]
    silenced_until: datetime | None
    dates: Dated | None


def each_host(connection: Connection, found: ScopedFindings, since: str = "") -> Generator[HostFinding]:
    """A finding for each host.

    The worst advisory comes first, its hosts by name; of the first one only those from the name `since` on. Nothing is
    held but one advisory's.
    """
    silenced = found.assessment.in_force
    holders = _holders(connection, found)
    for place, (advisory, group) in enumerate(by_advisory(found.findings)):
        of_number = {f.number: f for f in group}
        mine = silenced.get(advisory.id, ())
        asked = of_number, patterns(mine)
        later = hosts_by_component.periods_running(
            connection, found.scope, of_number, found.dates.days, asked[1], since=since
        )
        for host, tags, periods, named in later if since and not place else holders(*asked):
            held = {period[0]: period for period in periods}
            for finding in group if len(held) > 1 else [of_number[number] for number in held]:
                if finding.number in held:
                    until = covered_until(mine, tags, named, finding.match.component.product) if mine else None
                    dates = found.dates.dated(held[finding.number], finding.match)
                    if dates and until:
                        dates = replace(dates, overdue=False)
                    if not found.overdue or (dates and dates.overdue):
                        yield HostFinding(finding, host, tags, until, dates)


def host_row(row: HostFinding) -> Exposure:
    """The row of a finding on a host."""
    return exposure_row(row.finding.match, row.host, row.tags, row.silenced_until, row.dates)


_FEW = 20_000


def _holders(
    connection: Connection, found: ScopedFindings
) -> Callable[[Collection[int], tuple[tuple[str, ...], ...]], Iterable[PeriodHolder]]:
    """Answers which hosts run some components, and which of some patterns each matches.

    A small fleet is read once, a large one for each question.
    """
    concerned = {f.number for f in found.findings}
    if sum(found.hosts[n] for n in concerned) > _FEW:
        days = found.dates.days
        return lambda numbers, named: hosts_by_component.periods_running(connection, found.scope, numbers, days, named)
    hosts = list(
        hosts_by_component.periods_running(
            connection, found.scope, concerned, found.dates.days, named_patterns(silences_of(found))
        )
    )
    places: dict[int, list[tuple[int, PeriodKey]]] = {n: [] for n in concerned}
    for place, (_, _, periods, _) in enumerate(hosts):
        for period in periods:
            places[period[0]].append((place, period))

    @lru_cache(maxsize=32)  # many advisories affect the same components
    def holders(numbers: frozenset[int]) -> list[PeriodHolder]:
        held: dict[int, tuple[PeriodKey, ...]] = {}
        for number in sorted(numbers):
            for place, period in places[number]:
                held[place] = (*held.get(place, ()), period)
        return [(*hosts[place][:2], held[place], hosts[place][3]) for place in sorted(held)]

    return lambda numbers, _: holders(frozenset(numbers))


def advisory_groups(connection: Connection, found: ScopedFindings) -> Generator[AdvisoryGroup]:
    """A row for each advisory, worst first."""
    groups = by_advisory(found.findings)
    remarks = Remarks.of(found.assessment)
    late = host_counts(connection, found.scope, groups, found.dates) if found.dates.policy else repeat(0)
    for (advisory, group), hosts, overdue in zip(groups, counted(connection, found, groups), late, strict=False):
        assigned = remarks.in_hand.get(advisory.id, ())
        yield advisory_group(
            advisory, group, hosts, silenced=remarks.silent(advisory.id), in_hand=assigned, overdue=overdue
        )


def counted(
    connection: Connection, found: ScopedFindings, groups: Sequence[tuple[Advisory, Sequence[Finding]]]
) -> Iterator[int]:
    """The number of hosts of each group: of those that are overdue, if only these were asked for."""
    return host_counts(connection, found.scope, groups, found.dates if found.overdue else None)


def version_rows(connection: Connection, found: ScopedFindings) -> Iterator[tuple[tuple[Finding, ...], int]]:
    """The findings on each version, the worst version first, and how many hosts run it."""
    groups = by_version(found.findings)
    for (shown, _), hosts in zip(groups, version_hosts(connection, found, groups), strict=True):
        yield shown, hosts


def version_hosts(
    connection: Connection,
    found: ScopedFindings,
    groups: Sequence[tuple[tuple[Finding, ...], tuple[Finding, ...]]],
) -> Iterator[int]:
    """How many hosts run each version: of those on which something of it is overdue, if only these were asked for."""
    if found.overdue:
        of_number: dict[int, list[Finding]] = {}
        for one in found.findings:
            of_number.setdefault(one.number, []).append(one)
        every = ([f for one in together for f in of_number[one.number]] for _, together in groups)
        return (found.dates.late_hosts(connection, found.scope, of) for of in every)
    counts = [(shown[0].match.advisory, together) for shown, together in groups]
    return host_counts(connection, found.scope, counts)


def host_groups(connection: Connection, found: ScopedFindings) -> Generator[HostGroup]:
    """A row for each host that has a finding, worst first."""
    rows = (row for row, _ in placed_hosts(connection, found))
    # a host may have less than its components: what is overdue is known of each host alone
    yield from sorted(rows, key=worst_host_first) if found.overdue else rows


HostPlace = tuple[int, int, str]
"""What the order of hosts goes by: the worst severity of their components, the number of exposures, and the name."""


def placed_hosts(
    connection: Connection, found: ScopedFindings, after: HostPlace | None = None
) -> Generator[tuple[HostGroup, HostPlace]]:
    """The rows of hosts with their places, those behind a place."""
    silenced, of_component = silences_of(found), dict(by_component(found.findings))
    marked = marks(found.findings, frozenset(Status))

    def place(host: str, numbers: Iterable[int]) -> HostPlace:
        mine = [marked[n] for n in numbers]
        return max(m.weight for m in mine), sum(m.exposures for m in mine), host

    names, dates = named_patterns(silenced), found.dates
    if not dates.policy:
        made = HostGroups(of_component, silenced)
        for one in hosts_by_severity.hosts_by_risk(connection, found.scope, marked, names, after=after):
            yield made.row(*one), place(one[0], one[2])
        return
    dated = DatedHostGroups(of_component, silenced, dates.of_period, only_overdue=found.overdue)
    for each in hosts_by_severity.periods_by_risk(connection, found.scope, marked, dates.days, names, after=after):
        row = dated.row_of(*each)
        if row is not None:
            yield row, place(each[0], [component for component, _, _ in each[2]])


class GroupBy(StrEnum):
    """What an exposure has one row for, if not for each host, component and advisory."""

    ADVISORY = "advisory"
    HOST = "host"
    VERSION = "version"


ExposureAnswer = Exposures | ExposureByAdvisory | ExposureByHost | ExposureByVersion


@dataclass(frozen=True, slots=True)
class ExposureRows:
    """The rows of an answer as they are read from the database, with their type, and the answer that they make."""

    key: str
    """The name of their list in the answer."""
    kind: type[msgspec.Struct]
    answer: Callable[..., ExposureAnswer]
    rows: Generator[msgspec.Struct]


def exposure_rows(connection: Connection, found: ScopedFindings, group: GroupBy | None = None) -> ExposureRows:
    """The rows of an answer. They are read while they are asked for, so that a large fleet need not fit in memory."""
    if group is GroupBy.ADVISORY:
        return ExposureRows("advisories", AdvisoryGroup, ExposureByAdvisory, advisory_groups(connection, found))
    if group is GroupBy.VERSION:
        rows = (version_group(group, hosts) for group, hosts in version_rows(connection, found))
        return ExposureRows("versions", VersionGroup, ExposureByVersion, rows)
    if group is GroupBy.HOST:
        return ExposureRows("hosts", HostGroup, ExposureByHost, host_groups(connection, found))
    each = (host_row(row) for row in each_host(connection, found))
    return ExposureRows("exposures", Exposure, Exposures, each)


def exposure_answer(connection: Connection, found: ScopedFindings, group: GroupBy | None = None) -> ExposureAnswer:
    """The whole answer as one value."""
    made = exposure_rows(connection, found, group)
    return made.answer(**{"generated_at": whole(found.at), made.key: tuple(made.rows)})


def silences_of(found: ScopedFindings) -> Mapping[int, tuple[Silence, ...]]:
    """The silences in force of the advisories that were found, by the advisory's number."""
    advisories = {f.match.advisory.id for f in found.findings}
    return {number: of for number, of in found.assessment.in_force.items() if number in advisories}


def named_patterns(silenced: Mapping[int, tuple[Silence, ...]]) -> tuple[tuple[str, ...], ...]:
    """The patterns of all of them."""
    return patterns(chain.from_iterable(silenced.values()))
