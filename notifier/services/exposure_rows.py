"""The rows of `navtex exposure`, as they are read: what is said of each host, and the groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import chain

from feeds.storage.database import Connection
from feeds.verdicts.evidence import Status
from notifier.alerts.silences import Silence, covered_until, patterns
from notifier.assessment.findings import Finding, by_advisory, by_component
from notifier.domain.hosts import Holder
from notifier.schemas.exposure import AdvisoryGroup, HostGroup, HostGroups, advisory_group
from notifier.services.annotations import Remarks
from notifier.services.exposure import Survey, host_counts, marks
from notifier.storage import exposure

Silences = Mapping[int, tuple[Silence, ...]]
"""Those in force, by the number of their advisory."""


def each_host(
    connection: Connection, found: Survey, silenced: Silences
) -> Generator[tuple[Finding, str, dict[str, str], datetime | None]]:
    """A finding for each host, its tags, and until when it is silenced there.

    The worst advisory comes first, its hosts by name. Nothing is held but one advisory's.
    """
    holders = _holders(connection, found, silenced)
    for advisory, group in by_advisory(found.findings):
        of_number = {f.number: f for f in group}
        mine = silenced.get(advisory.id, ())
        for host, tags, numbers, named in holders(of_number, patterns(mine)):
            if not mine and len(numbers) == 1:
                yield of_number[numbers[0]], host, tags, None
                continue
            for finding in group:
                if finding.number in numbers:
                    product = finding.match.component.product
                    yield finding, host, tags, covered_until(mine, tags, named, product) if mine else None


_FEW = 20_000


def _holders(
    connection: Connection, found: Survey, silenced: Silences
) -> Callable[[Collection[int], tuple[tuple[str, ...], ...]], Iterable[Holder]]:
    """Answers which hosts run some components, and which of some patterns each matches.

    A small fleet is read once, a large one for each question.
    """
    concerned = {f.number for f in found.findings}
    if sum(found.hosts[n] for n in concerned) > _FEW:
        return lambda numbers, named: exposure.holders(connection, found.scope, numbers, named)
    hosts = list(exposure.holders(connection, found.scope, concerned, _named(_of_findings(found, silenced))))
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


def advisory_groups(connection: Connection, found: Survey) -> Generator[AdvisoryGroup]:
    """A row for each advisory, worst first."""
    groups = by_advisory(found.findings)
    remarks = Remarks.read(connection, found.at)
    for (advisory, group), hosts in zip(groups, host_counts(connection, found.scope, groups), strict=True):
        taken = remarks.in_hand.get(advisory.id, ())
        yield advisory_group(advisory, group, hosts, remarks.silent(advisory.id), taken)


def host_groups(connection: Connection, found: Survey, silenced: Silences) -> Generator[HostGroup]:
    """A row for each host that a finding concerns, worst first."""
    mine = _of_findings(found, silenced)
    made = HostGroups(dict(by_component(found.findings)), mine)
    marked = marks(found.findings, frozenset(Status))
    for host in exposure.worst(connection, found.scope, marked, _named(mine)):
        yield made.row(*host)


def _of_findings(found: Survey, silenced: Silences) -> Silences:
    """The silences of advisories that were found, and no others."""
    advisories = {f.match.advisory.id for f in found.findings}
    return {number: silences for number, silences in silenced.items() if number in advisories}


def _named(silenced: Silences) -> tuple[tuple[str, ...], ...]:
    """The patterns of all of them."""
    return patterns(chain.from_iterable(silenced.values()))
