"""The rows of `navtex exposure`, as they are read: one for each host and finding, and the groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import chain

import msgspec

from feeds.storage.database import Connection
from feeds.verdicts.evidence import Status
from notifier.alerts.silences import Silence, covered_until, patterns
from notifier.assessment.findings import Finding, by_advisory, by_component, by_version
from notifier.domain.hosts import Holder
from notifier.schemas.exposure import (
    AdvisoryGroup,
    Exposure,
    ExposureByAdvisory,
    ExposureByHost,
    ExposureByVersion,
    Exposures,
    HostGroup,
    VersionGroup,
    advisory_group,
    exposure_row,
    version_group,
)
from notifier.schemas.fields import whole
from notifier.services.annotations import Remarks
from notifier.services.exposure import ScopedFindings, host_counts, marks
from notifier.services.exposure_hosts import HostGroups
from notifier.storage import exposure


def each_host(
    connection: Connection, found: ScopedFindings, since: str = ""
) -> Generator[tuple[Finding, str, dict[str, str], datetime | None]]:
    """A finding for each host, its tags, and until when it is silenced there.

    The worst advisory comes first, its hosts by name; of the first one only those from the name `since` on. Nothing is
    held but one advisory's.
    """
    silenced = found.assessment.in_force
    holders = _holders(connection, found)
    for place, (advisory, group) in enumerate(by_advisory(found.findings)):
        of_number = {f.number: f for f in group}
        mine = silenced.get(advisory.id, ())
        asked = of_number, patterns(mine)
        later = since and not place
        hosts = exposure.hosts_running(connection, found.scope, *asked, since=since) if later else holders(*asked)
        for host, tags, numbers, named in hosts:
            if not mine and len(numbers) == 1:
                yield of_number[numbers[0]], host, tags, None
                continue
            for finding in group:
                if finding.number in numbers:
                    product = finding.match.component.product
                    yield finding, host, tags, covered_until(mine, tags, named, product) if mine else None


_FEW = 20_000


def _holders(
    connection: Connection, found: ScopedFindings
) -> Callable[[Collection[int], tuple[tuple[str, ...], ...]], Iterable[Holder]]:
    """Answers which hosts run some components, and which of some patterns each matches.

    A small fleet is read once, a large one for each question.
    """
    concerned = {f.number for f in found.findings}
    if sum(found.hosts[n] for n in concerned) > _FEW:
        return lambda numbers, named: exposure.hosts_running(connection, found.scope, numbers, named)
    hosts = list(exposure.hosts_running(connection, found.scope, concerned, named_patterns(silences_of(found))))
    places: dict[int, list[int]] = {n: [] for n in concerned}
    for place, (_, _, held, _) in enumerate(hosts):
        for number in held:
            places[number].append(place)

    @lru_cache(maxsize=32)  # many advisories affect the same components
    def holders(numbers: frozenset[int]) -> list[Holder]:
        held: dict[int, tuple[int, ...]] = {}
        for number in sorted(numbers):
            for place in places[number]:
                held[place] = (*held.get(place, ()), number)
        return [(*hosts[place][:2], held[place], hosts[place][3]) for place in sorted(held)]

    return lambda numbers, _: holders(frozenset(numbers))


def advisory_groups(connection: Connection, found: ScopedFindings) -> Generator[AdvisoryGroup]:
    """A row for each advisory, worst first."""
    groups = by_advisory(found.findings)
    remarks = Remarks.of(found.assessment)
    for (advisory, group), hosts in zip(groups, host_counts(connection, found.scope, groups), strict=True):
        assigned = remarks.in_hand.get(advisory.id, ())
        yield advisory_group(advisory, group, hosts, remarks.silent(advisory.id), assigned)


def version_rows(connection: Connection, found: ScopedFindings) -> Iterator[tuple[tuple[Finding, ...], int]]:
    """The findings on each version, the worst version first, and how many hosts run it."""
    groups = by_version(found.findings)
    counted = [(shown[0].match.advisory, together) for shown, together in groups]
    for (shown, _), hosts in zip(groups, host_counts(connection, found.scope, counted), strict=True):
        yield shown, hosts


def host_groups(connection: Connection, found: ScopedFindings) -> Generator[HostGroup]:
    """A row for each host that has a finding, worst first."""
    mine = silences_of(found)
    made = HostGroups(dict(by_component(found.findings)), mine)
    marked = marks(found.findings, frozenset(Status))
    for host in exposure.hosts_by_risk(connection, found.scope, marked, named_patterns(mine)):
        yield made.row(*host)


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
    each = (exposure_row(f.match, host, tags, until) for f, host, tags, until in each_host(connection, found))
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
