"""Which releases can be installed on a host, and which of them to advise.  Pure.

The one place that decides it: the verdict of a single advisory and the plan of a whole component choose among the
same offers, so that they never contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from feeds.advisories.facts import Package, ReleaseLine, line_of
from feeds.advisories.releases import Releases
from feeds.verdicts.evidence import Status, Verdict
from feeds.versions.upstream import Key, branch, key, read
from notifier.domain.components import Component


@dataclass(frozen=True, slots=True)
class Offer:
    """The newest package of a line that no later release calls broken, and the line; None where none is known."""

    package: Package
    line: ReleaseLine | None
    own: bool
    """Whether it is the line that the component runs."""


def offers(releases: Releases, component: Component, today: date) -> tuple[Offer, ...] | None:
    """What the host's channel has above a component: one offer for its own line and each later maintained one.

    Where no later line is maintained, or none is known, the newest package is offered. None where the channel's
    index was not read: then nothing is known of packages.
    """
    published = releases.published.get(component.channel, {}).get(component.product)
    if not published:
        return None
    at = key(component.version)
    lines = tuple(x for x in releases.lines if x.product == component.product)
    running = line_of(component.version, lines)

    def of(line: ReleaseLine | None, own: bool, within: Callable[[Key, Package], bool]) -> list[Offer]:
        found = _newest(releases, {k: p for k, p in published.items() if k > at and within(k, p)})
        return [Offer(found, line, own)] if found else []

    def mine(number: Key, package: Package) -> bool:
        return running.holds(package.version) if running else branch(number) == branch(at)

    found = of(running, True, mine)
    following = [x for x in lines if x != running and key(x.name) > at and x.maintained(today)]
    for line in sorted(following, key=lambda x: key(x.name)):
        found += of(line, False, lambda _, package, line=line: line.holds(package.version))  # type: ignore[misc]
    if not following:
        later = of(None, False, lambda number, package: not mine(number, package))
        found += [replace(o, line=line_of(o.package.version, lines)) for o in later]
    return tuple(found)


def _newest(releases: Releases, published: dict[Key, Package]) -> Package | None:
    """The newest final release that is not called broken; a broken one only where there is no other."""
    finals = [published[k] for k in sorted(published, reverse=True) if read(published[k].version).final]
    sound = (p for p in finals if not releases.regressions(p.product, p.version))
    return next(sound, finals[0] if finals else None)


def source_only(releases: Releases, component: Component, fixed: tuple[str, ...]) -> tuple[str, ...]:
    """The fixed releases that have a tag and no package in the host's channel; nothing where that is not known."""
    published = releases.published.get(component.channel, {}).get(component.product)
    return tuple(f for f in fixed if key(f) not in published) if published else ()


def advised(
    releases: Releases, component: Component, verdict: Verdict, decide: Callable[[str], Verdict], today: date
) -> Verdict:
    """The verdict with an upgrade that can be installed, where the host's channel is known.

    The first offer that is not affected itself; none where every package is.
    """
    if verdict.status not in (Status.AFFECTED, Status.CONFLICTING):
        return verdict
    found = offers(releases, component, today)
    if found is None:
        return verdict
    safe = (o.package.version for o in found if decide(o.package.version).status is Status.NOT_AFFECTED)
    return replace(verdict, upgrade_to=next(safe, None))
