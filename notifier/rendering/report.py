"""The HTML report as values: what stands where, and the geometry of its chart.  Pure; `render` makes the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from feeds.advisories.records import Advisory, Level
from feeds.sources.health import SourceState
from feeds.verdicts.weighing import Status
from notifier.assessment.findings import Finding, by_component, weight
from notifier.assessment.matcher import EXPOSED
from notifier.assessment.upgrade_plans import Plan
from notifier.domain.components import Component
from notifier.rendering.geometry import Bar, Tick, nice
from notifier.rendering.trend_chart import WeekChart
from notifier.schemas.trend import Trend

COLUMNS = 24
"""Maximum number of versions of a product in a matrix: the worst are shown."""
_WIDTH, _HEIGHT, _RIGHT, _TOP, _BOTTOM = 960, 240, 56, 10, 26
_MARGIN = 4
_LEAST = 14
"""Minimum number of days on a chart, so that the newest is always at the same place."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The verdict on one advisory and one version in use."""

    status: Status
    hosts: int
    reason: str

    @property
    def words(self) -> str:
        """The verdict in words."""
        return self.status.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Column:
    """A version in use."""

    component: Component
    hosts: int
    distro: str
    """Its distribution, where another column is of the same version and package; "" elsewhere."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """An advisory, its verdict on each column (None: about another product), and the number of affected hosts."""

    advisory: Advisory
    hosts: int
    cells: tuple[Cell | None, ...]
    said: tuple[str, ...] = ()
    """Its silences and assignments, in words."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The advisories and the versions in use of one product, both worst first."""

    product: str
    columns: tuple[Column, ...]
    lines: tuple[ReportRow, ...]
    left_out: int
    """Number of versions that are not shown."""


@dataclass(frozen=True, slots=True)
class ReportDay:
    """One day's numbers."""

    day: date
    hosts: int
    levels: Mapping[str, int]

    @property
    def affected(self) -> int:
        """All hosts that anything affected."""
        return sum(self.levels.values())


@dataclass(frozen=True, slots=True)
class Chart:
    """Affected hosts by day, stacked by worst severity."""

    width: int
    height: int
    right: int
    """The x position where the newest day ends and the axis labels begin."""
    bottom: int
    bars: tuple[Bar, ...]
    rows: tuple[Tick, ...]
    days: tuple[Tick, ...]
    numbers: tuple[ReportDay, ...]
    """The days, newest first, for the table."""


@dataclass(frozen=True, slots=True)
class ReportStep:
    """What to upgrade, and the hosts that it is about."""

    plan: Plan
    hosts: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExposureReport:
    """The contents of the page."""

    at: datetime
    about: str
    """The filters in words; "" for all."""
    hosts: int
    affected: int
    levels: Mapping[str, int]
    """Hosts by the worst level that affects them."""
    kev: int
    unknown: int
    stale: int
    stale_after: int
    """Number of days after which a host that was not seen is stale."""
    advisories: int
    matrices: tuple[Matrix, ...]
    chart: Chart | None
    trend: Trend | None
    """How the whole inventory developed; None if the report is about a part."""
    weeks: WeekChart | None
    steps: tuple[ReportStep, ...]
    sources: tuple[SourceState, ...]


Said = Callable[[int], tuple[str, ...]]
"""Silences and assignments of an advisory, by its number, in words."""


def matrices(found: Sequence[Finding], hosts: Mapping[str, int], said: Said = lambda _: ()) -> tuple[Matrix, ...]:
    """A matrix for each product with verdicts, worst first.

    `found` has every verdict, worst advisory first; `hosts` has the number of hosts an advisory affects.
    Advisories without affected or unknown versions are left out.
    """
    products: dict[str, list[Finding]] = {}
    for finding in found:
        products.setdefault(finding.match.component.product, []).append(finding)
    made = [_matrix(product, group, hosts, said) for product, group in products.items()]
    order = {p: weight(f for f in group if f.match.verdict.status in EXPOSED) for p, group in products.items()}
    return tuple(sorted((m for m in made if m.lines), key=lambda m: (-order[m.product], m.product)))


def _matrix(product: str, found: Sequence[Finding], hosts: Mapping[str, int], said: Said) -> Matrix:
    open_ = [f for f in found if f.match.verdict.status is not Status.NOT_AFFECTED]
    exposed = [f for f in open_ if f.match.verdict.status in EXPOSED]
    order = [number for number, _ in by_component(exposed)]
    order += [number for number, _ in by_component(open_) if number not in order]
    order += [number for number, _ in by_component(found) if number not in order]
    first = {f.number: f for f in reversed(found)}
    shown = order[:COLUMNS]
    cells = {(f.match.advisory.name, f.number): f for f in found}
    advisories = dict.fromkeys(f.match.advisory.name for f in open_)
    of_name = {f.match.advisory.name: f.match.advisory for f in open_}
    return Matrix(
        product=product,
        columns=_columns([first[n] for n in shown]),
        lines=tuple(
            ReportRow(
                of_name[name],
                hosts.get(name, 0),
                tuple(_cell(cells.get((name, n))) for n in shown),
                said(of_name[name].id),
            )
            for name in advisories
        ),
        left_out=len(order) - len(shown),
    )


def _columns(found: Sequence[Finding]) -> tuple[Column, ...]:
    components = [f.match.component for f in found]
    alike = Counter((c.version, c.package) for c in components)
    return tuple(
        Column(c, f.hosts, c.distro if alike[c.version, c.package] > 1 else "")
        for c, f in zip(components, found, strict=True)
    )


def _cell(finding: Finding | None) -> Cell | None:
    if finding is None:
        return None
    verdict = finding.match.verdict
    return Cell(verdict.status, finding.hosts, verdict.reason)


def chart(days: Iterable[ReportDay]) -> Chart | None:
    """The chart of some days, the oldest first; None if there are none."""
    numbers = tuple(days)
    if not numbers:
        return None
    last = numbers[-1].day
    first = min(numbers[0].day, last - timedelta(days=_LEAST - 1))
    span = (last - first).days + 1
    step = (_WIDTH - _RIGHT - _MARGIN) / span
    width = min(step * 0.8, 36.0)
    top = nice(max(d.affected for d in numbers))
    scale = (_HEIGHT - _TOP - _BOTTOM) / top
    bars: list[Bar] = []
    for one in numbers:
        x = _MARGIN + ((one.day - first).days + 0.5) * step - width / 2
        y = float(_HEIGHT - _BOTTOM)
        for level in reversed(Level):
            height = one.levels.get(level, 0) * scale
            if height:
                y -= height
                bars.append(Bar(level.value, round(x, 2), round(y, 2), round(width, 2), round(height, 2)))
    rows = tuple(
        Tick(round(_HEIGHT - _BOTTOM - value * scale, 2), f"{value:,}") for value in range(0, top + 1, max(top // 4, 1))
    )
    return Chart(
        _WIDTH, _HEIGHT, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM, tuple(bars), rows, _days(first, span, step), numbers[::-1]
    )


def _days(first: date, span: int, step: float) -> tuple[Tick, ...]:
    every = max(1, -(-span // 7))
    return tuple(
        Tick(round(_MARGIN + (offset + 0.5) * step, 2), (first + timedelta(days=offset)).isoformat())
        for offset in range(0, span, every)
    )
