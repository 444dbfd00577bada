"""The rows of `navtex exposure --group-by host`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations
from operator import attrgetter

from feeds.advisories.records import Level, severity_rank
from feeds.verdicts.weighing import Status
from notifier.alerts.silences import Silence, covered_until
from notifier.assessment.findings import Finding
from notifier.domain.component_periods import PeriodKey
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
        self.due = min((f.due for f in found if f.due), default=None)
        self.overdue = tuple(f.match.advisory.id for f in found if f.overdue)
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
        self._several = frozenset(number for number, of in products.items() if len(of) > 1)
        self._parts = {number: _Part(group, silenced, self._several) for number, group in found.items()}
        for place, part in enumerate(sorted(self._parts.values(), key=lambda p: p.component)):
            part.place = place

    def row(self, host: str, tags: dict[str, str], numbers: tuple[int, ...], named: Named) -> HostGroup:
        """The row of a host that runs the components of these numbers; `named` are the patterns that it matches."""
        parts = sorted([self._parts[n] for n in numbers if n in self._parts], key=_place)
        return self._row(host, tags, parts, named)

    def _row(self, host: str, tags: dict[str, str], parts: Sequence[_Part], named: Named) -> HostGroup:
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
            due=min((p.due for p in parts if p.due), default=None),
            overdue=len({n for p in parts for n in p.overdue if not self._covered(n, p, tags, named)}),
        )

    def _covered(self, advisory: int, part: _Part, tags: dict[str, str], named: Named) -> bool:
        """Whether an advisory is silenced for a component of a host."""
        mine = self._silenced.get(advisory, ())
        return bool(mine) and covered_until(mine, tags, named, part.component.product) is not None

    def _quiet(self, parts: Sequence[_Part], tags: dict[str, str], named: Named) -> int:
        """How many advisories are silenced on a host for every product of it that they are about."""
        products: dict[int, set[str]] = {}
        for part in parts:
            for number in part.silenced:
                products.setdefault(number, set()).add(part.component.product)
        return sum(
            all(covered_until(self._silenced[number], tags, named, p) for p in of) for number, of in products.items()
        )


class DatedHostGroups(HostGroups):
    """The same with due dates, from the periods of each host; with `only_overdue`, of what is overdue there alone."""

    def __init__(
        self,
        found: Mapping[int, Sequence[Finding]],
        silenced: Mapping[int, tuple[Silence, ...]],
        of_period: Callable[[PeriodKey, Sequence[Finding]], list[Finding]],
        *,
        only_overdue: bool,
    ) -> None:
        super().__init__(found, silenced)
        self._found, self._of_period, self._only_overdue = found, of_period, only_overdue
        self._of_key: dict[tuple[PeriodKey, frozenset[int]], _Part | None] = {}

    def row_of(self, host: str, tags: dict[str, str], periods: Sequence[PeriodKey], named: Named) -> HostGroup | None:
        """The row of a host with these periods; None if nothing is overdue there and only that was asked for."""
        parts = [part for period in periods if (part := self._part(period, tags, named))]
        return self._row(host, tags, sorted(parts, key=_place), named) if parts else None

    def _part(self, period: PeriodKey, tags: dict[str, str], named: Named) -> _Part | None:
        whole = self._parts[period[0]]
        quiet: frozenset[int] = frozenset()
        if self._only_overdue and whole.silenced:
            quiet = frozenset(n for n in whole.silenced if self._covered(n, whole, tags, named))
        key = period, quiet
        if key not in self._of_key:
            found = self._of_period(period, self._found[period[0]])
            if self._only_overdue:
                found = [f for f in found if f.overdue and f.match.advisory.id not in quiet]
            part = self._of_key[key] = _Part(found, self._silenced, self._several) if found else None
            if part:
                part.place = whole.place
        return self._of_key[key]


def worst_host_first(row: HostGroup) -> tuple[int, int, str]:
    """Sort key of rows: the worst severity, then the most advisories, then the name."""
    rank = Level.of(row.severity).rank if row.advisories else 0
    return -rank, -row.advisories, row.host
