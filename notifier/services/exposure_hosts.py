"""The rows of `navtex exposure --group-by host`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from operator import attrgetter

from feeds.advisories.records import Level, severity_rank
from feeds.verdicts.evidence import Status
from notifier.alerts.silences import Silence, covered_until
from notifier.assessment.findings import Finding
from notifier.domain.filters import Named
from notifier.schemas.exposure import HostGroup, Runs

_Counted = tuple[int, int, bool]
"""What an advisory counts as: the place of its verdict in _ORDER, its `severity_rank`, whether it is exploited."""

_ORDER = (Status.AFFECTED, Status.CONFLICTING, Status.UNKNOWN, Status.NOT_AFFECTED)
_LEVELS = (Level.CRITICAL, Level.HIGH, Level.MEDIUM, Level.LOW, Level.UNSCORED)
_KEV = len(_ORDER) + len(Level) + 1
# looked up for every host of a large fleet, so worked out once: where the totals have each severity and verdict
_SEVERITY_PLACES = tuple((level.value, len(_ORDER) + level.rank) for level in _LEVELS)
_VERDICT_PLACES = tuple((status.value, _ORDER.index(status)) for status in Status)
_WORST_PLACES = tuple((level.severity, len(_ORDER) + level.rank) for level in Level)


class _Part:
    """A component with its advisories, counted once for all hosts that run it."""

    def __init__(self, found: Sequence[Finding], silenced: Collection[int], several: frozenset[int]) -> None:
        """`silenced` are advisories with a silence, `several` those that are about more than one product."""
        self.component = made = found[0].match.component
        self.runs = Runs(product=made.product, version=made.version, package=made.package or None)
        self.counted = {f.match.advisory.id: _counted(f) for f in found}
        self.several = self.counted.keys() & several
        self.silenced = tuple(f.match.advisory.id for f in found if f.match.advisory.id in silenced)
        self.place = 0
        """Its place in the order of components."""
        self.totals = [0] * (_KEV + 1)
        for one in self.counted.values():
            _add(self.totals, one, 1)


def _counted(finding: Finding) -> _Counted:
    advisory = finding.match.advisory
    place = _ORDER.index(finding.match.verdict.status)
    return place, severity_rank(advisory.severity), advisory.exploited is not None


def _add(totals: list[int], one: _Counted, number: int) -> None:
    """Count an advisory `number` times: verdicts come first in the totals, then severities, then KEV."""
    status, severity, exploited = one
    totals[status] += number
    totals[len(_ORDER) + severity] += number
    totals[_KEV] += number * exploited


_place = attrgetter("place")


def _shared(parts: Sequence[_Part]) -> set[int]:
    """The advisories that are about more than one of some components."""
    found: set[int] = set()
    for one, other in combinations(parts, 2):
        if one.component.product == other.component.product:
            found |= one.counted.keys() & other.counted.keys()
        elif one.several and other.several:
            found |= one.several & other.several
    return found


class HostGroups:
    """Makes the rows of hosts from the counts of their components.

    An advisory that is about two components of a host counts once, with its worse verdict.  `silenced` are the
    silences in force, by the number of their advisory.
    """

    def __init__(self, found: Mapping[int, Sequence[Finding]], silenced: Mapping[int, tuple[Silence, ...]]) -> None:
        self._silenced = silenced
        products: dict[int, set[str]] = {}
        for group in found.values():
            for one in group:
                products.setdefault(one.match.advisory.id, set()).add(one.match.component.product)
        several = frozenset(number for number, of in products.items() if len(of) > 1)
        self._parts = {number: _Part(group, silenced, several) for number, group in found.items()}
        for place, part in enumerate(sorted(self._parts.values(), key=lambda p: p.component)):
            part.place = place

    def row(self, host: str, tags: dict[str, str], numbers: tuple[int, ...], named: Named) -> HostGroup:
        """The row of a host that runs the components of these numbers; `named` are the patterns that it matches."""
        parts = sorted([self._parts[n] for n in numbers if n in self._parts], key=_place)
        totals = [*map(sum, zip(*[p.totals for p in parts], strict=True))]
        for advisory in _shared(parts):
            several = sorted(p.counted[advisory] for p in parts if advisory in p.counted)
            for one in several[1:]:
                _add(totals, one, -1)
        return HostGroup(
            host=host,
            tags=tags,
            severity=next((severity for severity, place in _WORST_PLACES if totals[place]), None),
            advisories=sum(totals[: len(_ORDER)]),
            kev=totals[_KEV],
            severities={name: totals[place] for name, place in _SEVERITY_PLACES},
            verdicts={name: totals[place] for name, place in _VERDICT_PLACES},
            versions=tuple([p.runs for p in parts]),
            silenced=self._quiet(parts, tags, named) if self._silenced else 0,
        )

    def _quiet(self, parts: Sequence[_Part], tags: dict[str, str], named: Named) -> int:
        """How many advisories are silenced on a host for every product of it that they are about."""
        products: dict[int, set[str]] = {}
        for part in parts:
            for number in part.silenced:
                products.setdefault(number, set()).add(part.component.product)
        return sum(
            all(covered_until(self._silenced[number], tags, named, p) for p in of) for number, of in products.items()
        )
