"""What became overdue for a subscription: told once for each day of first exposure.  Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from feeds.advisories.merging import badness
from feeds.advisories.records import Advisory
from notifier.assessment.matcher import Match
from notifier.domain.hosts import Hosts

OverdueKey = tuple[int, int, date]
"""The numbers of an advisory and a component, and the day since which hosts have been exposed."""


@dataclass(frozen=True, slots=True)
class OverdueHosts:
    """The hosts of a component on which an advisory is overdue, first exposed on the same day."""

    key: OverdueKey
    match: Match
    due: date
    hosts: Hosts


@dataclass(frozen=True, slots=True)
class OverdueGroup:
    """The same in a digest: what runs where, since when it is exposed, and what to upgrade to."""

    product: str
    version: str
    first: date
    due: date
    hosts: Hosts
    upgrade_to: str | None


@dataclass(frozen=True, slots=True)
class OverdueItem:
    """An advisory that became overdue, with its hosts, the longest overdue first."""

    advisory: Advisory
    groups: tuple[OverdueGroup, ...]


@dataclass(frozen=True, slots=True)
class OverdueNews:
    """What became overdue for one subscription, and what to remember of it."""

    items: tuple[OverdueItem, ...] = ()
    told: tuple[OverdueKey, ...] = ()
    """What the digest reports."""
    over: frozenset[OverdueKey] = frozenset()
    """What was reported and is no longer overdue: it is news if it is again."""


def overdue_news(
    found: Iterable[OverdueHosts], told: Collection[OverdueKey], standing: Collection[OverdueKey]
) -> OverdueNews:
    """What was not reported yet, worst first. `standing` is all that is overdue."""
    new = sorted((one for one in found if one.key not in told), key=_worst_first)
    items = tuple(
        OverdueItem(group[0].match.advisory, tuple(map(_group, group)))
        for _, each in groupby(new, key=lambda one: one.key[0])
        for group in (list(each),)
    )
    return OverdueNews(items, tuple(one.key for one in new), frozenset(told) - frozenset(standing))


def _worst_first(one: OverdueHosts) -> tuple[object, ...]:
    severity, cvss = badness(one.match.advisory)
    component = one.match.component
    return (
        -severity,
        -cvss,
        one.match.advisory.name,
        one.key[0],
        one.due,
        component.product,
        component.version,
        one.key[1],
    )


def _group(one: OverdueHosts) -> OverdueGroup:
    component = one.match.component
    return OverdueGroup(
        component.product, component.version, one.key[2], one.due, one.hosts, one.match.verdict.upgrade_to
    )
