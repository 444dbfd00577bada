"""Subscriptions in a TOML file: read them, compare them with the database, and apply the difference."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from feeds.advisories.records import PRODUCTS, Kind, Severity
from feeds.core.errors import ConfigError, UsageProblem
from feeds.storage.database import Connection, Database
from notifier.domain.bounds import check_filters
from notifier.domain.filters import Filters, Scope
from notifier.domain.product_names import unknown_product
from notifier.domain.schedule import Schedule, checked
from notifier.domain.subscriptions import Subscription
from notifier.services.installation.channel_addresses import check_address
from notifier.services.snapshot.scopes import unmatched
from notifier.services.subscriptions.subscriptions import change
from notifier.storage import subscriptions

_REMEDY = "See `navtex help subscriptions-in-git`"
NAMES = r"^[^\x00-\x1f\x7f]{1,100}$"


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[subscriptions.NAME]` of the file; each field is the option of that name of `navtex subscription add`."""

    to: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    severity: Severity | None = None
    kind: tuple[Kind, ...] = ()
    product: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    tag: dict[str, str] = {}
    keyword: tuple[str, ...] = ()
    kev: bool = False
    epss: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    everything: bool = False
    silent_start: bool = False
    paused: bool = False
    schedule: str = "immediate"
    zone: str = "UTC"
    quiet: str = ""
    break_schedule: str = "both"
    remind: str = "monthly"


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    subscriptions: dict[Annotated[str, msgspec.Meta(pattern=NAMES)], dict[str, Any]] = {}


class SyncAction(StrEnum):
    """What a sync does with one subscription."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class SyncStep:
    """What to do with one subscription, and which of its settings differ."""

    action: SyncAction
    subscription: Subscription
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did, or with `check` would do, and what the user should check."""

    steps: tuple[SyncStep, ...]
    warnings: tuple[str, ...]

    @property
    def changes(self) -> tuple[SyncStep, ...]:
        """The steps that change something."""
        return tuple(s for s in self.steps if s.action is not SyncAction.KEEP)


def sync_subscriptions(database: Database, text: str, origin: str, now: datetime, *, check: bool = False) -> SyncReport:
    """Create, change and remove subscriptions so that they are what a TOML file says; with `check` change nothing.

    `origin` is the file's name, by which its subscriptions are known. ConfigError or UsageProblem if the file or a
    channel is wrong; nothing is changed then.
    """
    wanted = read(text, origin, now)
    places = [(address, f"{origin}, subscriptions.{s.name}") for s in wanted for address in s.targets]
    warnings = [warning for address, where in places if (warning := check_address(address, where))]
    with database.begin() as connection:
        found = tuple(steps(wanted, subscriptions.every(connection), origin))
        for step in found:
            if not check:
                warnings += _apply(connection, step, now)
            if step.action in (SyncAction.CREATE, SyncAction.CHANGE):
                one = step.subscription
                said = unmatched(connection, one.filters.scope)
                warnings += [f"{origin}, subscriptions.{one.name}: {warning}" for warning in said]
    return SyncReport(found, tuple(warnings))


def _apply(connection: Connection, step: SyncStep, now: datetime) -> list[str]:
    """Do what a step says; what the user should know comes back."""
    match step.action:
        case SyncAction.CREATE:
            subscriptions.add(connection, step.subscription)
        case SyncAction.CHANGE:
            return change(connection, subscriptions.named(connection, step.subscription.name), step.subscription)
        case SyncAction.REMOVE:
            subscriptions.remove(connection, step.subscription.name, now)
        case SyncAction.KEEP:
            pass
    return []


def read(text: str, origin: str, at: datetime) -> list[Subscription]:
    """The subscriptions of a file named `origin`; ConfigError says what is wrong, and where."""
    try:
        file = msgspec.convert(tomllib.loads(text), File)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=origin) from error
    except msgspec.ValidationError as error:
        said = str(error).replace("Object contains unknown field", "there is no setting")
        raise ConfigError(said, where=origin, remedy=f"Write each as [subscriptions.NAME]. {_REMEDY}") from error
    found = []
    for name, fields in file.subscriptions.items():
        where = f"{origin}, subscriptions.{name}"
        try:
            one = msgspec.convert(fields, Declared)
        except msgspec.ValidationError as error:
            raise ConfigError(str(error), where=where, remedy=_REMEDY) from error
        other = [p for p in one.product if p not in PRODUCTS]
        if other:
            raise ConfigError(unknown_product(other[0]), where=where)
        try:
            found.append(_subscription(name, one, origin, at))
        except UsageProblem as error:
            raise ConfigError(error.what, where=where, remedy=error.remedy) from error
    return found


def _subscription(name: str, one: Declared, origin: str, at: datetime) -> Subscription:
    filters = Filters(
        scope=Scope(tags=one.tag, hosts=one.host, products=one.product),
        severity=one.severity,
        kinds=one.kind,
        keywords=one.keyword,
        kev=one.kev,
        everything=one.everything,
        epss=one.epss,
    )
    check_filters(filters)
    when = checked(Schedule(one.schedule, one.zone, one.quiet, one.break_schedule, one.remind))
    return Subscription(
        name, one.to, filters, at, silent_start=one.silent_start, paused=one.paused, schedule=when, origin=origin
    )


def steps(wanted: Iterable[Subscription], known: Iterable[Subscription], origin: str) -> list[SyncStep]:
    """The steps after which the subscriptions are what a file says. Those that it made and no longer names are removed.

    UsageProblem if one of its names belongs to a subscription that it did not make.
    """
    there = {s.name: s for s in known}
    found = []
    wanted = list(wanted)
    for one in wanted:
        before = there.get(one.name)
        if before is None:
            found.append(SyncStep(SyncAction.CREATE, one))
        elif before.origin != origin:
            by = f"by {before.owner} themselves" if before.owner else "on the command line"
            made = f"by {before.origin}" if before.origin else by
            raise UsageProblem(
                f"the subscription {one.name!r} was made {made}",
                where=origin,
                remedy="Give it another name, or remove the other one first",
            )
        else:
            now = replace(before, **{n: getattr(one, n) for n in _FIELDS})
            differs = tuple(n for n in _FIELDS if getattr(now, n) != getattr(before, n))
            found.append(SyncStep(SyncAction.CHANGE if differs else SyncAction.KEEP, now, differs))
    names = {s.name for s in wanted}
    found += [SyncStep(SyncAction.REMOVE, s) for s in there.values() if s.origin == origin and s.name not in names]
    return found


_FIELDS = ("targets", "filters", "schedule", "paused", "silent_start")
