"""Findings gathered by advisory, by version or by host, as rows.  Pure; their JSON is a contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec

from feeds.advisories.records import Advisory, Level, Severity, severity_rank
from feeds.verdicts.evidence import Status
from notifier.alerts.silences import Silence, covered_until
from notifier.assessment.findings import Finding, weight
from notifier.domain.filters import Named


class VersionVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of one version in use, and how many hosts run it."""

    product: str
    version: str
    package: str | None
    hosts: int
    verdict: Status
    reason: str
    fixed_in: tuple[str, ...]
    upgrade_to: str | None

    def __str__(self) -> str:
        """In a cell: "engine 25.0.5: affected on 3"."""
        return f"{self.product} {self.version}: {self.verdict.replace('_', ' ')} on {self.hosts}"


class SilenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A silence that is in force: why it is not told, by whom, until when, and for which hosts ("" is all)."""

    reason: str
    author: str
    until: datetime
    scope: str

    def __str__(self) -> str:
        """In words: "Silenced for tag env=lab until 2026-07-01 by Ann: not reachable"."""
        where = f" for {self.scope}" if self.scope else ""
        return f"Silenced{where} until {self.until:%Y-%m-%d} by {self.author}: {self.reason}"


class AssignmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who has an advisory in hand, until when, and for which hosts ("" is all)."""

    owner: str
    due: date
    scope: str
    note: str
    overdue: bool

    def __str__(self) -> str:
        """In words: "Ann has it in hand, due 2026-07-01"."""
        where = f" for {self.scope}" if self.scope else ""
        return f"{self.owner} has it in hand{where}, {'overdue since' if self.overdue else 'due'} {self.due}"


class AdvisoryGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One advisory, the versions in use that it concerns, and how many hosts that are, each counted once."""

    advisory: str
    aliases: tuple[str, ...]
    title: str
    severity: Severity | None
    cvss: float | None
    kev: bool
    epss: float | None
    url: str
    hosts: int
    silenced: tuple[SilenceRow, ...] = ()
    in_hand: tuple[AssignmentRow, ...] = ()
    versions: tuple[VersionVerdict, ...]


class AdvisoryVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of one advisory."""

    advisory: str
    title: str
    severity: Severity | None
    cvss: float | None
    kev: bool
    verdict: Status
    reason: str
    fixed_in: tuple[str, ...]
    upgrade_to: str | None

    def __str__(self) -> str:
        """In a cell: "CVE-2024-41110: affected"."""
        return f"{self.advisory}: {self.verdict.replace('_', ' ')}"


class VersionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One version in use, how many hosts run it, the worst severity, and the advisories that concern it."""

    product: str
    version: str
    package: str | None
    hosts: int
    severity: Severity | None
    advisories: tuple[AdvisoryVerdict, ...]


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """What a host runs that something concerns."""

    product: str
    version: str
    package: str | None

    def __str__(self) -> str:
        """In a cell: "engine 25.0.5"."""
        return f"{self.product} {self.version}"


class HostGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One host, the worst severity, and how many advisories concern it: in all, by severity, by verdict, silenced.

    An advisory is silenced on a host where it is so for every product of the host that it concerns.
    """

    host: str
    tags: dict[str, str]
    severity: Severity | None
    advisories: int
    kev: int
    severities: dict[str, int]
    verdicts: dict[str, int]
    versions: tuple[Runs, ...]
    silenced: int


def advisory_group(
    advisory: Advisory,
    found: Sequence[Finding],
    hosts: int,
    silenced: tuple[SilenceRow, ...] = (),
    in_hand: tuple[AssignmentRow, ...] = (),
) -> AdvisoryGroup:
    """The row of an advisory that concerns so many hosts."""
    return AdvisoryGroup(
        advisory=advisory.name,
        aliases=advisory.aliases,
        title=advisory.title,
        severity=advisory.severity,
        cvss=advisory.cvss,
        kev=advisory.exploited is not None,
        epss=advisory.epss,
        url=advisory.url,
        hosts=hosts,
        silenced=silenced,
        in_hand=in_hand,
        versions=tuple(
            VersionVerdict(
                product=f.match.component.product,
                version=f.match.component.version,
                package=f.match.component.package or None,
                hosts=f.hosts,
                verdict=f.match.verdict.status,
                reason=f.match.verdict.reason,
                fixed_in=f.match.verdict.fixed_in,
                upgrade_to=f.match.verdict.upgrade_to,
            )
            for f in found
        ),
    )


