"""The answer of `navtex plan`.  Pure; its JSON is a contract."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from feeds.advisories.records import Advisory
from notifier.assessment.upgrade_plans import Option, Plan, Way
from notifier.schemas.fields import (
    DAY,
    Count,
    GeneratedAt,
    Package,
    PackageVerified,
    Product,
    SourceOnly,
    UpgradeNote,
    UpgradePackage,
    Version,
)
from notifier.schemas.row_fields import advice_fields, component_fields

_Line = Annotated[str | None, Meta(description="the release line")]
_Ends = Annotated[date | None, DAY, Meta(description="the day the line's security support ends")]
_Names = tuple[str, ...]


class PlanHosts(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts, by number and by name."""

    count: Annotated[Count, Meta(description="the number of hosts")]
    names: Annotated[_Names, Meta(description="their names, in order")]


class PlanRegression(msgspec.Struct, frozen=True, kw_only=True):
    """A known regression of a release."""

    repaired_in: Annotated[str, Meta(description="the release that fixes it")]
    words: Annotated[str, Meta(description="what the release notes say")]
    url: Annotated[str, Meta(description="the release notes")]


class PlanOption(msgspec.Struct, frozen=True, kw_only=True):
    """One upgrade."""

    way: Annotated[Way, Meta(description="the kind of upgrade", extra_json_schema={"enum": [w.value for w in Way]})]
    to: Annotated[str, Meta(description="the release or package version to upgrade to")]
    advised: Annotated[
        bool, Meta(description="whether `exposure`, `check`, `explain` and the digests advise it for what it closes")
    ]
    minimum: Annotated[str | None, Meta(description="the lowest release of that line that leaves no more open")]
    package: UpgradePackage
    package_verified: PackageVerified
    source_only: SourceOnly
    note: UpgradeNote
    line: _Line
    ends: _Ends
    closes: Annotated[_Names, Meta(description="advisories that the upgrade closes")]
    leaves: Annotated[_Names, Meta(description="advisories that stay open")]
    regressions: Annotated[tuple[PlanRegression, ...], Meta(description="known regressions of the release")]
    command: Annotated[str | None, Meta(description="the command that installs it; null if none is known")]
    waiting: Annotated[
        PlanHosts | None, Meta(description="for a restart: the hosts that have it installed but not running")
    ]


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """One component in use."""

    product: Product
    version: Version
    package: Package
    hosts: Annotated[PlanHosts, Meta(description="the hosts that run it")]
    line: _Line
    ends: _Ends
    maintained: Annotated[
        bool | None, Meta(description="whether the line still gets security fixes; null if that is not known")
    ]
    open: Annotated[_Names, Meta(description="advisories that affect it")]
    due: Annotated[
        date | None, DAY, Meta(description="the earliest due date of these on any of the hosts; null without one")
    ]
    overdue: Annotated[Count, Meta(description="how many of them are overdue on some host")]
    undecided: Annotated[_Names, Meta(description="advisories that could not be assessed for it")]
    options: Annotated[
        tuple[PlanOption, ...], Meta(description="upgrades; empty if nothing is open or no release helps")
    ]


class PlanCommand(msgspec.Struct, frozen=True, kw_only=True):
    """One command, and where to run it."""

    command: Annotated[str, Meta(description="the command")]
    hosts: Annotated[PlanHosts, Meta(description="the hosts")]


class PlanCsvRow(msgspec.Struct, frozen=True, kw_only=True):
    """One upgrade of one component on one host; `way` to `command` are empty where there is no upgrade."""

    host: str
    product: str
    version: str
    package: str | None
    maintained: bool | None
    open: _Names
    undecided: _Names
    way: str | None
    to: str | None
    minimum: str | None
    upgrade_package: str | None
    closes: _Names
    leaves: _Names
    command: str | None


class Plans(msgspec.Struct, frozen=True, kw_only=True):
    """The plans of a scope, worst first."""

    generated_at: GeneratedAt
    plans: Annotated[tuple[PlanRow, ...], Meta(description="worst first")]
    commands: Annotated[
        tuple[PlanCommand, ...],
        Meta(description="the commands of the advised upgrades, each with the hosts to run it on; worst first"),
    ]


def commands(plans: Iterable[PlanRow]) -> tuple[PlanCommand, ...]:
    """The commands of the advised upgrades of some plans, each once, with all hosts."""
    hosts: dict[str, set[str]] = {}
    for row in plans:
        for option in row.options:
            if option.advised and option.command:
                hosts.setdefault(option.command, set()).update(row.hosts.names)
    return tuple(
        PlanCommand(command=command, hosts=PlanHosts(count=len(names), names=tuple(sorted(names))))
        for command, names in hosts.items()
    )


def plan_row(found: Plan, hosts: _Names, due: date | None = None, overdue: int = 0) -> PlanRow:
    """The row of a plan for the hosts that run its component."""
    return PlanRow(
        **component_fields(found.component),
        hosts=PlanHosts(count=len(hosts), names=hosts),
        line=found.line.name if found.line else None,
        ends=found.line.ends if found.line else None,
        maintained=found.maintained,
        open=tuple(m.advisory.name for m in found.open),
        due=due,
        overdue=overdue,
        undecided=tuple(m.advisory.name for m in found.undecided),
        options=tuple(_option(o) for o in found.options),
    )


def _option(option: Option) -> PlanOption:
    waiting, advice = option.waiting, advice_fields(option.advice)
    return PlanOption(
        way=option.way,
        to=option.to,
        advised=option.advised,
        minimum=option.minimum or None,
        package=advice["upgrade_package"],
        package_verified=advice["package_verified"],
        source_only=option.advice.source_only,
        note=advice["upgrade_note"],
        line=option.line.name if option.line else None,
        ends=option.line.ends if option.line else None,
        closes=_of(option.closes),
        leaves=_of(option.leaves),
        regressions=tuple(
            PlanRegression(repaired_in=r.repaired_in, words=r.words, url=r.url) for r in option.regressions
        ),
        command=option.command or None,
        waiting=PlanHosts(count=waiting.hosts, names=waiting.names) if waiting else None,
    )


def _of(advisories: tuple[Advisory, ...]) -> _Names:
    return tuple(a.name for a in advisories)


def csv_rows(plans: Plans) -> list[PlanCsvRow]:
    """A row for each host and upgrade, in the order of the plans."""
    return [
        _csv_row(row, host, option) for row in plans.plans for host in row.hosts.names for option in _offered(row, host)
    ]


def _offered(row: PlanRow, host: str) -> list[PlanOption | None]:
    """The upgrades of a host: a restart only where it is due there."""
    offered = [o for o in row.options if o.waiting is None or host in o.waiting.names]
    return [*offered] or [None]


def _csv_row(row: PlanRow, host: str, option: PlanOption | None) -> PlanCsvRow:
    return PlanCsvRow(
        host=host,
        product=row.product,
        version=row.version,
        package=row.package,
        maintained=row.maintained,
        open=row.open,
        undecided=row.undecided,
        way=option.way.value if option else None,
        to=option.to if option else None,
        minimum=option.minimum if option else None,
        upgrade_package=option.package if option else None,
        closes=option.closes if option else (),
        leaves=option.leaves if option else (),
        command=option.command if option else None,
    )
