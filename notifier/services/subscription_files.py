"""Subscriptions that stand in a TOML file: text -> what they should be, and what is to be done about it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

import msgspec

from feeds.advisories.records import PRODUCTS, Kind, Severity
from feeds.core.errors import ConfigError, UsageProblem
from notifier.domain.filters import Filters, Scope
from notifier.domain.schedule import Schedule, checked
from notifier.domain.subscriptions import Subscription

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


@dataclass(frozen=True, slots=True)
class SyncStep:
    """What is to be done about one subscription: "create", "change", "remove" or "keep", and what differs."""

    what: str
    subscription: Subscription
    differs: tuple[str, ...] = ()


def read(text: str, origin: str, at: datetime) -> list[Subscription]:
    """The subscriptions of a file that is called `origin`; ConfigError says what is wrong, and where."""
    try:
        file = msgspec.convert(tomllib.loads(text), File)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=origin) from error
    except msgspec.ValidationError as error:
        said = str(error).replace("Object contains unknown field", "nothing is called")
        raise ConfigError(said, where=origin, remedy=f"Write each as [subscriptions.NAME]. {_REMEDY}") from error
    found = []
    for name, fields in file.subscriptions.items():
        where = f"{origin}, subscriptions.{name}"
        try:
            one = msgspec.convert(fields, Declared)
        except msgspec.ValidationError as error:
            raise ConfigError(str(error), where=where, remedy=_REMEDY) from error
        unknown = [p for p in one.product if p not in PRODUCTS]
        if unknown:
            raise ConfigError(f"{unknown[0]!r} is none of {', '.join(PRODUCTS)}", where=where)
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
    when = checked(Schedule(one.schedule, one.zone, one.quiet, one.break_schedule, one.remind))
    return Subscription(
        name, one.to, filters, at, silent_start=one.silent_start, paused=one.paused, schedule=when, origin=origin
    )


def steps(wanted: Iterable[Subscription], known: Iterable[Subscription], origin: str) -> list[SyncStep]:
    """What makes the subscriptions of a file what it says. Those that it made and no longer names are removed.

    UsageProblem where one of its names belongs to a subscription that it did not make.
    """
    there = {s.name: s for s in known}
    found = []
    wanted = list(wanted)
    for one in wanted:
        before = there.get(one.name)
        if before is None:
            found.append(SyncStep("create", one))
        elif before.origin != origin:
            made = f"by {before.origin}" if before.origin else "on the command line"
            raise UsageProblem(
                f"the subscription {one.name!r} was made {made}",
                where=origin,
                remedy="Give it another name, or remove the other one first",
            )
        else:
            now = replace(before, **{n: getattr(one, n) for n in _FIELDS})
            differs = tuple(n for n in _FIELDS if getattr(now, n) != getattr(before, n))
            found.append(SyncStep("change" if differs else "keep", now, differs))
    names = {s.name for s in wanted}
    found += [SyncStep("remove", s) for s in there.values() if s.origin == origin and s.name not in names]
    return found


_FIELDS = ("targets", "filters", "schedule", "paused", "silent_start")