def version_group(found: Sequence[Finding]) -> VersionGroup:
    """The row of a version, made of all findings on it."""
    component = found[0].match.component
    return VersionGroup(
        product=component.product,
        version=component.version,
        package=component.package or None,
        hosts=found[0].hosts,
        severity=_severity(found),
        advisories=tuple(
            AdvisoryVerdict(
                advisory=f.match.advisory.name,
                title=f.match.advisory.title,
                severity=f.match.advisory.severity,
                cvss=f.match.advisory.cvss,
                kev=f.match.advisory.exploited is not None,
                verdict=f.match.verdict.status,
                reason=f.match.verdict.reason,
                fixed_in=f.match.verdict.fixed_in,
                upgrade_to=f.match.verdict.upgrade_to,
            )
            for f in found
        ),
    )


_Quiet = tuple[tuple[Silence, ...], frozenset[str]]
"""The silences of an advisory, and the products of a host that it concerns."""

_Told = tuple[int, int, bool]
"""What a verdict counts as: its place in _ORDER, its advisory's `severity_rank`, and whether that is exploited."""

_ORDER = (Status.AFFECTED, Status.CONFLICTING, Status.UNKNOWN, Status.NOT_AFFECTED)
_NAMES = (Level.CRITICAL, Level.HIGH, Level.MEDIUM, Level.LOW, Level.UNSCORED)
_REMEMBERED = 20_000
"""So many different sets of components are kept in memory."""


class _Part:
    """What is to be said of a component wherever it runs, worked out once."""

    def __init__(self, found: Sequence[Finding], silenced: Collection[int]) -> None:
        self.component = made = found[0].match.component
        self.runs = Runs(product=made.product, version=made.version, package=made.package or None)
        self.told = {f.match.advisory.name: _told(f) for f in found}
        self.silenced = tuple(f.match.advisory.id for f in found if f.match.advisory.id in silenced)


def _told(finding: Finding) -> _Told:
    advisory = finding.match.advisory
    return (
        _ORDER.index(finding.match.verdict.status),
        severity_rank(advisory.severity),
        advisory.exploited is not None,
    )


class HostGroups:
    """Makes the rows of hosts. Hosts that run the same are worked out once.

    `silenced` are the silences in force, by the number of their advisory.
    """

    def __init__(self, found: Mapping[int, Sequence[Finding]], silenced: Mapping[int, tuple[Silence, ...]]) -> None:
        self._silenced = silenced
        self._parts = {number: _Part(group, silenced) for number, group in found.items()}
        self._shared: dict[tuple[int, frozenset[str]], _Quiet] = {}
        self._known: dict[tuple[int, ...], tuple[HostGroup, tuple[_Quiet, ...]]] = {}

    def row(self, host: str, tags: dict[str, str], numbers: tuple[int, ...], named: Named) -> HostGroup:
        """The row of a host that runs the components of these numbers; `named` are the patterns that it matches."""
        known = self._known.get(numbers)
        if known is None:
            parts = sorted((self._parts[n] for n in numbers if n in self._parts), key=lambda p: p.component)
            known = _host_group(parts), self._silences(parts)
            if len(self._known) < _REMEMBERED:
                self._known[numbers] = known
        group, silenced = known
        count = sum(all(covered_until(of, tags, named, p) for p in products) for of, products in silenced)
        return msgspec.structs.replace(group, host=host, tags=tags, silenced=count)

    def _silences(self, parts: Iterable[_Part]) -> tuple[_Quiet, ...]:
        products: dict[int, set[str]] = {}
        for part in parts:
            for number in part.silenced:
                products.setdefault(number, set()).add(part.component.product)
        return tuple(self._one(number, frozenset(of)) for number, of in products.items())

    def _one(self, number: int, products: frozenset[str]) -> _Quiet:
        # many sets of components have the same ones
        return self._shared.setdefault((number, products), (self._silenced[number], products))


def _host_group(parts: Sequence[_Part]) -> HostGroup:
    told: dict[str, _Told] = {}
    for part in parts:
        # the same advisory may concern two components of a host: it counts once, with its worst verdict
        twice = {name: min(told[name], part.told[name]) for name in told.keys() & part.told.keys()}
        told |= part.told | twice
    severities, verdicts, kev = [0] * (len(Level) + 1), [0] * len(_ORDER), 0
    for (status, severity, exploited), number in Counter(told.values()).items():
        severities[severity] += number
        verdicts[status] += number
        kev += exploited * number
    worst = next((level for level in Level if severities[level.rank]), Level.UNSCORED)
    return HostGroup(
        host="",
        tags={},
        severity=worst.severity,
        advisories=len(told),
        kev=kev,
        severities={level.value: severities[level.rank] for level in _NAMES},
        verdicts={status.value: verdicts[_ORDER.index(status)] for status in Status},
        versions=tuple(p.runs for p in parts),
        silenced=0,
    )


def _severity(found: Iterable[Finding]) -> Severity | None:
    return Level.ranked(weight(found)).severity
